//! Endpoints: the addresses behind a backend. They change often and alone, so a plan only says where they come from.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

/// One address that takes connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Endpoint {
    /// Where to connect.
    pub address: SocketAddr,
}

/// A port of a Service: the key of [`Endpoints`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServicePort {
    /// Namespace of the Service.
    pub namespace: Arc<str>,
    /// Name of the Service.
    pub name: Arc<str>,
    /// The Service's port number (not the target port).
    pub port: u16,
}

/// Where a backend's addresses come from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum EndpointSource {
    /// The EndpointSlices of a Service, told by `EndpointsChanged`.
    Service(ServicePort),
    /// A host name (or a literal address) that is resolved when it is dialled: ExternalName, `AgentgatewayBackend`.
    Host {
        /// A DNS name or a literal IP address, without brackets.
        host: Arc<str>,
        /// TCP port.
        port: u16,
    },
}

/// The ready endpoints of every Service port that the plan names. An empty slice, or no entry, means 503.
pub type Endpoints = HashMap<ServicePort, Arc<[Endpoint]>>;
