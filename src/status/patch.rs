//! From the status that an object should have to the JSON merge patch (RFC 7386) that gives it to the object, if it has
//! another one. Only what is ours is written: conditions of our types, and entries with our controller's name.
//!
//! A patch carries the `resourceVersion` of the object that it was made for, so that it fails where somebody else has written
//! meanwhile. What the status should say is not decided here.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::condition::TYPES;
use crate::resources::GATEWAY_GROUP;

#[cfg(test)]
mod tests;

/// "A maximum of 32 Gateways will be represented in this list." (RouteStatus.parents)
const PARENTS: usize = 32;
/// "A maximum of 16 ancestors will be represented in this list." (PolicyStatus.ancestors)
const ANCESTORS: usize = 16;

/// For a GatewayClass. `supportedFeatures` are written if `desired` has them.
pub fn gateway_class(desired: &Value, live: &Value, now: Timestamp) -> Option<Value> {
    let written = Written { live, now };
    let mut changes = Changes::default();
    changes.conditions(&written, desired);
    if let Some(features) = desired.get("supportedFeatures") {
        changes.field(&written, "supportedFeatures", Some(features));
    }
    changes.patch(&written)
}

/// For a Gateway of one of our classes: beside the conditions, listeners and addresses are ours as a whole.
pub fn gateway(desired: &Value, live: &Value, now: Timestamp) -> Option<Value> {
    let written = Written { live, now };
    let mut changes = Changes::default();
    changes.conditions(&written, desired);
    let listener = |wanted: &Value| {
        let before = written.list("listeners").iter().find(|listener| listener.get("name") == wanted.get("name"));
        written.stamped(wanted, before)
    };
    let listeners: Value = list(desired, "listeners").iter().map(listener).collect();
    changes.field(&written, "listeners", Some(&listeners));
    changes.field(&written, "addresses", desired.get("addresses"));
    changes.patch(&written)
}

/// For a route: entries of `parents` of other controllers stay as and where they are. A `desired` without parents takes
/// ours away.
pub fn route(desired: &Value, live: &Value, controller: &str, now: Timestamp) -> Option<Value> {
    Entries { field: "parents", reference: "parentRef", most: PARENTS, controller }.patch(desired, live, now)
}

/// For a policy: entries of `ancestors` of other controllers stay as and where they are. A `desired` without ancestors takes
/// ours away.
pub fn policy(desired: &Value, live: &Value, controller: &str, now: Timestamp) -> Option<Value> {
    Entries { field: "ancestors", reference: "ancestorRef", most: ANCESTORS, controller }.patch(desired, live, now)
}

/// What the object says now.
struct Written<'a> {
    live: &'a Value,
    now: Timestamp,
}

impl<'a> Written<'a> {
    fn status(&self, field: &str) -> Option<&'a Value> {
        self.live.get("status")?.get(field)
    }

    fn list(&self, field: &str) -> &'a [Value] {
        self.live.get("status").map_or(&[], |status| list(status, field))
    }

    /// `wanted` with the times of its conditions, and what another controller has put among them.
    fn stamped(&self, wanted: &Value, before: Option<&Value>) -> Value {
        let mut stamped = wanted.clone();
        let before = before.map_or(&[][..], |before| list(before, "conditions"));
        stamped["conditions"] = self.conditions(list(wanted, "conditions"), before);
        stamped
    }

    /// "Implementations MUST NOT remove or reorder Conditions that they are not directly responsible for. [...]
    /// Implementations MUST always _merge_ changes into Conditions of the same Type" (GatewayStatus.conditions)
    fn conditions(&self, wanted: &[Value], before: &[Value]) -> Value {
        let mut left: Vec<&Value> = wanted.iter().collect();
        let mut merged = Vec::new();
        for condition in before {
            let kind = condition.get("type");
            if let Some(position) = left.iter().position(|wanted| wanted.get("type") == kind) {
                merged.push(self.condition(left.remove(position), Some(condition)));
            } else if !kind.and_then(Value::as_str).is_some_and(|kind| TYPES.contains(&kind)) {
                merged.push(condition.clone());
            }
        }
        merged.extend(left.into_iter().map(|wanted| self.condition(wanted, None)));
        Value::Array(merged)
    }

    fn condition(&self, wanted: &Value, before: Option<&Value>) -> Value {
        if let Some(newer) = before.filter(|before| self.is_newer(before, wanted)) {
            return newer.clone();
        }
        let since = before
            .filter(|before| before.get("status") == wanted.get("status"))
            .and_then(|before| before.get("lastTransitionTime"))
            .filter(|time| time.is_string());
        let mut condition = wanted.clone();
        condition["lastTransitionTime"] = since.cloned().unwrap_or_else(|| timestamp(self.now));
        condition
    }

    /// "If the `observedGeneration` of a Condition is _greater than_ the value the implementation knows about, then it MUST
    /// NOT perform the update on that Condition" (GatewayStatus.conditions). One beyond the object's own is an error.
    fn is_newer(&self, before: &Value, wanted: &Value) -> bool {
        let observed =
            |condition: &Value| condition.get("observedGeneration").and_then(Value::as_i64).unwrap_or_default();
        let generation = self.live.pointer("/metadata/generation").and_then(Value::as_i64).unwrap_or_default();
        (observed(wanted) + 1..=generation).contains(&observed(before))
    }
}

/// Fields of the status that are to be written.
#[derive(Default)]
struct Changes(Map<String, Value>);

impl Changes {
    fn conditions(&mut self, written: &Written<'_>, desired: &Value) {
        let conditions = written.conditions(list(desired, "conditions"), written.list("conditions"));
        self.field(written, "conditions", Some(&conditions));
    }

    /// An empty list and none at all are the same.
    fn field(&mut self, written: &Written<'_>, field: &str, wanted: Option<&Value>) {
        let some = |value: &&Value| !value.as_array().is_some_and(Vec::is_empty) && !value.is_null();
        let (wanted, before) = (wanted.filter(some), written.status(field).filter(some));
        if wanted != before {
            self.0.insert(field.to_owned(), wanted.cloned().unwrap_or(Value::Null));
        }
    }

    fn patch(self, written: &Written<'_>) -> Option<Value> {
        if self.0.is_empty() {
            return None;
        }
        let version = written.live.pointer("/metadata/resourceVersion");
        Some(json!({ "metadata": { "resourceVersion": version }, "status": self.0 }))
    }
}

/// A list of the status in which each controller has entries of its own.
struct Entries<'a> {
    field: &'static str,
    reference: &'static str,
    most: usize,
    controller: &'a str,
}

impl Entries<'_> {
    fn patch(&self, desired: &Value, live: &Value, now: Timestamp) -> Option<Value> {
        let written = Written { live, now };
        let before = written.list(self.field);
        let merged = self.merged(&written, list(desired, self.field), before);
        if merged == before {
            return None;
        }
        // The field is required where there is a status: an empty list, not null.
        let changes = [(self.field.to_owned(), Value::Array(merged))];
        Changes(changes.into_iter().collect()).patch(&written)
    }

    fn merged(&self, written: &Written<'_>, wanted: &[Value], before: &[Value]) -> Vec<Value> {
        let is_ours = |entry: &Value| entry.get("controllerName").and_then(Value::as_str) == Some(self.controller);
        let mut free = self.most.saturating_sub(before.iter().filter(|entry| !is_ours(entry)).count());
        let mut left: Vec<&Value> = wanted.iter().collect();
        let mut merged = Vec::new();
        for entry in before {
            if !is_ours(entry) {
                merged.push(entry.clone());
            } else if let Some(position) =
                left.iter().position(|wanted| self.is_same(wanted, entry)).filter(|_| free > 0)
            {
                let mut stamped = written.stamped(left.remove(position), Some(entry));
                stamped[self.reference] = entry[self.reference].clone();
                merged.push(stamped);
                free -= 1;
            }
        }
        merged.extend(left.into_iter().take(free).map(|wanted| written.stamped(wanted, None)));
        merged
    }

    /// Whether both entries are of the same object.
    fn is_same(&self, one: &Value, other: &Value) -> bool {
        completed(one.get(self.reference)) == completed(other.get(self.reference))
    }
}

/// A ParentReference with the group and kind that the API server fills in.
fn completed(reference: Option<&Value>) -> Option<Value> {
    let mut reference = reference?.clone();
    let fields = reference.as_object_mut()?;
    fields.entry("group").or_insert_with(|| GATEWAY_GROUP.into());
    fields.entry("kind").or_insert_with(|| "Gateway".into());
    Some(reference)
}

fn list<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value.get(field).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// As `metav1.Time` writes it: whole seconds.
fn timestamp(now: Timestamp) -> Value {
    now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string().into()
}
