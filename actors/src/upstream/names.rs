//! Which presented name satisfies which demanded one. It must not know chains, dates or keys.

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
}
