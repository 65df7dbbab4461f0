//! Objects as YAML to paste.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use postern_actors::plan::identity::Der;
use serde_json::Value;

use crate::resources::{BackendTlsPolicy, NamespacedName};

/// Columns of PEM (RFC 7468, section 2).
const PEM_COLUMNS: usize = 64;
/// Words that YAML, or its version 1.1, takes for something else than a string.
const OTHER_THAN_STRINGS: [&str; 9] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];

/// A BackendTLSPolicy.
pub(super) fn policy(policy: &BackendTlsPolicy) -> String {
    let spec = &policy.spec;
    let mut text = head("gateway.networking.k8s.io/v1", "BackendTLSPolicy", &policy.metadata.key());
    if !policy.metadata.labels.is_empty() {
        text.push_str("  labels:\n");
        for (key, value) in &policy.metadata.labels {
            let _ = writeln!(text, "    {}: {}", scalar(key), scalar(value));
        }
    }
    text.push_str("spec:\n  targetRefs:\n");
    for target in &spec.target_refs {
        let (group, kind, name) = (scalar(&target.group), scalar(&target.kind), scalar(&target.name));
        let _ = writeln!(text, "  - group: {group}\n    kind: {kind}\n    name: {name}");
        if let Some(section) = &target.section_name {
            let _ = writeln!(text, "    sectionName: {}", scalar(section));
        }
    }
    let validation = &spec.validation;
    let _ = writeln!(text, "  validation:\n    hostname: {}", scalar(&validation.hostname));
    if let Some(well_known) = &validation.well_known_ca_certificates {
        let _ = writeln!(text, "    wellKnownCACertificates: {}", scalar(well_known));
    }
    if !validation.ca_certificate_refs.is_empty() {
        text.push_str("    caCertificateRefs:\n");
    }
    for reference in &validation.ca_certificate_refs {
        let (group, kind, name) = (scalar(&reference.group), scalar(&reference.kind), scalar(&reference.name));
        let _ = writeln!(text, "    - group: {group}\n      kind: {kind}\n      name: {name}");
    }
    if !validation.subject_alt_names.is_empty() {
        text.push_str("    subjectAltNames:\n");
    }
    for name in &validation.subject_alt_names {
        let _ = writeln!(text, "    - type: {}", scalar(&name.kind));
        for (field, value) in [("hostname", &name.hostname), ("uri", &name.uri)] {
            if let Some(value) = value {
                let _ = writeln!(text, "      {field}: {}", scalar(value));
            }
        }
    }
    if !spec.options.is_empty() {
        text.push_str("  options:\n");
        for (key, value) in &spec.options {
            let _ = writeln!(text, "    {}: {}", scalar(key), scalar(value));
        }
    }
    text
}

/// A ConfigMap that holds certificates under `ca.crt`, after lines of comment.
pub(super) fn config_map(name: &NamespacedName, comment: &str, certificates: &[Der]) -> String {
    let mut text = String::new();
    for line in comment.lines() {
        let _ = writeln!(text, "# {line}");
    }
    text.push_str(&head("v1", "ConfigMap", name));
    text.push_str("data:\n  ca.crt: |\n");
    for certificate in certificates {
        for line in pem(certificate) {
            let _ = writeln!(text, "    {line}");
        }
    }
    text
}

/// An AgentgatewayBackend.
pub(super) fn backend(name: &NamespacedName, host: &str, port: u16) -> String {
    let mut text = head("agentgateway.dev/v1alpha1", "AgentgatewayBackend", name);
    let _ = writeln!(text, "spec:\n  static:\n    host: {}\n    port: {port}", scalar(host));
    text
}

/// Documents in one file.
pub(super) fn documents(all: &[String]) -> String {
    all.join("---\n")
}

/// A string in one line: as it is where it can be nothing else, or quoted as JSON quotes it, which YAML reads too.
pub(super) fn scalar(text: &str) -> String {
    let harmless = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'/');
    let other = OTHER_THAN_STRINGS.iter().any(|word| word.eq_ignore_ascii_case(text));
    if text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.bytes().all(harmless) && !other {
        text.to_owned()
    } else {
        Value::String(text.to_owned()).to_string()
    }
}

fn head(version: &str, kind: &str, name: &NamespacedName) -> String {
    let (namespace, name) = (scalar(&name.namespace), scalar(&name.name));
    format!("apiVersion: {version}\nkind: {kind}\nmetadata:\n  name: {name}\n  namespace: {namespace}\n")
}

fn pem(certificate: &Der) -> Vec<String> {
    let body = STANDARD.encode(certificate);
    let lines = body.as_bytes().chunks(PEM_COLUMNS).map(|line| String::from_utf8_lossy(line).into_owned());
    let end = |word| format!("-----{word} CERTIFICATE-----");
    std::iter::once(end("BEGIN")).chain(lines).chain(std::iter::once(end("END"))).collect()
}

#[cfg(test)]
mod tests {
    use super::scalar;

    #[test]
    fn only_what_can_be_nothing_but_a_string_goes_without_quotes() {
        for plain in ["nginx", "ConfigMap", "gateway.postern.dev/alpn", "a-1.b"] {
            assert_eq!(scalar(plain), plain);
        }
        for (text, quoted) in [
            ("", r#""""#),
            ("1.3", r#""1.3""#),
            ("No", r#""No""#),
            ("null", r#""null""#),
            ("*.a", r#""*.a""#),
            ("a: b", r#""a: b""#),
            ("a #b", r#""a #b""#),
            ("a\nb\"", r#""a\nb\"""#),
        ] {
            assert_eq!(scalar(text), quoted);
        }
    }
}
