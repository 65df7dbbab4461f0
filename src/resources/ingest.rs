//! One untyped document to one typed object, or to the reasons why not: out of a file, or from an API server.
//!
//! Never panics and never gives up half-way: what is wrong with an object is told completely, and a BackendTLSPolicy that is
//! refused still says what it targets, so that nothing it selects is ever spoken to in plaintext.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value;

pub use any_object::AnyObject;
pub use version::{Skip, read_versions};

use super::backend_tls_policy::UnreadablePolicy;
use super::schema::{Report, Violation, validate};
use super::{Kind, NamespacedName, ObjectRef};
use version::Recognised;

mod any_object;
mod lenient;
mod version;

#[cfg(test)]
mod tests;

/// The namespace of an object that names none.
pub const DEFAULT_NAMESPACE: &str = "default";

/// What became of a document.
#[derive(Debug)]
pub enum Ingested {
    /// It is an object of ours, and valid.
    Accepted {
        /// The object.
        object: AnyObject,
        /// What should be looked at: fields that nobody knows.
        warnings: Vec<Violation>,
    },
    /// It is of a kind of ours, and an API server would refuse it.
    Rejected(Rejection),
    /// It is of no kind or version that is read.
    Skipped(Skip),
}

/// Why an object is refused.
#[derive(Debug)]
pub struct Rejection {
    /// Its kind.
    pub kind: Kind,
    /// Its kind and name, where it has a name.
    pub object: Option<ObjectRef>,
    /// Every reason; never empty.
    pub violations: Vec<Violation>,
    /// What else should be looked at.
    pub warnings: Vec<Violation>,
    /// What to put in the place of a BackendTLSPolicy.
    pub unreadable: Option<Arc<UnreadablePolicy>>,
    /// It is a BackendTLSPolicy, and not all that it targets can be told.
    pub hides_targets: bool,
}

/// Reads one document that nobody has looked at, as an API server would: by the rules of the schemas.
pub fn ingest(mut document: Value) -> Ingested {
    let (kind, refusal) = match version::recognise(&document) {
        Recognised::Read(kind) => (kind, None),
        Recognised::Refused(kind, violation) => (kind, Some(violation)),
        Recognised::Skipped(skip) => return Ingested::Skipped(skip),
    };
    remove_unread(kind, &mut document);
    let mut report = validate(kind, &document);
    if let Some(violation) = refusal {
        report.violations.insert(0, violation);
    }
    forgive_status(&mut report, &mut document);
    if !report.violations.is_empty() {
        return Ingested::Rejected(reject(kind, &document, report));
    }
    complete(kind, &mut document);
    match parse(kind, &document) {
        Ok(object) => Ingested::Accepted { object, warnings: report.warnings },
        Err(cause) => Ingested::Rejected(unparsable(kind, &document, report, cause)),
    }
}

/// Reads one document that an API server holds. It was admitted there by the schema that is installed there, be that older
/// or newer than ours: what it says that we do not support is for the translation to tell, so only an object that does not
/// parse is refused. A BackendTLSPolicy is judged by our schema all the same: it is refused before it could select less than
/// was meant.
pub fn ingest_admitted(mut document: Value) -> Ingested {
    let kind = match version::recognise(&document) {
        Recognised::Read(kind) if kind != Kind::BackendTlsPolicy => kind,
        Recognised::Skipped(skip) => return Ingested::Skipped(skip),
        Recognised::Read(_) | Recognised::Refused(..) => return ingest(document),
    };
    remove_unread(kind, &mut document);
    complete(kind, &mut document);
    match parse(kind, &document) {
        Ok(object) => Ingested::Accepted { object, warnings: Vec::new() },
        Err(cause) => {
            let mut report = validate(kind, &document);
            report.warnings.clear();
            Ingested::Rejected(unparsable(kind, &document, report, cause))
        }
    }
}

/// What the schema says of an object that does not parse, or, where it says nothing, what the parser does.
fn unparsable(kind: Kind, document: &Value, mut report: Report, cause: String) -> Rejection {
    if report.violations.is_empty() {
        report.violations.push(Violation { field: String::new(), message: cause, hint: String::new() });
    }
    reject(kind, document, report)
}

fn reject(kind: Kind, document: &Value, report: Report) -> Rejection {
    let object = lenient::name(kind, document).map(|name| ObjectRef { kind, name });
    let unreadable = object.as_ref().filter(|_| kind == Kind::BackendTlsPolicy).map(|object| {
        let reasons: Vec<String> = report.violations.iter().map(ToString::to_string).collect();
        Arc::new(lenient::policy(&object.name, document, reasons.join("; ")))
    });
    let hides_targets = kind == Kind::BackendTlsPolicy && lenient::hides_targets(document);
    Rejection { kind, object, violations: report.violations, warnings: report.warnings, unreadable, hides_targets }
}

/// What `kubectl apply` leaves behind: the whole object once more.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// What nobody reads, and takes most of an object that an API server gives. The status of other kinds is ours or another
/// controller's to write.
fn remove_unread(kind: Kind, document: &mut Value) {
    let Some(object) = document.as_object_mut() else { return };
    if kind != Kind::BackendTlsPolicy {
        object.remove("status");
    }
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    metadata.remove("managedFields");
    if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
        annotations.remove(LAST_APPLIED);
    }
}

/// An API server drops the status of an object that is created, so a bad one is no reason to refuse the object.
fn forgive_status(report: &mut Report, document: &mut Value) {
    let is_status = |violation: &Violation| super::field::is_at_or_below(&violation.field, "status");
    let (status, others) = std::mem::take(&mut report.violations).into_iter().partition::<Vec<_>, _>(is_status);
    report.violations = others;
    if !status.is_empty() {
        report.warnings.extend(status);
        if let Some(object) = document.as_object_mut() {
            object.remove("status");
        }
    }
}

/// Fills in what an API server would, and leaves away what it would.
fn complete(kind: Kind, document: &mut Value) {
    drop_nulls(document);
    let Some(metadata) = document.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    if is_cluster_scoped(kind) {
        metadata.remove("namespace");
    } else if metadata.get("namespace").and_then(Value::as_str).is_none_or(str::is_empty) {
        metadata.insert("namespace".into(), DEFAULT_NAMESPACE.into());
    }
    if metadata.get("generation").and_then(Value::as_i64).is_none_or(|generation| generation <= 0) {
        metadata.insert("generation".into(), 1.into());
    }
}

/// Whether objects of this kind live in no namespace.
fn is_cluster_scoped(kind: Kind) -> bool {
    matches!(kind, Kind::GatewayClass | Kind::Namespace)
}

/// A field that is null is a field that is not there.
pub(crate) fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, value| !value.is_null());
            map.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn parse(kind: Kind, document: &Value) -> Result<AnyObject, String> {
    fn typed<T: DeserializeOwned>(document: &Value, wrap: fn(Arc<T>) -> AnyObject) -> Result<AnyObject, String> {
        T::deserialize(document).map(|object| wrap(Arc::new(object))).map_err(|error| error.to_string())
    }
    match kind {
        Kind::GatewayClass => typed(document, AnyObject::GatewayClass),
        Kind::Gateway => typed(document, AnyObject::Gateway),
        Kind::HttpRoute => typed(document, AnyObject::HttpRoute),
        Kind::BackendTlsPolicy => typed(document, AnyObject::BackendTlsPolicy),
        Kind::ReferenceGrant => typed(document, AnyObject::ReferenceGrant),
        Kind::AgentgatewayBackend => typed(document, AnyObject::AgentgatewayBackend),
        Kind::Service => typed(document, AnyObject::Service),
        Kind::EndpointSlice => typed(document, AnyObject::EndpointSlice),
        Kind::ConfigMap => typed(document, AnyObject::ConfigMap),
        Kind::Secret => typed(document, AnyObject::Secret),
        Kind::Namespace => typed(document, AnyObject::Namespace),
    }
}

/// Joins namespace and name the way every reference to an object does.
fn qualified(kind: Kind, namespace: Option<&str>, name: &str) -> NamespacedName {
    let namespace = if is_cluster_scoped(kind) {
        ""
    } else {
        namespace.filter(|namespace| !namespace.is_empty()).unwrap_or(DEFAULT_NAMESPACE)
    };
    NamespacedName::new(namespace, name)
}
