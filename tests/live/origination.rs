//! TLS origination: whom it trusts, what it presents, and that connections are shared only where everything is the same.

use std::sync::atomic::Ordering;

use postern_outcomes::backend::{Backend, Tls};
use postern_outcomes::certificates::{Authority, Identity, Validity, with_uri};
use postern_outcomes::objects::{GATEWAY, Target, secret};
use rustls::version::{TLS12, TLS13};

use super::client::get;
use super::gateway::Gateway;

#[test]
fn two_policies_with_different_trust_never_share_a_connection() {
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    let backend = Backend::tls(&Tls::new(ours.issue("backend.test")));
    let trusting = Target::new("trusting", backend.address).policy(&ours.pem(), "", "");
    let wary = Target::new("wary", backend.address).policy(&theirs.pem(), "", "");
    let gateway = Gateway::start_with(&format!("{GATEWAY}{}{}", trusting.yaml(), wary.yaml()), &["--workers", "1"]);
    for _ in 0..5 {
        let response = get(gateway.address(80), "trusting.test", "/");
        assert_eq!(response.status, 200, "{response:?}");
        let response = get(gateway.address(80), "wary.test", "/");
        assert_eq!(response.status, 502, "{response:?}");
        assert!(response.body.contains("UnknownIssuer"), "{response:?}");
    }
    // One connection serves all that may share it; each refused handshake had one of its own.
    assert_eq!(backend.accepted(), 6);
}

#[test]
fn the_certificate_of_the_guide_is_its_own_anchor() {
    let identity = Identity::self_signed("backend.test");
    let backend = Backend::tls(&Tls::new(identity.clone()));
    let target = Target::new("guide", backend.address).policy(&identity.certificate_pem, "", "");
    let gateway = Gateway::start(&format!("{GATEWAY}{}", target.yaml()));
    let response = get(gateway.address(80), "guide.test:8080", "/hello?x=y");
    assert_eq!(response.status, 200, "{response:?}");
    assert!(response.body.starts_with("GET /hello?x=y HTTP/1.1"), "{response:?}");
    assert!(response.body.contains("host: guide.test:8080"), "{response:?}");
}

#[test]
fn subject_alt_names_take_the_place_of_the_sni() {
    let authority = Authority::new("ours");
    let spiffe = authority.issue_with("elsewhere.test", Validity::Now, |params| with_uri(params, "spiffe://test/a"));
    let backend = Backend::tls(&Tls::new(spiffe));
    let names = [
        ("uri", "{type: URI, uri: \"spiffe://test/a\"}", 200),
        ("other-uri", "{type: URI, uri: \"spiffe://test/b\"}", 502),
        ("wildcard", "{type: Hostname, hostname: \"*.test\"}", 200),
        ("deeper-wildcard", "{type: Hostname, hostname: \"*.deeper.test\"}", 502),
        ("sni", "{type: Hostname, hostname: backend.test}", 502),
    ];
    let targets: String = names
        .iter()
        .map(|(name, san, _)| {
            let more = format!("subjectAltNames: [{san}]");
            Target::new(name, backend.address).policy(&authority.pem(), &more, "").yaml().to_owned()
        })
        .collect();
    let gateway = Gateway::start(&format!("{GATEWAY}{targets}"));
    for (name, _, status) in names {
        let response = get(gateway.address(80), &format!("{name}.test"), "/");
        assert_eq!(response.status, status, "{name}: {response:?}");
    }
}

#[test]
fn the_gateway_presents_its_client_certificate() {
    let (ours, clients) = (Authority::new("ours"), Authority::new("of clients"));
    let client = clients.issue("gateway.test");
    let mut objects = GATEWAY.trim_end().to_owned();
    objects.push_str("\n  tls: {backend: {clientCertificateRef: {name: client}}}\n");
    objects.push_str(&secret("client", &client));
    let backends: Vec<_> = [("old", &TLS12), ("new", &TLS13)]
        .into_iter()
        .map(|(name, version)| {
            let versions: &'static [_] = Box::leak(Box::new([version]));
            let tls = Tls { versions, clients: Some(clients.der()), ..Tls::new(ours.issue("backend.test")) };
            let backend = Backend::tls(&tls);
            objects.push_str(Target::new(name, backend.address).policy(&ours.pem(), "", "").yaml());
            (name, backend)
        })
        .collect();
    let gateway = Gateway::start(&objects);
    for (name, _) in &backends {
        let response = get(gateway.address(80), &format!("{name}.test"), "/");
        assert_eq!(response.status, 200, "{name}: {response:?}");
    }
}

#[test]
fn pins_are_demanded_in_addition_to_the_chain() {
    let ours = Authority::new("ours");
    let pinned = ours.issue("backend.test");
    let backend = Backend::tls(&Tls::new(pinned.clone()));
    let option = format!("gateway.postern.dev/pinned-sha256: \"{}\"", pinned.pin);
    let right = Target::new("right", backend.address).policy(&ours.pem(), "", &option);
    let stranger = Target::new("stranger", backend.address).policy(&Authority::new("theirs").pem(), "", &option);
    let gateway = Gateway::start(&format!("{GATEWAY}{}{}", right.yaml(), stranger.yaml()));
    assert_eq!(get(gateway.address(80), "right.test", "/").status, 200);
    assert_eq!(get(gateway.address(80), "stranger.test", "/").status, 502);
}

#[test]
fn sessions_resume_unless_the_policy_forbids_it() {
    let ours = Authority::new("ours");
    let tls = Tls { closes: true, ..Tls::new(ours.issue("backend.test")) };
    let (backend, other) = (Backend::tls(&tls), Backend::tls(&tls));
    let resuming = Target::new("resuming", backend.address).policy(&ours.pem(), "", "");
    let option = "gateway.postern.dev/session-resumption: \"false\"";
    let never = Target::new("never", other.address).policy(&ours.pem(), "", option);
    let gateway = Gateway::start_with(&format!("{GATEWAY}{}{}", resuming.yaml(), never.yaml()), &["--workers", "1"]);
    for _ in 0..4 {
        assert_eq!(get(gateway.address(80), "resuming.test", "/").status, 200);
        assert_eq!(get(gateway.address(80), "never.test", "/").status, 200);
    }
    let handshakes = |name: &str, resumed: bool| {
        let (backend, resumed) = (format!("/{name}\""), format!("resumed=\"{resumed}\""));
        let metrics = gateway.metrics();
        let line = metrics.lines().find(|line| {
            line.starts_with("postern_upstream_tls_handshakes_total{")
                && line.contains(&backend)
                && line.contains(&resumed)
                && line.contains("result=\"ok\"")
        });
        line.and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
    };
    assert_eq!((handshakes("resuming", false), handshakes("resuming", true)), (Some(1.0), Some(3.0)));
    assert_eq!((handshakes("never", false), handshakes("never", true)), (Some(4.0), Some(0.0)));
}

/// Ways to write a policy wrong, each with the Service `broken` as its target.
const MISWRITTEN: [(&str, &str); 8] = [
    (
        "without a name",
        "kind: BackendTLSPolicy\nmetadata: {}\nspec: {targetRefs: [{group: \"\", kind: Service, name: broken}]}",
    ),
    (
        "a number for a name",
        "kind: BackendTLSPolicy\nmetadata: {name: 7}\nspec: {targetRefs: [{group: \"\", kind: Service, name: broken}]}",
    ),
    ("a target without a kind", "kind: BackendTLSPolicy\nmetadata: {name: p}\nspec: {targetRefs: [{name: broken}]}"),
    (
        "a target that is no list",
        "kind: BackendTLSPolicy\nmetadata: {name: p}\nspec: {targetRefs: {group: \"\", kind: Service, name: broken}}",
    ),
    (
        "a single target",
        "kind: BackendTLSPolicy\nmetadata: {name: p}\nspec: {targetRef: {group: \"\", kind: Service, name: broken}}",
    ),
    (
        "a section that can be no port",
        "kind: BackendTLSPolicy\nmetadata: {name: p}\nspec: {targetRefs: [{group: \"\", kind: Service, name: broken, sectionName: HTTPS}]}",
    ),
    (
        "the kind in another case",
        "kind: BackendTlsPolicy\nmetadata: {name: p}\nspec: {targetRefs: [{group: \"\", kind: Service, name: broken}]}",
    ),
    (
        "a file that does not parse",
        "kind: BackendTLSPolicy\nmetadata: {name: p}\nspec: {targetRefs: [{group: \"\", kind: Serv",
    ),
];

#[test]
fn a_policy_that_is_written_wrong_still_forbids_plaintext() {
    let backend = Backend::plaintext();
    let target = Target::new("broken", backend.address);
    let gateway = Gateway::start(GATEWAY);
    for (what, policy) in MISWRITTEN {
        let policy = format!("apiVersion: gateway.networking.k8s.io/v1\n{policy}\n");
        gateway.write("policy.yaml", &policy);
        gateway.wait_for_log(|line| line.contains("policy.yaml"));
        gateway.write("target.yaml", target.yaml());
        let response = gateway.wait_for("a route", || {
            let response = get(gateway.address(80), "broken.test", "/");
            (response.status != 404).then_some(response)
        });
        assert_eq!(response.status, 500, "{what}: {response:?}");
        assert_eq!(backend.accepted(), 0, "{what}: a connection was made");
        for file in ["target.yaml", "policy.yaml"] {
            std::fs::remove_file(gateway.path(file)).unwrap();
        }
        gateway.wait_for("an empty gateway", || {
            (get(gateway.address(80), "broken.test", "/").status == 404).then_some(())
        });
    }
}

#[test]
fn a_backend_with_a_policy_is_never_spoken_to_in_plaintext() {
    let backend = Backend::plaintext();
    let seen = backend.connections.clone();
    let plain = Target::new("plain", backend.address);
    let broken = Target::new("broken", backend.address).policy("not a certificate", "", "");
    let refused =
        Target::new("refused", backend.address).policy(&Authority::new("ours").pem(), "subjectAltNames: 7", "");
    let objects = format!("{GATEWAY}{}{}{}", plain.yaml(), broken.yaml(), refused.yaml());
    let gateway = Gateway::start(&objects);
    assert_eq!(get(gateway.address(80), "plain.test", "/").status, 200);
    assert_eq!(seen.load(Ordering::SeqCst), 1);
    for host in ["broken.test", "refused.test"] {
        let response = get(gateway.address(80), host, "/");
        assert_eq!(response.status, 500, "{host}: {response:?}");
    }
    assert_eq!(seen.load(Ordering::SeqCst), 1, "a connection was made where the policy forbids any");
}
