//! Metrics of the back side: handshakes, connections and pools, by backend.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use prometheus::proto::MetricFamily;

use super::family::{Amount, Family, Moment, amount, collect, label_set, moment};
use super::known::Known;
use super::tally::{Distribution, Level, Tally};
use crate::outcome::HandshakeResult;
use crate::plan::BackendId;
use crate::telemetry::{Acquisition, CloseReason, HandshakeRecord, PoolLevels, PoolState, Retry, TlsInfo};

const HANDSHAKES: (&str, &str) =
    ("postern_upstream_tls_handshakes_total", "Attempts to reach a backend by TLS, by how they ended.");
const HANDSHAKE_DURATION: (&str, &str) =
    ("postern_upstream_tls_handshake_duration_seconds", "Time of TLS handshakes with backends, without TCP.");
const TLS_CONNECTIONS: (&str, &str) =
    ("postern_upstream_tls_connections_total", "TLS connections established to backends, by what was negotiated.");
const LAST_FAILURE: (&str, &str) =
    ("postern_upstream_tls_last_failure_timestamp_seconds", "When an attempt to reach a backend by TLS last failed.");
const CONNECT_DURATION: (&str, &str) =
    ("postern_upstream_connect_duration_seconds", "Time of each phase of connecting to backends.");
const OPENED: (&str, &str) = ("postern_upstream_connections_opened_total", "Connections opened to backends.");
const CLOSED: (&str, &str) = ("postern_upstream_connections_closed_total", "Connections to backends closed, by cause.");
const POOL: (&str, &str) = ("postern_upstream_pool_connections", "Connections to backends, by state.");
const POOL_LIMIT: (&str, &str) =
    ("postern_upstream_pool_limit", "Connections that a backend may have, to its endpoints that are known.");
const ACQUISITIONS: (&str, &str) =
    ("postern_upstream_pool_acquisitions_total", "Requests for a connection to a backend, by what they got.");
const RETRIES: (&str, &str) =
    ("postern_upstream_retries_total", "Requests that were sent again to a backend, by cause.");
const SENT: (&str, &str) = ("postern_upstream_sent_bytes_total", "Bytes of HTTP sent to backends.");
const RECEIVED: (&str, &str) = ("postern_upstream_received_bytes_total", "Bytes of HTTP received from backends.");

/// Seconds; from a resumed handshake nearby to a connect that runs out of time.
const BUCKETS: &[f64] = &[0.0002, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

label_set!(BackendId { "gateway": gateway, "backend": backend, "port": port });

/// A label set that is a backend and more.
macro_rules! backend_labels {
    ($name:ident { $($label:literal: $field:ident: $type:ty),+ }) => {
        #[derive(Debug, PartialEq, Eq, Hash)]
        struct $name {
            backend: BackendId,
            $($field: $type),+
        }
        label_set!($name {
            "gateway": backend.gateway,
            "backend": backend.backend,
            "port": backend.port,
            $($label: $field),+
        });
    };
}
backend_labels!(HandshakeLabels { "result": result: HandshakeResult, "resumed": resumed: Resumed });
backend_labels!(DurationLabels { "resumed": resumed: Resumed, "outcome": outcome: Outcome });
backend_labels!(NegotiatedLabels {
    "version": version: &'static str,
    "cipher": cipher: &'static str,
    "alpn": alpn: &'static str
});
backend_labels!(FailureLabels { "result": result: HandshakeResult });
backend_labels!(PhaseLabels { "phase": phase: &'static str, "outcome": outcome: Outcome });
backend_labels!(ClosedLabels { "reason": reason: &'static str });
backend_labels!(PoolLabels { "state": state: &'static str });
backend_labels!(AcquisitionLabels { "kind": kind: &'static str });
backend_labels!(RetryLabels { "reason": reason: &'static str });

/// Whether a session was resumed. A handshake that failed says nothing: an empty label is an absent one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Resumed(Option<bool>);

impl fmt::Display for Resumed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            None => "",
            Some(false) => "false",
            Some(true) => "true",
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Outcome {
    Ok,
    Error,
}

impl Outcome {
    fn of(succeeded: bool) -> Self {
        if succeeded { Self::Ok } else { Self::Error }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ok => "ok",
            Self::Error => "error",
        })
    }
}

/// The protocols that are offered; a peer cannot put a word of its own into a label.
fn alpn_label(alpn: &str) -> &'static str {
    match alpn {
        "" => "",
        "http/1.1" => "http/1.1",
        "h2" => "h2",
        _ => "other",
    }
}

/// The back side of one shard.
#[derive(Debug)]
pub(in crate::telemetry) struct UpstreamMetrics {
    handshakes: Family<HandshakeLabels, Tally>,
    handshake_duration: Family<DurationLabels, Distribution>,
    tls_connections: Family<NegotiatedLabels, Tally>,
    last_failure: Family<FailureLabels, Moment>,
    connect_duration: Family<PhaseLabels, Distribution>,
    opened: Family<BackendId, Tally>,
    closed: Family<ClosedLabels, Tally>,
    pool: Family<PoolLabels, Level>,
    limit: Family<BackendId, Amount>,
    acquisitions: Family<AcquisitionLabels, Tally>,
    retries: Family<RetryLabels, Tally>,
    sent: Family<BackendId, Tally>,
    received: Family<BackendId, Tally>,
}

impl Default for UpstreamMetrics {
    fn default() -> Self {
        Self {
            handshakes: Family::new(Tally::default),
            handshake_duration: Family::new(|| Distribution::new(BUCKETS)),
            tls_connections: Family::new(Tally::default),
            last_failure: Family::new(moment),
            connect_duration: Family::new(|| Distribution::new(BUCKETS)),
            opened: Family::new(Tally::default),
            closed: Family::new(Tally::default),
            pool: Family::new(Level::default),
            limit: Family::new(amount),
            acquisitions: Family::new(Tally::default),
            retries: Family::new(Tally::default),
            sent: Family::new(Tally::default),
            received: Family::new(Tally::default),
        }
    }
}

/// The series that every exchange with one backend counts on.
#[derive(Debug)]
pub(in crate::telemetry) struct BackendSeries {
    opened: Tally,
    closed: [Tally; CloseReason::ALL.len()],
    pool: [Level; PoolState::ALL.len()],
    acquisitions: [Tally; Acquisition::ALL.len()],
    retries: [Tally; Retry::ALL.len()],
    sent: Tally,
    received: Tally,
}

impl BackendSeries {
    pub(in crate::telemetry) fn moved(&self, from: Option<PoolState>, to: Option<PoolState>) {
        if let Some(state) = from {
            self.pool[state as usize].step(false);
        }
        if let Some(state) = to {
            self.pool[state as usize].step(true);
        }
        if from == Some(PoolState::Connecting) && to.is_some() {
            self.opened.add(1);
        }
    }

    pub(in crate::telemetry) fn acquired(&self, how: Acquisition) {
        self.acquisitions[how as usize].add(1);
    }

    /// Bytes of HTTP to and from the backend.
    pub(in crate::telemetry) fn exchanged(&self, sent: u64, received: u64) {
        self.sent.add(sent);
        self.received.add(received);
    }

    pub(in crate::telemetry) fn retried(&self, why: Retry) {
        self.retries[why as usize].add(1);
    }

    pub(in crate::telemetry) fn closed(&self, why: CloseReason) {
        self.closed[why as usize].add(1);
    }
}

impl UpstreamMetrics {
    /// The series of a backend; those it has not used yet begin at 0.
    pub(in crate::telemetry) fn series(&self, backend: &BackendId) -> BackendSeries {
        let id = || backend.clone();
        BackendSeries {
            opened: self.opened.series(id()),
            closed: CloseReason::ALL
                .map(|reason| self.closed.series(ClosedLabels { backend: id(), reason: reason.as_str() })),
            pool: PoolState::ALL.map(|state| self.pool.series(PoolLabels { backend: id(), state: state.as_str() })),
            acquisitions: Acquisition::ALL
                .map(|kind| self.acquisitions.series(AcquisitionLabels { backend: id(), kind: kind.as_str() })),
            retries: Retry::ALL
                .map(|reason| self.retries.series(RetryLabels { backend: id(), reason: reason.as_str() })),
            sent: self.sent.series(id()),
            received: self.received.series(id()),
        }
    }

    /// Begins the `ok` series of a backend at 0, so that a ratio of failures has its denominator from the start.
    pub(in crate::telemetry) fn begin_ok(&self, backend: &BackendId) {
        for resumed in [false, true] {
            self.handshakes.series(HandshakeLabels {
                backend: backend.clone(),
                result: HandshakeResult::Ok,
                resumed: Resumed(Some(resumed)),
            });
        }
    }

    /// Counts an attempt. `now` is in seconds since the Unix epoch.
    pub(in crate::telemetry) fn handshake(&self, record: &HandshakeRecord<'_>, now: f64) {
        let id = || record.backend.clone();
        let succeeded = record.result == HandshakeResult::Ok;
        let outcome = Outcome::of(succeeded);
        let resumed = Resumed(succeeded.then(|| record.tls.is_some_and(|tls| tls.resumed)));

        self.handshakes.series(HandshakeLabels { backend: id(), result: record.result, resumed }).add(1);
        if let Some(time) = record.handshake {
            self.handshake_duration
                .series(DurationLabels { backend: id(), resumed, outcome })
                .observe(time.as_secs_f64());
        }
        if !succeeded {
            self.last_failure.series(FailureLabels { backend: id(), result: record.result }).set(now);
        } else if let Some(tls) = record.tls {
            self.established(record.backend, tls);
        }
        self.phases(record, succeeded);
    }

    fn established(&self, backend: &BackendId, tls: &TlsInfo) {
        let alpn = alpn_label(&tls.alpn);
        let labels = NegotiatedLabels { backend: backend.clone(), version: tls.version, cipher: tls.cipher, alpn };
        self.tls_connections.series(labels).add(1);
    }

    /// Of an attempt that failed the last phase failed, and those before it did not.
    fn phases(&self, record: &HandshakeRecord<'_>, succeeded: bool) {
        let phases = [("dns", record.dns), ("tcp", record.tcp), ("tls", record.handshake)];
        let last = phases.iter().rposition(|(_, time)| time.is_some());
        for (at, (phase, time)) in phases.into_iter().enumerate() {
            if let Some(time) = time {
                self.phase(record.backend, phase, succeeded || last != Some(at), time);
            }
        }
    }

    fn phase(&self, backend: &BackendId, phase: &'static str, succeeded: bool, time: Duration) {
        let labels = PhaseLabels { backend: backend.clone(), phase, outcome: Outcome::of(succeeded) };
        self.connect_duration.series(labels).observe(time.as_secs_f64());
    }

    pub(in crate::telemetry) fn plaintext_connect(&self, backend: &BackendId, succeeded: bool, time: Duration) {
        self.phase(backend, "tcp", succeeded, time);
    }

    pub(in crate::telemetry) fn limit(&self, backend: &BackendId, connections: u64) {
        self.limit.series(backend.clone()).set(connections);
    }

    /// The connections to each backend, and how many there may be.
    pub(in crate::telemetry) fn pools(&self) -> BTreeMap<BackendId, PoolLevels> {
        let mut pools: BTreeMap<BackendId, PoolLevels> = BTreeMap::new();
        self.pool.each(|labels, level| {
            let levels = pools.entry(labels.backend.clone()).or_default();
            let count = level.get().try_into().unwrap_or(0);
            match labels.state {
                state if state == PoolState::Active.as_str() => levels.active = count,
                state if state == PoolState::Idle.as_str() => levels.idle = count,
                _ => levels.connecting = count,
            }
        });
        self.limit.each(|backend, limit| pools.entry(backend.clone()).or_default().limit = limit.get());
        pools
    }

    pub(super) fn reset_gauges(&self) {
        self.pool.reset();
        self.limit.clear();
    }

    pub(super) fn forget_unknown(&self, known: &Known) {
        self.handshakes.retain(|labels| known.selected_by_policy(&labels.backend));
        self.handshake_duration.retain(|labels| known.selected_by_policy(&labels.backend));
        self.tls_connections.retain(|labels| known.selected_by_policy(&labels.backend));
        self.last_failure.retain(|labels| known.selected_by_policy(&labels.backend));
        self.connect_duration.retain(|labels| known.backend(&labels.backend));
        self.opened.retain(|backend| known.backend(backend));
        self.closed.retain(|labels| known.backend(&labels.backend));
        self.pool.retain(|labels| known.backend(&labels.backend));
        self.limit.retain(|backend| known.backend(backend));
        self.acquisitions.retain(|labels| known.backend(&labels.backend));
        self.retries.retain(|labels| known.backend(&labels.backend));
        self.sent.retain(|backend| known.backend(backend));
        self.received.retain(|backend| known.backend(backend));
    }

    pub(super) fn collect(shards: &[&Self], known: &Known) -> Vec<MetricFamily> {
        let tls = |backend: &BackendId| known.selected_by_policy(backend);
        let any = |backend: &BackendId| known.backend(backend);
        let shards = || shards.iter();
        [
            collect(HANDSHAKES, shards().map(|shard| &shard.handshakes), |labels| tls(&labels.backend)),
            collect(HANDSHAKE_DURATION, shards().map(|shard| &shard.handshake_duration), |labels| tls(&labels.backend)),
            collect(TLS_CONNECTIONS, shards().map(|shard| &shard.tls_connections), |labels| tls(&labels.backend)),
            collect(LAST_FAILURE, shards().map(|shard| &shard.last_failure), |labels| tls(&labels.backend)),
            collect(CONNECT_DURATION, shards().map(|shard| &shard.connect_duration), |labels| any(&labels.backend)),
            collect(OPENED, shards().map(|shard| &shard.opened), any),
            collect(CLOSED, shards().map(|shard| &shard.closed), |labels| any(&labels.backend)),
            collect(POOL, shards().map(|shard| &shard.pool), |labels| any(&labels.backend)),
            collect(POOL_LIMIT, shards().map(|shard| &shard.limit), any),
            collect(ACQUISITIONS, shards().map(|shard| &shard.acquisitions), |labels| any(&labels.backend)),
            collect(RETRIES, shards().map(|shard| &shard.retries), |labels| any(&labels.backend)),
            collect(SENT, shards().map(|shard| &shard.sent), any),
            collect(RECEIVED, shards().map(|shard| &shard.received), any),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}
