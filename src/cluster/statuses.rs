//! The statuses that objects have, as they were told: what a new one is compared with.

use std::collections::{BTreeMap, BTreeSet};

use postern_actors::supervisor::kubernetes::watch::{Event, Watched};
use serde_json::{Value, json};

use super::kinds;
use super::state::name_of;
use crate::resources::{Kind, NamespacedName};

/// Of each object of the kinds whose status we write: `metadata` as far as it names the object and its version, and `status`.
/// Of a GatewayClass, which we make ourselves, all of it.
#[derive(Debug, Default)]
pub(super) struct Statuses {
    objects: BTreeMap<Kind, BTreeMap<NamespacedName, Value>>,
    absent: BTreeSet<Kind>,
}

impl Statuses {
    /// The kinds whose status we write.
    pub(super) const KINDS: [Kind; 4] = [Kind::GatewayClass, Kind::Gateway, Kind::HttpRoute, Kind::BackendTlsPolicy];

    /// Takes over what a watch told; whether it is of a kind whose status we write.
    pub(super) fn note(&mut self, watched: &Watched) -> bool {
        let Some(kind) = kinds::kind_of(&watched.target.resource).filter(|kind| Self::KINDS.contains(kind)) else {
            return false;
        };
        let objects = self.objects.entry(kind).or_default();
        match &watched.event {
            Event::Listed(listed) => {
                *objects = listed.iter().filter_map(|object| Some((name_of(object)?, kept(kind, object)))).collect();
            }
            Event::Applied(object) => objects.extend(name_of(object).map(|name| (name, kept(kind, object)))),
            Event::Deleted(object) => {
                name_of(object).map(|name| objects.remove(&name));
            }
            Event::Absent => {
                objects.clear();
                self.absent.insert(kind);
            }
            Event::Unavailable(_) => return false,
        }
        if !matches!(watched.event, Event::Absent) {
            self.absent.remove(&kind);
        }
        true
    }

    /// Whether the API server serves a kind.
    pub(super) fn serves(&self, kind: Kind) -> bool {
        !self.absent.contains(&kind)
    }

    /// One object.
    pub(super) fn get(&self, kind: Kind, name: &NamespacedName) -> Option<&Value> {
        self.objects.get(&kind)?.get(name)
    }

    /// Whether a condition of an object is true.
    pub(super) fn holds(&self, kind: Kind, name: &NamespacedName, condition: &str) -> bool {
        let conditions = self.get(kind, name).and_then(|object| object.pointer("/status/conditions")?.as_array());
        conditions.is_some_and(|all| all.iter().any(|one| one["type"] == condition && one["status"] == "True"))
    }

    /// All objects of a kind.
    pub(super) fn of(&self, kind: Kind) -> impl Iterator<Item = (&NamespacedName, &Value)> {
        self.objects.get(&kind).into_iter().flatten()
    }
}

fn kept(kind: Kind, object: &Value) -> Value {
    if kind == Kind::GatewayClass {
        return object.clone();
    }
    let metadata = &object["metadata"];
    json!({
        "metadata": {
            "resourceVersion": metadata["resourceVersion"],
            "generation": metadata["generation"],
        },
        "spec": { "parentRefs": object["spec"]["parentRefs"] },
        "status": object["status"],
    })
}
