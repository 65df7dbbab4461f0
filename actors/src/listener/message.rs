//! What a listener actor is told.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use actix::Message;

use crate::plan::{Endpoint, Endpoints, Plan, ServicePort};

/// Serve this from now on, and nothing else: all of it is whole.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Apply {
    /// The plan.
    pub plan: Arc<Plan>,
    /// The endpoints as of now.
    pub endpoints: Arc<Endpoints>,
    /// Every socket of this worker.
    pub sockets: Vec<BoundSocket>,
}

/// A listening socket of one worker (SO_REUSEPORT).
pub struct BoundSocket {
    /// `namespace/name`
    pub gateway: Arc<str>,
    /// As the plan names it.
    pub port: u16,
    /// A clone that the actor may close.
    pub listener: TcpListener,
}

/// A Service port has other endpoints.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct EndpointsChanged {
    /// Which.
    pub service: ServicePort,
    /// All of them.
    pub endpoints: Arc<[Endpoint]>,
}

/// A drain is near: say with every response that the connection ends with it, so that clients look elsewhere. Connections
/// are still taken, and those without a request stay.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct AnnounceDrain;

/// Take no new connections and answer when the last request has ended, or the time is over.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Drain {
    /// How long to wait.
    pub timeout: Duration,
}
