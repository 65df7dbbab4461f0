//! Peers by their URL.

use std::fs;

use postern_outcomes::backend::{Backend, Tls};
use postern_outcomes::certificates::{Authority, Identity, Validity, with_uri};
use serde_json::Value;

use super::{apply, folder, postern, probe, word};

/// Beside a folder, files that options name.
struct Files(tempfile::TempDir);

impl Files {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, content) in files {
            fs::write(folder.path().join(name), content).expect("a file");
        }
        Self(folder)
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }
}

#[test]
fn a_url_is_probed_by_itself_and_gets_the_objects_that_stand_for_it() {
    let ours = Authority::new("ours");
    let backend = Backend::tls(&Tls::new(ours.issue("backend.test")));
    let files = Files::new(&[("ca.crt", &ours.pem())]);
    let (ca, url) = (files.path("ca.crt"), format!("https://localhost:{}", backend.address.port()));
    let local = ["--hostname", "backend.test", "--resolve", "127.0.0.1"];
    let outcome = probe(&[&[&*url, "--ca", &ca, "--request"], &local[..]].concat());
    assert_eq!(word(&outcome), "ok", "{outcome:#}");
    assert_eq!((outcome["backend"].as_str(), outcome["policy"].as_str()), (Some(&*url), Some("")));
    assert_eq!(outcome["endpoints"][0]["response"], "HTTP/1.1 200 OK");
    let unknown = probe(&[&[&*url], &local[..]].concat());
    assert_eq!((word(&unknown), &unknown["yaml"]), ("unknown_issuer", &Value::Null));
    let itself = Backend::tls(&Tls::new(Identity::self_signed("backend.test")));
    let mendable = probe(&[&[&*format!("https://localhost:{}", itself.address.port())], &local[..]].concat());
    assert_eq!((word(&mendable), &mendable["yamlResult"]), ("unknown_issuer", &Value::from("ok")));
    let yaml = mendable["yaml"].as_str().expect("objects");
    assert!(yaml.contains("name: localhost-from-peer-1") && !yaml.contains("System"), "{yaml}");

    let route = "
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: app}
spec:
  parentRefs: [{name: web}]
  rules: [{backendRefs: [{group: agentgateway.dev, kind: AgentgatewayBackend, name: localhost}]}]
";
    let folder = folder(route);
    apply(folder.path(), outcome["yaml"].as_str().expect("objects"));
    let path = folder.path().to_str().expect("UTF-8");
    assert_eq!(postern(&["check", path]).status.code(), Some(0));
    let again = probe(&["-f", path, "agentgatewaybackend/localhost.default"]);
    assert_eq!((word(&again), again["policy"].as_str()), ("ok", Some("default/localhost")), "{again:#}");
}

#[test]
fn what_a_url_demands_is_what_its_options_say() {
    let (ours, clients) = (Authority::new("ours"), Authority::new("of clients"));
    let identity = ours.issue_with("backend.test", Validity::Now, |params| with_uri(params, "spiffe://a/b"));
    let client = clients.issue("a client");
    let files = Files::new(&[("ca", &ours.pem()), ("crt", &client.certificate_pem), ("key", &client.key_pem)]);
    let [ca, certificate, key] = ["ca", "crt", "key"].map(|name| files.path(name));
    let picky = Backend::tls(&Tls { clients: Some(clients.der()), ..Tls::new(identity) });
    let url = format!("https://127.0.0.1:{}/", picky.address.port());
    let all = [&*url, "--hostname", "elsewhere.test", "--ca", &ca];
    let shown = ["--client-cert", &certificate, "--client-key", &key];
    for (more, expected) in [
        (&[][..], "name_mismatch"),
        (&["--san", "URI:spiffe://a/c"], "name_mismatch"),
        (&["--san", "DNS:backend.test"], "client_cert_rejected"),
        (&["--san", "URI:spiffe://a/b", "--alpn", "acme"], "client_cert_rejected"),
    ] {
        assert_eq!(word(&probe(&[&all[..], more].concat())), expected, "{more:?}");
    }
    let outcome = probe(&[&all[..], &["--san", "URI:spiffe://a/b"], &shown[..]].concat());
    assert_eq!(word(&outcome), "ok", "{outcome:#}");
    let yaml = outcome["yaml"].as_str().expect("objects");
    assert!(yaml.starts_with("# The client certificate is none of these objects"), "{yaml}");
    for told in ["kubernetes.io/tls", "spec.tls.backend.clientCertificateRef of the Gateway"] {
        assert!(yaml.contains(told), "{yaml}");
    }
    let output = postern(&[&["probe"], &all[..], &["--san", "URI:spiffe://a/b"], &shown[..]].concat());
    let text = String::from_utf8(output.stdout).expect("text");
    assert!(text.contains(&format!("client certificate {certificate}, issued by CN=of clients\n")), "{text}");
    assert!(!text.contains("was tried"), "{text}");
    let secret = client.key_pem.lines().nth(1).expect("a key");
    assert!(!text.contains(secret) && !outcome.to_string().contains(secret), "no secret is shown");
}

#[test]
fn remedies_for_a_url_are_options() {
    let (ours, clients) = (Authority::new("ours"), Authority::new("of clients"));
    let files = Files::new(&[("ca", &ours.pem())]);
    let ca = files.path("ca");
    let issued = || Tls::new(ours.issue("backend.test"));
    let plain = Backend::says(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    let good = Backend::tls(&issued());
    let picky = Backend::tls(&Tls { clients: Some(clients.der()), ..issued() });
    let h2 = Backend::tls(&Tls { alpn: &["h2"], ..issued() });
    let pin = ours.issue("backend.test").pin;
    let all = ["--hostname", "backend.test", "--resolve", "127.0.0.1", "--timeout", "1"];
    for (address, more, expected, remedy) in [
        (good.address, &[][..], "unknown_issuer", "Add the CA `CN=ours` to --ca"),
        (good.address, &["--ca", &ca, "--hostname", "a.test"], "name_mismatch", "Set --hostname or --san to"),
        (good.address, &["--ca", &ca, "--pinned-sha256", &pin], "pin_mismatch", "to --pinned-sha256"),
        (picky.address, &["--ca", &ca], "client_cert_rejected", "with --client-cert and --client-key"),
        (h2.address, &["--ca", &ca], "alpn_mismatch", "say in --alpn"),
        (plain.address, &["--ca", &ca], "not_tls", "Name the port"),
        (Backend::nobody(), &["--ca", &ca], "tcp_refused", "listens on this port"),
    ] {
        let url = format!("https://localhost:{}", address.port());
        let more = if more.contains(&"--hostname") { [&all[2..], more].concat() } else { [&all[..], more].concat() };
        let outcome = probe(&[&[&*url], &more[..]].concat());
        let told = outcome["verdict"]["remedy"].as_str().expect("a remedy");
        assert_eq!(word(&outcome), expected, "{outcome:#}");
        assert!(told.contains(remedy), "{expected}: {told}");
        let meaning = outcome["verdict"]["meaning"].as_str().expect("a meaning");
        let origin = outcome["anchors"]["origin"].as_str().unwrap_or_default();
        for object in ["policy", "Gateway", "Service", "caCertificateRefs", "validation", "gateway.postern.dev"] {
            assert!(![told, meaning, origin].iter().any(|text| text.contains(object)), "{expected}: {outcome:#}");
        }
        assert_eq!(origin.starts_with("--ca "), more.contains(&"--ca") && !origin.is_empty(), "{origin}");
    }
}

#[test]
fn a_name_that_the_systems_cas_would_vouch_for_is_proposed_with_a_warning() {
    let ours = Authority::new("ours");
    let backend = Backend::tls(&Tls::new(ours.issue("stranger.test")));
    let files = Files::new(&[("ca", &ours.pem())]);
    let url = format!("https://localhost:{}", backend.address.port());
    let arguments = ["--system-ca-bundle", &files.path("ca"), "--hostname", "backend.test", "--resolve", "127.0.0.1"];
    let outcome = probe(&[&[&*url], &arguments[..]].concat());
    assert_eq!((word(&outcome), &outcome["yamlResult"]), ("name_mismatch", &Value::from("ok")));
    let yaml = outcome["yaml"].as_str().expect("objects");
    for told in
        ["# WARNING: these names are taken from what the peer presents", "# The system's CAs", "# DNS:stranger.test"]
    {
        assert!(yaml.contains(told), "{yaml}");
    }
    assert!(!yaml.contains("# DNS:backend.test"), "it was demanded before:\n{yaml}");
}
