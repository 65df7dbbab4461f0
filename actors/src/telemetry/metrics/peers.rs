//! What was seen of backends' certificates. For a backend the first end is told of what its endpoints presented last, whichever
//! worker saw it: any other date would hide the one endpoint whose certificate was not renewed.

use prometheus::proto::MetricFamily;

use super::family::{Family, Moment, collect, moment};
use super::known::Known;
use crate::plan::Endpoints;
use crate::telemetry::Observations;

const PEER_NOT_AFTER: (&str, &str) = (
    "postern_upstream_tls_peer_certificate_not_after_timestamp_seconds",
    "When the first of the certificates expires that the endpoints of a backend presented last.",
);

pub(in crate::telemetry) fn collect_peers(
    observations: &Observations,
    known: &Known,
    endpoints: &Endpoints,
) -> Option<MetricFamily> {
    let mut ends = Vec::new();
    observations.each(|id, last| {
        let end = known.get(id).and_then(|backend| last.peers.first_end(backend, endpoints));
        ends.extend(end.map(|end| (id.clone(), end as f64)));
    });
    let family = Family::new(moment);
    family.replace(ends, Moment::set);
    collect(PEER_NOT_AFTER, [&family], |backend| known.selected_by_policy(backend))
}
