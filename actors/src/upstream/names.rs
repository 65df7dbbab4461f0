//! Which presented name satisfies which demanded one, and which could be demanded. It must not know chains, dates or keys.

use rustls_pki_types::DnsName;

use crate::certificate::Facts;
use crate::plan::identity::SubjectAltName;

/// Whether a certificate with these SANs satisfies one entry of `validation.subjectAltNames`. The CN never counts.
pub fn satisfies(presented: &Facts, demanded: &SubjectAltName) -> bool {
    match demanded {
        SubjectAltName::Hostname(demanded) => presented.dns_names.iter().any(|name| hostname(name, demanded)),
        SubjectAltName::Uri(demanded) => presented.uris.contains(demanded),
    }
}

/// Whether a presented DNS SAN satisfies a demanded host name.
///
/// - A demanded `*.example.com` takes one label before `example.com`, or that identical wildcard (GEP-3155).
/// - A presented `*.example.com` authenticates `a.example.com`, as in TLS always (RFC 9525, section 6.3): the wildcard is
///   the whole leftmost label, and two labels at least follow it.
fn hostname(presented: &str, demanded: &str) -> bool {
    if !is_dns_name(presented) {
        return false;
    }
    if presented.eq_ignore_ascii_case(demanded) {
        return true;
    }
    match (presented.strip_prefix("*."), demanded.strip_prefix("*.")) {
        (None, Some(base)) => after_first_label(presented).is_some_and(|rest| rest.eq_ignore_ascii_case(base)),
        (Some(base), None) => {
            base.contains('.') && after_first_label(demanded).is_some_and(|rest| rest.eq_ignore_ascii_case(base))
        }
        (Some(_), Some(_)) | (None, None) => false,
    }
}

fn after_first_label(name: &str) -> Option<&str> {
    name.split_once('.').filter(|(label, _)| !label.is_empty()).map(|(_, rest)| rest)
}

/// Labels of letters, digits, hyphens and underscores, none of them empty; a wildcard only as the whole first one.
fn is_dns_name(name: &str) -> bool {
    let labels = name.strip_prefix("*.").unwrap_or(name);
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    !labels.is_empty() && labels.split('.').all(|label| !label.is_empty() && label.bytes().all(legal))
}

/// The SANs of a certificate that `validation.subjectAltNames` can demand: DNS names in lower case, then URIs. IP addresses
/// are of no type that it has.
pub fn demandable(presented: &Facts) -> Vec<SubjectAltName> {
    let hosts = presented.dns_names.iter().map(|name| name.to_ascii_lowercase()).filter(|name| is_hostname(name));
    let uris = presented.uris.iter().filter(|uri| is_absolute(uri)).cloned().map(SubjectAltName::Uri);
    hosts.map(SubjectAltName::Hostname).chain(uris).collect()
}

/// What the schema and the translation take for a `hostname`: labels of lower-case letters, digits and `-`, the first of
/// which may be `*`, and no IP address. No wildcard for a whole top-level domain is proposed.
fn is_hostname(name: &str) -> bool {
    let wildcard = name.strip_prefix("*.");
    let labels = wildcard.unwrap_or(name);
    let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let label =
        |label: &str| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-') && label.bytes().all(legal);
    let narrow = wildcard.is_none_or(|base| base.contains('.'));
    name.len() <= 253 && narrow && labels.split('.').all(label) && DnsName::try_from(labels).is_ok()
}

/// What the schema takes for a `uri`: one with a scheme and an authority, of the characters of RFC 3986.
fn is_absolute(uri: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte);
    let is_scheme = |scheme: &str| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    };
    let has_authority = |rest: &str| !rest.is_empty() && !rest.starts_with(['/', '?', '#']);
    let whole = uri.split_once("://").is_some_and(|(scheme, rest)| is_scheme(scheme) && has_authority(rest));
    whole && uri.len() <= 253 && uri.bytes().all(legal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names_match_by_label() {
        for (presented, demanded, matches) in [
            ("example.com", "example.com", true),
            ("EXAMPLE.com", "example.com", true),
            ("example.com", "example.org", false),
            ("a.example.com", "*.example.com", true),
            ("a.b.example.com", "*.example.com", false),
            ("example.com", "*.example.com", false),
            ("*.example.com", "*.example.com", true),
            ("*.b.example.com", "*.example.com", false),
            ("*.example.com", "a.example.com", true),
            ("*.example.com", "a.b.example.com", false),
            ("*.example.com", "example.com", false),
            ("*.com", "example.com", false),
            ("*", "example", false),
            ("a*.example.com", "ab.example.com", false),
            ("*.*.com", "a.b.com", false),
            (".example.com", "*.example.com", false),
            ("", "*.example.com", false),
            ("a.example.com\0.evil.org", "a.example.com", false),
        ] {
            assert_eq!(hostname(presented, demanded), matches, "{presented} for {demanded}");
        }
    }

    #[test]
    fn no_name_is_demandable_that_the_schema_refuses() {
        for name in ["example.com", "*.example.com", "a-1.b", "backend"] {
            assert!(is_hostname(name), "{name}");
        }
        let long = format!("{}.com", "a.".repeat(126));
        for name in [
            "",
            "*",
            "*.",
            "*.com",
            "a b",
            "a..b",
            ".a",
            "a.",
            "-a.b",
            "a_b",
            "A.b",
            "a.*.b",
            "127.0.0.1",
            "a\u{202e}b",
            "a\nb",
            &long,
        ] {
            assert!(!is_hostname(name), "{name:?}");
        }
        for uri in ["spiffe://example.com/a", "https://[::1]:8443/a?b=c#d"] {
            assert!(is_absolute(uri), "{uri}");
        }
        let long = format!("spiffe://{}", "a".repeat(253));
        for uri in [
            "",
            "a",
            "spiffe:a",
            "://a",
            "spiffe://",
            "spiffe:///a",
            "1a://b",
            "a/b://c",
            "a#b://c",
            "a://b c",
            "a://b\"c",
            "a://b\n",
            "a://\u{2066}b",
            "a://b\u{e9}",
            "a://{b}",
            &long,
        ] {
            assert!(!is_absolute(uri), "{uri:?}");
        }
    }
}
