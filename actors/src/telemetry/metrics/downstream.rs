//! Metrics of the connections of clients.

use std::sync::Arc;

use prometheus::proto::MetricFamily;

use super::family::{Family, collect, label_set};
use super::known::Known;
use super::labels::GatewayLabel;
use super::tally::{Level, Tally};
use crate::telemetry::{DownstreamHandshake, Rejection};

const CONNECTIONS: (&str, &str) = ("postern_downstream_connections", "Connections of clients.");
const REJECTED: (&str, &str) =
    ("postern_downstream_connections_rejected_total", "Connections of clients that were turned away, by cause.");
const HANDSHAKES: (&str, &str) =
    ("postern_downstream_tls_handshakes_total", "TLS handshakes with clients, by how they ended.");
const PANICS: (&str, &str) = ("postern_connection_panics_total", "Connections of clients that a fault of ours ended.");

#[derive(Debug, PartialEq, Eq, Hash)]
struct PortLabels {
    gateway: Arc<str>,
    port: u16,
}
label_set!(PortLabels { "gateway": gateway, "port": port });

#[derive(Debug, PartialEq, Eq, Hash)]
struct RejectedLabels {
    gateway: Arc<str>,
    reason: &'static str,
}
label_set!(RejectedLabels { "gateway": gateway, "reason": reason });

#[derive(Debug, PartialEq, Eq, Hash)]
struct HandshakeLabels {
    gateway: Arc<str>,
    port: u16,
    result: &'static str,
}
label_set!(HandshakeLabels { "gateway": gateway, "port": port, "result": result });

/// The connections of one shard.
#[derive(Debug)]
pub(in crate::telemetry) struct DownstreamMetrics {
    connections: Family<PortLabels, Level>,
    rejected: Family<RejectedLabels, Tally>,
    handshakes: Family<HandshakeLabels, Tally>,
    panics: Family<GatewayLabel, Tally>,
}

impl Default for DownstreamMetrics {
    fn default() -> Self {
        Self {
            connections: Family::new(Level::default),
            rejected: Family::new(Tally::default),
            handshakes: Family::new(Tally::default),
            panics: Family::new(Tally::default),
        }
    }
}

impl DownstreamMetrics {
    /// Begins the series of a Gateway that are to stay at 0, so that the first event is seen as a change.
    pub(in crate::telemetry) fn begin(&self, gateway: &str) {
        self.panics(gateway);
        for why in Rejection::ALL {
            self.rejected(gateway, why);
        }
    }

    pub(in crate::telemetry) fn connections(&self, gateway: &str, port: u16) -> Level {
        self.connections.series(PortLabels { gateway: gateway.into(), port })
    }

    pub(in crate::telemetry) fn rejected(&self, gateway: &str, why: Rejection) -> Tally {
        self.rejected.series(RejectedLabels { gateway: gateway.into(), reason: why.as_str() })
    }

    pub(in crate::telemetry) fn handshakes(&self, gateway: &str, port: u16, outcome: DownstreamHandshake) -> Tally {
        self.handshakes.series(HandshakeLabels { gateway: gateway.into(), port, result: outcome.as_str() })
    }

    pub(in crate::telemetry) fn panics(&self, gateway: &str) -> Tally {
        self.panics.series(GatewayLabel { gateway: gateway.into() })
    }

    pub(super) fn reset_gauges(&self) {
        self.connections.reset();
    }

    pub(super) fn forget_unknown(&self, known: &Known) {
        self.connections.retain(|labels| known.port(&labels.gateway, labels.port));
        self.rejected.retain(|labels| known.gateway(&labels.gateway));
        self.handshakes.retain(|labels| known.port(&labels.gateway, labels.port));
        self.panics.retain(|labels| known.gateway(&labels.gateway));
    }

    pub(super) fn collect(shards: &[&Self], known: &Known) -> Vec<MetricFamily> {
        let shards = || shards.iter();
        [
            collect(CONNECTIONS, shards().map(|shard| &shard.connections), |labels| {
                known.port(&labels.gateway, labels.port)
            }),
            collect(REJECTED, shards().map(|shard| &shard.rejected), |labels| known.gateway(&labels.gateway)),
            collect(HANDSHAKES, shards().map(|shard| &shard.handshakes), |labels| {
                known.port(&labels.gateway, labels.port)
            }),
            collect(PANICS, shards().map(|shard| &shard.panics), |labels| known.gateway(&labels.gateway)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}
