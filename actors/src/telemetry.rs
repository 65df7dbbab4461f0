//! What can be seen from outside: metrics, the access log and the admin pages.
//!
//! Each worker has a [`WorkerTelemetry`] of its own, so that counting touches no cache line of another thread; a scrape
//! merges them. It must not know how requests are served: it is told in records.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use prometheus::TextEncoder;

mod access_log;
pub mod admin;
pub mod contact;
pub mod evidence;
mod handshake_log;
mod metrics;
pub mod observations;
pub mod observer;
pub mod peers;
pub mod pools;
pub mod problem;
pub mod readiness;
mod recent;
pub mod record;
pub mod status;
mod worker;

#[cfg(test)]
mod tests;

pub use access_log::LogFormat;
pub use contact::{Contact, OutOfTouch};
pub use evidence::Evidence;
pub use metrics::kubernetes::{EventResult, WriteResult};
pub use observations::{LastHandshake, Observations};
pub use observer::{Acquisition, CloseReason, DownstreamHandshake, Observer, PoolState, Rejection, Retry};
pub use pools::PoolLevels;
pub use problem::Problem;
pub use readiness::Readiness;
pub use record::{HandshakeRecord, RequestRecord, TlsInfo};
pub use status::{LogLevel, Status};
pub use worker::WorkerTelemetry;

use crate::plan::{BackendId, Endpoints, Expiries, Plan};
use access_log::AccessLog;
use handshake_log::HandshakeLog;
use metrics::{ConfigMetrics, Known, KubernetesMetrics, ProcessMetrics, Shard};

/// What does not change while the process lives.
pub struct Settings {
    /// Label `version` of `postern_build_info`.
    pub version: &'static str,
    /// Label `revision` of `postern_build_info`.
    pub revision: &'static str,
    /// How the access log is written and where to; `None` writes none.
    pub access_log: Option<(LogFormat, Box<dyn Write + Send>)>,
}

/// The telemetry of the process: hands out what each worker counts on, and tells it all.
#[derive(Debug)]
pub struct Telemetry {
    version: &'static str,
    shards: Mutex<Vec<Arc<Shard>>>,
    /// Series that begin at 0, before any worker has counted.
    seeds: Arc<Shard>,
    known: RwLock<Arc<Known>>,
    own_gateway: OnceLock<Arc<str>>,
    problems: RwLock<Arc<[Problem]>>,
    endpoints: RwLock<Arc<Endpoints>>,
    config: ConfigMetrics,
    kubernetes: KubernetesMetrics,
    process: ProcessMetrics,
    contact: Arc<Contact>,
    observations: Observations,
    handshake_log: HandshakeLog,
    access_log: Option<AccessLog>,
}

/// One condition of a policy, for the metric `postern_policy_condition`.
#[derive(Debug, Clone, Copy)]
pub struct PolicyCondition<'a> {
    /// `BackendTLSPolicy`
    pub kind: &'static str,
    /// `namespace/name`
    pub policy: &'a str,
    /// `Accepted`, `ResolvedRefs`
    pub condition: &'static str,
    /// Whether it is true of every ancestor.
    pub status: bool,
}

impl Telemetry {
    /// Starts the access log's writer, if there is to be one.
    pub fn new(settings: Settings) -> Arc<Self> {
        let config = ConfigMetrics::new(settings.version, settings.revision);
        let access_log = settings.access_log.map(|(format, output)| AccessLog::start(format, output, config.dropped()));
        Arc::new(Self {
            version: settings.version,
            shards: Mutex::default(),
            seeds: Arc::default(),
            known: RwLock::default(),
            own_gateway: OnceLock::new(),
            problems: RwLock::new(Arc::from([])),
            endpoints: RwLock::default(),
            config,
            kubernetes: KubernetesMetrics::new(),
            process: ProcessMetrics::new(),
            contact: Arc::default(),
            observations: Observations::default(),
            handshake_log: HandshakeLog::default(),
            access_log,
        })
    }

    /// What one worker thread tells its records to. When it is dropped, its counts stay, and another may go on with them.
    pub fn worker(self: &Arc<Self>) -> WorkerTelemetry {
        let mut shards = self.shards.lock().unwrap_or_else(PoisonError::into_inner);
        let free = shards.iter().find(|shard| shard.take()).cloned();
        let shard = free.unwrap_or_else(|| {
            let shard = Arc::<Shard>::default();
            shard.take();
            shards.push(shard.clone());
            shard
        });
        WorkerTelemetry::new(self.clone(), shard)
    }

    /// A plan is served: the series of its objects begin, and those of objects that it does not have end.
    pub fn plan_applied(&self, plan: &Plan) {
        let known = Arc::new(Known::of(plan, self.own_gateway.get()));
        for backend in known.with_identity() {
            self.seeds.upstream.begin_ok(backend);
        }
        for gateway in known.gateways() {
            self.seeds.downstream.begin(gateway);
        }
        self.certificates(&plan.expiries());
        self.config.policies(plan);
        for shard in self.shards() {
            shard.forget_unknown(&known);
        }
        self.observations.retain(|backend| known.backend(backend));
        let before = self.known();
        self.observations.outdate(|backend| !known.same_tls(&before, backend));
        self.handshake_log.retain(|backend| known.backend(backend));
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = known;
    }

    /// The endpoints of the plan's Service ports.
    pub fn endpoints(&self) -> Arc<Endpoints> {
        self.endpoints.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The endpoints have changed.
    pub fn set_endpoints(&self, endpoints: Arc<Endpoints>) {
        *self.endpoints.write().unwrap_or_else(PoisonError::into_inner) = endpoints;
    }

    /// When the certificates of the configuration end, in the place of what was told before.
    pub fn certificates(&self, expiries: &Expiries) {
        self.config.certificates(expiries);
    }

    /// A configuration was applied by every worker, or could not be.
    pub fn config_applied(&self, succeeded: bool) {
        self.config.applied(succeeded, now());
    }

    /// The time from the change of an object of this kind to its being applied by every worker.
    pub fn config_propagated(&self, kind: &'static str, time: Duration) {
        self.config.propagated(kind, time);
    }

    /// Whether every worker serves the newest configuration: that of each Gateway of the plan, and of the one that the process
    /// serves in any case.
    pub fn config_in_sync(&self, in_sync: bool) {
        for gateway in self.known().gateways() {
            self.config.in_sync(gateway, in_sync);
        }
    }

    /// The process serves this Gateway (`namespace/name`), whether a plan has a port for it or not. To be told once, before
    /// the first plan.
    pub fn serves(&self, gateway: Arc<str>) {
        let _ = self.own_gateway.set(gateway);
    }

    /// When a configuration was last applied by every worker, in seconds since the Unix epoch.
    pub fn config_last_success(&self) -> Option<f64> {
        self.config.last_success()
    }

    /// Whether every worker serves the newest configuration of a Gateway; nothing before any was applied.
    pub fn is_in_sync(&self, gateway: &str) -> Option<bool> {
        self.config.is_in_sync(gateway)
    }

    /// What is wrong with the configuration, in the place of what was told before.
    pub fn set_problems(&self, problems: Arc<[Problem]>) {
        *self.problems.write().unwrap_or_else(PoisonError::into_inner) = problems;
    }

    /// What is wrong with the configuration.
    pub fn problems(&self) -> Arc<[Problem]> {
        self.problems.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The conditions of all policies, in the place of those told before.
    pub fn policy_conditions<'a>(&self, conditions: impl IntoIterator<Item = PolicyCondition<'a>>) {
        self.config.conditions(conditions);
    }

    /// Events are written from now on: their series begin at 0.
    pub fn events_begin(&self) {
        self.kubernetes.events_begin();
    }

    /// What became of an Event.
    pub fn event_written(&self, result: EventResult) {
        self.kubernetes.event(result);
    }

    /// Objects of these kinds are watched: the series of the contact with Kubernetes, and of each kind, begin.
    pub fn kubernetes_watched<'a>(&self, kinds: impl IntoIterator<Item = &'a str>) {
        self.contact.watching();
        for kind in kinds {
            self.kubernetes.restarts(kind);
        }
    }

    /// A watch of this kind is begun again: it had failed, was ended by the server, or was too far behind.
    pub fn kubernetes_watch_restarted(&self, kind: &str) {
        self.kubernetes.restarts(kind).inc();
    }

    /// What became of a write of an object of this kind.
    pub fn kubernetes_written(&self, kind: &str, result: WriteResult) {
        self.kubernetes.written(kind, result);
    }

    /// The Gateways, `namespace/name`, and whether each is programmed, in the place of those told before. To be told by
    /// controllers only; the metric is that of the one that writes.
    pub fn gateways_programmed<'a>(&self, gateways: impl IntoIterator<Item = (&'a str, bool)>) {
        self.kubernetes.programmed(gateways);
    }

    /// Whether this is the controller that writes. To be told by controllers only, from their start.
    pub fn leads(&self, leads: bool) {
        self.kubernetes.leads(leads);
    }

    /// Whether this is the controller that writes; nothing in a process that is no controller.
    pub fn is_leader(&self) -> Option<bool> {
        self.kubernetes.is_leader()
    }

    /// Whether the process is in touch with Kubernetes.
    pub fn contact(&self) -> &Arc<Contact> {
        &self.contact
    }

    /// How the last attempt to reach each backend by TLS ended.
    pub fn observations(&self) -> &Observations {
        &self.observations
    }

    /// The version that runs.
    pub fn version(&self) -> &'static str {
        self.version
    }

    /// The connections of each worker that lives, by backend.
    pub fn pools(&self) -> Vec<BTreeMap<BackendId, PoolLevels>> {
        let known = self.known();
        let shards = self.shards.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let workers = shards.iter().filter(|shard| shard.is_taken());
        let pools = workers.map(|shard| {
            let mut pools = shard.upstream.pools();
            pools.retain(|backend, _| known.backend(backend));
            pools
        });
        pools.collect()
    }

    /// Every metric, in Prometheus's text format.
    pub fn render(&self) -> String {
        let known = self.known();
        let mut families = metrics::collect(&self.shards(), &known);
        families.extend(self.config.collect(&known));
        families.extend(self.kubernetes.collect(&self.contact));
        families.extend(metrics::peers::collect_peers(&self.observations, &known, &self.endpoints()));
        families.extend(self.process.collect());
        families.sort_by(|one, other| one.name().cmp(other.name()));
        let mut text = String::new();
        if let Err(error) = TextEncoder::new().encode_utf8(&families, &mut text) {
            tracing::error!(%error, "a metric could not be rendered");
        }
        text
    }

    /// Writes out what the access log still holds, and ends it.
    pub fn shutdown(&self) {
        if let Some(log) = &self.access_log {
            log.close();
        }
    }

    fn known(&self) -> Arc<Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn shards(&self) -> Vec<Arc<Shard>> {
        let workers = self.shards.lock().unwrap_or_else(PoisonError::into_inner);
        workers.iter().chain([&self.seeds]).cloned().collect()
    }
}

/// Seconds since the Unix epoch.
fn now() -> f64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0.0, |elapsed| elapsed.as_secs_f64())
}
