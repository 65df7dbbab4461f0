//! One line of the access log: its fields in their order.
//!
//! Most of a line is what the line before had. What all requests of a class share ([`Lines::way`]) is kept by the caller,
//! and the second, the TLS of a connection and addresses that take long to write are remembered here.

use jiff::Timestamp;

use super::LogFormat;
use super::address::Addresses;
use super::field::{Line, name};
use super::time::Seconds;
use super::tls::TlsParts;
use crate::outcome::Reason;
use crate::telemetry::record::RequestRecord;

/// Writes lines in one format.
#[derive(Debug)]
pub(super) struct Lines {
    format: LogFormat,
    seconds: Seconds,
    addresses: Addresses,
    tls: TlsParts,
}

impl Lines {
    pub(super) fn new(format: LogFormat) -> Self {
        Self { format, seconds: Seconds::default(), addresses: Addresses::default(), tls: TlsParts::default() }
    }

    /// The part of a line that says where the request went. It depends on the gateway, the listener, the route and the
    /// backend, and on nothing else.
    pub(super) fn way(&self, record: &RequestRecord<'_>) -> Box<[u8]> {
        let mut way = Vec::new();
        let mut line = Line { out: &mut way, format: self.format };
        line.text(name!("gateway"), record.gateway);
        line.optional(name!("listener"), record.listener);
        line.optional(name!("route"), record.route);
        if let Some(backend) = record.backend {
            line.text(name!("backend"), &backend.to_string());
        }
        way.into()
    }

    /// Appends a line with its end. `way` is that of a record of the same class.
    pub(super) fn write(&mut self, out: &mut Vec<u8>, record: &RequestRecord<'_>, way: &[u8], time: Timestamp) {
        let mut line = Line { out, format: self.format };
        self.seconds.write(&mut line, time);
        line.out.extend_from_slice(way);
        if let Some(endpoint) = record.endpoint {
            line.address(name!("endpoint"), endpoint, &mut self.addresses);
        }
        line.address(name!("client"), record.client, &mut self.addresses);
        line.text(name!("method"), record.method);
        line.word(name!("scheme"), record.scheme);
        line.text(name!("host"), record.host);
        line.text(name!("target"), record.target);
        line.text(name!("version"), record.version);
        line.number(name!("status"), record.status);
        line.word(name!("reason"), record.reason.as_str());
        line.seconds(name!("duration"), record.duration);
        line.number(name!("received"), record.received);
        line.number(name!("sent"), record.sent);
        match (record.upstream_tls, record.reason) {
            (tls, Reason::Handshake(result)) => TlsParts::write_failed(&mut line, tls, result),
            (Some(tls), _) => self.tls.write(&mut line, tls),
            (None, _) => {}
        }
        line.optional(name!("request_id"), record.request_id);
        line.optional(name!("traceparent"), record.traceparent);
        line.optional(name!("detail"), record.detail);
        line.end();
    }
}
