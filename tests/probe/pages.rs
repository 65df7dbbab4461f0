//! What is shown to people.

use std::fs;

use postern_outcomes::backend::{Backend, Tls};
use postern_outcomes::certificates::{Authority, Identity, Validity};
use postern_outcomes::objects::{Target, secret};
use regex::Regex;

use super::{folder, postern};

/// What differs from run to run, replaced.
fn steady(text: &str) -> String {
    let times = Regex::new(r" +\d+\.\d ms").expect("a pattern");
    let nothing = |time: &regex::Captures<'_>| format!("{:>1$}", "0.0 ms", time[0].len());
    let mut text = times.replace_all(text, nothing).into_owned();
    for (pattern, replacement) in [
        (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
        (r"localhost:\d+", "localhost:PORT"),
        (r"\d+ days left", "N days left"),
        (r"(?m)^# \S+objects\.yaml:\d+$", "# FILE:LINE"),
        ("[0-9a-f]{64}", "FINGERPRINT"),
        ("([0-9A-F]{2}:){31}[0-9A-F]{2}", "FINGERPRINT"),
        ("[A-Za-z0-9+/]{43}=", "PIN"),
        ("(?s)(-----BEGIN CERTIFICATE-----).*?( *-----END)", "$1\n    ...\n$2"),
    ] {
        text = Regex::new(pattern).expect("a pattern").replace_all(&text, replacement).into_owned();
    }
    text
}

fn page(arguments: &[&str]) -> String {
    let output = postern(&[&["probe"], arguments].concat());
    let text = String::from_utf8(output.stdout).expect("text");
    let pem_or_warning = |line: &&str| !line.starts_with(['#', ' ']) || !line.contains("SHA-256 ");
    for line in text.lines().filter(pem_or_warning) {
        assert!(line.chars().count() <= 100, "{line}");
    }
    assert!(!text.contains('\u{1b}'), "colour is for terminals");
    steady(&text)
}

#[test]
fn the_page_of_a_success() {
    let (ours, clients) = (Authority::new("ours"), Authority::new("of clients"));
    let client = clients.issue("gateway.test");
    let mut identity = ours.issue("backend.test");
    identity.chain.push(ours.der());
    let tls = Tls { alpn: &["http/1.1"], clients: Some(clients.der()), ..Tls::new(identity) };
    let backend = Backend::tls(&tls);
    let target = Target::new("app", backend.address).policy(&ours.pem(), "", "");
    let objects = format!("{}{}", target.yaml(), secret("client", &client));
    let folder = folder(&objects);
    let file = folder.path().join("objects.yaml");
    fs::write(&file, presenting(&fs::read_to_string(&file).expect("a file"))).expect("a file");
    insta::assert_snapshot!(page(&["-f", folder.path().to_str().expect("UTF-8"), "app", "--request"]));
}

/// The Gateway presents the Secret `client`.
fn presenting(objects: &str) -> String {
    let gateway = "  gatewayClassName: postern\n";
    objects.replace(gateway, &format!("{gateway}  tls: {{backend: {{clientCertificateRef: {{name: client}}}}}}\n"))
}

#[test]
fn the_page_of_a_stranger_who_asks_for_a_client_certificate() {
    let clients = Authority::new("of clients");
    let tls = Tls { clients: Some(clients.der()), ..Tls::new(Identity::self_signed("backend.test")) };
    let backend = Backend::tls(&tls);
    let target = Target::new("app", backend.address).policy(&Authority::new("ours").pem(), "", "");
    let folder = folder(&format!("{}{}", target.yaml(), secret("client", &clients.issue("gateway.test"))));
    let file = folder.path().join("objects.yaml");
    fs::write(&file, presenting(&fs::read_to_string(&file).expect("a file"))).expect("a file");
    let page = page(&["-f", folder.path().to_str().expect("UTF-8"), "app"]);
    assert!(page.contains("  asked for a client certificate\n") && !page.contains("was presented"), "{page}");
    let tried = "was tried, without the client certificate, and its result is\n  client_cert_rejected.";
    assert!(page.contains(tried) && page.contains("# The backend asks for a client certificate"), "{page}");
}

#[test]
fn the_page_of_a_failure() {
    let theirs = Authority::new("theirs");
    let mut identity = theirs.issue("other.test");
    identity.chain.push(theirs.der());
    let backend = Backend::tls(&Tls::new(identity));
    let target = Target::new("app", backend.address).policy(&Authority::new("ours").pem(), "", "");
    let folder = folder(target.yaml());
    insta::assert_snapshot!(page(&["-f", folder.path().to_str().expect("UTF-8"), "app"]));
}

#[test]
fn the_page_of_several_endpoints() {
    let ours = Authority::new("ours");
    let backend = Backend::tls(&Tls::new(ours.issue("backend.test")));
    let same = Backend::tls(&Tls::new(ours.issue("backend.test")));
    let target = Target::new("app", backend.address).endpoint(same.address).endpoint(Backend::nobody());
    let folder = folder(target.policy(&ours.pem(), "", "").yaml());
    let page = page(&["-f", folder.path().to_str().expect("UTF-8"), "app"]);
    assert_eq!(page.matches("\nTCP      ok").count(), 2, "{page}");
    assert!(page.contains("\nTCP      FAILED") && page.contains("tcp_refused: Connection refused"), "{page}");
    assert!(page.contains("\nVerdict: tcp_refused at 127.0.0.1:PORT"), "{page}");
    assert!(page.contains("2 of 3 endpoints are fine. Not fine:\n  127.0.0.1:PORT (tcp_refused)."), "{page}");
}

#[test]
fn the_page_of_a_certificate_that_begins_later() {
    let ours = Authority::new("ours");
    let backend = Backend::tls(&Tls::new(ours.issue_with("backend.test", Validity::Future, |_| {})));
    let folder = folder(Target::new("app", backend.address).policy(&ours.pem(), "", "").yaml());
    let page = page(&["-f", folder.path().to_str().expect("UTF-8"), "app"]);
    assert!(
        page.contains(" to 2090-01-01T00:00:00Z (not valid yet)\n") && page.contains("Verdict: not_yet_valid"),
        "{page}"
    );
}

#[test]
fn the_page_of_one_stray_endpoint() {
    let ours = Authority::new("ours");
    let good = Backend::tls(&Tls::new(ours.issue("backend.test")));
    let stray = Backend::tls(&Tls::new(Identity::self_signed("backend.test")));
    let target = Target::new("app", good.address).endpoint(stray.address);
    let folder = folder(target.policy(&ours.pem(), "", "").yaml());
    let page = page(&["-f", folder.path().to_str().expect("UTF-8"), "app"]);
    for told in [
        "anchors                     caCertificateRefs (ConfigMap default/app): 1 certificate, none of which\n",
        "TLS 1.3             0.0 ms  by itself, with 127.0.0.1:PORT: unknown_issuer\n",
        " 1 of 2 endpoints is\n  fine. Not fine: 127.0.0.1:PORT (unknown_issuer).\n",
        "To mend it:\n  Look at the pod at 127.0.0.1:PORT: others pass, so it presents what they do not, or belongs to\n",
    ] {
        assert!(page.contains(told), "{told}\nin {page}");
    }
    assert!(!page.contains("kind:"), "{page}");
}

#[test]
fn the_page_of_a_policy_that_cannot_be_used() {
    let target = Target::new("app", Backend::nobody()).policy("not a certificate", "", "");
    let folder = folder(target.yaml());
    insta::assert_snapshot!(page(&["-f", folder.path().to_str().expect("UTF-8"), "app"]));
}

#[test]
fn the_page_of_a_backend_without_a_policy() {
    let backend = Backend::plaintext();
    let folder = folder(Target::new("app", backend.address).yaml());
    let path = folder.path().to_str().expect("UTF-8");
    insta::assert_snapshot!(page(&["-f", path, "app"]));
    let asked = page(&["-f", path, "app", "--request"]);
    assert!(asked.contains("\nGET /                       none: no request is sent in plaintext\n"), "{asked}");
}
