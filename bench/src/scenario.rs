//! What can be measured, a file each.

use std::fmt;

use clap::ValueEnum;

use crate::report::Findings;
use crate::stage::Bench;

mod handshakes;
mod http2;
mod keep_alive;
mod latency;
mod memory;
mod routes;
mod scrape;
mod stream;
pub(crate) mod verification;

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// 1 KiB a request over kept connections
    #[value(name = "keep-alive-1k")]
    KeepAlive1k,
    /// 1 MiB a request over kept connections
    #[value(name = "keep-alive-1m")]
    KeepAlive1m,
    /// 1 GiB in one response
    #[value(name = "stream-1g")]
    Stream1g,
    /// A full TLS handshake with the backend for each request
    FullHandshake,
    /// A resumed TLS handshake with the backend for each request
    ResumedHandshake,
    /// 10,000 routes, and one
    Routes,
    /// HTTP/2 over TLS in front
    Http2,
    /// The 99th percentile at a fixed rate below saturation
    Latency,
    /// Idle, with 10,000 idle connections, with 10,000 routes
    Memory,
    /// A scrape of the metrics of 1,000 backends
    Scrape,
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.to_possible_value().as_ref().map_or("", |value| value.get_name()))
    }
}

impl Scenario {
    /// Measures it.
    pub(crate) fn run(self, bench: &Bench) -> anyhow::Result<Findings> {
        eprintln!("{self}");
        match self {
            Self::KeepAlive1k => keep_alive::small(bench),
            Self::KeepAlive1m => keep_alive::large(bench),
            Self::Stream1g => stream::run(bench),
            Self::FullHandshake => handshakes::full(bench),
            Self::ResumedHandshake => handshakes::resumed(bench),
            Self::Routes => routes::run(bench),
            Self::Http2 => http2::run(bench),
            Self::Latency => latency::run(bench),
            Self::Memory => memory::run(bench),
            Self::Scrape => scrape::run(bench),
        }
    }
}
