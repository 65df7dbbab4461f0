//! What PEM text is taken, and what is said of the rest.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, KeyUsagePurpose};

use super::*;

/// An X.509 v1 certificate, which nothing that we link can make.
pub(in crate::translate) const V1: &str = include_str!("v1.pem");

fn issue(change: impl FnOnce(&mut CertificateParams)) -> String {
    let mut params = CertificateParams::new(vec!["Example.com".to_owned(), "*.example.com".to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, "someone");
    change(&mut params);
    params.self_signed(&KeyPair::generate().unwrap()).unwrap().pem()
}

fn ca(usages: &[KeyUsagePurpose]) -> String {
    issue(|params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = usages.to_vec();
    })
}

fn key() -> String {
    KeyPair::generate().unwrap().serialize_pem()
}

#[test]
fn several_certificates_with_text_around_them_are_taken_in_their_order() {
    let (one, two) = (issue(|_| ()), ca(&[]));
    let text = format!("\u{feff}Subject: one\n{one}\n# two\r\n{}", two.replace('\n', "\r\n"));
    let found = certificates(text.as_bytes()).unwrap();
    let facts: Vec<_> = found.iter().map(|certificate| certificate.facts.may_issue).collect();
    assert_eq!(facts, [false, true]);
    assert_eq!(found[0].facts.dns_names, ["example.com", "*.example.com"]);
    assert_eq!(found[0].facts.subject, "CN=someone");
    assert_eq!(not_after(&found[0].der), Some(found[0].facts.not_after));
}

#[test]
fn indented_blocks_are_taken() {
    let indented = format!("    {}", issue(|_| ()).replace('\n', "\n    "));
    assert_eq!(certificates(indented.as_bytes()).unwrap().len(), 1);
}

#[test]
fn only_ca_certificates_with_the_right_to_sign_issue() {
    let may_issue = |pem: String| certificates(pem.as_bytes()).unwrap()[0].facts.may_issue;
    assert!(may_issue(ca(&[])), "no keyUsage restricts nothing");
    assert!(may_issue(ca(&[KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign])));
    assert!(!may_issue(ca(&[KeyUsagePurpose::DigitalSignature])), "keyUsage without keyCertSign");
    assert!(!may_issue(issue(|_| ())), "no basicConstraints");
    assert!(!may_issue(issue(|params| params.is_ca = IsCa::ExplicitNoCa)), "CA:FALSE");
}

#[test]
fn what_is_wrong_is_told_with_the_blocks_number() {
    let good = issue(|_| ());
    let body: String = good.lines().filter(|line| !line.starts_with('-')).collect();
    let trailing = STANDARD.encode([STANDARD.decode(&body).unwrap(), vec![1, 2]].concat());
    let cases = [
        (String::new(), "holds no PEM block (it is empty)"),
        ("just words".into(), "holds no PEM block"),
        (
            format!("{good}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"),
            "block 2 is no certificate: it does",
        ),
        (
            format!("{good}-----BEGIN CERTIFICATE-----\n*\n-----END CERTIFICATE-----"),
            "block 2 (CERTIFICATE) is not base64",
        ),
        (format!("{good}-----BEGIN CERTIFICATE-----\nAAAA"), "block 2 (CERTIFICATE) has no -----END CERTIFICATE-----"),
        (
            format!("-----BEGIN CERTIFICATE-----\nAAAA\n{good}"),
            "block 1 (CERTIFICATE) has no -----END CERTIFICATE-----",
        ),
        (good.replace("-----END CERTIFICATE-----", "-----END X509-----"), "block 1 (CERTIFICATE) has no -----END"),
        (good.replace("-----BEGIN", "----BEGIN"), "line 1 is a malformed PEM boundary"),
        (good.replace("CERTIFICATE", "X509 CRL"), "block 1 is no certificate: it is labelled X509 CRL"),
        (format!("{good}{}", key()), "block 2 is a private key"),
        (
            format!("-----BEGIN CERTIFICATE-----\n{trailing}\n-----END CERTIFICATE-----"),
            "block 1 is no certificate: 2 bytes follow the certificate",
        ),
        (V1.into(), "block 1 is an X.509 v1 certificate (CN=old.example.com), which is not supported"),
    ];
    for (text, expected) in cases {
        let error = certificates(text.as_bytes()).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error} should start with {expected}");
    }
}

#[test]
fn der_is_recognised() {
    let der = certificates(issue(|_| ()).as_bytes()).unwrap()[0].der.clone();
    let error = certificates(&der).unwrap_err().to_string();
    assert!(error.contains("openssl x509 -inform der"), "{error}");
}

#[test]
fn one_plain_private_key_is_taken() {
    let body = "-----BEGIN X-----\nAAAA\n-----END X-----\n";
    let labelled = |label: &str| body.replace('X', label);
    let format_of = |text: &str| private_key(text.as_bytes()).map(|key| key.format).map_err(|error| error.to_string());
    assert_eq!(format_of(&key()), Ok(KeyFormat::Pkcs8));
    assert_eq!(format_of(&labelled("RSA PRIVATE KEY")), Ok(KeyFormat::Pkcs1));
    let with_parameters = labelled("EC PARAMETERS") + &labelled("EC PRIVATE KEY");
    assert_eq!(format_of(&with_parameters), Ok(KeyFormat::Sec1));
    let refused = [
        (labelled("ENCRYPTED PRIVATE KEY"), "block 1 is an encrypted private key"),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: x\n\nAAAA\n-----END RSA PRIVATE KEY-----".into(),
            "block 1 is an encrypted private key",
        ),
        (key() + &key(), "holds 2 private keys"),
        (labelled("EC PARAMETERS"), "holds no private key"),
        (issue(|_| ()), "block 1 is no private key: it is labelled CERTIFICATE"),
    ];
    for (text, expected) in refused {
        let error = format_of(&text).unwrap_err();
        assert!(error.starts_with(expected), "{error} should start with {expected}");
    }
}

/// As YAML folds it, as a shell mangles it, as a slip of the hand leaves it.
#[test]
fn no_error_quotes_a_key() {
    let key = key();
    let body: String = key.lines().filter(|line| !line.starts_with('-')).collect();
    let texts = [
        key.replace('\n', " "),
        key.replace('\n', ""),
        key.replace('\n', "\\n"),
        key.replace("PRIVATE KEY", "private key"),
        key.replacen("-----\n", "-----", 1),
        key.replacen("-----\n", " ", 1),
        key.replace("-----END", "-----END "),
        key.replace("\n-----END", " -----END"),
        key.replace("-----\n", "\n"),
        key.replace("-----", "---"),
        format!("-----BEGIN {body}-----\nAAAA\n-----END {body}-----\n"),
        body.clone(),
    ];
    for text in texts {
        let errors = [certificates(text.as_bytes()).err(), private_key(text.as_bytes()).err()];
        for error in errors.into_iter().flatten().map(|error| error.to_string()) {
            let quoted = body.as_bytes().windows(8).find(|part| error.contains(str::from_utf8(part).expect("base64")));
            assert!(quoted.is_none() && error.len() < 200, "{error}");
        }
    }
    let folded = certificates(key.replace('\n', " ").as_bytes()).expect_err("it is no PEM").to_string();
    assert!(folded.starts_with("line 1 holds a PEM block without its line breaks: in YAML write `|`"), "{folded}");
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "(-----(BEGIN|END) (CERTIFICATE|PRIVATE KEY)-----|[A-Za-z0-9+/=]{0,20}|-{0,6}|\\PC{0,6}|\n){0,12}") {
        let _ = certificates(text.as_bytes());
        let _ = private_key(text.as_bytes());
    }
}
