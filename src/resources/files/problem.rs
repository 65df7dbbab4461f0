//! What is wrong with a file, as a user is told.

use std::fmt::{self, Display};
use std::path::{Path, PathBuf};

use serde::{Serialize, Serializer};

use crate::resources::document::SyntaxError;
use crate::resources::schema::Violation;
use crate::resources::{ObjectRef, Severity};

/// What kind of problem: a stable word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Code {
    /// The file could not be read.
    FileUnreadable,
    /// The file is neither YAML nor JSON.
    SyntaxError,
    /// An API server would refuse the object.
    InvalidObject,
    /// A field that nobody knows.
    UnknownField,
    /// A field that is wrong and ignored.
    InvalidStatus,
    /// A document that is no object of Kubernetes.
    NoObject,
    /// A kind that is not read.
    UnknownKind,
    /// A version of the kind that is not read.
    UnknownVersion,
    /// The same object is written twice.
    DuplicateObject,
}

impl Code {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FileUnreadable => "FileUnreadable",
            Self::SyntaxError => "SyntaxError",
            Self::InvalidObject => "InvalidObject",
            Self::UnknownField => "UnknownField",
            Self::InvalidStatus => "InvalidStatus",
            Self::NoObject => "NoObject",
            Self::UnknownKind => "UnknownKind",
            Self::UnknownVersion => "UnknownVersion",
            Self::DuplicateObject => "DuplicateObject",
        }
    }

    /// How grave it is.
    pub fn severity(self) -> Severity {
        match self {
            Self::FileUnreadable | Self::SyntaxError | Self::InvalidObject | Self::UnknownVersion => Severity::Error,
            // In a folder of objects may be a `kustomization.yaml`, or a chart's values.
            Self::NoObject | Self::UnknownField | Self::InvalidStatus | Self::DuplicateObject => Severity::Warning,
            Self::UnknownKind => Severity::Notice,
        }
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Something that is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FileProblem {
    /// How grave it is.
    pub severity: Severity,
    /// What kind of problem.
    pub code: Code,
    /// The file, as it was given.
    pub file: PathBuf,
    /// From 1; 0 where it concerns the whole file.
    pub line: usize,
    /// The object, where it is known.
    pub object: Option<ObjectRef>,
    /// The field; empty for the whole object or file.
    pub field: String,
    /// What is wrong.
    pub message: String,
    /// What would mend it; may be empty.
    pub hint: String,
}

impl FileProblem {
    pub(super) fn new(code: Code, file: &Path, line: usize, message: impl Into<String>) -> Self {
        Self {
            severity: code.severity(),
            code,
            file: file.to_owned(),
            line,
            object: None,
            field: String::new(),
            message: message.into(),
            hint: String::new(),
        }
    }

    pub(super) fn about(self, object: Option<&ObjectRef>) -> Self {
        Self { object: object.cloned(), ..self }
    }

    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: hint.into(), ..self }
    }

    pub(super) fn syntax(file: &Path, error: &SyntaxError, keeps: bool) -> Self {
        let kept = if keeps { "; what the file held before stays in effect" } else { "" };
        let message = format!("column {}: {}{kept}", error.column, error.cause);
        Self::new(Code::SyntaxError, file, error.line, message).hint(&error.remedy)
    }

    pub(super) fn violation(code: Code, file: &Path, line: usize, violation: Violation) -> Self {
        let Violation { field, message, hint } = violation;
        Self { field, ..Self::new(code, file, line, message).hint(hint) }
    }
}

/// `file:line: severity: object: field: message (hint)`
impl Display for FileProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file.display())?;
        if self.line > 0 {
            write!(f, "{}:", self.line)?;
        }
        f.write_str(match self.severity {
            Severity::Notice => " notice: ",
            Severity::Warning => " warning: ",
            Severity::Error => " error: ",
        })?;
        if let Some(object) = &self.object {
            write!(f, "{object}: ")?;
        }
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.message)?;
        if self.hint.is_empty() { Ok(()) } else { write!(f, " ({})", self.hint) }
    }
}

/// The same object in two places: told at the one that has no effect.
pub(super) fn duplicate(object: &ObjectRef, loser: (&Path, usize), winner: (&Path, usize)) -> FileProblem {
    let message = format!("is defined again in {}:{}, which is the one in effect", winner.0.display(), winner.1);
    FileProblem::new(Code::DuplicateObject, loser.0, loser.1, message).about(Some(object)).hint("remove one of the two")
}
