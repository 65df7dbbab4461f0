//! Findings: what a user should know, collected in the order in which the translation comes to it, which the objects'
//! names and dates fix.

use crate::resources::Severity;
use crate::resources::{GATEWAY_GROUP, NamespacedName, ObjectRef};
use crate::status::Finding;

/// One thing that is wrong with an object, before it is said in a condition, a finding, or both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The condition's reason, and the finding's code.
    pub(crate) code: &'static str,
    /// The field at fault.
    pub(crate) field: String,
    /// What is wrong.
    pub(crate) message: String,
    /// What would mend it.
    pub(crate) hint: String,
}

impl Problem {
    /// Puts the four together.
    pub(crate) fn new(
        code: &'static str,
        field: impl Into<String>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self { code, field: field.into(), message: message.into(), hint: hint.into() }
    }
}

/// Collects findings.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    list: Vec<Finding>,
}

impl Findings {
    /// Something does not work.
    pub(crate) fn error(&mut self, object: &ObjectRef, problem: &Problem) {
        self.add(Severity::Error, object, problem);
    }

    /// It works, and not as meant, or not for long.
    pub(crate) fn warning(&mut self, object: &ObjectRef, problem: &Problem) {
        self.add(Severity::Warning, object, problem);
    }

    /// Nothing is wrong, and it is better known.
    pub(crate) fn notice(&mut self, object: &ObjectRef, problem: &Problem) {
        self.add(Severity::Notice, object, problem);
    }

    fn add(&mut self, severity: Severity, object: &ObjectRef, problem: &Problem) {
        let Problem { code, field, message, hint } = problem.clone();
        self.list.push(Finding { severity, code, object: object.clone(), field, message, hint });
    }

    /// Takes over what another part of the translation found.
    pub(crate) fn extend(&mut self, others: impl IntoIterator<Item = Finding>) {
        self.list.extend(others);
    }

    /// All of them.
    pub(crate) fn into_vec(self) -> Vec<Finding> {
        self.list
    }
}

/// The essential lines of the ReferenceGrant that would permit a reference.
pub(crate) fn grant_hint(
    from_kind: &str,
    from_namespace: &str,
    to_group: &str,
    to_kind: &str,
    to: &NamespacedName,
) -> String {
    let NamespacedName { namespace, name } = to;
    format!(
        "create in namespace {namespace} a ReferenceGrant with spec: {{from: [{{group: {GATEWAY_GROUP}, kind: {from_kind}, \
         namespace: {from_namespace}}}], to: [{{group: \"{to_group}\", kind: {to_kind}, name: {name}}}]}}"
    )
}
