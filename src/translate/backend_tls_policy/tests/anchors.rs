//! CA references: what is taken, how it is classified, what is said of the rest.

use super::*;
use crate::resources::Kind;

/// A policy that refers to these, by kind and name.
fn trusting(references: &[(&str, &str)]) -> Value {
    let references: Vec<_> =
        references.iter().map(|(kind, name)| json!({"group": "", "kind": kind, "name": name})).collect();
    changed(|policy| policy["spec"]["validation"]["caCertificateRefs"] = json!(references))
}

fn config_map(name: &str, data: &Value) -> Value {
    json!({"kind": "ConfigMap", "metadata": {"name": name}, "data": data})
}

fn bundle(resolved: &world::Resolved) -> (usize, usize) {
    match &identity(resolved.only()).trust {
        Trust::Bundle(bundle) => (bundle.issuers.len(), bundle.leaves.len()),
        Trust::System(_) => panic!("it is a bundle"),
    }
}

#[test]
fn one_reference_that_cannot_be_used_leaves_no_trust() {
    static KEY: OnceLock<String> = OnceLock::new();
    let key = KEY.get_or_init(|| KeyPair::generate().unwrap().serialize_pem());
    let good = leaf("good", |_| ());
    let cases = [
        (trusting(&[("ConfigMap", "nobody")]), "InvalidCACertificateRef", "ConfigMap default/nobody does not exist"),
        (trusting(&[("Secret", "nobody")]), "InvalidCACertificateRef", "Secret default/nobody does not exist"),
        (trusting(&[("ConfigMap", "keyless")]), "InvalidCACertificateRef", "has no key ca.crt: its keys are tls.crt"),
        (trusting(&[("ConfigMap", "bare")]), "InvalidCACertificateRef", "has no key ca.crt: it is empty"),
        (trusting(&[("ConfigMap", "empty")]), "InvalidCACertificateRef", "ca.crt holds no PEM block (it is empty)"),
        (trusting(&[("ConfigMap", "cut")]), "InvalidCACertificateRef", "ca.crt block 2 is no certificate"),
        (trusting(&[("ConfigMap", "key")]), "InvalidCACertificateRef", "ca.crt block 2 is a private key"),
        (trusting(&[("ConfigMap", "old")]), "InvalidCACertificateRef", "block 1 is an X.509 v1 certificate"),
        (trusting(&[("Service", "web")]), "InvalidKind", "Service of the core group is not supported"),
        (
            changed(|policy| policy["spec"]["validation"]["caCertificateRefs"][0]["group"] = json!("example.com")),
            "InvalidKind",
            "ConfigMap of group example.com is not supported",
        ),
    ];
    for (policy, reason, cause) in cases {
        let resolved = with(policy)
            .add(config_map("keyless", &json!({"tls.crt": good})))
            .add(config_map("bare", &json!({})))
            .add(config_map("empty", &json!({"ca.crt": ""})))
            .add(config_map(
                "cut",
                &json!({"ca.crt": format!("{good}-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----")}),
            ))
            .add(config_map("key", &json!({"ca.crt": format!("{good}{key}")})))
            .add(config_map("old", &json!({"ca.crt": V1})))
            .resolve();
        assert_eq!(poison(resolved.only()), HandshakeResult::CaUnavailable, "{cause}");
        assert_eq!(resolved.accepted("p").0, "NoValidCACertificate", "{cause}");
        let (resolved_reason, message) = resolved.resolved_refs("p");
        assert_eq!(resolved_reason, reason, "{cause}");
        assert!(message.starts_with("spec.validation.caCertificateRefs[0]: "), "{message}");
        assert!(message.contains(cause), "{message} should contain {cause}");
        assert_eq!(resolved.findings().len(), 1, "the consequence is not told for itself");
        let finding = resolved.finding(reason);
        let in_object = reason == "InvalidCACertificateRef" && !cause.contains("does not exist");
        let field = if in_object { "data[ca.crt]" } else { "spec.validation.caCertificateRefs[0]" };
        assert_eq!((finding.field.as_str(), finding.object.kind == Kind::ConfigMap), (field, in_object), "{cause}");
        assert!(finding.message.contains("has no CA certificate left"), "{}", finding.message);
        assert!(resolved.0.authorities.is_empty());
    }
}

#[test]
fn good_references_are_used_and_each_bad_one_is_told() {
    let references = [("ConfigMap", "nobody"), ("ConfigMap", "ca"), ("Gateway", "gw")];
    let resolved = with(trusting(&references)).resolve();
    assert_eq!(bundle(&resolved), (1, 0));
    assert_eq!(resolved.accepted("p").0, "Accepted");
    let (reason, message) = resolved.resolved_refs("p");
    assert_eq!(reason, "InvalidCACertificateRef", "the first bad one gives the reason");
    assert!(message.contains("caCertificateRefs[0]: ConfigMap default/nobody"), "{message}");
    assert!(message.contains("caCertificateRefs[2]: Gateway of the core group"), "{message}");
    assert!(!message.contains("caCertificateRefs[1]"), "{message}");
    assert_eq!(resolved.findings().len(), 2);
}

#[test]
fn secrets_and_bundles_of_several_certificates_are_taken_once_each() {
    let issuer = authority("x")["data"]["ca.crt"].as_str().unwrap().to_owned();
    let pems = [leaf("a", |_| ()), leaf("b", |params| params.is_ca = IsCa::ExplicitNoCa), issuer].concat();
    let secret = json!({"kind": "Secret", "metadata": {"name": "s"}, "stringData": {"ca.crt": pems}});
    let resolved = with(trusting(&[("ConfigMap", "ca"), ("Secret", "s")])).add(secret).resolve();
    assert_eq!(bundle(&resolved), (1, 2), "the issuer is in both references");
    let references: Vec<_> = resolved.0.authorities.iter().map(|authority| &*authority.reference).collect();
    assert_eq!(references, ["ConfigMap/default/ca", "Secret/default/s"]);
}

#[test]
fn a_ca_certificate_without_the_right_to_sign_is_a_leaf() {
    let pem = leaf("restricted", |params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![rcgen::KeyUsagePurpose::DigitalSignature];
    });
    let resolved = with(trusting(&[("ConfigMap", "r")])).add(config_map("r", &json!({"ca.crt": pem}))).resolve();
    assert_eq!(bundle(&resolved), (0, 1));
}

#[test]
fn a_certificate_that_ends_soon_is_a_warning_and_one_that_has_ended_an_error() {
    let cases = [
        (22, None),
        (21, Some((Severity::Warning, "CertificateExpiresSoon"))),
        (1, Some((Severity::Warning, "CertificateExpiresSoon"))),
        (-1, Some((Severity::Error, "CertificateExpired"))),
    ];
    for (days, expected) in cases {
        let pem = leaf("ending", days_from_now(days));
        let resolved = with(trusting(&[("ConfigMap", "e")])).add(config_map("e", &json!({"ca.crt": pem}))).resolve();
        assert_eq!(bundle(&resolved), (0, 1), "dates count at each handshake, not here");
        assert_eq!(resolved.0.authorities[0].not_after, NOW + days * 86400);
        let found: Vec<_> = resolved.findings();
        let field = "spec.validation.caCertificateRefs[0]";
        let expected: Vec<_> = expected.into_iter().map(|(severity, code)| (severity, code, field)).collect();
        assert_eq!(found, expected, "{days} days");
        for finding in &resolved.0.findings {
            let date = Timestamp::from_second(NOW + days * 86400).unwrap().to_string();
            assert!(finding.message.contains("CN=ending") && finding.message.contains(&date), "{}", finding.message);
        }
    }
}

#[test]
fn a_reference_of_which_everything_has_ended_says_so() {
    let mixed = [leaf("a", days_from_now(-2)), leaf("b", days_from_now(400))].concat();
    let dead = [leaf("a", days_from_now(-2)), leaf("b", days_from_now(-3))].concat();
    for (pems, all) in [(mixed, false), (dead, true)] {
        let world = with(trusting(&[("ConfigMap", "e")])).add(config_map("e", &json!({"ca.crt": pems})));
        let resolved = world.resolve();
        let finding = resolved.finding("CertificateExpired");
        assert_eq!(finding.message.contains("all certificates of the reference"), all, "{}", finding.message);
        assert_eq!(
            finding.severity,
            if all { Severity::Error } else { Severity::Warning },
            "the other one still works"
        );
    }
}

#[test]
fn an_end_is_no_error_where_another_reference_still_works() {
    let dead = config_map("e", &json!({"ca.crt": leaf("a", days_from_now(-2))}));
    let resolved = with(trusting(&[("ConfigMap", "e"), ("ConfigMap", "ca")])).add(dead).resolve();
    let field = "spec.validation.caCertificateRefs[0]";
    assert_eq!(resolved.findings(), [(Severity::Warning, "CertificateExpired", field)]);
}

#[test]
fn policies_with_the_same_references_share_one_bundle() {
    let other = policy("other", &json!([{"kind": "Service", "name": "db"}]));
    let world = with(changed(|_| ())).add(service("db", &[("tls", 5432, "TCP")])).add(other).uses("gw", "db", 5432);
    let resolved = world.resolve();
    let bundle_of = |backend: &Backend| match &identity(backend).trust {
        Trust::Bundle(bundle) => Arc::clone(bundle),
        Trust::System(_) => panic!("it is a bundle"),
    };
    let (web, db) = (resolved.backend("gw", "web", 443), resolved.backend("gw", "db", 5432));
    assert!(Arc::ptr_eq(&bundle_of(web), &bundle_of(db)));
}

#[test]
fn a_ca_certificate_that_no_verifier_would_take_is_told_here() {
    let pem = leaf("odd", |params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // nameConstraints that are a NULL.
        params.custom_extensions = vec![rcgen::CustomExtension::from_oid_content(&[2, 5, 29, 30], vec![5, 0])];
    });
    let resolved = with(trusting(&[("ConfigMap", "o")])).add(config_map("o", &json!({"ca.crt": pem}))).resolve();
    assert_eq!(poison(resolved.only()), HandshakeResult::CaUnavailable);
    let (reason, message) = resolved.resolved_refs("p");
    assert_eq!(reason, "InvalidCACertificateRef");
    assert!(message.contains("block 1 (CN=odd) cannot be used as a CA"), "{message}");
}

/// A policy that trusts one leaf with these names, and findings about it.
fn foreseen(names: &[&str], change: impl FnOnce(&mut Value)) -> Vec<&'static str> {
    let names: Vec<_> = names
        .iter()
        .map(|name| {
            if name.contains(':') {
                rcgen::SanType::URI((*name).try_into().unwrap())
            } else {
                rcgen::SanType::DnsName((*name).try_into().unwrap())
            }
        })
        .collect();
    let pem = leaf("web.example.com", |params| params.subject_alt_names = names);
    let mut policy = trusting(&[("ConfigMap", "leaf")]);
    change(&mut policy);
    let resolved = with(policy).add(config_map("leaf", &json!({"ca.crt": pem}))).resolve();
    identity(resolved.only());
    resolved.findings().into_iter().map(|(_, code, _)| code).collect()
}

#[test]
fn a_name_that_no_leaf_carries_is_foreseen() {
    let nothing: [&str; 0] = [];
    assert_eq!(foreseen(&["web.example.com"], |_| ()), nothing);
    assert_eq!(foreseen(&["*.example.com"], |_| ()), nothing);
    assert_eq!(foreseen(&[], |_| ()), ["NameNotInCertificates"], "the common name never counts");
    assert_eq!(foreseen(&["a.web.example.com", "*.com", "example.com"], |_| ()), ["NameNotInCertificates"]);
    let demanding = |names: Value| move |policy: &mut Value| policy["spec"]["validation"]["subjectAltNames"] = names;
    let wildcard = json!([{"type": "Hostname", "hostname": "*.example.org"}]);
    assert_eq!(foreseen(&["a.example.org"], demanding(wildcard.clone())), nothing);
    assert_eq!(foreseen(&["*.example.org"], demanding(wildcard.clone())), nothing);
    assert_eq!(foreseen(&["a.b.example.org", "web.example.com"], demanding(wildcard)), ["NameNotInCertificates"]);
    let uri = json!([{"type": "URI", "uri": "spiffe://a/b"}]);
    assert_eq!(foreseen(&["spiffe://a/b"], demanding(uri.clone())), nothing);
    assert_eq!(foreseen(&["spiffe://a/B"], demanding(uri)), ["NameNotInCertificates"]);
}

#[test]
fn a_pin_that_no_leaf_has_is_foreseen() {
    let pinned = |policy: &mut Value| {
        let pin = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        policy["spec"]["options"] = json!({"gateway.postern.dev/pinned-sha256": pin});
    };
    assert_eq!(foreseen(&["web.example.com"], pinned), ["PinMatchesNoCertificate"]);
    let mut policy = changed(|_| ());
    pinned(&mut policy);
    assert!(with(policy).resolve().0.findings.is_empty(), "with a CA nothing is known beforehand");
}
