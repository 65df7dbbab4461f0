//! What a worker is told at its start: limits and time-outs of the front side.

use std::time::Duration;

use super::trusted_hops::TrustedHops;
use crate::http1::HeadLimits;
use crate::upstream::UpstreamSettings;

/// Settings of a worker, the same for all.
///
/// A client sees a time-out before the response's head as a status, and one after it as a closed connection (HTTP/2: as
/// a reset stream): a response that has begun can only be cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerSettings {
    /// What a request's head may measure, in HTTP/1 and HTTP/2: 431, or 414 for the target. 64 KiB, 128 fields, 16 KiB.
    pub head: HeadLimits,
    /// From the first byte of a request's head to its last, for every request of a connection: 408. Also for the TLS
    /// handshake of a client, whose connection then closes. 15 s.
    pub head_timeout: Duration,
    /// How long a client's connection may wait for its next request before it closes. 75 s.
    pub idle_timeout: Duration,
    /// How long a client may send nothing of a body that it has begun: 408, or a closed connection where the response has
    /// begun. Also how long it may take nothing of a response before its connection closes. 60 s.
    pub body_timeout: Duration,
    /// From the end of the request, as written to the backend, to the head of the response, where the rule sets no
    /// `timeouts`: 504, and the backend's connection closes. 60 s.
    pub response_timeout: Duration,
    /// How long a backend may send nothing of a body that it has begun, or take nothing of a request's: the connections
    /// on both sides close, or 504 where no response has begun. 60 s.
    pub response_body_timeout: Duration,
    /// How long a tunnel (an upgrade, such as to WebSocket) may go without a byte in either direction: both connections
    /// close. 1 h.
    pub tunnel_timeout: Duration,
    /// How long what a client still sends is read after an answer that closes the connection. 2 s.
    pub linger_timeout: Duration,
    /// Connections of clients that one worker has at a time: see [`Self::share_of_connections`]. A further one gets 503
    /// on a plaintext port, and is closed on a TLS port. 4096.
    pub max_connections: usize,
    /// HTTP/2 in front.
    pub http2: Http2Settings,
    /// The peers whose `X-Forwarded-*` and `X-Request-Id` are believed. None.
    pub trusted_hops: TrustedHops,
    /// The back side.
    pub upstream: UpstreamSettings,
}

/// What a client may do on an HTTP/2 connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Http2Settings {
    /// Requests at a time on one connection, told as SETTINGS_MAX_CONCURRENT_STREAMS; a further one is refused with
    /// REFUSED_STREAM. 128.
    pub max_concurrent_streams: u32,
    /// Bytes of one request's body that may be under way before we have taken them (SETTINGS_INITIAL_WINDOW_SIZE). 64 KiB.
    pub initial_stream_window: u32,
    /// The same for all bodies of a connection. 1 MiB.
    pub initial_connection_window: u32,
    /// Bytes of a request's fields as HPACK counts them (RFC 9113 section 6.5.2), CONTINUATION frames included: 431. As
    /// [`HeadLimits::bytes`], 64 KiB.
    pub max_header_list_bytes: u32,
    /// Requests that the client may give up in a row (RST_STREAM); each that is answered, and each tenth of a second, gives
    /// one back. A further one ends the connection with ENHANCE_YOUR_CALM (CVE-2023-44487, "rapid reset"). 200.
    pub max_reset_streams: usize,
    /// Bytes of a response's body that one stream hands to HTTP/2 before the client takes them. 64 KiB.
    pub max_send_buffer: usize,
    /// A connection that has open streams and sends nothing for this long gets a PING. 30 s.
    pub keepalive_interval: Duration,
    /// How long the answer to that PING may take before the connection closes. 15 s.
    pub keepalive_timeout: Duration,
}

impl WorkerSettings {
    /// What one worker may have of the connections that the whole process may have, at least one.
    ///
    /// The kernel deals connections out by hash, not in turn: a worker may refuse a connection a little before the
    /// process as a whole has reached its figure, and never lets it exceed the figure unless that is below one a worker.
    pub fn share_of_connections(process: usize, workers: usize) -> usize {
        (process / workers.max(1)).max(1)
    }

    /// The connections of clients that a process with this many descriptors has room for: each may need a second
    /// descriptor for the backend, and 64 are for listeners, pages, files and logs.
    pub fn connections_within(descriptors: u64) -> usize {
        const OWN: u64 = 64;
        let room = descriptors.saturating_sub(OWN).max(descriptors / 4) / 2;
        usize::try_from(room).unwrap_or(usize::MAX).max(1)
    }
}

impl Default for WorkerSettings {
    fn default() -> Self {
        Self {
            head: HeadLimits::default(),
            head_timeout: Duration::from_secs(15),
            idle_timeout: Duration::from_secs(75),
            body_timeout: Duration::from_mins(1),
            response_timeout: Duration::from_mins(1),
            response_body_timeout: Duration::from_mins(1),
            tunnel_timeout: Duration::from_hours(1),
            linger_timeout: Duration::from_secs(2),
            max_connections: 4096,
            http2: Http2Settings::default(),
            trusted_hops: TrustedHops::default(),
            upstream: UpstreamSettings::default(),
        }
    }
}

impl Default for Http2Settings {
    fn default() -> Self {
        Self {
            max_concurrent_streams: 128,
            initial_stream_window: 64 * 1024,
            initial_connection_window: 1024 * 1024,
            max_header_list_bytes: HeadLimits::default().bytes as u32,
            max_reset_streams: 200,
            max_send_buffer: 64 * 1024,
            keepalive_interval: Duration::from_secs(30),
            keepalive_timeout: Duration::from_secs(15),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::WorkerSettings;

    #[test]
    fn a_process_with_few_descriptors_still_has_room_for_a_connection() {
        for (descriptors, connections) in [(0, 1), (8, 1), (64, 8), (100, 18), (1024, 480), (1_048_576, 524_256)] {
            assert_eq!(WorkerSettings::connections_within(descriptors), connections, "{descriptors}");
        }
        assert!(WorkerSettings::connections_within(u64::MAX) > 1 << 32, "no limit at all");
    }

    #[test]
    fn workers_share_and_none_goes_without() {
        for (process, workers, share) in [(480, 4, 120), (7, 2, 3), (1, 8, 1), (5, 0, 5)] {
            assert_eq!(WorkerSettings::share_of_connections(process, workers), share, "{process} among {workers}");
        }
    }
}
