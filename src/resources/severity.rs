//! How grave something is that a user is told.

use serde::Serialize;

/// How grave a problem or a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing is wrong; it is said so that nobody wonders.
    Notice,
    /// It works, and will not for long or not as meant.
    Warning,
    /// Something does not work, or is not in effect.
    Error,
}
