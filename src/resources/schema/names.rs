//! What Kubernetes takes for a name (k8s.io/apimachinery, `util/validation`).

/// RFC 1123 label: at most 63 lower-case letters, digits and `-`.
pub(super) fn is_label(text: &str) -> bool {
    text.len() <= 63 && is_label_of_any_length(text)
}

/// RFC 1035 label: an RFC 1123 label that begins with a letter.
pub(super) fn is_service_name(text: &str) -> bool {
    is_label(text) && text.starts_with(|c: char| c.is_ascii_lowercase())
}

/// RFC 1123 subdomain: at most 253 characters, labels joined by dots.
pub(super) fn is_subdomain(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_label_of_any_length)
}

/// A key of labels and annotations: an optional `subdomain/` and a name of at most 63 characters.
pub(super) fn is_qualified(text: &str) -> bool {
    match text.split_once('/') {
        Some((prefix, name)) => is_subdomain(prefix) && is_label_value(name) && !name.is_empty(),
        None => is_label_value(text) && !text.is_empty(),
    }
}

/// A label's value: at most 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends; or nothing.
pub(super) fn is_label_value(text: &str) -> bool {
    text.len() <= 63
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
        && !text.starts_with(|c: char| !c.is_ascii_alphanumeric())
        && !text.ends_with(|c: char| !c.is_ascii_alphanumeric())
}

/// A key of a ConfigMap or a Secret.
pub(super) fn is_data_key(text: &str) -> bool {
    (1..=253).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
        && text != "."
        && !text.starts_with("..")
}

/// The name of a port where it may stand for its number: at most 15 characters, at least one letter (RFC 6335).
pub(super) fn is_port_name(text: &str) -> bool {
    text.len() <= 15
        && is_label_of_any_length(text)
        && text.bytes().any(|byte| byte.is_ascii_lowercase())
        && !text.contains("--")
}

fn is_label_of_any_length(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_kubernetes() {
        assert!(is_label("nginx-1") && is_label("1nginx") && is_label(&"a".repeat(63)));
        assert!(!is_label("") && !is_label("-a") && !is_label("a-") && !is_label("A") && !is_label(&"a".repeat(64)));
        assert!(is_service_name("a1") && !is_service_name("1a"));
        assert!(is_subdomain("a.b-c.d") && !is_subdomain("a..b") && !is_subdomain(".a") && !is_subdomain("a_b"));
        assert!(is_qualified("app.kubernetes.io/name") && is_qualified("App_1") && !is_qualified("a/b/c"));
        assert!(!is_qualified("") && !is_qualified("/a") && !is_qualified("a/"));
        assert!(is_label_value("") && is_label_value("v1.2_x") && !is_label_value("-a") && !is_label_value("a b"));
        assert!(is_data_key("ca.crt") && is_data_key(".hidden") && !is_data_key("..x") && !is_data_key("a/b"));
        assert!(is_port_name("http-web-svc") && !is_port_name("8080") && !is_port_name("much-too-long-name"));
    }
}
