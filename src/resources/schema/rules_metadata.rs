//! `metadata`: names, labels and annotations as Kubernetes permits them.

use std::sync::LazyLock;

use super::names::{is_label, is_label_value, is_qualified, is_service_name, is_subdomain};
use super::structure::Schema;
use super::view::View;
use super::{FieldPath, Report};
use crate::resources::Kind;

/// What all annotations of an object may take, keys and values together, in bytes.
const MAX_ANNOTATIONS: usize = 256 << 10;

static SCHEMA: LazyLock<Schema> = LazyLock::new(|| Schema::embedded(include_str!("metadata.json")));

pub(super) fn check(kind: Kind, metadata: View<'_>, path: &FieldPath<'_>, report: &mut Report) {
    if let Some(value) = metadata.value() {
        SCHEMA.check(value, path, &[], report);
    }
    name(kind, metadata, path, report);
    if let Some(namespace) = metadata.get("namespace").text().filter(|namespace| !is_label(namespace)) {
        report.refuse(&path.field("namespace"), format!("must be a DNS label{}", report.shown(namespace)), LABEL);
    }
    let labels = path.field("labels");
    for (key, value) in metadata.get("labels").entries() {
        qualified(key, &labels, report);
        if let Some(value) = value.str().filter(|value| !is_label_value(value)) {
            report.refuse(
                &labels.key(key),
                format!("must be a label value{}", report.shown(value)),
                "at most 63 letters, digits, `-`, `_` and `.`, beginning and ending with a letter or digit",
            );
        }
    }
    let annotations = path.field("annotations");
    let mut size = 0;
    for (key, value) in metadata.get("annotations").entries() {
        qualified(&key.to_lowercase(), &annotations, report);
        size += key.len() + value.str().map_or(0, str::len);
    }
    if size > MAX_ANNOTATIONS {
        report.refuse(&annotations, format!("must have at most {MAX_ANNOTATIONS} bytes, has {size}"), "");
    }
}

const LABEL: &str = "at most 63 lower-case letters, digits and `-`, beginning and ending with a letter or digit";
const SUBDOMAIN: &str = "at most 253 lower-case letters, digits, `-` and `.`";

fn name(kind: Kind, metadata: View<'_>, path: &FieldPath<'_>, report: &mut Report) {
    let field = path.field("name");
    let name = metadata.get("name");
    let Some(text) = name.text() else {
        if name.str().is_some() || !name.exists() {
            let generated = metadata.get("generateName").exists();
            let hint = if generated { "`generateName` is for objects that an API server creates" } else { "" };
            report.refuse(&field, "is required", hint);
        }
        return;
    };
    let (fits, what, hint) = match kind {
        Kind::Service => (is_service_name(text), "a DNS label that begins with a letter", LABEL),
        Kind::Namespace => (is_label(text), "a DNS label", LABEL),
        _ => (is_subdomain(text), "a DNS subdomain", SUBDOMAIN),
    };
    if !fits {
        report.refuse(&field, format!("must be {what}{}", report.shown(text)), hint);
    }
}

fn qualified(key: &str, path: &FieldPath<'_>, report: &mut Report) {
    if !is_qualified(key) {
        report.refuse(
            &path.key(key),
            "is no valid key",
            "a name of at most 63 letters, digits, `-`, `_` and `.`, after an optional DNS subdomain and `/`",
        );
    }
}
