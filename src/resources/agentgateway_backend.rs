//! AgentgatewayBackend: a backend outside of the cluster, by name.

use serde::Deserialize;

use super::{Metadata, object};

/// `agentgateway.dev/v1alpha1` AgentgatewayBackend.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct AgentgatewayBackend {
    /// `metadata`
    pub metadata: Metadata,
    /// `spec`
    pub spec: AgentgatewayBackendSpec,
}

/// `spec`
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct AgentgatewayBackendSpec {
    /// The one form we support.
    #[serde(rename = "static")]
    pub fixed: StaticBackend,
}

/// `spec.static`
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct StaticBackend {
    /// A DNS name or a literal address.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

object!(AgentgatewayBackend, AgentgatewayBackend);
