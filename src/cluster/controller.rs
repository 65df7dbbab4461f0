//! What the controller makes of a cluster: the objects that serve each Gateway, and the status of everything that is ours.
//!
//! It is told everything by watches and by the writer, translates as the proxies do, and says whole what is to be written.
//! Nothing that stands as it should is among it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use postern_actors::plan::{Endpoints, Expiries, Plan, ServicePort};
use postern_actors::supervisor::configuration::Pending;
use postern_actors::supervisor::kubernetes::resource::Target;
use postern_actors::supervisor::kubernetes::watch::Watched;
use postern_actors::supervisor::kubernetes::watches::Numbered;
use postern_actors::supervisor::kubernetes::writer::{Write, Written};
use postern_actors::supervisor::workers::NO_CONFIGURATION;
use postern_actors::supervisor::{Configuration, Effect};
use postern_actors::telemetry::Status;
use tokio::sync::watch;

use super::kinds;
use super::news::tell_news;
use super::owned::{News, Owned};
use super::state::ClusterState;
use super::statuses::Statuses;
use super::wanted::Wanted;
use super::writes;
use crate::provision;
use crate::resources::{Kind, NamespacedName, ObjectRef};
use crate::status::condition::PROGRAMMED;
use crate::status::{Finding, Verdicts};
use crate::translate::{self, Provision, Translation, translate};

#[cfg(test)]
mod tests;

/// What readiness says while the cluster is not known.
const KUBERNETES: &str = "kubernetes";
/// What the controller may not read, nobody is about to grant it.
const PATIENCE: Duration = Duration::ZERO;
/// A translation is made anew after this time, since certificates expire without a change.
const STALE: SignedDuration = SignedDuration::from_mins(10);

/// What a controller is told to do.
#[derive(Debug, Clone)]
pub struct ControllerSettings {
    /// How objects are translated.
    pub translation: translate::Settings,
    /// How Gateways are provisioned; the owner is found in the cluster.
    pub provisioning: provision::Settings,
    /// The GatewayClasses that it makes.
    pub classes: Vec<String>,
    /// The ClusterRole of the proxies.
    pub proxy_cluster_role: String,
    /// The Lease that decides which of the replicas writes.
    pub election: NamespacedName,
}

/// What a controller is told.
#[derive(Debug)]
pub enum ControllerChange {
    /// By a watch.
    Watched(Watched),
    /// By the writer.
    Written(Written),
}

impl From<Watched> for ControllerChange {
    fn from(watched: Watched) -> Self {
        Self::Watched(watched)
    }
}

/// What comes of it.
#[derive(Debug)]
pub struct ControllerReport {
    /// Everything that is not as it should be.
    pub writes: Vec<Vec<Write>>,
    /// The status of everything, as far as the objects themselves decide it.
    pub verdicts: Arc<Verdicts>,
    /// When the certificates end that the configuration names.
    pub expiries: Arc<Expiries>,
    /// Of each Gateway whether its condition `Programmed` is true, as the API server has it.
    pub programmed: BTreeMap<NamespacedName, bool>,
}

/// The cluster as the controller sees it.
pub struct ControllerConfiguration {
    settings: ControllerSettings,
    state: ClusterState,
    statuses: Statuses,
    owned: Owned,
    wanted: Wanted,
    failures: Failures,
    judged: Option<Judged>,
    /// What was told of the last translation.
    findings: Vec<Finding>,
    served: bool,
    status: Arc<Status>,
}

/// Why objects could not be applied: the Gateway (`namespace/name`) for whose sake, and the cause.
pub(super) type Failures = BTreeMap<(&'static str, NamespacedName), (Arc<str>, String)>;

/// A translation that holds until something of the Snapshot changes.
struct Judged {
    at: Timestamp,
    verdicts: Arc<Verdicts>,
    expiries: Arc<Expiries>,
    gateways: BTreeMap<NamespacedName, Provision>,
    references: BTreeMap<NamespacedName, BTreeSet<ObjectRef>>,
}

impl ControllerConfiguration {
    /// Nothing is known yet. The receiver tells what is to be watched by name.
    pub fn new(settings: ControllerSettings, status: Arc<Status>) -> (Self, watch::Receiver<Numbered>) {
        let (wanted, following) = Wanted::new([]);
        let this = Self {
            owned: Owned::new(&settings.proxy_cluster_role),
            state: ClusterState::new(kinds::of_controller(), PATIENCE),
            statuses: Statuses::default(),
            settings,
            wanted,
            failures: BTreeMap::new(),
            judged: None,
            findings: Vec::new(),
            served: false,
            status,
        };
        this.is_whole();
        (this, following)
    }

    /// What is watched in any case.
    pub fn fixed(settings: &ControllerSettings) -> Vec<Target> {
        kinds::of_controller().into_iter().chain(Owned::targets(&settings.proxy_cluster_role)).collect()
    }

    /// Whether the state is whole; readiness says what is waited for before there ever was one.
    fn is_whole(&self) -> bool {
        let waits_for: Vec<_> =
            self.state.waits_for(Instant::now()).into_iter().chain(self.owned.waits_for()).collect();
        if !self.served && !waits_for.is_empty() {
            self.status.readiness.pending_detail(KUBERNETES, &waits_for.join("; "));
        }
        waits_for.is_empty()
    }

    /// Judges the objects, unless they were judged as they are.
    fn judge(&mut self, now: Timestamp) {
        let stale = |judged: &Judged| now.duration_since(judged.at) > STALE;
        if self.judged.as_ref().is_none_or(stale) {
            let Translation { plan, verdicts, gateways, references, .. } =
                translate(self.state.snapshot(), &self.settings.translation, now);
            let (verdicts, expiries) = (Arc::new(verdicts), Arc::new(plan.expiries()));
            self.judged = Some(Judged { at: now, verdicts, expiries, gateways, references });
        }
    }
}

impl ControllerConfiguration {
    /// Only what is judged, or compared with what it should be, has an effect.
    fn take(&mut self, watched: Watched) -> Effect {
        if self.owned.is_told_by(&watched.target) {
            match self.owned.take(watched, self.state.gateway_api_mut()) {
                News::None => return Effect::Nothing,
                News::Some => {}
                News::GatewayApi => self.judged = None,
            }
            return Effect::Everything;
        }
        let written = self.statuses.note(&watched);
        let effect = self.state.take(watched);
        if effect > Effect::Nothing {
            self.judged = None;
        }
        if written || !self.is_whole() { Effect::Everything } else { effect }
    }
}

impl Configuration for ControllerConfiguration {
    type Change = ControllerChange;
    type Report = ControllerReport;

    fn change(&mut self, change: ControllerChange) -> Effect {
        match change {
            ControllerChange::Watched(watched) => self.take(watched),
            ControllerChange::Written(Written { kind, namespace, name, cause: Some(gateway), error }) => {
                let object = (kind, NamespacedName::new(namespace, name));
                let before = match &error {
                    Some(error) => self.failures.insert(object, (gateway, error.clone())),
                    None => self.failures.remove(&object),
                };
                if before.map(|(_, error)| error) == error { Effect::Nothing } else { Effect::Everything }
            }
            ControllerChange::Written(Written { cause: None, .. }) => Effect::Nothing,
        }
    }

    fn translate(&mut self) -> Result<(Plan, Endpoints, ControllerReport), Pending> {
        if !self.is_whole() {
            return Err(Pending);
        }
        let now = Timestamp::now();
        self.judge(now);
        if let Some(judged) = &self.judged {
            let named: BTreeSet<_> = judged.references.values().flatten().collect();
            self.wanted.set(named, &mut self.state);
        }
        if !self.is_whole() {
            return Err(Pending);
        }
        self.served = true;
        self.settings.provisioning.owner = self.owned.cluster_owner();
        self.judge(now);
        let Some(judged) = &self.judged else { return Err(Pending) };
        tell_news(&mut self.findings, &judged.verdicts.findings);
        let world = writes::World {
            settings: &self.settings,
            snapshot: self.state.snapshot(),
            refused: self.state.refused(),
            verdicts: &judged.verdicts,
            gateways: &judged.gateways,
            references: &judged.references,
            statuses: &self.statuses,
            owned: &self.owned,
            failures: &self.failures,
            now,
        };
        let is_programmed = |name| self.statuses.holds(Kind::Gateway, name, PROGRAMMED);
        let report = ControllerReport {
            writes: writes::all(&world),
            verdicts: judged.verdicts.clone(),
            expiries: judged.expiries.clone(),
            programmed: judged.verdicts.gateways.keys().map(|name| (name.clone(), is_programmed(name))).collect(),
        };
        // What need not be written any more cannot fail any more.
        let asked: BTreeSet<_> = report.writes.iter().flatten().map(writes::object).collect();
        self.failures.retain(|object, _| asked.contains(object));
        self.status.readiness.done(KUBERNETES);
        self.status.readiness.done(NO_CONFIGURATION);
        Ok((Plan::default(), Endpoints::default(), report))
    }

    fn endpoints(&mut self, _: &mut dyn Iterator<Item = &ServicePort>) -> Endpoints {
        Endpoints::default()
    }
}
