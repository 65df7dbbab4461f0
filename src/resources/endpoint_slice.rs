//! EndpointSlice.

use serde::Deserialize;

use super::{Metadata, object};

/// The label that names the Service of a slice.
pub const SERVICE_NAME: &str = "kubernetes.io/service-name";

/// `discovery.k8s.io/v1` EndpointSlice.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EndpointSlice {
    /// `metadata`
    pub metadata: Metadata,
    /// `IPv4`, `IPv6` or `FQDN`.
    pub address_type: String,
    /// `endpoints`
    #[serde(default)]
    pub endpoints: Vec<Endpoint>,
    /// `ports`
    #[serde(default)]
    pub ports: Vec<EndpointPort>,
}

/// `endpoints[]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Endpoint {
    /// All of them are the same endpoint; the first is used.
    pub addresses: Vec<String>,
    /// `conditions`
    #[serde(default)]
    pub conditions: EndpointConditions,
}

/// `conditions`
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct EndpointConditions {
    /// Not given counts as true.
    pub ready: Option<bool>,
    /// Not given counts as `ready`.
    pub serving: Option<bool>,
    /// Not given counts as false.
    pub terminating: Option<bool>,
}

/// `ports[]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct EndpointPort {
    /// The name of the Service's port.
    #[serde(default)]
    pub name: Option<String>,
    /// `TCP` where it is not given.
    pub protocol: Option<String>,
    /// The target port.
    pub port: Option<u16>,
}

object!(EndpointSlice, EndpointSlice);
