//! What a worker is told at its start: limits and time-outs of the front side.

use std::time::Duration;

use crate::http1::HeadLimits;
use crate::upstream::UpstreamSettings;

/// Settings of a worker, the same for all.
#[derive(Debug, Clone)]
pub struct WorkerSettings {
    /// Sizes of a request's head.
    pub head: HeadLimits,
    /// From the first byte of a request's head to its last; and for the TLS handshake of a client.
    pub head_timeout: Duration,
    /// How long a connection may wait for its next request.
    pub idle_timeout: Duration,
    /// How long what a client still sends is read after an answer that closes the connection.
    pub linger_timeout: Duration,
    /// The back side.
    pub upstream: UpstreamSettings,
}

impl Default for WorkerSettings {
    fn default() -> Self {
        Self {
            head: HeadLimits::default(),
            head_timeout: Duration::from_secs(15),
            idle_timeout: Duration::from_secs(75),
            linger_timeout: Duration::from_secs(2),
            upstream: UpstreamSettings::default(),
        }
    }
}
