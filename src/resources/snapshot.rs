//! The Snapshot: every object that takes part in a translation, as of one moment.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::backend_tls_policy::UnreadablePolicy;
use super::{
    AgentgatewayBackend, BackendTlsPolicy, ConfigMap, EndpointSlice, Gateway, GatewayClass, HttpRoute, Namespace,
    NamespacedName, ObjectRef, ReferenceGrant, Secret, Service,
};

/// Objects of one kind by name.
pub type Store<T> = BTreeMap<NamespacedName, Arc<T>>;

/// The CRDs of the Gateway API, as they say of themselves (the annotations of `gatewayclasses`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GatewayApi {
    /// `gateway.networking.k8s.io/bundle-version`, for example `v1.6.1`; empty if it is not there.
    pub bundle_version: String,
    /// `gateway.networking.k8s.io/channel`: `standard` or `experimental`; empty if it is not there.
    pub channel: String,
}

/// Every object that takes part in a translation. Cheap to clone: the objects are shared.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    /// The Gateway API that the cluster has; `None` where there is no cluster.
    pub gateway_api: Option<GatewayApi>,
    /// GatewayClass
    pub gateway_classes: Store<GatewayClass>,
    /// Gateway
    pub gateways: Store<Gateway>,
    /// HTTPRoute
    pub http_routes: Store<HttpRoute>,
    /// BackendTLSPolicy
    pub backend_tls_policies: Store<BackendTlsPolicy>,
    /// BackendTLSPolicies that could not be read; never a name that is in `backend_tls_policies`.
    pub unreadable_policies: Store<UnreadablePolicy>,
    /// Why there may be policies that nobody has seen, for example a file that never parsed. Until then no backend gets
    /// plaintext.
    pub unseen_policies: Option<Arc<str>>,
    /// Objects that are written and refused, and of which no good version is known.
    pub refused: BTreeSet<ObjectRef>,
    /// ReferenceGrant
    pub reference_grants: Store<ReferenceGrant>,
    /// AgentgatewayBackend
    pub agentgateway_backends: Store<AgentgatewayBackend>,
    /// Service
    pub services: Store<Service>,
    /// EndpointSlice
    pub endpoint_slices: Store<EndpointSlice>,
    /// ConfigMap
    pub config_maps: Store<ConfigMap>,
    /// Secret
    pub secrets: Store<Secret>,
    /// Namespace
    pub namespaces: Store<Namespace>,
}
