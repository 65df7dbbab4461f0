//! What the spec of one policy comes to.

use super::*;

#[test]
fn a_good_policy_originates_tls_under_its_hostname() {
    let resolved = with(changed(|_| ())).resolve();
    let identity = identity(resolved.only());
    assert_eq!(&*identity.sni, "web.example.com", "in lower case");
    assert_eq!(identity.names, PeerNames::Sni);
    assert_eq!(identity.alpn, ["http/1.1"]);
    assert_eq!((identity.min_version, identity.max_version), (TlsVersion::Tls12, TlsVersion::Tls13));
    assert!(identity.resumption && identity.pins.is_empty() && identity.client_certificate.is_none());
    assert_eq!(obeys(resolved.only()), "default/p");
    assert_eq!(resolved.accepted("p"), ("Accepted", "applies to Service default/web"));
    assert_eq!(resolved.resolved_refs("p"), ("ResolvedRefs", "read ConfigMap default/ca"));
    assert!(resolved.0.findings.is_empty());
    assert_eq!(resolved.0.authorities.len(), 1);
    assert_eq!(&*resolved.0.authorities[0].reference, "ConfigMap/default/ca");
}

#[test]
fn every_condition_observes_the_generation() {
    let resolved = with(changed(|_| ())).resolve();
    let ancestors = &resolved.0.policies.values().next().unwrap().ancestors;
    let generations: Vec<_> =
        ancestors[0].conditions.iter().map(|condition| (condition.kind, condition.observed_generation)).collect();
    assert_eq!(generations, [("Accepted", 7), ("ResolvedRefs", 7)]);
}

/// Invalid: the backend is poisoned as such, the message names the field, and there is a finding for it.
fn is_invalid(policy: &Value, field: &str) {
    let resolved = with(policy.clone()).resolve();
    assert_eq!(poison(resolved.only()), HandshakeResult::PolicyInvalid, "{policy}");
    let (reason, message) = resolved.accepted("p");
    assert_eq!(reason, "Invalid", "{policy}");
    assert!(message.contains(field), "{message} should name {field}");
    assert!(resolved.findings().contains(&(Severity::Error, "Invalid", field)), "{:?}", resolved.findings());
}

#[test]
fn a_hostname_that_can_be_no_server_name_is_invalid() {
    let hostnames = [
        "10.0.0.1",
        "::1",
        "[::1]",
        "127.1",
        "*.example.com",
        "",
        "a..b",
        "-a.example.com",
        "example.com.",
        "a_b",
        "a b",
    ];
    for hostname in hostnames {
        is_invalid(
            &changed(|policy| policy["spec"]["validation"]["hostname"] = json!(hostname)),
            "spec.validation.hostname",
        );
    }
    is_invalid(
        &changed(|policy| policy["spec"]["validation"]["hostname"] = json!("a.".repeat(127) + "com")),
        "spec.validation.hostname",
    );
}

#[test]
fn subject_alt_names_take_the_place_of_the_hostname() {
    let names = json!([
        {"type": "Hostname", "hostname": "*.Example.com"},
        {"type": "URI", "uri": "spiffe://Cluster.local/ns/a"},
    ]);
    let resolved = with(changed(|policy| policy["spec"]["validation"]["subjectAltNames"] = names)).resolve();
    let expected =
        [SubjectAltName::Hostname("*.example.com".into()), SubjectAltName::Uri("spiffe://Cluster.local/ns/a".into())];
    assert_eq!(identity(resolved.only()).names, PeerNames::AnyOf(expected.to_vec()));
    assert_eq!(&*identity(resolved.only()).sni, "web.example.com");
}

#[test]
fn a_subject_alt_name_that_nothing_can_match_is_invalid() {
    for name in [
        json!({"type": "Hostname"}),
        json!({"type": "Hostname", "hostname": "10.0.0.1"}),
        json!({"type": "Hostname", "hostname": "*"}),
        json!({"type": "Hostname", "hostname": "a.*.com"}),
        json!({"type": "URI", "uri": "no-scheme"}),
        json!({"type": "URI", "uri": "1x:y"}),
        json!({"type": "URI"}),
        json!({"type": "IPAddress", "hostname": "example.com"}),
    ] {
        let names = json!([{"type": "Hostname", "hostname": "example.com"}, name]);
        is_invalid(
            &changed(|policy| policy["spec"]["validation"]["subjectAltNames"] = names),
            "spec.validation.subjectAltNames[1]",
        );
    }
}

#[test]
fn exactly_one_source_of_trust_is_given() {
    is_invalid(
        &changed(|policy| policy["spec"]["validation"]["wellKnownCACertificates"] = json!("System")),
        "spec.validation",
    );
    is_invalid(&changed(|policy| policy["spec"]["validation"]["caCertificateRefs"] = json!([])), "spec.validation");
}

fn system(value: &str) -> Value {
    changed(|policy| {
        policy["spec"]["validation"] = json!({"hostname": "example.com", "wellKnownCACertificates": value});
    })
}

#[test]
fn system_stands_for_the_systems_roots() {
    let resolved = with(system("System")).resolve();
    assert!(matches!(&identity(resolved.only()).trust, Trust::System(roots) if roots.origin == "a test"));
    assert_eq!(resolved.accepted("p").0, "Accepted");
    assert_eq!(resolved.resolved_refs("p").0, "ResolvedRefs");
    is_invalid(&system("example.com/roots"), "spec.validation.wellKnownCACertificates");
}

#[test]
fn roots_that_cannot_be_read_poison_those_who_want_them() {
    let mut world = with(system("System"));
    world.settings.system_roots = Err("/etc/roots.pem is empty".into());
    let resolved = world.resolve();
    assert_eq!(poison(resolved.only()), HandshakeResult::CaUnavailable);
    let (reason, message) = resolved.accepted("p");
    assert_eq!(reason, "NoValidCACertificate");
    assert!(message.contains("/etc/roots.pem is empty"), "{message}");
    let field = "spec.validation.wellKnownCACertificates";
    assert_eq!(resolved.findings(), [(Severity::Error, "NoValidCACertificate", field)]);
    let mut world = with(changed(|_| ()));
    world.settings.system_roots = Err("whatever".into());
    identity(world.resolve().only());
}

/// The pools and TLS configurations of the backends are keyed by the identity.
#[test]
fn a_bundle_in_the_place_of_the_systems_roots_is_a_part_of_its_gateways_identities() {
    let bundle = |map: &str| Ok(SystemBundle { config_map: NamespacedName::new("default", map), key: "ca.crt".into() });
    let mut world = with(system("System")).uses("other", "web", 443);
    world.bundles.insert(NamespacedName::new("default", "gw"), bundle("ca"));
    let resolved = world.resolve();
    let before = identity(resolved.backend("gw", "web", 443));
    assert!(matches!(&before.trust, Trust::System(roots) if roots.certificates.len() == 1), "{:?}", before.trust);
    assert!(
        matches!(&identity(resolved.backend("other", "web", 443)).trust, Trust::System(roots) if roots.origin == "a test")
    );
    let same = identity(world.resolve().backend("gw", "web", 443)).clone();
    assert_eq!(*before, same);

    let pem = leaf("another", |_| ());
    let world = world.add(json!({"kind": "ConfigMap", "metadata": {"name": "ca"}, "data": {"ca.crt": pem}}));
    assert_ne!(*before, *identity(world.resolve().backend("gw", "web", 443)), "its content has changed");
}

#[test]
fn options_reach_the_identity_and_those_of_others_the_message() {
    let options = json!({
        "gateway.postern.dev/min-tls-version": "1.3",
        "gateway.postern.dev/alpn": "",
        "gateway.postern.dev/session-resumption": "false",
        "example.com/ciphers": "x",
    });
    let resolved = with(changed(|policy| policy["spec"]["options"] = options)).resolve();
    let identity = identity(resolved.only());
    assert_eq!((identity.min_version, identity.alpn.len(), identity.resumption), (TlsVersion::Tls13, 0, false));
    let (reason, message) = resolved.accepted("p");
    assert_eq!(reason, "Accepted");
    assert!(message.contains("example.com/ciphers"), "{message}");
}

#[test]
fn a_bad_option_of_ours_makes_the_policy_invalid() {
    for (key, value) in [("gateway.postern.dev/alpn", "h2"), ("gateway.postern.dev/skip-verify", "true")] {
        is_invalid(&changed(|policy| policy["spec"]["options"] = json!({key: value})), &format!("spec.options[{key}]"));
    }
}

#[test]
fn one_target_twice_needs_distinct_sections() {
    let targets = json!([{"kind": "Service", "name": "web"}, {"kind": "Service", "name": "web"}]);
    is_invalid(&changed(|policy| policy["spec"]["targetRefs"] = targets), "spec.targetRefs[1]");
    let targets =
        json!([{"kind": "Service", "name": "web", "sectionName": "https"}, {"kind": "Service", "name": "web"}]);
    is_invalid(&changed(|policy| policy["spec"]["targetRefs"] = targets), "spec.targetRefs[1]");
}

#[test]
fn a_policy_that_cannot_be_read_poisons_the_targets_that_could_be_made_out() {
    let mut world = World::new().add(service("web", &[("https", 443, "TCP")])).uses("gw", "web", 443);
    let unreadable = UnreadablePolicy {
        metadata: Metadata { name: "p".into(), namespace: "default".into(), generation: 3, ..Metadata::default() },
        target_refs: vec![TargetRef {
            group: String::new(),
            kind: "Service".into(),
            name: "web".into(),
            section_name: None,
        }],
        error: "spec.validation: must be an object".into(),
    };
    world.snapshot.unreadable_policies.insert(unreadable.metadata.key(), unreadable.into());
    let resolved = world.resolve();
    assert_eq!(poison(resolved.only()), HandshakeResult::PolicyInvalid);
    let (reason, message) = resolved.accepted("p");
    assert_eq!(reason, "Invalid");
    assert!(message.contains("spec.validation: must be an object"), "{message}");
    assert_eq!(resolved.condition("p", "gw", "Accepted").observed_generation, 3);
    assert_eq!(resolved.findings(), [(Severity::Error, "Invalid", "")]);
    world.uses.clear();
    assert_eq!(world.resolve().findings(), [(Severity::Error, "Invalid", "")], "told even where no route leads to it");
}
