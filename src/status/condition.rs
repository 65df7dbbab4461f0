//! The condition types of the Gateway API, and how a condition is made of them. Which one holds is not decided here.

use super::Condition;

/// GatewayClass, Gateway, listener, route, policy.
pub const ACCEPTED: &str = "Accepted";
/// GatewayClass.
pub const SUPPORTED_VERSION: &str = "SupportedVersion";
/// Gateway, listener.
pub const PROGRAMMED: &str = "Programmed";
/// Gateway, listener, route, policy.
pub const RESOLVED_REFS: &str = "ResolvedRefs";
/// Listener; bad if it is true.
pub const CONFLICTED: &str = "Conflicted";
/// Listener; written only if it is true.
pub const OVERLAPPING_TLS_CONFIG: &str = "OverlappingTLSConfig";
/// Route; written only if it is true.
pub const PARTIALLY_INVALID: &str = "PartiallyInvalid";

/// Every type that we write. A condition of another type is another controller's.
pub const TYPES: [&str; 7] =
    [ACCEPTED, PROGRAMMED, RESOLVED_REFS, CONFLICTED, OVERLAPPING_TLS_CONFIG, PARTIALLY_INVALID, SUPPORTED_VERSION];

/// The longest `message` that the API server takes (`metav1.Condition`), in bytes.
pub const MESSAGE_LIMIT: usize = 32_768;

impl Condition {
    /// A condition with `status: "True"`.
    pub fn yes(kind: &'static str, reason: &'static str, message: impl Into<String>, generation: i64) -> Self {
        Self { kind, status: true, reason, message: fitting(message.into()), observed_generation: generation }
    }

    /// A condition with `status: "False"`.
    pub fn no(kind: &'static str, reason: &'static str, message: impl Into<String>, generation: i64) -> Self {
        Self { status: false, ..Self::yes(kind, reason, message, generation) }
    }
}

/// Joins what is wrong into one message, naming at most ten and counting the rest.
pub fn joined<'a>(messages: impl IntoIterator<Item = &'a str>) -> String {
    const NAMED: usize = 10;
    let messages: Vec<_> = messages.into_iter().collect();
    let text = messages.iter().take(NAMED).copied().collect::<Vec<_>>().join("; ");
    match messages.len().checked_sub(NAMED) {
        None | Some(0) => text,
        Some(more) => format!("{text}; and {more} more"),
    }
}

fn fitting(mut message: String) -> String {
    if message.len() > MESSAGE_LIMIT {
        let mut end = MESSAGE_LIMIT - '…'.len_utf8();
        while !message.is_char_boundary(end) {
            end -= 1;
        }
        message.truncate(end);
        message.push('…');
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_fits_what_the_api_server_takes() {
        let long = Condition::no(ACCEPTED, "Invalid", "ä".repeat(MESSAGE_LIMIT), 1);
        assert!(long.message.len() <= MESSAGE_LIMIT);
        assert!(long.message.ends_with('…'));
        assert_eq!(Condition::no(ACCEPTED, "Invalid", "short", 1).message, "short");
    }

    #[test]
    fn only_ten_causes_are_named() {
        let causes: Vec<String> = (0..12).map(|number| format!("cause {number}")).collect();
        let text = joined(causes.iter().map(String::as_str));
        assert!(text.starts_with("cause 0; cause 1; ") && text.ends_with("cause 9; and 2 more"), "{text}");
        assert_eq!(joined(["one", "two"]), "one; two");
    }
}
