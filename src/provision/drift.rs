//! Whether a live object is as its manifest wants it, so that nothing is applied that would change nothing.
//!
//! What the manifest does not name is not ours: the API server's defaults, the status, another controller's fields. What was
//! ours and is no longer wanted is found by the annotation [`super::names::MANIFEST`]. Nothing counts as drift that applying
//! the manifest again would not mend: applying leaves entries of others in keyed lists, and replaces other lists, and those
//! maps that are atomic, as a whole.

use serde_json::{Map, Value};

mod quantity;

/// Lists whose items have a key, by their name in an object.
const KEYED: [(&str, &[&str]); 7] = [
    ("containers", &["name"]),
    ("env", &["name"]),
    ("imagePullSecrets", &["name"]),
    ("initContainers", &["name"]),
    ("ownerReferences", &["uid"]),
    ("ports", &["port", "protocol"]),
    ("topologySpreadConstraints", &["topologyKey", "whenUnsatisfiable"]),
];

/// Maps that are replaced as a whole, by their name in an object: an entry more is drift.
const ATOMIC: [&str; 5] = ["labelSelector", "matchLabels", "nodeSelector", "roleRef", "selector"];

/// Maps whose values are quantities.
const OF_QUANTITIES: [&str; 2] = ["limits", "requests"];

/// Whether every field of the manifest is in the live object with its value.
pub fn holds(live: &Value, desired: &Value) -> bool {
    // Items of a list do not name their kind.
    let but_type = |field: &str| field != "apiVersion" && field != "kind";
    let Value::Object(fields) = desired else { return live == desired };
    fields
        .iter()
        .filter(|(field, _)| but_type(field))
        .all(|(field, wanted)| field_holds(field, live.get(field), wanted))
}

/// What a Deployment that leaves its replicas to an autoscaler has to say of them for now: as long as nobody but us has set
/// their number, leaving it out would give the Deployment the default of one. `live` has its `managedFields`.
pub fn keep_replicas(desired: &mut Value, live: &Value) {
    let Some(replicas) = live.pointer("/spec/replicas") else { return };
    let managers = live.pointer("/metadata/managedFields").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let mut owners = managers
        .iter()
        .filter(|entry| entry.pointer("/fieldsV1/f:spec/f:replicas").is_some())
        .map(|entry| entry["manager"].as_str().unwrap_or_default())
        .peekable();
    let is_left_out = desired.pointer("/spec/replicas").is_none();
    if is_left_out && owners.peek().is_some() && owners.all(|owner| owner == super::FIELD_MANAGER) {
        desired["spec"]["replicas"] = replicas.clone();
    }
}

/// `field` is the name of the value in its parent.
fn field_holds(field: &str, live: Option<&Value>, wanted: &Value) -> bool {
    let Some(live) = live else { return is_left_out(wanted) };
    match (live, wanted) {
        (Value::Object(live), Value::Object(wanted)) => map_holds(field, live, wanted),
        (Value::Array(live), Value::Array(wanted)) => list_holds(field, live, wanted),
        _ => live == wanted,
    }
}

/// The API server leaves out what is empty.
fn is_left_out(wanted: &Value) -> bool {
    match wanted {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.values().all(is_left_out),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn map_holds(field: &str, live: &Map<String, Value>, wanted: &Map<String, Value>) -> bool {
    if ATOMIC.contains(&field) && live.keys().any(|key| !wanted.contains_key(key)) {
        return false;
    }
    let of_quantities = OF_QUANTITIES.contains(&field);
    wanted.iter().all(|(key, wanted)| match live.get(key) {
        Some(live) if of_quantities => quantity::equal(live, wanted),
        live => field_holds(key, live, wanted),
    })
}

fn list_holds(field: &str, live: &[Value], wanted: &[Value]) -> bool {
    match KEYED.iter().find(|(name, _)| *name == field) {
        Some((_, keys)) => wanted.iter().all(|wanted| {
            let is_same = |live: &&Value| keys.iter().all(|key| live.get(key) == wanted.get(key));
            live.iter().find(is_same).is_some_and(|live| field_holds("", Some(live), wanted))
        }),
        None => {
            live.len() == wanted.len()
                && live.iter().zip(wanted).all(|(live, wanted)| field_holds("", Some(live), wanted))
        }
    }
}

#[cfg(test)]
mod tests;
