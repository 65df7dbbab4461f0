//! How something stands, told by a sign, a colour and words: none of them stands alone.

use maud::{Markup, Render, html};

/// The worse comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Health {
    /// It does not work.
    Bad,
    /// It works, and something is to be looked at.
    Warn,
    /// It works.
    Good,
    /// Nothing is known, or there is nothing to know.
    Unknown,
}

impl Health {
    /// The class of the style sheet.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Bad => "bad",
            Self::Warn => "warn",
            Self::Good => "ok",
            Self::Unknown => "none",
        }
    }

    fn sign(self) -> &'static str {
        match self {
            Self::Bad => "✗",
            Self::Warn => "!",
            Self::Good => "✓",
            Self::Unknown => "–",
        }
    }

    /// Words with its sign.
    pub(super) fn says(self, words: impl Render) -> Markup {
        html! {
            span class={ "mark " (self.class()) } { span.sign aria-hidden="true" { (self.sign()) } " " (words) }
        }
    }
}

/// What stands for nothing in a table.
pub(super) fn none() -> Markup {
    html! { span.none { "none" } }
}
