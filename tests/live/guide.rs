//! The guide "BackendTLS" on its own objects, with a certificate that is still valid.

use postern_outcomes::backend::{Backend, Tls};
use postern_outcomes::certificates::{Authority, Identity};

use super::client::get;
use super::gateway::Gateway;

/// The objects of one half of the guide, as they are in the examples.
fn example(name: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/guide").join(name);
    std::fs::read_to_string(path).unwrap()
}

/// The first half with another certificate in its ConfigMap and NGINX at another address.
fn nginx(certificate: &str, backend: &Backend) -> String {
    let objects = example("nginx.yaml");
    let (begin, end) = ("    -----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----\n");
    let (before, rest) = objects.split_once(begin).unwrap();
    let (_, after) = rest.split_once(end).unwrap();
    let indented: String = certificate.lines().flat_map(|line| ["    ", line, "\n"]).collect();
    let objects = format!("{before}{indented}{after}");
    let port = format!("  port: {}\n", backend.address.port());
    assert!(objects.contains("  protocol: TCP\n  port: 8443\n"), "the port of the EndpointSlice");
    objects.replace("  protocol: TCP\n  port: 8443\n", &format!("  protocol: TCP\n{port}"))
}

#[test]
fn nginx_answers_through_the_gateway_while_the_certificate_is_trusted() {
    let pair = Identity::self_signed("example.com");
    let backend = Backend::tls(&Tls::new(pair.clone()));
    let gateway = Gateway::start(&nginx(&pair.certificate_pem, &backend));
    let ask = || get(gateway.address(80), "example.com:8080", "/");
    let response = ask();
    assert_eq!(response.status, 200, "{response:?}");

    let others = Identity::self_signed("example.com").certificate_pem;
    gateway.write("objects.yaml", &nginx(&others, &backend));
    let refused = gateway.wait_for("a refusal", || Some(ask()).filter(|response| response.status == 502));
    assert!(refused.body.starts_with("invalid peer certificate: UnknownIssuer"), "{refused:?}");

    gateway.write("objects.yaml", &nginx("no certificate", &backend));
    let refused = gateway.wait_for("a refusal", || Some(ask()).filter(|response| response.status == 500));
    assert!(refused.body.starts_with("invalid peer certificate: UnknownIssuer"), "{refused:?}");

    gateway.write("objects.yaml", &nginx(&pair.certificate_pem, &backend));
    gateway.wait_for("an answer", || Some(ask()).filter(|response| response.status == 200));
}

#[test]
fn a_host_outside_is_trusted_by_the_roots_of_the_system() {
    let ours = Authority::new("a root of the system");
    let backend = Backend::tls(&Tls::new(ours.issue("httpbin.org")));
    let folder = tempfile::tempdir().unwrap();
    let (bundle, missing) = (folder.path().join("roots.pem"), folder.path().join("missing.pem"));
    std::fs::write(&bundle, ours.pem()).unwrap();
    let address = format!("host: localhost\n    port: {}", backend.address.port());
    let external = example("httpbin.yaml").replace("host: httpbin.org\n    port: 443", &address);
    let gateway_alone = example("nginx.yaml").split("---").next().unwrap().to_owned();
    let objects = format!("{gateway_alone}---\n{external}");

    let gateway = Gateway::start_with(&objects, &["--system-ca-bundle", bundle.to_str().unwrap()]);
    let response = get(gateway.address(80), "httpbin-external.example", "/anything/x?y=z");
    assert_eq!(response.status, 200, "{response:?}");
    assert!(response.body.starts_with("GET /anything/x?y=z HTTP/1.1\r\nhost: httpbin.org\r\n"), "{response:?}");
    assert_eq!(get(gateway.address(80), "httpbin-external.example", "/other").status, 404);

    let gateway = Gateway::start_with(&objects, &["--system-ca-bundle", missing.to_str().unwrap()]);
    let response = get(gateway.address(80), "httpbin-external.example", "/anything");
    assert_eq!(response.status, 500, "{response:?}");
}
