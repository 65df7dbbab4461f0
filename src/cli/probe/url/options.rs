//! What the translation says of fields, said of the options that they came from.

/// Where a field's name begins, and the option; of two that fit, the longer stands first.
const OPTIONS: [(&str, &str); 12] = [
    ("spec.static.host", "the host"),
    ("spec.validation.subjectAltNames", "--san"),
    ("spec.validation.hostname", "--hostname"),
    ("spec.validation.caCertificateRefs", "--ca"),
    ("spec.validation.wellKnownCACertificates", "--system-ca-bundle"),
    ("spec.options[gateway.postern.dev/min-tls-version]", "--min-tls-version"),
    ("spec.options[gateway.postern.dev/max-tls-version]", "--max-tls-version"),
    ("spec.options[gateway.postern.dev/alpn]", "--alpn"),
    ("spec.options[gateway.postern.dev/pinned-sha256]", "--pinned-sha256"),
    ("spec.tls.backend.clientCertificateRef: Secret default/probe, tls.crt", "--client-cert"),
    ("spec.tls.backend.clientCertificateRef: Secret default/probe, tls.key", "--client-key"),
    ("spec.tls.backend.clientCertificateRef", "--client-cert and --client-key"),
];

/// A message that names options in place of fields, and no object before the first of them.
pub(super) fn named(message: &str) -> String {
    let mut rest = match OPTIONS.iter().filter_map(|(field, _)| message.find(field)).min() {
        Some(first) => &message[first..],
        None => message,
    };
    let mut named = String::new();
    while let Some((at, field, option)) = next(rest) {
        named.push_str(&rest[..at]);
        named.push_str(option);
        // An index or a field beneath it says nothing of the option.
        let after = &rest[at + field.len()..];
        rest = &after[after.find(": ").unwrap_or(0)..];
    }
    named + rest
}

fn next(text: &str) -> Option<(usize, &'static str, &'static str)> {
    let found = OPTIONS.iter().filter_map(|(field, option)| Some((text.find(field)?, *field, *option)));
    found.min_by_key(|(at, ..)| *at)
}

#[cfg(test)]
mod tests {
    use super::named;

    #[test]
    fn fields_become_the_options_that_they_came_from() {
        for (message, expected) in [
            ("Policy a/b: cannot be read: spec.validation.subjectAltNames[0].uri: no (\"a\")", "--san: no (\"a\")"),
            (
                "Policy a/b: spec.validation.hostname: no; spec.options[gateway.postern.dev/alpn]: h2",
                "--hostname: no; --alpn: h2",
            ),
            (
                "Gateway a/b: spec.tls.backend.clientCertificateRef: Secret default/probe, tls.key: holds no PEM block",
                "--client-key: holds no PEM block",
            ),
            (
                "spec.tls.backend.clientCertificateRef: Secret default/probe: tls.crt and tls.key cannot be used: no",
                "--client-cert and --client-key: Secret default/probe: tls.crt and tls.key cannot be used: no",
            ),
            ("of nothing known: no", "of nothing known: no"),
        ] {
            assert_eq!(named(message), expected);
        }
    }
}
