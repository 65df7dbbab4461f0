//! Every object that the watches told, as far as it can be read: the Snapshot, and what is not known yet.
//!
//! It behaves as files do: an object that cannot be read any more keeps its last good version, and a BackendTLSPolicy that
//! never could be read stands in for what it targets.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use postern_actors::supervisor::Effect;
use postern_actors::supervisor::kubernetes::resource::{Scope, Target};
use postern_actors::supervisor::kubernetes::watch::{Event, Watched};
use serde_json::Value;

use super::kinds;
use crate::resources::backend_tls_policy::UnreadablePolicy;
use crate::resources::ingest::{AnyObject, Ingested, Rejection, ingest_admitted};
use crate::resources::snapshot::GatewayApi;
use crate::resources::{Kind, NamespacedName, ObjectRef, Snapshot};

#[cfg(test)]
mod tests;

/// Every object that was told.
#[derive(Debug, Default)]
pub struct ClusterState {
    snapshot: Snapshot,
    /// Why an object cannot be read as it is now.
    refused: BTreeMap<ObjectRef, String>,
    /// What has never been told, and why where that is known. Of an object by name that is: since we may not read it.
    unknown: BTreeMap<Target, Option<String>>,
    /// How long objects that may not be read are waited for, all in all: whoever grants it may be about to.
    patience: Duration,
    /// Since when any object by name is waited for.
    waiting: Option<Instant>,
    /// The objects that each watch told.
    told: BTreeMap<Target, BTreeSet<NamespacedName>>,
}

impl ClusterState {
    /// Nothing is known of these targets yet. An object by name that may not be read is waited for as long as `patience`.
    pub fn new(fixed: impl IntoIterator<Item = Target>, patience: Duration) -> Self {
        let unknown = fixed.into_iter().map(|target| (target, None)).collect();
        Self { unknown, patience, ..Self::default() }
    }

    /// The objects as of now. Those that did not change are the same `Arc`s as before.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// The version of the Gateway API, for whoever learns it.
    pub(super) fn gateway_api_mut(&mut self) -> &mut Option<GatewayApi> {
        &mut self.snapshot.gateway_api
    }

    /// Whether there is a GatewayClass of a name.
    pub(super) fn knows_class(&self, name: &str) -> bool {
        self.snapshot.gateway_classes.contains_key(&NamespacedName::new("", name))
    }

    /// Objects that cannot be read as they are, and why.
    pub fn refused(&self) -> &BTreeMap<ObjectRef, String> {
        &self.refused
    }

    /// What has to be told before there is a whole state, a line each.
    pub fn waits_for(&self, now: Instant) -> Vec<String> {
        let patient = self.waiting.is_none_or(|since| now.duration_since(since) < self.patience);
        let line = |(target, cause): (&Target, &Option<String>)| match (cause, &target.scope) {
            (Some(_), Scope::Named { .. }) if !patient => None,
            (Some(cause), _) => Some(format!("{target} cannot be listed: {cause}")),
            (None, _) => Some(format!("{target} is not listed yet")),
        };
        self.unknown.iter().filter_map(line).collect()
    }

    /// Whether something that is named may not be read, and counts as not there.
    pub fn lacks(&self) -> bool {
        !self.unknown.is_empty()
    }

    /// This will be told as well.
    pub(super) fn expect(&mut self, target: Target) {
        if matches!(target.scope, Scope::Named { .. }) {
            self.waiting.get_or_insert_with(Instant::now);
        }
        self.unknown.insert(target, None);
    }

    fn no_longer_waits(&mut self) {
        if self.unknown.keys().all(|target| !matches!(target.scope, Scope::Named { .. })) {
            self.waiting = None;
        }
    }

    /// This is not told any more, and what was told of it is forgotten.
    pub(super) fn forget(&mut self, target: &Target) {
        self.unknown.remove(target);
        self.no_longer_waits();
        let Some(kind) = kinds::kind_of(&target.resource) else { return };
        for name in self.told.remove(target).unwrap_or_default() {
            self.remove(kind, &name);
        }
    }

    /// Takes over what a watch told.
    pub fn take(&mut self, watched: Watched) -> Effect {
        let Watched { target, event } = watched;
        let Some(kind) = kinds::kind_of(&target.resource) else { return Effect::Nothing };
        if !self.unknown.contains_key(&target) && !self.told.contains_key(&target) {
            return Effect::Nothing;
        }
        match event {
            Event::Listed(objects) => self.list(target, kind, objects),
            Event::Absent => self.list(target, kind, Vec::new()),
            Event::Applied(object) => {
                let (name, effect) = self.put(kind, object);
                self.told.entry(target).or_default().extend(name);
                effect
            }
            Event::Deleted(object) => match name_of(&object) {
                Some(name) => {
                    self.told.entry(target).or_default().remove(&name);
                    self.remove(kind, &name)
                }
                None => Effect::Nothing,
            },
            Event::Unavailable(cause) => {
                self.unknown.entry(target).and_modify(|known| *known = Some(cause));
                Effect::Nothing
            }
        }
    }

    fn list(&mut self, target: Target, kind: Kind, objects: Vec<Value>) -> Effect {
        let first = self.unknown.remove(&target).is_some();
        self.no_longer_waits();
        let mut effect = if first { Effect::Everything } else { Effect::Nothing };
        let mut now = BTreeSet::new();
        for object in objects {
            let (name, put) = self.put(kind, object);
            now.extend(name);
            effect = effect.max(put);
        }
        let before = self.told.insert(target.clone(), BTreeSet::new()).unwrap_or_default();
        for name in before.difference(&now) {
            effect = effect.max(self.remove(kind, name));
        }
        self.told.insert(target, now);
        effect
    }

    fn put(&mut self, kind: Kind, object: Value) -> (Option<NamespacedName>, Effect) {
        let told_name = name_of(&object);
        match ingest_admitted(object) {
            Ingested::Accepted { object, .. } => {
                let name = object.object_ref();
                self.refused.remove(&name);
                let unreadable = self.remove_stand_in(kind, &name.name);
                let same = object.is_in(&self.snapshot);
                if !same {
                    object.insert_into(&mut self.snapshot);
                }
                let effect = if unreadable || !same { effect_of(kind) } else { Effect::Nothing };
                (Some(name.name), effect)
            }
            Ingested::Rejected(rejection) => (told_name, self.refuse(rejection)),
            Ingested::Skipped(skip) => {
                tracing::warn!(object = ?told_name, "{skip}");
                (None, Effect::Nothing)
            }
        }
    }

    fn refuse(&mut self, rejection: Rejection) -> Effect {
        let Some(object) = rejection.object else { return Effect::Nothing };
        let causes: Vec<_> = rejection.violations.iter().map(ToString::to_string).collect();
        let causes = causes.join("; ");
        let known = self.refused.insert(object.clone(), causes.clone());
        let mut news = known.as_ref() != Some(&causes);
        if news {
            tracing::warn!(%object, causes, "an object cannot be read; what was known of it stays in effect");
        }
        if let Some(policy) = rejection.unreadable {
            let stand_in = match self.snapshot.backend_tls_policies.get(&object.name) {
                Some(good) => policy.beside(good).map(Arc::new),
                None => Some(policy),
            };
            news |= self.stand_in(&object.name, stand_in);
        }
        if news { Effect::Everything } else { Effect::Nothing }
    }

    /// Puts a stand-in for a policy in the place of the one before; whether that is another one.
    fn stand_in(&mut self, policy: &NamespacedName, stand_in: Option<Arc<UnreadablePolicy>>) -> bool {
        let stand_ins = &mut self.snapshot.unreadable_policies;
        let mut before: Vec<_> =
            [policy, &beside(policy)].into_iter().filter_map(|name| stand_ins.remove(name)).collect();
        let same = before.pop().as_ref() == stand_in.as_ref();
        stand_ins.extend(stand_in.map(|stand_in| (stand_in.metadata.key(), stand_in)));
        !same
    }

    fn remove_stand_in(&mut self, kind: Kind, name: &NamespacedName) -> bool {
        kind == Kind::BackendTlsPolicy && self.stand_in(name, None)
    }

    fn remove(&mut self, kind: Kind, name: &NamespacedName) -> Effect {
        let refused = self.refused.remove(&ObjectRef { kind, name: name.clone() }).is_some();
        let unreadable = self.remove_stand_in(kind, name);
        let gone = AnyObject::remove_from(kind, name, &mut self.snapshot);
        if gone || refused || unreadable { effect_of(kind) } else { Effect::Nothing }
    }
}

/// The name of what stands beside the last good version of a policy.
fn beside(policy: &NamespacedName) -> NamespacedName {
    NamespacedName::new(policy.namespace.clone(), UnreadablePolicy::name_beside(&policy.name))
}

fn effect_of(kind: Kind) -> Effect {
    if kind == Kind::EndpointSlice { Effect::Endpoints } else { Effect::Everything }
}

/// Namespace and name of an object as the API server has it.
pub(super) fn name_of(object: &Value) -> Option<NamespacedName> {
    let metadata = object.get("metadata")?;
    let namespace = metadata.get("namespace").and_then(Value::as_str).unwrap_or_default();
    Some(NamespacedName::new(Arc::from(namespace), Arc::from(metadata.get("name")?.as_str()?)))
}
