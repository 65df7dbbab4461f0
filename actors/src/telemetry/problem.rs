//! What is wrong with the configuration, as the admin pages tell it. Who judges it tells it; nothing here does.

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What it concerns does not work; else it works, and not as meant.
    pub is_error: bool,
    /// A stable word, object and field, and the place in a file, as far as there are any.
    pub subject: String,
    /// What is wrong.
    pub message: String,
    /// What would mend it; empty if nobody knows.
    pub hint: String,
}
