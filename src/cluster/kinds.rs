//! Which kinds are watched, and how they are addressed.

use postern_actors::supervisor::kubernetes::resource::{Resource, Target};

use crate::resources::{AGENTGATEWAY_GROUP, GATEWAY_GROUP, Kind};

const fn core(kind: &'static str, plural: &'static str) -> Resource {
    Resource { group: "", versions: &["v1"], kind, plural }
}

const fn gateway_api(kind: &'static str, plural: &'static str) -> Resource {
    Resource { group: GATEWAY_GROUP, versions: &["v1", "v1beta1"], kind, plural }
}

/// How a kind that we read is addressed.
pub const fn resource(kind: Kind) -> Resource {
    match kind {
        Kind::GatewayClass => gateway_api("GatewayClass", "gatewayclasses"),
        Kind::Gateway => gateway_api("Gateway", "gateways"),
        Kind::HttpRoute => gateway_api("HTTPRoute", "httproutes"),
        Kind::BackendTlsPolicy => {
            Resource { group: GATEWAY_GROUP, versions: &["v1"], kind: "BackendTLSPolicy", plural: "backendtlspolicies" }
        }
        Kind::ReferenceGrant => gateway_api("ReferenceGrant", "referencegrants"),
        Kind::AgentgatewayBackend => Resource {
            group: AGENTGATEWAY_GROUP,
            versions: &["v1alpha1"],
            kind: "AgentgatewayBackend",
            plural: "agentgatewaybackends",
        },
        Kind::Service => core("Service", "services"),
        Kind::EndpointSlice => {
            Resource { group: "discovery.k8s.io", versions: &["v1"], kind: "EndpointSlice", plural: "endpointslices" }
        }
        Kind::ConfigMap => core("ConfigMap", "configmaps"),
        Kind::Secret => core("Secret", "secrets"),
        Kind::Namespace => core("Namespace", "namespaces"),
    }
}

/// The kind that we read under an address.
pub fn kind_of(resource: &Resource) -> Option<Kind> {
    Kind::ALL.into_iter().find(|kind| self::resource(*kind) == *resource)
}

/// What every role watches in all of the cluster.
const READ: [Kind; 8] = [
    Kind::GatewayClass,
    Kind::Gateway,
    Kind::HttpRoute,
    Kind::BackendTlsPolicy,
    Kind::ReferenceGrant,
    Kind::AgentgatewayBackend,
    Kind::Service,
    Kind::Namespace,
];

/// What a proxy watches in all of the cluster.
pub fn of_proxy() -> Vec<Target> {
    READ.into_iter().chain([Kind::EndpointSlice]).map(|kind| Target::all(resource(kind))).collect()
}

/// What the controller watches in all of the cluster.
pub fn of_controller() -> Vec<Target> {
    READ.into_iter().map(|kind| Target::all(resource(kind))).collect()
}
