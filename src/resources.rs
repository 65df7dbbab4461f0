//! The Kubernetes objects we read, as far as we read them.
//!
//! Our own types rather than generated ones: they are tolerant (an enum keeps a value that it does not know, so that one
//! object never blinds a watch), they are the same for a rule's filters and a backendRef's, and they hold only what the
//! translation uses. Rules of the CRDs' schemas are checked on the untyped document before it gets here.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub mod agentgateway_backend;
pub mod backend_tls_policy;
pub mod config_map;
pub mod document;
pub mod endpoint_slice;
pub mod field;
pub mod files;
pub mod gateway;
pub mod gateway_class;
pub mod http_route;
pub mod ingest;
pub mod namespace;
pub mod reference_grant;
pub mod schema;
pub mod secret;
pub mod service;
pub mod severity;
pub mod snapshot;
pub(crate) mod suggest;

pub use agentgateway_backend::AgentgatewayBackend;
pub use backend_tls_policy::BackendTlsPolicy;
pub use config_map::ConfigMap;
pub use endpoint_slice::EndpointSlice;
pub use gateway::Gateway;
pub use gateway_class::GatewayClass;
pub use http_route::HttpRoute;
pub use namespace::Namespace;
pub use reference_grant::ReferenceGrant;
pub use secret::Secret;
pub use service::Service;
pub use severity::Severity;
pub use snapshot::{GatewayApi, Snapshot};

/// The API group of the Gateway API.
pub const GATEWAY_GROUP: &str = "gateway.networking.k8s.io";
/// The API group of `AgentgatewayBackend`.
pub const AGENTGATEWAY_GROUP: &str = "agentgateway.dev";

/// Namespace and name; the namespace of a cluster-scoped object is empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct NamespacedName {
    /// Namespace.
    pub namespace: Arc<str>,
    /// Name.
    pub name: Arc<str>,
}

impl NamespacedName {
    /// Joins both.
    pub fn new(namespace: impl Into<Arc<str>>, name: impl Into<Arc<str>>) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }
}

impl fmt::Display for NamespacedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace.is_empty() { f.write_str(&self.name) } else { write!(f, "{}/{}", self.namespace, self.name) }
    }
}

/// The kinds we read, by their API group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub enum Kind {
    /// gateway.networking.k8s.io
    GatewayClass,
    /// gateway.networking.k8s.io
    Gateway,
    /// gateway.networking.k8s.io
    #[serde(rename = "HTTPRoute")]
    HttpRoute,
    /// gateway.networking.k8s.io
    #[serde(rename = "BackendTLSPolicy")]
    BackendTlsPolicy,
    /// gateway.networking.k8s.io
    ReferenceGrant,
    /// agentgateway.dev
    AgentgatewayBackend,
    /// core
    Service,
    /// discovery.k8s.io
    EndpointSlice,
    /// core
    ConfigMap,
    /// core
    Secret,
    /// core
    Namespace,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 11] = [
        Self::GatewayClass,
        Self::Gateway,
        Self::HttpRoute,
        Self::BackendTlsPolicy,
        Self::ReferenceGrant,
        Self::AgentgatewayBackend,
        Self::Service,
        Self::EndpointSlice,
        Self::ConfigMap,
        Self::Secret,
        Self::Namespace,
    ];

    /// The kind as manifests write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::GatewayClass => "GatewayClass",
            Self::Gateway => "Gateway",
            Self::HttpRoute => "HTTPRoute",
            Self::BackendTlsPolicy => "BackendTLSPolicy",
            Self::ReferenceGrant => "ReferenceGrant",
            Self::AgentgatewayBackend => "AgentgatewayBackend",
            Self::Service => "Service",
            Self::EndpointSlice => "EndpointSlice",
            Self::ConfigMap => "ConfigMap",
            Self::Secret => "Secret",
            Self::Namespace => "Namespace",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Names one object of any kind we read.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct ObjectRef {
    /// Its kind.
    pub kind: Kind,
    /// Its name.
    pub name: NamespacedName,
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

/// `metadata`, as far as we read it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Metadata {
    /// `name`
    pub name: String,
    /// `namespace`; in files a missing one is filled in with `default` before it gets here.
    pub namespace: String,
    /// `uid`; files have none.
    pub uid: String,
    /// `generation`; files have none, and 1 is filled in.
    pub generation: i64,
    /// `creationTimestamp`; orders precedence, objects without one come last.
    pub creation_timestamp: Option<jiff::Timestamp>,
    /// `deletionTimestamp`
    pub deletion_timestamp: Option<jiff::Timestamp>,
    /// `labels`
    pub labels: BTreeMap<String, String>,
    /// `annotations`
    pub annotations: BTreeMap<String, String>,
}

impl Metadata {
    /// Namespace and name.
    pub fn key(&self) -> NamespacedName {
        NamespacedName::new(self.namespace.as_str(), self.name.as_str())
    }

    /// The order of precedence between objects of a kind: the older first, one without a timestamp last, then by
    /// `namespace/name` (GEP-713, HTTPRouteRule.matches).
    pub fn precedence(&self) -> (bool, Option<jiff::Timestamp>, NamespacedName) {
        (self.creation_timestamp.is_none(), self.creation_timestamp, self.key())
    }
}

/// Anything that a Snapshot holds.
pub trait Object: for<'de> Deserialize<'de> {
    /// Its kind.
    const KIND: Kind;
    /// Its `metadata`.
    fn metadata(&self) -> &Metadata;
    /// Its kind and name.
    fn object_ref(&self) -> ObjectRef {
        ObjectRef { kind: Self::KIND, name: self.metadata().key() }
    }
}

macro_rules! object {
    ($type:ty, $kind:ident) => {
        impl $crate::resources::Object for $type {
            const KIND: $crate::resources::Kind = $crate::resources::Kind::$kind;
            fn metadata(&self) -> &$crate::resources::Metadata {
                &self.metadata
            }
        }
    };
}
pub(crate) use object;

/// A condition in the `status` of an object, as another controller or we have written it.
#[derive(Debug, Clone, PartialEq, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct WrittenCondition {
    /// `type`
    #[serde(rename = "type")]
    pub kind: String,
    /// `status`
    pub status: String,
    /// `reason`
    pub reason: String,
}
