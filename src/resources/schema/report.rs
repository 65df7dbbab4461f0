//! What was found wrong with an object.

use std::fmt::{self, Display};

use super::FieldPath;
use crate::resources::field::is_at_or_below;

/// One breach of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The field at fault; empty for the whole object.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
    /// What would mend it; may be empty where the message says it.
    pub hint: String,
}

impl Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.field.is_empty() { f.write_str(&self.message) } else { write!(f, "{}: {}", self.field, self.message) }
    }
}

/// Everything that was found wrong with one object.
#[derive(Debug, Default)]
pub struct Report {
    /// Why the object is refused; empty if it is not.
    pub violations: Vec<Violation>,
    /// What should be looked at, and is no reason to refuse it.
    pub warnings: Vec<Violation>,
    /// Paths below which the structure is not such that rules across fields could judge it.
    broken: Vec<String>,
    rules: bool,
    hides_values: bool,
}

impl Report {
    /// For objects whose values are secret.
    pub(super) fn without_values() -> Self {
        Self { hides_values: true, ..Self::default() }
    }

    /// From here on, what lies about a broken structure is not judged: a wrong type would else be told twice.
    pub(super) fn rules_follow(&mut self) {
        self.rules = true;
    }

    /// The object is refused.
    pub(super) fn refuse(&mut self, path: &FieldPath<'_>, message: impl Into<String>, hint: impl Into<String>) {
        let field = path.to_string();
        let judged = !self.rules
            || !self.broken.iter().any(|broken| is_at_or_below(broken, &field) || is_at_or_below(&field, broken));
        if judged {
            self.violations.push(Violation { field, message: message.into(), hint: hint.into() });
        }
    }

    /// The object is refused, for a reason that leaves no ground for rules across fields.
    pub(super) fn refuse_structure(
        &mut self,
        path: &FieldPath<'_>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.refuse(path, message, hint);
        self.broken.push(path.to_string());
    }

    /// The object is taken.
    pub(super) fn warn(&mut self, path: &FieldPath<'_>, message: impl Into<String>, hint: impl Into<String>) {
        self.warnings.push(Violation { field: path.to_string(), message: message.into(), hint: hint.into() });
    }

    /// A value as messages show it: quoted, shortened, or not at all.
    pub(super) fn shown(&self, value: &str) -> String {
        const LONGEST: usize = 80;
        if self.hides_values {
            return String::new();
        }
        match value.char_indices().nth(LONGEST) {
            Some((end, _)) => format!(" (\"{}...\")", value[..end].escape_debug()),
            None => format!(" (\"{}\")", value.escape_debug()),
        }
    }
}
