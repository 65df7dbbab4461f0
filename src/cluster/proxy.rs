//! The configuration of the proxies of one Gateway.

use std::sync::Arc;
use std::time::{Duration, Instant};

use postern_actors::plan::{Endpoints, Plan, ServicePort};
use postern_actors::supervisor::configuration::Pending;
use postern_actors::supervisor::kubernetes::applied::Applied;
use postern_actors::supervisor::kubernetes::events::Regarding;
use postern_actors::supervisor::kubernetes::resource::Target;
use postern_actors::supervisor::kubernetes::watch::Watched;
use postern_actors::supervisor::kubernetes::watches::Numbered;
use postern_actors::supervisor::{Configuration, Effect};
use postern_actors::telemetry::Status;
use tokio::sync::watch;

use super::kinds;
use super::news::tell_news;
use super::plaintext::{self, Plaintext};
use super::state::ClusterState;
use super::wanted::Wanted;
use crate::resources::{NamespacedName, Snapshot};
use crate::status::{Finding, Verdicts};
use crate::translate::{Settings, endpoints, translate};

#[cfg(test)]
mod tests;

/// What readiness says while the cluster is not known.
const KUBERNETES: &str = "kubernetes";

/// How long a Secret or ConfigMap that may not be read is waited for: the controller grants it when it has seen what names it.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is said of a translation for a proxy.
#[derive(Debug)]
pub struct ProxyReport {
    /// The statuses under its Gateway.
    pub verdicts: Verdicts,
    /// Its Gateway as of this translation, if there is one.
    pub gateway: Option<Applied>,
    /// What Events may regard.
    pub regarding: Regarding,
}

/// The cluster as the proxies of one Gateway see it.
pub struct ProxyConfiguration {
    gateway: NamespacedName,
    settings: Settings,
    state: ClusterState,
    wanted: Wanted,
    /// The last translation waits for something.
    pending: bool,
    /// There was one that did not.
    served: bool,
    plaintext: Plaintext,
    /// What was told of the last translation.
    findings: Vec<Finding>,
    status: Arc<Status>,
}

impl ProxyConfiguration {
    /// What is watched in any case, beside what the receiver tells.
    pub fn fixed() -> Vec<Target> {
        kinds::of_proxy().into_iter().filter(|target| *target != plaintext::policies()).collect()
    }

    /// Nothing is known yet. The receiver tells what is to be watched beside what is fixed. `settings` are those of the Gateway.
    pub fn new(gateway: NamespacedName, settings: Settings, status: Arc<Status>) -> (Self, watch::Receiver<Numbered>) {
        let (wanted, following) = Wanted::new([plaintext::policies()]);
        let state = ClusterState::new(kinds::of_proxy(), PATIENCE);
        status.readiness.pending(KUBERNETES);
        let this = Self {
            gateway,
            settings,
            state,
            wanted,
            pending: true,
            served: false,
            plaintext: Plaintext::default(),
            findings: Vec::new(),
            status,
        };
        this.is_whole();
        (this, following)
    }

    /// Whether the state is whole; readiness says what is waited for before there ever was one.
    fn is_whole(&self) -> bool {
        let waits_for = self.state.waits_for(Instant::now());
        if !self.served && !waits_for.is_empty() {
            self.status.readiness.pending_detail(KUBERNETES, &waits_for.join("; "));
        }
        waits_for.is_empty()
    }
}

impl ProxyConfiguration {
    /// Takes over what was kept back while the policies were looked at. It is translated when they were looked at again.
    fn go_on(&mut self) {
        let effects = self.plaintext.release().map(|watched| self.state.take(watched));
        if effects.max().is_some_and(|effect| effect == Effect::Everything) {
            self.pending = true;
            self.plaintext.ask();
            self.wanted.list_again(&plaintext::policies(), &mut self.state);
        }
    }
}

impl Configuration for ProxyConfiguration {
    type Change = Watched;
    type Report = ProxyReport;

    fn change(&mut self, watched: Watched) -> Effect {
        let effect = self.plaintext.admit(watched).map_or(Effect::Nothing, |watched| self.state.take(watched));
        if self.pending { Effect::Everything } else { effect }
    }

    fn translate(&mut self) -> Result<(Plan, Endpoints, ProxyReport), Pending> {
        self.pending = true;
        if !self.is_whole() {
            return Err(Pending);
        }
        let translation = translate(self.state.snapshot(), &self.settings, jiff::Timestamp::now());
        self.wanted.set(translation.references.get(&self.gateway).into_iter().flatten(), &mut self.state);
        if !self.is_whole() {
            return Err(Pending);
        }
        let gateway = self.state.snapshot().gateways.get(&self.gateway);
        // A class that is not there for a moment does not end what is served.
        if self.served
            && let Some(gateway) = gateway
            && !self.state.knows_class(&gateway.spec.gateway_class_name)
        {
            return Err(Pending);
        }
        if !self.plaintext.confirms(&translation.plan) {
            self.wanted.list_again(&plaintext::policies(), &mut self.state);
            return Err(Pending);
        }
        self.pending = false;
        self.served = true;
        self.status.readiness.done(KUBERNETES);
        // What lacks something that its Gateway names does not serve its generation yet.
        let gateway = gateway
            .filter(|_| !self.state.lacks())
            .map(|gateway| Applied { uid: gateway.metadata.uid.clone(), generation: gateway.metadata.generation });
        let regarding = regarding(self.state.snapshot(), &self.gateway, &translation.plan);
        tell_news(&mut self.findings, &translation.verdicts.findings);
        self.go_on();
        let report = ProxyReport { verdicts: under(translation.verdicts, &self.gateway), gateway, regarding };
        Ok((translation.plan, translation.endpoints, report))
    }

    fn endpoints(&mut self, ports: &mut dyn Iterator<Item = &ServicePort>) -> Endpoints {
        endpoints::endpoints(self.state.snapshot(), ports.cloned())
    }
}

/// The Gateway, and the policies of the plan's backends.
fn regarding(snapshot: &Snapshot, gateway: &NamespacedName, plan: &Plan) -> Regarding {
    let policies = plan.backends.values().filter_map(|backend| {
        let policy = backend.tls.policy()?;
        let (namespace, name) = policy.split_once('/')?;
        let object = snapshot.backend_tls_policies.get(&NamespacedName::new(namespace, name))?;
        Some((policy.clone(), object.metadata.uid.clone()))
    });
    let gateway = snapshot.gateways.get(gateway).map(|gateway| gateway.metadata.uid.clone());
    Regarding { gateway, policies: policies.collect() }
}

/// What is said of policies under one Gateway.
fn under(mut verdicts: Verdicts, gateway: &NamespacedName) -> Verdicts {
    verdicts.backend_tls_policies.retain(|_, verdict| {
        verdict.ancestors.retain(|ancestor| ancestor.gateway == *gateway);
        !verdict.ancestors.is_empty()
    });
    verdicts
}
