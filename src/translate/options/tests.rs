//! Options: what is taken, and what makes a policy invalid.

use super::*;

fn read_all(options: &[(&str, &str)]) -> Result<Options, Vec<String>> {
    let written = options.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    read(&written).map_err(|errors| errors.iter().map(ToString::to_string).collect())
}

fn ours(name: &str, value: &str) -> Result<Options, Vec<String>> {
    read_all(&[(&format!("gateway.postern.dev/{name}"), value)])
}

#[test]
fn without_options_the_defaults_hold() {
    let options = read_all(&[]).unwrap();
    assert_eq!((options.min_version, options.max_version), (TlsVersion::Tls12, TlsVersion::Tls13));
    assert_eq!(options.alpn, ["http/1.1"]);
    assert!(options.resumption && options.pins.is_empty());
}

#[test]
fn versions_are_bounds() {
    assert_eq!(ours("min-tls-version", "1.3").unwrap().min_version, TlsVersion::Tls13);
    assert_eq!(ours("max-tls-version", "1.2").unwrap().max_version, TlsVersion::Tls12);
    let crossed =
        read_all(&[("gateway.postern.dev/min-tls-version", "1.3"), ("gateway.postern.dev/max-tls-version", "1.2")]);
    assert!(crossed.unwrap_err()[0].contains("no version is left"));
}

#[test]
fn alpn_is_a_list_that_may_be_empty() {
    assert_eq!(ours("alpn", "").unwrap().alpn, Vec::<String>::new());
    assert_eq!(ours("alpn", "istio, http/1.1").unwrap().alpn, ["istio", "http/1.1"]);
}

#[test]
fn pins_are_sha256_in_base64() {
    let pin = STANDARD.encode([7; 32]);
    let other = STANDARD.encode([8; 32]);
    assert_eq!(ours("pinned-sha256", &format!("{pin}, {other}")).unwrap().pins, [[7; 32], [8; 32]].into());
}

#[test]
fn resumption_can_be_switched_off() {
    assert!(!ours("session-resumption", "false").unwrap().resumption);
}

#[test]
fn bad_values_and_unknown_keys_of_ours_are_errors() {
    let short = STANDARD.encode([7; 20]);
    let cases = [
        ("min-tls-version", "1.1"),
        ("max-tls-version", "TLSv1.3"),
        ("alpn", "h2"),
        ("alpn", "http/1.1,h2"),
        ("alpn", "http/1.1,,"),
        ("alpn", "http/1.1,http/1.1"),
        ("session-resumption", "yes"),
        ("pinned-sha256", ""),
        ("pinned-sha256", &short),
        ("pinned-sha256", "sha256//AAAA"),
        ("insecure-skip-verify", "true"),
        ("", "x"),
    ];
    for (name, value) in cases {
        let errors = ours(name, value).unwrap_err();
        assert_eq!(errors.len(), 1, "{name}={value}");
        assert!(errors[0].starts_with(&format!("gateway.postern.dev/{name}: ")), "{}", errors[0]);
    }
}

#[test]
fn every_error_is_told_at_once() {
    let errors = read_all(&[("gateway.postern.dev/alpn", "h2"), ("gateway.postern.dev/nonsense", "x")]).unwrap_err();
    assert_eq!(errors.len(), 2);
}

#[test]
fn keys_of_others_are_listed_and_keys_without_a_prefix_refused() {
    let options = read_all(&[("example.com/min-tls-version", "9"), ("sub.gateway.postern.dev/alpn", "h2")]).unwrap();
    assert_eq!(options.foreign, ["example.com/min-tls-version", "sub.gateway.postern.dev/alpn"]);
    assert!(read_all(&[("min-tls-version", "1.3")]).unwrap_err()[0].contains("needs a prefix"));
}

#[test]
fn what_was_meant_for_us_is_known_by_prefix_and_name() {
    for (written, expected) in [
        ("postern.dev/min-tls-version", Some("gateway.postern.dev/min-tls-version")),
        ("gatway.postern.dev/alpn", Some("gateway.postern.dev/alpn")),
        ("gateway.postern.io/pinned-sha", None),
        ("example.com/alpn", None),
        ("gateway.postern.dev.example.com/anything", None),
    ] {
        assert_eq!(meant(written).as_deref(), expected, "{written}");
    }
    assert!(ours("min-tls-versoin", "1.3").unwrap_err()[0].ends_with("did you mean min-tls-version?"));
}
