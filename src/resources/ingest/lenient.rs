//! What can be made out of an object that is refused: its name, and what a policy targets.

use serde_json::Value;

use super::qualified;
use crate::resources::backend_tls_policy::{TargetRef, UnreadablePolicy};
use crate::resources::{Kind, Metadata, NamespacedName};

/// Namespace and name, if there is a name.
pub(super) fn name(kind: Kind, document: &Value) -> Option<NamespacedName> {
    let metadata = document.get("metadata")?;
    let name = metadata.get("name").and_then(Value::as_str).filter(|name| !name.is_empty())?;
    Some(qualified(kind, metadata.get("namespace").and_then(Value::as_str), name))
}

/// A policy with as many of its targets as name their kind and object.
pub(super) fn policy(name: &NamespacedName, document: &Value, error: String) -> UnreadablePolicy {
    let metadata = document.get("metadata").unwrap_or(&Value::Null);
    let time = |field: &str| metadata.get(field).and_then(Value::as_str).and_then(|text| text.parse().ok());
    let targets = document.get("spec").and_then(|spec| spec.get("targetRefs"));
    UnreadablePolicy {
        metadata: Metadata {
            name: name.name.to_string(),
            namespace: name.namespace.to_string(),
            generation: metadata.get("generation").and_then(Value::as_i64).filter(|it| *it > 0).unwrap_or(1),
            creation_timestamp: time("creationTimestamp"),
            deletion_timestamp: time("deletionTimestamp"),
            ..Metadata::default()
        },
        target_refs: targets.and_then(Value::as_array).into_iter().flatten().filter_map(target).collect(),
        error,
    }
}

/// A section that cannot be read counts as none, which selects every port.
fn target(target: &Value) -> Option<TargetRef> {
    let text = |field: &str| target.get(field).and_then(Value::as_str);
    Some(TargetRef {
        group: text("group").unwrap_or_default().to_owned(),
        kind: text("kind")?.to_owned(),
        name: text("name")?.to_owned(),
        section_name: text("sectionName").filter(|section| !section.is_empty()).map(str::to_owned),
    })
}
