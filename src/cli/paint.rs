//! Colour, on a terminal only.

use std::io::{IsTerminal, Write as _};

/// Paints, or does not.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Paint(bool);

impl Paint {
    /// Colour where the stream is a terminal and `NO_COLOR` is not set (no-color.org).
    pub(crate) fn for_stream(stream: &impl IsTerminal) -> Self {
        Self(stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()))
    }

    /// No colour.
    pub(crate) fn never() -> Self {
        Self(false)
    }

    /// What failed.
    pub(crate) fn red(self, text: &str) -> String {
        self.code("31", text)
    }

    /// What went well.
    pub(crate) fn green(self, text: &str) -> String {
        self.code("32", text)
    }

    /// What deserves a look.
    pub(crate) fn yellow(self, text: &str) -> String {
        self.code("33", text)
    }

    /// Headings.
    pub(crate) fn bold(self, text: &str) -> String {
        self.code("1", text)
    }

    fn code(self, code: &str, text: &str) -> String {
        if self.0 { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

/// Prints to standard output. Where nobody reads any more (`| head`), that is no fault.
pub(crate) fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}
