//! What is proposed does mend.

use postern_outcomes::backend::{Backend, Tls};
use postern_outcomes::certificates::{Authority, Identity, Validity, as_authority, with_uri};
use postern_outcomes::objects::Target;

use super::{apply, folder, postern, probe, word};

const ONLY_TLS12: &[&rustls::SupportedProtocolVersion] = &[&rustls::version::TLS12];

/// What a probe proposes is taken by `check` without a word, and then the handshake succeeds.
fn mends(result: &str, target: &Target) -> String {
    mends_among(result, target, "")
}

/// The same among other objects.
fn mends_among(result: &str, target: &Target, others: &str) -> String {
    let folder = folder(&format!("{}{others}", target.yaml()));
    let path = folder.path().to_str().expect("UTF-8");
    let before = probe(&["-f", path, target.name()]);
    assert_eq!(word(&before), result, "{before:#}");
    assert_eq!(before["yamlResult"], "ok", "{before:#}");
    let yaml = before["yaml"].as_str().expect("a proposal");
    let file = folder.path().join("objects.yaml");
    let written = std::fs::read_to_string(&file).expect("a file");
    let replaced = yaml.lines().find_map(|line| line.strip_prefix(&*format!("# {}:", file.display())));
    let line: usize = replaced.and_then(|line| line.parse().ok()).expect("the line of the policy");
    let at = written.lines().skip(line - 1).take(3).collect::<Vec<_>>();
    assert!(at.contains(&"kind: BackendTLSPolicy") && at.iter().any(|line| line.contains(target.name())), "{at:?}");
    apply(folder.path(), yaml);
    let checked = postern(&["check", path]);
    assert_eq!(checked.status.code(), Some(0), "{}\n{yaml}", String::from_utf8_lossy(&checked.stdout));
    let after = probe(&["-f", path, target.name()]);
    assert_eq!(word(&after), "ok", "{after:#}\n{yaml}");
    yaml.to_owned()
}

#[test]
fn a_ca_that_came_with_the_chain_is_proposed_with_a_warning() {
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    let mut identity = theirs.issue("backend.test");
    identity.chain.push(theirs.der());
    let backend = Backend::tls(&Tls::new(identity));
    let target = Target::new("private", backend.address).policy(&ours.pem(), "", "");
    let yaml = mends("unknown_issuer", &target);
    assert!(yaml.contains("# WARNING: this comes from the peer itself"), "{yaml}");
    assert!(yaml.contains("# CN=theirs, valid 2020") && yaml.contains("# SHA-256 "), "{yaml}");
    assert!(yaml.contains("name: private-from-peer-1") && yaml.contains("whatever its key signs"), "{yaml}");
}

#[test]
fn an_object_that_has_the_ca_is_proposed_by_its_name() {
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    let mut identity = theirs.issue("backend.test");
    identity.chain.push(theirs.der());
    let backend = Backend::tls(&Tls::new(identity));
    let target = Target::new("app", backend.address).policy(&ours.pem(), "", "");
    let holder = Target::new("holder", Backend::nobody()).policy(&theirs.pem(), "", "");
    let yaml = mends_among("unknown_issuer", &target, holder.yaml());
    assert!(
        yaml.contains("# ConfigMap default/holder is among the given objects, and vouches for the backend."),
        "{yaml}"
    );
    assert!(yaml.contains("      name: holder\n") && !yaml.contains("kind: ConfigMap\nmetadata"), "{yaml}");
    let folder = folder(&format!("{}{}", target.yaml(), holder.yaml()));
    let outcome = probe(&["-f", folder.path().to_str().expect("UTF-8"), "app"]);
    let remedy = "Add the CA `CN=theirs` to caCertificateRefs: ConfigMap default/holder has it.";
    assert_eq!(outcome["verdict"]["remedy"], remedy);
    assert_eq!(outcome["anchors"]["origin"], "caCertificateRefs (ConfigMap default/app)");
}

#[test]
fn a_certificate_that_signed_itself_is_proposed_and_trusted_alone() {
    let backend = Backend::tls(&Tls::new(Identity::self_signed("backend.test")));
    let target = Target::new("itself", backend.address).policy(&Authority::new("ours").pem(), "", "");
    let yaml = mends("unknown_issuer", &target);
    assert!(!yaml.contains("whatever its key signs"), "{yaml}");
}

#[test]
fn a_ca_that_is_presented_as_the_peers_own_is_proposed_as_itself() {
    let ours = Authority::new("ours");
    let backend = Backend::tls(&Tls::new(ours.issue_with("backend.test", Validity::Now, as_authority)));
    mends("ca_used_as_end_entity", &Target::new("ca", backend.address).policy(&ours.pem(), "", ""));
}

#[test]
fn names_of_the_certificate_are_proposed_beside_the_sni() {
    let ours = Authority::new("ours");
    let identity = ours.issue_with("*.other.test", Validity::Now, |params| with_uri(params, "spiffe://other/test"));
    let backend = Backend::tls(&Tls::new(identity));
    let yaml = mends("name_mismatch", &Target::new("name", backend.address).policy(&ours.pem(), "", ""));
    assert!(yaml.contains("validation:\n    hostname: backend.test"), "the SNI stays:\n{yaml}");
    assert!(yaml.contains("# WARNING: these names are taken from what the peer presents"), "{yaml}");
    assert!(!yaml.contains("The system's CAs"), "{yaml}");
    for name in
        ["type: Hostname\n      hostname: backend.test", "hostname: \"*.other.test\"", "uri: \"spiffe://other/test\""]
    {
        assert!(yaml.contains(name), "{yaml}");
    }
}

#[test]
fn options_that_would_do_are_proposed() {
    let ours = Authority::new("ours");
    let old = Backend::tls(&Tls { versions: ONLY_TLS12, ..Tls::new(ours.issue("backend.test")) });
    let narrow = "gateway.postern.dev/min-tls-version: \"1.3\"\nother.example/x: kept";
    let yaml = mends("version_or_cipher_mismatch", &Target::new("old", old.address).policy(&ours.pem(), "", narrow));
    assert!(!yaml.contains("/min-tls-version") && yaml.contains("other.example/x: kept"), "{yaml}");
    let narrow = format!("{narrow}\ngateway.postern.dev/max-tls-version: \"1.3\"");
    let yaml = mends("version_or_cipher_mismatch", &Target::new("new", old.address).policy(&ours.pem(), "", &narrow));
    assert!(yaml.contains("# This permits TLS 1.2, which min-tls-version forbade"), "{yaml}");
    assert!(!yaml.contains("/min-tls-version") && yaml.contains("/max-tls-version: \"1.3\""), "{yaml}");
    let h2 = Backend::tls(&Tls { alpn: &["h2"], ..Tls::new(ours.issue("backend.test")) });
    let yaml = mends("alpn_mismatch", &Target::new("alpn", h2.address).policy(&ours.pem(), "", ""));
    assert!(yaml.contains("gateway.postern.dev/alpn: \"\"") && yaml.contains("must then speak HTTP/1.1"), "{yaml}");
    let identity = ours.issue("backend.test");
    let pin = format!("gateway.postern.dev/pinned-sha256: {}", ours.issue("backend.test").pin);
    let pinned = Backend::tls(&Tls::new(identity.clone()));
    let yaml = mends("pin_mismatch", &Target::new("pinned", pinned.address).policy(&ours.pem(), "", &pin));
    assert!(yaml.contains(&identity.pin) && yaml.contains("changed on purpose"), "{yaml}");
}

#[test]
fn everything_that_is_wrong_with_a_policy_is_mended_at_once() {
    let theirs = Authority::new("theirs");
    let mut identity = theirs.issue("other.test");
    identity.chain.push(theirs.der());
    let backend = Backend::tls(&Tls::new(identity));
    mends("unknown_issuer", &Target::new("all", backend.address).policy(&Authority::new("ours").pem(), "", ""));
}
