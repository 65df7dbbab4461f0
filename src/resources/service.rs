//! Service.

use serde::Deserialize;

use super::{Metadata, object};

/// `v1` Service.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Service {
    /// `metadata`
    pub metadata: Metadata,
    /// `spec`
    #[serde(default)]
    pub spec: ServiceSpec,
}

/// `spec`
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServiceSpec {
    /// `ClusterIP` (also where it is empty), `NodePort`, `LoadBalancer` or `ExternalName`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `None` is headless.
    #[serde(rename = "clusterIP")]
    pub cluster_ip: String,
    /// With `type: ExternalName`.
    pub external_name: String,
    /// `ports`
    pub ports: Vec<ServicePort>,
}

/// `spec.ports[]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServicePort {
    /// Empty where there is but one port.
    #[serde(default)]
    pub name: String,
    /// `TCP` (the default), `UDP` or `SCTP`.
    #[serde(default = "tcp")]
    pub protocol: String,
    /// `port`
    pub port: u16,
    /// For example `kubernetes.io/h2c`.
    pub app_protocol: Option<String>,
}

fn tcp() -> String {
    "TCP".into()
}

object!(Service, Service);
