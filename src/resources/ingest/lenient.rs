//! What can be made out of an object that is refused: its name, and what a policy targets.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde_json::Value;

use super::qualified;
use crate::resources::backend_tls_policy::{TargetRef, UnreadablePolicy};
use crate::resources::{Kind, Metadata, NamespacedName};

/// Namespace and name, if there is a name. A policy without one gets one made up: what it targets must not be forgotten.
pub(super) fn name(kind: Kind, document: &Value) -> Option<NamespacedName> {
    let metadata = document.get("metadata").unwrap_or(&Value::Null);
    let name = match metadata.get("name") {
        Some(Value::String(name)) if !name.is_empty() => name.clone(),
        // YAML's numbers and booleans: names that lack their quotes.
        Some(name @ (Value::Number(_) | Value::Bool(_))) => name.to_string(),
        _ if kind == Kind::BackendTlsPolicy => format!("unnamed-{:016x}", fingerprint(document)),
        _ => return None,
    };
    Some(qualified(kind, metadata.get("namespace").and_then(Value::as_str), &name))
}

fn fingerprint(document: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    document.hash(&mut hasher);
    hasher.finish()
}

/// A policy with as many of its targets as name their kind and object.
pub(super) fn policy(name: &NamespacedName, document: &Value, error: String) -> UnreadablePolicy {
    let metadata = document.get("metadata").unwrap_or(&Value::Null);
    let time = |field: &str| metadata.get(field).and_then(Value::as_str).and_then(|text| text.parse().ok());
    UnreadablePolicy {
        metadata: Metadata {
            name: name.name.to_string(),
            namespace: name.namespace.to_string(),
            generation: metadata.get("generation").and_then(Value::as_i64).filter(|it| *it > 0).unwrap_or(1),
            creation_timestamp: time("creationTimestamp"),
            deletion_timestamp: time("deletionTimestamp"),
            ..Metadata::default()
        },
        target_refs: targets(document).filter_map(target).collect(),
        error,
    }
}

/// `targetRef` is how v1alpha2 has it; a single target may stand where a list should.
fn targets(document: &Value) -> impl Iterator<Item = &Value> {
    let spec = document.get("spec").unwrap_or(&Value::Null);
    let targets = ["targetRefs", "targetRef"].into_iter().filter_map(|field| spec.get(field));
    targets.flat_map(|value| value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice))
}

/// Whether a policy does not say what it targets: a target has no name, there is none, or nobody knows in which namespace.
pub(super) fn hides_targets(document: &Value) -> bool {
    let is_namespace = |namespace: &str| {
        namespace.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    let metadata = document.get("metadata").filter(|metadata| metadata.is_object());
    let homeless = metadata.is_none_or(|metadata| match metadata.get("namespace") {
        None | Some(Value::Null) => false,
        Some(namespace) => !namespace.as_str().is_some_and(is_namespace),
    });
    homeless || targets(document).next().is_none() || targets(document).any(|written| target(written).is_none())
}

/// A target without a kind is a Service, which is what most are. A section that cannot be the name of a port counts as
/// none, which selects every port.
fn target(target: &Value) -> Option<TargetRef> {
    let text = |field: &str| target.get(field).and_then(Value::as_str);
    let is_port_name = |section: &&str| {
        let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        !section.is_empty() && section.bytes().all(is_part)
    };
    Some(TargetRef {
        group: text("group").unwrap_or_default().to_owned(),
        kind: text("kind").unwrap_or("Service").to_owned(),
        name: text("name")?.to_owned(),
        section_name: text("sectionName").filter(is_port_name).map(str::to_owned),
    })
}
