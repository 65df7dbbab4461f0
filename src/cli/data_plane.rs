//! The options of every command that serves requests: limits, time-outs, and whom it believes. What happens when a limit
//! is reached is said where the settings are.

use clap::{Args, ValueEnum};
use postern_actors::http1::HeadLimits;
use postern_actors::http1::request::MAX_FIELDS;
use postern_actors::listener::{Http2Settings, TrustedHop, WorkerSettings};
use postern_actors::upstream::UpstreamSettings;

use super::quantity::{Size, TimeLimit};

#[cfg(test)]
mod tests;

const DOWNSTREAM: &str = "Downstream";
const LIMITS: &str = "Limits";
const TIMES: &str = "Time-outs";

/// What an operator may set of the data plane. Its defaults are those of the settings.
#[derive(Debug, Args)]
pub(super) struct DataPlane {
    /// Whether each request has a line in the access log
    #[arg(long, value_enum, value_name = "on|off", default_value_t = Switch::On, hide_short_help = true)]
    access_log: Switch,
    /// Believe the X-Forwarded-For, -Proto, -Host and X-Request-Id of peers in this network (or of this address), and add
    /// to them; what all others send is replaced. Repeatable [default: nobody is believed]
    #[arg(long, value_name = "CIDR", help_heading = DOWNSTREAM, hide_short_help = true)]
    trusted_hop: Vec<TrustedHop>,
    /// Requests at a time on one HTTP/2 connection; a further one is refused with REFUSED_STREAM
    #[arg(long, value_name = "N", help_heading = DOWNSTREAM, hide_short_help = true,
        default_value_t = defaults().http2.max_concurrent_streams, value_parser = clap::value_parser!(u32).range(1..))]
    http2_max_streams: u32,

    /// Connections of clients at a time, shared out evenly among the workers: a further one gets 503, and on a TLS port is
    /// closed [default: half of what the limit on descriptors leaves]
    #[arg(long, value_name = "N", help_heading = LIMITS, hide_short_help = true, value_parser = clap::value_parser!(u32).range(1..))]
    max_connections: Option<u32>,
    /// Connections of one worker to one endpoint of a backend at a time: a further request waits for the acquire time-out,
    /// then gets 503
    #[arg(long, value_name = "N", help_heading = LIMITS, hide_short_help = true,
        default_value_t = defaults().upstream.limit_per_endpoint as u32, value_parser = clap::value_parser!(u32).range(1..))]
    max_upstream_connections: u32,
    /// Bytes of a request's head, in HTTP/2 of its field list: 431
    #[arg(long, value_name = "SIZE", help_heading = LIMITS, hide_short_help = true, default_value_t = Size(defaults().head.bytes))]
    max_header_bytes: Size,
    /// Fields of a request's head: 431
    #[arg(long, value_name = "N", help_heading = LIMITS, hide_short_help = true,
        default_value_t = defaults().head.fields as u16, value_parser = clap::value_parser!(u16).range(1..=MAX_FIELDS as i64))]
    max_header_fields: u16,
    /// Bytes of a request's target (path and query): 414
    #[arg(long, value_name = "SIZE", help_heading = LIMITS, hide_short_help = true, default_value_t = Size(defaults().head.target))]
    max_target_bytes: Size,

    /// From the first byte of a request's head to its last, for every request: 408. And for the TLS handshake of a client:
    /// closed
    #[arg(long, value_name = "SEC", help_heading = TIMES, hide_short_help = true, default_value_t = TimeLimit(defaults().head_timeout))]
    header_timeout: TimeLimit,
    /// How long a client's connection may wait for its next request: closed
    #[arg(long, value_name = "SEC", help_heading = TIMES, hide_short_help = true, default_value_t = TimeLimit(defaults().idle_timeout))]
    idle_timeout: TimeLimit,
    /// How long a client may send nothing of a body: 408 or, once a response has begun, closed. And how long it may take
    /// nothing of a response: closed
    #[arg(long, value_name = "SEC", help_heading = TIMES, hide_short_help = true, default_value_t = TimeLimit(defaults().body_timeout))]
    body_timeout: TimeLimit,
    /// For a TCP connection to a backend, and before it for finding its address: 504
    #[arg(long, value_name = "SEC", help_heading = TIMES, hide_short_help = true,
        default_value_t = TimeLimit(defaults().upstream.connect_timeout))]
    connect_timeout: TimeLimit,
    /// For the TLS handshake with a backend: 504
    #[arg(long, value_name = "SEC", help_heading = TIMES, hide_short_help = true,
        default_value_t = TimeLimit(defaults().upstream.handshake_timeout))]
    handshake_timeout: TimeLimit,
    /// How long a request waits for a connection where all that may be are in use: 503
    #[arg(long, value_name = "SEC", help_heading = TIMES, hide_short_help = true,
        default_value_t = TimeLimit(defaults().upstream.acquire_timeout))]
    acquire_timeout: TimeLimit,
    /// From the end of a request to the head of its response, where the rule sets no timeouts: 504
    #[arg(long, value_name = "SEC", help_heading = TIMES, hide_short_help = true, default_value_t = TimeLimit(defaults().response_timeout))]
    response_timeout: TimeLimit,
    /// How long a backend may send nothing of a body: cut
    #[arg(long, value_name = "SEC", help_heading = TIMES, hide_short_help = true,
        default_value_t = TimeLimit(defaults().response_body_timeout))]
    response_body_timeout: TimeLimit,
    /// How long an upgraded connection, such as a WebSocket, may go without a byte in either direction: closed
    #[arg(long, value_name = "SEC", help_heading = TIMES, hide_short_help = true,
        default_value_t = TimeLimit(defaults().tunnel_timeout))]
    tunnel_timeout: TimeLimit,
    /// How long a connection to a backend may go unused: closed
    #[arg(long, value_name = "SEC", help_heading = TIMES, hide_short_help = true,
        default_value_t = TimeLimit(defaults().upstream.idle_timeout))]
    upstream_idle_timeout: TimeLimit,
    /// The age from which a connection to a backend takes no further request: closed
    #[arg(long, value_name = "SEC", help_heading = TIMES, hide_short_help = true,
        default_value_t = TimeLimit(defaults().upstream.max_age))]
    upstream_max_age: TimeLimit,
}

/// The settings that nobody has touched.
fn defaults() -> WorkerSettings {
    WorkerSettings::default()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Switch {
    On,
    Off,
}

impl DataPlane {
    /// The settings of each of `workers` workers in a process that may have `descriptors` open.
    pub(super) fn settings(&self, workers: usize, descriptors: u64) -> WorkerSettings {
        let defaults = defaults();
        let process = self
            .max_connections
            .map_or_else(|| WorkerSettings::connections_within(descriptors), |connections| connections as usize);
        WorkerSettings {
            head: HeadLimits {
                bytes: self.max_header_bytes.0,
                target: self.max_target_bytes.0,
                fields: usize::from(self.max_header_fields),
            },
            head_timeout: self.header_timeout.0,
            idle_timeout: self.idle_timeout.0,
            body_timeout: self.body_timeout.0,
            response_timeout: self.response_timeout.0,
            response_body_timeout: self.response_body_timeout.0,
            tunnel_timeout: self.tunnel_timeout.0,
            linger_timeout: defaults.linger_timeout,
            max_connections: WorkerSettings::share_of_connections(process, workers),
            http2: Http2Settings {
                max_concurrent_streams: self.http2_max_streams,
                max_header_list_bytes: self.max_header_bytes.0 as u32,
                ..defaults.http2
            },
            trusted_hops: self.trusted_hop.iter().copied().collect(),
            upstream: UpstreamSettings {
                connect_timeout: self.connect_timeout.0,
                handshake_timeout: self.handshake_timeout.0,
                acquire_timeout: self.acquire_timeout.0,
                limit_per_endpoint: self.max_upstream_connections as usize,
                idle_timeout: self.upstream_idle_timeout.0,
                max_age: self.upstream_max_age.0,
                ..defaults.upstream
            },
        }
    }

    /// Whether requests are logged.
    pub(super) fn logs_requests(&self) -> bool {
        self.access_log == Switch::On
    }
}
