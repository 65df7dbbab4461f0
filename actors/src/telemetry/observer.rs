//! How the request path tells what happened, without knowing who listens.

use super::record::{HandshakeRecord, RequestRecord};
use crate::outcome::Reason;
use crate::plan::BackendId;

/// Takes the records of one worker thread. Every call is cheap and never blocks.
pub trait Observer {
    /// A response has ended.
    fn request(&self, record: &RequestRecord<'_>);
    /// A request's head was read (`true`), or its response ended (`false`).
    fn request_in_flight(&self, gateway: &str, begins: bool);
    /// A client connected to a listener's port (`true`), or left (`false`).
    fn downstream_connection(&self, gateway: &str, port: u16, begins: bool);
    /// The outcome of an attempt to reach a backend under a TLS identity is known.
    fn handshake(&self, record: &HandshakeRecord<'_>);
    /// The outcome of an attempt to reach a plaintext backend by TCP is known ([`Reason::None`] if it was reached).
    fn plaintext_connect(&self, backend: &BackendId, outcome: Reason, tcp: std::time::Duration);
    /// A connection of a backend goes from one state to another; `None` is outside of the pool. It counts as opened for the
    /// backend for which it ceases to be [`PoolState::Connecting`], unless that is to `None`: one that goes over to another
    /// backend leaves to `None` and comes from there.
    fn pool(&self, backend: &BackendId, from: Option<PoolState>, to: Option<PoolState>);
    /// A request asked for a connection.
    fn acquired(&self, backend: &BackendId, how: Acquisition);
    /// A connection was closed.
    fn closed(&self, backend: &BackendId, why: CloseReason);
    /// Bytes of HTTP to (`sent`) and from (`received`) a backend.
    fn upstream_bytes(&self, backend: &BackendId, sent: u64, received: u64);
    /// A backend may have so many connections: the limit of each of its endpoints that are known.
    fn pool_limit(&self, backend: &BackendId, connections: u64) {
        let _ = (backend, connections);
    }
    /// A panic ended a connection of a client.
    fn panicked(&self, gateway: &str) {
        let _ = gateway;
    }
    /// A client was turned away before it could send a request.
    fn connection_rejected(&self, gateway: &str, why: Rejection) {
        let _ = (gateway, why);
    }
    /// A handshake with a client on an HTTPS port has ended.
    fn downstream_handshake(&self, gateway: &str, port: u16, outcome: DownstreamHandshake) {
        let _ = (gateway, port, outcome);
    }
    /// A request is sent again, or to another endpoint.
    fn retried(&self, backend: &BackendId, why: Retry) {
        let _ = (backend, why);
    }
}

/// `state` of `postern_upstream_pool_connections`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PoolState {
    /// An exchange is on it.
    Active,
    /// It waits for a request.
    Idle,
    /// It is being established.
    Connecting,
}

/// `kind` of `postern_upstream_pool_acquisitions_total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Acquisition {
    /// An idle connection.
    Reused,
    /// A new one.
    New,
    /// None: the limit is reached.
    Rejected,
}

/// `reason` of `postern_upstream_connections_closed_total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CloseReason {
    /// Unused for too long.
    Idle,
    /// Too old, or its chain has expired.
    MaxAge,
    /// The peer closed it or asked for it.
    Peer,
    /// An exchange on it failed.
    Error,
    /// Its identity is no longer configured.
    PolicyChange,
    /// The process ends.
    Drain,
}

/// `reason` of `postern_downstream_connections_rejected_total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rejection {
    /// As many clients are connected as the limit permits.
    Limit,
    /// The process has no file descriptor left.
    Descriptors,
}

/// `result` of `postern_downstream_tls_handshakes_total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DownstreamHandshake {
    /// It completed.
    Ok,
    /// The client sent what is no TLS, offered nothing that is supported, refused the certificate, or left.
    Failed,
    /// It took too long.
    Timeout,
}

/// `reason` of `postern_upstream_retries_total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Retry {
    /// Not a byte of the request had been written.
    Unwritten,
    /// A reused connection closed before a byte of the response, under a request that may be sent twice.
    Stale,
}

impl PoolState {
    /// Every value.
    pub const ALL: [Self; 3] = [Self::Active, Self::Idle, Self::Connecting];

    /// The word, as metrics have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Idle => "idle",
            Self::Connecting => "connecting",
        }
    }
}

impl Acquisition {
    /// Every value.
    pub const ALL: [Self; 3] = [Self::Reused, Self::New, Self::Rejected];

    /// The word, as metrics have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reused => "reused",
            Self::New => "new",
            Self::Rejected => "rejected",
        }
    }
}

impl CloseReason {
    /// Every value.
    pub const ALL: [Self; 6] = [Self::Idle, Self::MaxAge, Self::Peer, Self::Error, Self::PolicyChange, Self::Drain];

    /// The word, as metrics have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::MaxAge => "max_age",
            Self::Peer => "peer",
            Self::Error => "error",
            Self::PolicyChange => "policy_change",
            Self::Drain => "drain",
        }
    }
}

impl Rejection {
    /// Every value.
    pub const ALL: [Self; 2] = [Self::Limit, Self::Descriptors];

    /// The word, as metrics have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Limit => "limit",
            Self::Descriptors => "descriptors",
        }
    }
}

impl DownstreamHandshake {
    /// Every value.
    pub const ALL: [Self; 3] = [Self::Ok, Self::Failed, Self::Timeout];

    /// The word, as metrics have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Timeout => "timeout",
        }
    }
}

impl Retry {
    /// Every value.
    pub const ALL: [Self; 2] = [Self::Unwritten, Self::Stale];

    /// The word, as metrics have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unwritten => "unwritten",
            Self::Stale => "stale",
        }
    }
}
