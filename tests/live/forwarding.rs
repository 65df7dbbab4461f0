//! What a backend gets to see: no spelling of a path passes the border of a route, and what is forwarded is what was sent.

use postern_outcomes::backend::{Backend, Tls};
use postern_outcomes::certificates::Authority;
use postern_outcomes::objects::{GATEWAY, Target};

use super::client::{connect, send};
use super::gateway::Gateway;

/// Everything below `/public` goes to the backend, and with another prefix what is below `/moved`; everything below
/// `/admin` is sent elsewhere.
const DOOR: &str = "
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: door}
spec:
  parentRefs: [{name: web}]
  hostnames: [door.test]
  rules:
  - matches: [{path: {value: /public}}]
    backendRefs: [{name: app, port: 443}]
  - matches: [{path: {value: /moved}}]
    filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /new}}}]
    backendRefs: [{name: app, port: 443}]
  - matches: [{path: {value: /admin}}]
    filters: [{type: RequestRedirect, requestRedirect: {hostname: guard.test}}]
";

#[test]
fn a_route_s_border_holds_and_what_is_forwarded_is_as_it_was_sent() {
    let ours = Authority::new("ours");
    let backend = Backend::tls(&Tls::new(ours.issue("backend.test")));
    let app = Target::new("app", backend.address).policy(&ours.pem(), "", "");
    let gateway = Gateway::start(&format!("{GATEWAY}{}{DOOR}", app.yaml()));
    let address = gateway.address(80);
    let ask = |target: &str| {
        let request = format!("GET {target} HTTP/1.1\r\nHost: door.test\r\nConnection: close\r\n\r\n");
        send(connect(address), request.as_bytes())
    };
    for target in ["/public/%2e%2e/admin", "//admin", "/public//../admin/", "/%61dmin?x"] {
        let response = ask(target);
        assert_eq!(response.status, 302, "{target}: {response:?}");
        assert!(response.head.contains("guard.test"), "{target}: {response:?}");
    }
    for target in ["/public/a%2fb//c/./d?e=/../f", "/%70ublic/%252e%252e/admin", "/x/../public/%C3%A9"] {
        let response = ask(target);
        assert_eq!(response.status, 200, "{target}: {response:?}");
        assert!(response.body.starts_with(&format!("GET {target} HTTP/1.1\r\n")), "{target}: {response:?}");
    }
    for (target, forwarded) in [
        ("/moved/group%2Fname?q=%2e", "/new/group%2Fname?q=%2e"),
        ("/moved/../%6doved/x", "/new/x"),
        ("//moved/x", "/new/x"),
    ] {
        let response = ask(target);
        assert!(response.body.starts_with(&format!("GET {forwarded} HTTP/1.1\r\n")), "{target}: {response:?}");
    }
    for target in [
        "/public/..%2fadmin",
        "/public/..;/admin",
        "/..",
        "/public/../../admin",
        "/%2e%2e/admin",
        "/public/%00/../admin",
    ] {
        assert_eq!(ask(target).status, 400, "{target}");
    }
}

const SPOOFED: &str = "X-Forwarded-For: 10.9.8.7\r\nX-Forwarded-Proto: https\r\nX-Request-Id: mine\r\n";

#[test]
fn who_asked_is_told_by_trusted_hops_alone() {
    let ours = Authority::new("ours");
    let backend = Backend::tls(&Tls::new(ours.issue("backend.test")));
    let app = Target::new("app", backend.address).policy(&ours.pem(), "", "");
    let objects = format!("{GATEWAY}{}", app.yaml());
    let ask = |gateway: &Gateway| {
        let request = format!("GET / HTTP/1.1\r\nHost: app.test\r\n{SPOOFED}Connection: close\r\n\r\n");
        send(connect(gateway.address(80)), request.as_bytes()).body
    };
    let seen = ask(&Gateway::start_with(&objects, &["--trusted-hop", "127.0.0.2"]));
    assert!(seen.contains("x-forwarded-for: 127.0.0.1\r\n") && seen.contains("x-forwarded-proto: http\r\n"), "{seen}");
    assert!(!seen.contains("10.9.8.7") && !seen.contains("mine"), "{seen}");
    let seen = ask(&Gateway::start_with(&objects, &["--trusted-hop", "127.0.0.0/24"]));
    assert!(seen.contains("x-forwarded-for: 10.9.8.7, 127.0.0.1\r\n"), "{seen}");
    assert!(seen.contains("x-forwarded-proto: https\r\n") && seen.contains("x-request-id: mine\r\n"), "{seen}");
}

#[test]
fn the_log_has_the_request_id_that_the_backend_gets() {
    let backend = Backend::plaintext();
    let app = Target::new("app", backend.address);
    let objects = format!("{GATEWAY}{}", app.yaml());
    let ask = |gateway: &Gateway, path: &str, host: &str| {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nX-Request-Id: mine\r\nConnection: close\r\n\r\n");
        send(connect(gateway.address(80)), request.as_bytes()).body
    };
    let gateway = Gateway::start(&objects);
    let seen = ask(&gateway, "/ours", "app.test");
    let id = seen.split_once("x-request-id: ").and_then(|(_, rest)| rest.get(..32)).expect("an id");
    gateway.wait_for_log(|line| line.contains("target=/ours") && line.contains(&format!(" request_id={id}")));
    ask(&gateway, "/nowhere", "nobody.test");
    let line = gateway.wait_for_log(|line| line.contains("target=/nowhere"));
    assert!(!line.contains("request_id"), "{line}");
    let gateway = Gateway::start_with(&objects, &["--trusted-hop", "127.0.0.0/24"]);
    ask(&gateway, "/theirs", "app.test");
    gateway.wait_for_log(|line| line.contains("target=/theirs") && line.contains(" request_id=mine"));
}

#[test]
fn a_traceparent_is_passed_on_untouched_and_logged_if_there_is_one() {
    const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let ours = Authority::new("ours");
    let backend = Backend::tls(&Tls::new(ours.issue("backend.test")));
    let app = Target::new("app", backend.address).policy(&ours.pem(), "", "");
    let gateway = Gateway::start(&format!("{GATEWAY}{}", app.yaml()));
    let ask = |target: &str, fields: &str| {
        let request = format!("GET {target} HTTP/1.1\r\nHost: app.test\r\n{fields}Connection: close\r\n\r\n");
        send(connect(gateway.address(80)), request.as_bytes()).body
    };
    let fields = format!("TraceParent: {TRACE}\r\ntracestate: a=1,b=2\r\n");
    let seen = ask("/once", &fields);
    assert!(seen.contains(&fields), "{seen}");
    gateway.wait_for_log(|line| line.contains("target=/once") && line.contains(&format!(" traceparent={TRACE}")));
    let seen = ask("/twice", &fields.repeat(2));
    assert_eq!(seen.matches(TRACE).count(), 2, "{seen}");
    let line = gateway.wait_for_log(|line| line.contains("target=/twice"));
    assert!(!line.contains("traceparent"), "{line}");
}
