//! Gateway.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{GATEWAY_GROUP, Metadata, object};

/// `gateway.networking.k8s.io/v1` Gateway.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Gateway {
    /// `metadata`
    pub metadata: Metadata,
    /// `spec`
    pub spec: GatewaySpec,
}

/// `spec`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GatewaySpec {
    /// `gatewayClassName`
    pub gateway_class_name: String,
    /// `listeners`
    pub listeners: Vec<Listener>,
    /// `addresses`
    #[serde(default)]
    pub addresses: Vec<Address>,
    /// `infrastructure`
    pub infrastructure: Option<Infrastructure>,
    /// `tls`
    pub tls: Option<GatewayTls>,
}

/// `spec.addresses[]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Address {
    /// `IPAddress` where it is not given.
    #[serde(rename = "type", default = "ip_address")]
    pub kind: String,
    /// Empty asks for any address of the type.
    pub value: Option<String>,
}

/// `spec.infrastructure`
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Infrastructure {
    /// `labels`
    pub labels: BTreeMap<String, String>,
    /// `annotations`
    pub annotations: BTreeMap<String, String>,
    /// `parametersRef`
    pub parameters_ref: Option<LocalParametersRef>,
}

/// `spec.infrastructure.parametersRef`: an object of the Gateway's namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct LocalParametersRef {
    /// Empty is core.
    pub group: String,
    /// `kind`
    pub kind: String,
    /// `name`
    pub name: String,
}

impl LocalParametersRef {
    /// Whether it names what we can read: a core ConfigMap.
    pub fn is_config_map(&self) -> bool {
        self.group.is_empty() && self.kind == "ConfigMap"
    }
}

impl Gateway {
    /// `spec.infrastructure.parametersRef`
    pub fn parameters_ref(&self) -> Option<&LocalParametersRef> {
        self.spec.infrastructure.as_ref()?.parameters_ref.as_ref()
    }
}

/// `spec.listeners[]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Listener {
    /// `name`
    pub name: String,
    /// `hostname`; empty counts as not given.
    pub hostname: Option<String>,
    /// `port`
    pub port: u16,
    /// `protocol`: `HTTP`, `HTTPS`, and those we do not support.
    pub protocol: String,
    /// `tls`
    pub tls: Option<ListenerTls>,
    /// `allowedRoutes`
    #[serde(default)]
    pub allowed_routes: AllowedRoutes,
}

/// `spec.listeners[].tls`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListenerTls {
    /// `Terminate` where it is not given.
    #[serde(default = "terminate")]
    pub mode: String,
    /// `certificateRefs`
    #[serde(default)]
    pub certificate_refs: Vec<SecretRef>,
    /// `options`
    #[serde(default)]
    pub options: BTreeMap<String, String>,
}

/// A SecretObjectReference.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SecretRef {
    /// Empty is core.
    #[serde(default)]
    pub group: String,
    /// `Secret` where it is not given.
    #[serde(default = "secret")]
    pub kind: String,
    /// `name`
    pub name: String,
    /// The referring object's where it is not given.
    pub namespace: Option<String>,
}

/// `spec.listeners[].allowedRoutes`
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct AllowedRoutes {
    /// `namespaces`
    pub namespaces: RouteNamespaces,
    /// `kinds`; empty means those that fit the protocol.
    pub kinds: Vec<RouteGroupKind>,
}

/// `allowedRoutes.namespaces`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default)]
pub struct RouteNamespaces {
    /// `All`, `Selector`, `Same` (the default) or `None`.
    pub from: String,
    /// With `from: Selector`.
    pub selector: Option<LabelSelector>,
}

impl Default for RouteNamespaces {
    fn default() -> Self {
        Self { from: "Same".into(), selector: None }
    }
}

/// `allowedRoutes.kinds[]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RouteGroupKind {
    /// `group`
    #[serde(default = "gateway_group")]
    pub group: String,
    /// `kind`
    pub kind: String,
}

/// A `metav1.LabelSelector`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LabelSelector {
    /// `matchLabels`
    pub match_labels: BTreeMap<String, String>,
    /// `matchExpressions`
    pub match_expressions: Vec<LabelSelectorRequirement>,
}

/// `matchExpressions[]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct LabelSelectorRequirement {
    /// `key`
    pub key: String,
    /// `In`, `NotIn`, `Exists` or `DoesNotExist`.
    pub operator: String,
    /// `values`
    #[serde(default)]
    pub values: Vec<String>,
}

/// `spec.tls`
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct GatewayTls {
    /// `backend`
    pub backend: Option<GatewayBackendTls>,
    /// `frontend`
    pub frontend: Option<FrontendTls>,
}

/// `spec.tls.backend`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GatewayBackendTls {
    /// `clientCertificateRef`
    pub client_certificate_ref: Option<SecretRef>,
}

/// `spec.tls.frontend`; what it says is not built yet, only whom it covers.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FrontendTls {
    /// Every HTTPS listener without a `perPort` entry.
    #[serde(rename = "default")]
    pub fallback: Option<Value>,
    /// Listeners of a port.
    pub per_port: Vec<FrontendTlsPort>,
}

/// `spec.tls.frontend.perPort[]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct FrontendTlsPort {
    /// `port`
    pub port: u16,
    /// `tls`
    pub tls: Option<Value>,
}

fn ip_address() -> String {
    "IPAddress".into()
}

fn terminate() -> String {
    "Terminate".into()
}

fn secret() -> String {
    "Secret".into()
}

fn gateway_group() -> String {
    GATEWAY_GROUP.into()
}

object!(Gateway, Gateway);
