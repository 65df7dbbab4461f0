//! What one worker thread tells its records to.

use std::cell::{RefCell, RefMut};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use prometheus::IntGauge;

use super::access_log::Sink;
use super::metrics::Shard;
use super::metrics::request::{RequestLabels, RequestSeries};
use super::metrics::upstream::BackendSeries;
use super::observer::{Acquisition, CloseReason, DownstreamHandshake, Observer, PoolState, Rejection, Retry};
use super::record::{HandshakeRecord, RequestRecord};
use super::{Telemetry, now};
use crate::outcome::{HandshakeResult, Reason};
use crate::plan::BackendId;

/// Counts on a shard of its own, keeps handles to the series it has met, and writes the logs. It can be sent to its
/// thread, and not be shared.
#[derive(Debug)]
pub struct WorkerTelemetry {
    telemetry: Arc<Telemetry>,
    shard: Arc<Shard>,
    access_log: Option<Sink>,
    cache: RefCell<Cache>,
}

/// Handles to series, valid for one generation of the shard.
#[derive(Debug, Default)]
struct Cache {
    generation: u64,
    requests: HashMap<RequestLabels<'static>, RequestSeries>,
    in_flight: HashMap<Box<str>, IntGauge>,
    backends: HashMap<BackendId, BackendSeries>,
}

impl WorkerTelemetry {
    pub(super) fn new(telemetry: Arc<Telemetry>, shard: Arc<Shard>) -> Self {
        let access_log = telemetry.access_log.as_ref().map(super::AccessLog::sink);
        let cache = RefCell::new(Cache { generation: shard.generation(), ..Cache::default() });
        Self { telemetry, shard, access_log, cache }
    }

    fn cache(&self) -> RefMut<'_, Cache> {
        let mut cache = self.cache.borrow_mut();
        let generation = self.shard.generation();
        if cache.generation != generation {
            *cache = Cache { generation, ..Cache::default() };
        }
        cache
    }

    fn on_backend(&self, backend: &BackendId, count: impl FnOnce(&BackendSeries)) {
        let mut cache = self.cache();
        if let Some(series) = cache.backends.get(backend) {
            count(series);
        } else {
            let series = self.shard.upstream.series(backend);
            count(&series);
            cache.backends.insert(backend.clone(), series);
        }
    }
}

impl Drop for WorkerTelemetry {
    fn drop(&mut self) {
        self.shard.give_back();
    }
}

impl Observer for WorkerTelemetry {
    fn request(&self, record: &RequestRecord<'_>) {
        let count = |series: &RequestSeries| {
            series.total.inc();
            series.duration.observe(record.duration.as_secs_f64());
        };
        let labels = RequestLabels::of(record);
        let mut cache = self.cache();
        // Seen with the record's lifetime, so that nothing is copied to look it up.
        let known: &HashMap<RequestLabels<'_>, RequestSeries> = &cache.requests;
        if let Some(series) = known.get(&labels) {
            count(series);
        } else {
            let (labels, series) = self.shard.requests.series(labels);
            count(&series);
            cache.requests.insert(labels, series);
        }
        drop(cache);

        if let Some(log) = &self.access_log {
            log.write(record);
        }
    }

    fn request_in_flight(&self, gateway: &str, begins: bool) {
        let count = |gauge: &IntGauge| gauge.add(if begins { 1 } else { -1 });
        let mut cache = self.cache();
        if let Some(gauge) = cache.in_flight.get(gateway) {
            count(gauge);
        } else {
            let gauge = self.shard.requests.in_flight(gateway);
            count(&gauge);
            cache.in_flight.insert(gateway.into(), gauge);
        }
    }

    fn downstream_connection(&self, gateway: &str, port: u16, begins: bool) {
        self.shard.downstream.connections(gateway, port).add(if begins { 1 } else { -1 });
    }

    fn handshake(&self, record: &HandshakeRecord<'_>) {
        self.shard.upstream.handshake(record, now());
        self.telemetry.observations.record(record, jiff::Timestamp::now());
        if record.result != HandshakeResult::Ok {
            self.telemetry.handshake_log.write(record);
        }
    }

    fn plaintext_connect(&self, backend: &BackendId, outcome: Reason, tcp: Duration) {
        self.shard.upstream.plaintext_connect(backend, outcome == Reason::None, tcp);
    }

    fn pool(&self, backend: &BackendId, from: Option<PoolState>, to: Option<PoolState>) {
        self.on_backend(backend, |series| series.moved(from, to));
    }

    fn acquired(&self, backend: &BackendId, how: Acquisition) {
        self.on_backend(backend, |series| series.acquired(how));
    }

    fn closed(&self, backend: &BackendId, why: CloseReason) {
        self.on_backend(backend, |series| series.closed(why));
    }

    fn upstream_bytes(&self, backend: &BackendId, sent: u64, received: u64) {
        self.on_backend(backend, |series| {
            series.sent.inc_by(sent);
            series.received.inc_by(received);
        });
    }

    fn panicked(&self, gateway: &str) {
        self.shard.downstream.panics(gateway).inc();
    }

    fn connection_rejected(&self, gateway: &str, why: Rejection) {
        self.shard.downstream.rejected(gateway, why).inc();
    }

    fn downstream_handshake(&self, gateway: &str, port: u16, outcome: DownstreamHandshake) {
        self.shard.downstream.handshakes(gateway, port, outcome).inc();
    }

    fn retried(&self, backend: &BackendId, why: Retry) {
        self.on_backend(backend, |series| series.retried(why));
    }
}
