//! What a user should know, with the place in the file: findings of the translation and problems of the files in one
//! form, for `check`, `run` and their JSON.

use std::fmt::Write as _;
use std::path::Path;

use postern_actors::telemetry::Problem;
use serde::Serialize;

use super::paint::Paint;
use crate::resources::Severity;
use crate::status::Finding;

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Diagnostic {
    /// How grave.
    pub severity: Severity,
    /// A stable word.
    pub code: String,
    /// `Kind namespace/name`; empty for a file that cannot be read as objects.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub object: String,
    /// The field at fault.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub field: String,
    /// The file, as it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// From 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// What is wrong.
    pub message: String,
    /// What would mend it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub hint: String,
}

impl From<&Finding> for Diagnostic {
    fn from(finding: &Finding) -> Self {
        Self {
            severity: finding.severity,
            code: finding.code.to_owned(),
            object: finding.object.to_string(),
            field: finding.field.clone(),
            file: None,
            line: None,
            message: finding.message.clone(),
            hint: finding.hint.clone(),
        }
    }
}

impl Diagnostic {
    /// `file:line`, as editors and terminals make links of it.
    pub(crate) fn place(&self) -> Option<String> {
        let file = self.file.as_deref()?;
        Some(self.line.map_or_else(|| file.to_owned(), |line| format!("{file}:{line}")))
    }

    /// For the admin pages, unless it is merely worth knowing.
    pub(crate) fn problem(&self) -> Option<Problem> {
        let is_error = match self.severity {
            Severity::Error => true,
            Severity::Warning => false,
            Severity::Notice => return None,
        };
        let place = self.place().map(|place| format!("at {place}"));
        let parts = [Some(&*self.code), Some(&self.object), Some(&self.field), place.as_deref()];
        let parts: Vec<_> = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
        Some(Problem { is_error, subject: parts.join(" "), message: self.message.clone(), hint: self.hint.clone() })
    }

    /// A few lines for people.
    pub(crate) fn render(&self, paint: Paint) -> String {
        let severity = match self.severity {
            Severity::Error => paint.red("error"),
            Severity::Warning => paint.yellow("warning"),
            Severity::Notice => "notice".to_owned(),
        };
        let mut text = format!("{severity} {}", paint.bold(&self.code));
        if !self.object.is_empty() {
            let _ = write!(text, ": {}", self.object);
        }
        if !self.field.is_empty() {
            let _ = write!(text, " {}", self.field);
        }
        text.push('\n');
        if let Some(place) = self.place() {
            let _ = writeln!(text, "    at   {place}");
        }
        let _ = writeln!(text, "    {}", self.message);
        if !self.hint.is_empty() {
            let _ = writeln!(text, "    hint {}", self.hint);
        }
        text
    }
}

/// A path as users wrote it, standard input by name.
pub(crate) fn show_path(path: &Path) -> String {
    if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() }
}

/// How many errors and warnings there are.
pub(crate) fn count(diagnostics: &[Diagnostic]) -> (usize, usize) {
    let count = |severity| diagnostics.iter().filter(|diagnostic| diagnostic.severity == severity).count();
    (count(Severity::Error), count(Severity::Warning))
}
