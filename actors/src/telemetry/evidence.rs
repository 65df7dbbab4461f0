//! What is known of why an attempt to reach a backend by TLS ended as it did: for the log, the admin pages and events, and
//! never for a client.

use std::fmt;
use std::sync::Arc;

use crate::certificate::Facts;
use crate::outcome::HandshakeResult;

/// What was presented, what was demanded, and what to do. What is not known, or has no say, is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence {
    /// What happened, in a few words.
    pub cause: Box<str>,
    /// The certificates that the peer presented, leaf first, as far as they can be read.
    pub presented: Arc<[Facts]>,
    /// The names of which the peer had to have one.
    pub demanded: Box<str>,
    /// The anchors: subjects, dates and what each may do.
    pub trusted: Box<str>,
    /// What would mend it.
    pub remedy: Box<str>,
}

impl Evidence {
    /// Of a failure that is about no certificate.
    pub fn of(result: HandshakeResult, cause: impl Into<Box<str>>) -> Self {
        Self { cause: cause.into(), remedy: result.remedy().into(), ..Self::default() }
    }

    /// Of a success.
    pub fn presented(presented: Arc<[Facts]>) -> Self {
        Self { presented, ..Self::default() }
    }
}

/// All of it in one line.
impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let presented = self.presented.first().map(Facts::describe).unwrap_or_default();
        let more = match self.presented.len() {
            0 | 1 => String::new(),
            all => (all - 1).to_string(),
        };
        let parts = [
            ("", &*self.cause, ""),
            ("presented: ", &*presented, ""),
            ("", &*more, " more certificates came with it"),
            ("demanded: ", &*self.demanded, ""),
            ("trusted: ", &*self.trusted, ""),
            ("", &*self.remedy, ""),
        ];
        let mut separator = "";
        for (before, part, after) in parts.into_iter().filter(|(_, part, _)| !part.is_empty()) {
            write!(f, "{separator}{before}{part}{after}")?;
            separator = "; ";
        }
        Ok(())
    }
}
