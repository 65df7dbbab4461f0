//! What was seen of backends' certificates. It is told of the last one that was presented, whichever worker saw it: a sum, or
//! the latest date, of several workers would hide a certificate that was exchanged for one that ends earlier.

use prometheus::proto::MetricFamily;

use super::family::{Family, Moment, collect, moment};
use super::known::Known;
use crate::telemetry::Observations;

const PEER_NOT_AFTER: (&str, &str) = (
    "postern_upstream_tls_peer_certificate_not_after_timestamp_seconds",
    "When the certificate that a backend presented last expires.",
);

pub(in crate::telemetry) fn collect_peers(observations: &Observations, known: &Known) -> Option<MetricFamily> {
    let mut ends = Vec::new();
    observations.each(|backend, last| ends.extend(last.peer_not_after.map(|end| (backend.clone(), end as f64))));
    let family = Family::new(moment);
    family.replace(ends, Moment::set);
    collect(PEER_NOT_AFTER, [&family], |backend| known.selected_by_policy(backend))
}
