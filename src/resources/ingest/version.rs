//! Which documents are read: kinds with their groups and versions.

use std::fmt::{self, Display};

use serde_json::Value;

use crate::resources::schema::Violation;
use crate::resources::{AGENTGATEWAY_GROUP, GATEWAY_GROUP, Kind};

/// A document that is of no kind or version that is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Skip {
    /// It has no `apiVersion` or no `kind`, so it is no object of Kubernetes.
    NoObject,
    /// Nothing of this kind is read.
    UnknownKind {
        /// As written.
        api_version: String,
        /// As written.
        kind: String,
    },
    /// The kind is read, in other versions.
    UnknownVersion {
        /// As written.
        api_version: String,
        /// The kind.
        kind: Kind,
    },
}

impl Display for Skip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoObject => f.write_str("is no Kubernetes object: apiVersion and kind are required"),
            Self::UnknownKind { api_version, kind } => write!(f, "{kind} ({api_version}) is not read"),
            Self::UnknownVersion { api_version, kind } => {
                write!(f, "{kind} is not read in {api_version}, only in {}", read_versions(*kind).join(" and "))
            }
        }
    }
}

/// Where a document belongs.
pub(super) enum Recognised {
    Read(Kind),
    /// It must not be passed over, though it cannot be read.
    Refused(Kind, Violation),
    Skipped(Skip),
}

/// The versions of a kind that are read, as `apiVersion` names them.
pub fn read_versions(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::GatewayClass | Kind::Gateway | Kind::HttpRoute | Kind::ReferenceGrant => {
            &["gateway.networking.k8s.io/v1", "gateway.networking.k8s.io/v1beta1"]
        }
        Kind::BackendTlsPolicy => &["gateway.networking.k8s.io/v1"],
        Kind::AgentgatewayBackend => &["agentgateway.dev/v1alpha1"],
        Kind::EndpointSlice => &["discovery.k8s.io/v1"],
        Kind::Service | Kind::ConfigMap | Kind::Secret | Kind::Namespace => &["v1"],
    }
}

pub(super) fn recognise(document: &Value) -> Recognised {
    let text = |field: &str| document.get(field).and_then(Value::as_str).filter(|text| !text.is_empty());
    let (Some(api_version), Some(kind_name)) = (text("apiVersion"), text("kind")) else {
        return Recognised::Skipped(Skip::NoObject);
    };
    let group = api_version.rsplit_once('/').map_or("", |(group, _)| group);
    let Some(kind) = kind_of(group, kind_name) else {
        if let Some(meant) = kind_meant(group, kind_name) {
            let message = format!("there is no kind {kind_name} in {api_version}");
            let hint = format!("write `kind: {meant}`");
            return Recognised::Refused(meant, Violation { field: "kind".into(), message, hint });
        }
        return Recognised::Skipped(Skip::UnknownKind { api_version: api_version.into(), kind: kind_name.into() });
    };
    if read_versions(kind).contains(&api_version) {
        return Recognised::Read(kind);
    }
    let skip = Skip::UnknownVersion { api_version: api_version.into(), kind };
    if kind == Kind::BackendTlsPolicy {
        // Passed over, what it selects would get plaintext.
        let version = read_versions(kind)[0];
        let hint = format!("use v1: write `apiVersion: {version}`");
        return Recognised::Refused(kind, Violation { field: "apiVersion".into(), message: skip.to_string(), hint });
    }
    Recognised::Skipped(skip)
}

/// The kind that differs from a word by case or by a plural alone. Passed over, such an object would be missed by nobody
/// but its users; and where it is a policy, its targets would get plaintext.
fn kind_meant(group: &str, kind: &str) -> Option<Kind> {
    let lower = kind.to_ascii_lowercase();
    let singular = lower.strip_suffix("ies").map(|stem| format!("{stem}y"));
    let singular = singular.as_deref().or(lower.strip_suffix('s')).unwrap_or(&lower);
    Kind::ALL.into_iter().find(|known| {
        let name = known.as_str().to_ascii_lowercase();
        (name == lower || name == singular) && kind_of(group, known.as_str()) == Some(*known)
    })
}

fn kind_of(group: &str, kind: &str) -> Option<Kind> {
    Some(match (group, kind) {
        (GATEWAY_GROUP, "GatewayClass") => Kind::GatewayClass,
        (GATEWAY_GROUP, "Gateway") => Kind::Gateway,
        (GATEWAY_GROUP, "HTTPRoute") => Kind::HttpRoute,
        (GATEWAY_GROUP, "BackendTLSPolicy") => Kind::BackendTlsPolicy,
        (GATEWAY_GROUP, "ReferenceGrant") => Kind::ReferenceGrant,
        (AGENTGATEWAY_GROUP, "AgentgatewayBackend") => Kind::AgentgatewayBackend,
        ("", "Service") => Kind::Service,
        ("discovery.k8s.io", "EndpointSlice") => Kind::EndpointSlice,
        ("", "ConfigMap") => Kind::ConfigMap,
        ("", "Secret") => Kind::Secret,
        ("", "Namespace") => Kind::Namespace,
        _ => return None,
    })
}
