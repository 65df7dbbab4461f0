//! What one worker thread tells its records to.

use std::cell::{RefCell, RefMut};
use std::sync::Arc;
use std::time::Duration;

use super::access_log::Sink;
use super::metrics::Shard;
use super::metrics::request::{ClassOf, RequestClass, RequestSeries};
use super::metrics::tally::Level;
use super::metrics::upstream::BackendSeries;
use super::observer::{Acquisition, CloseReason, DownstreamHandshake, Observer, PoolState, Rejection, Retry};
use super::recent::Recent;
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
    state: RefCell<State>,
}

#[derive(Debug)]
struct State {
    handles: Handles,
    access_log: Option<Sink>,
}

/// What is kept of the shard's families, so that counting takes no lock. Valid for one generation of the shard.
#[derive(Debug, Default)]
struct Handles {
    generation: u64,
    requests: Recent<RequestClass, KnownRequest>,
    in_flight: Recent<Box<str>, Level>,
    backends: Recent<BackendId, BackendSeries>,
}

/// What all requests of a class have in common.
#[derive(Debug)]
struct KnownRequest {
    series: RequestSeries,
    /// The part of the access log's line that names where they went; empty if there is no log.
    way: Box<[u8]>,
}

impl WorkerTelemetry {
    pub(super) fn new(telemetry: Arc<Telemetry>, shard: Arc<Shard>) -> Self {
        let access_log = telemetry.access_log.as_ref().map(super::AccessLog::sink);
        let handles = Handles { generation: shard.generation(), ..Handles::default() };
        Self { telemetry, shard, state: RefCell::new(State { handles, access_log }) }
    }

    fn state(&self) -> RefMut<'_, State> {
        let mut state = self.state.borrow_mut();
        let generation = self.shard.generation();
        if state.handles.generation != generation {
            state.handles = Handles { generation, ..Handles::default() };
        }
        state
    }

    fn on_backend(&self, backend: &BackendId, count: impl FnOnce(&BackendSeries)) {
        let make = || (backend.clone(), self.shard.upstream.series(backend));
        count(self.state().handles.backends.entry(backend, make));
    }
}

impl Drop for WorkerTelemetry {
    fn drop(&mut self) {
        self.shard.give_back();
    }
}

impl Observer for WorkerTelemetry {
    fn request(&self, record: &RequestRecord<'_>) {
        let mut state = self.state();
        let State { handles, access_log } = &mut *state;
        let class = ClassOf::new(record);
        let known = handles.requests.entry(&class, || {
            let class = class.to_owned();
            let way = access_log.as_ref().map(|log| log.way(record)).unwrap_or_default();
            let known = KnownRequest { series: self.shard.requests.series(&class), way };
            (class, known)
        });
        known.series.count(record.duration);
        if let Some(log) = access_log {
            log.write(record, &known.way);
        }
    }

    fn request_in_flight(&self, gateway: &str, begins: bool) {
        let make = || (gateway.into(), self.shard.requests.in_flight(gateway));
        self.state().handles.in_flight.entry(gateway, make).step(begins);
    }

    fn downstream_connection(&self, gateway: &str, port: u16, begins: bool) {
        self.shard.downstream.connections(gateway, port).step(begins);
    }

    fn handshake(&self, record: &HandshakeRecord<'_>) {
        self.shard.upstream.handshake(record, now());
        let known = self.telemetry.known();
        let Some(backend) = known.get(record.backend) else { return };
        let current = backend.tls.is_same(record.configured);
        self.telemetry.observations.record(record, current, jiff::Timestamp::now());
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

    fn pool_limit(&self, backend: &BackendId, connections: u64) {
        self.shard.upstream.limit(backend, connections);
    }

    fn acquired(&self, backend: &BackendId, how: Acquisition) {
        self.on_backend(backend, |series| series.acquired(how));
    }

    fn closed(&self, backend: &BackendId, why: CloseReason) {
        self.on_backend(backend, |series| series.closed(why));
    }

    fn upstream_bytes(&self, backend: &BackendId, sent: u64, received: u64) {
        self.on_backend(backend, |series| series.exchanged(sent, received));
    }

    fn panicked(&self, gateway: &str) {
        self.shard.downstream.panics(gateway).add(1);
    }

    fn connection_rejected(&self, gateway: &str, why: Rejection) {
        self.shard.downstream.rejected(gateway, why).add(1);
    }

    fn downstream_handshake(&self, gateway: &str, port: u16, outcome: DownstreamHandshake) {
        self.shard.downstream.handshakes(gateway, port, outcome).add(1);
    }

    fn retried(&self, backend: &BackendId, why: Retry) {
        self.on_backend(backend, |series| series.retried(why));
    }
}
