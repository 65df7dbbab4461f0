//! What an operator may set of the way to the backends.

use std::time::Duration;

use super::refused::RefusedAddresses;

/// Limits and times of one worker's way to its backends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamSettings {
    /// For name resolution, and again for TCP to one endpoint. 5 s.
    pub connect_timeout: Duration,
    /// For the TLS handshake, from the ClientHello. 5 s.
    pub handshake_timeout: Duration,
    /// How long a request waits for a connection to be given back where the limit is reached. 5 s.
    pub acquire_timeout: Duration,
    /// Connections of one worker to one endpoint under one TLS identity, idle ones counted too. 1024.
    pub limit_per_endpoint: usize,
    /// An unused connection closes after this. 60 s.
    pub idle_timeout: Duration,
    /// A connection takes no further request after this. 1 h.
    pub max_age: Duration,
    /// Unused connections of one worker to one endpoint under one TLS identity. 128.
    pub max_idle_per_endpoint: usize,
    /// When an endpoint has not answered by TCP for this long, the next one is tried beside it. 250 ms (RFC 8305, section 8).
    pub attempt_delay: Duration,
    /// An endpoint that TCP did not reach is avoided for this long where there are others. 5 s.
    pub avoid_unreachable: Duration,
    /// The idle connections of an identity that is no longer configured close at random moments within this. 5 s.
    pub retire_over: Duration,
    /// Addresses that the names of backends may not lead to. None: a gateway on files may well have backends beside it.
    pub refused: RefusedAddresses,
}

impl Default for UpstreamSettings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            handshake_timeout: Duration::from_secs(5),
            acquire_timeout: Duration::from_secs(5),
            limit_per_endpoint: 1024,
            idle_timeout: Duration::from_mins(1),
            max_age: Duration::from_hours(1),
            max_idle_per_endpoint: 128,
            attempt_delay: Duration::from_millis(250),
            avoid_unreachable: Duration::from_secs(5),
            retire_over: Duration::from_secs(5),
            refused: RefusedAddresses::default(),
        }
    }
}
