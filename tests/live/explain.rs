//! What `postern explain` says of a running gateway's dump is what its clients and its backends see.

use std::collections::BTreeSet;
use std::process::Command;

use http::{HeaderName, HeaderValue};
use postern_actors::listener::answer;
use postern_actors::outcome::Reason;
use postern_actors::plan::explain::{Entrance, Outcome, Question};
use postern_actors::plan::{Endpoints, Plan, Protocol, described};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::client::{Response, connect, send};
use super::gateway::Gateway;
use super::serving::{HTTPS, ask, https};
use postern_outcomes::backend::{Backend, Tls};
use postern_outcomes::certificates::Authority;
use postern_outcomes::objects::{Target, secret};

/// Each rule says in `x-rule` that it answered.
const ROUTES: &str = r#"
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web}
spec:
  gatewayClassName: postern
  listeners:
  - {name: http, protocol: HTTP, port: 80}
  - {name: admin, protocol: HTTP, port: 80, hostname: "*.admin.test"}
  - {name: other, protocol: HTTP, port: 81, hostname: a.test}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: a}
spec:
  parentRefs: [{name: web}]
  hostnames: [a.test]
  rules:
  - matches: [{path: {value: /api}}]
    filters:
    - {type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: x-rule, value: default/a/0}]}}
    - {type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /v2}}}
    backendRefs: [{name: up, port: 80}]
  - matches:
    - {path: {value: /api}, headers: [{name: x-version, value: "2"}]}
    - {path: {value: /api}, queryParams: [{name: a, value: "1"}]}
    filters: [{type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: x-rule, value: default/a/1}]}}]
    backendRefs: [{name: up, port: 80}]
  - matches: [{path: {value: /api}, method: POST}]
    filters: [{type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: x-rule, value: default/a/2}]}}]
    backendRefs: [{name: up, port: 80}]
  - matches: [{path: {type: RegularExpression, value: "/api/v[0-9]+/.*"}}]
    filters:
    - {type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: x-rule, value: default/a/3}]}}
    - type: URLRewrite
      urlRewrite: {hostname: up.internal, path: {type: ReplaceFullPath, replaceFullPath: /found}}
    backendRefs: [{name: up, port: 80}]
  - matches: [{path: {type: Exact, value: /old}}]
    filters:
    - type: RequestRedirect
      requestRedirect: {scheme: https, path: {type: ReplaceFullPath, replaceFullPath: /new}, statusCode: 301}
  - matches: [{path: {value: /empty}}]
    backendRefs: [{name: empty, port: 80}]
  - matches: [{path: {value: /missing}}]
    backendRefs: [{name: missing, port: 80}]
  - matches: [{path: {value: /poisoned}}]
    backendRefs: [{name: poisoned, port: 80}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: wide}
spec:
  parentRefs: [{name: web, sectionName: http}]
  hostnames: ["*.test"]
  rules:
  - matches: [{path: {value: /}, headers: [{name: x-version, type: RegularExpression, value: "[13]"}]}]
    filters: [{type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: x-rule, value: default/wide/0}]}}]
    backendRefs: [{name: up, port: 80}]
---
apiVersion: v1
kind: Service
metadata: {name: up}
spec: {ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: empty}
spec: {ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: poisoned}
spec: {ports: [{port: 80}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {name: poisoned}
spec:
  targetRefs: [{group: "", kind: Service, name: poisoned}]
  validation: {hostname: poisoned.test, caCertificateRefs: [{group: "", kind: ConfigMap, name: nowhere}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: up-1, labels: {kubernetes.io/service-name: up}}
addressType: IPv4
ports: [{port: PORT}]
endpoints: [{addresses: [127.0.0.1]}]
"#;

/// The plan and the endpoints that a gateway dumps.
fn dumped(gateway: &Gateway) -> (Plan, Endpoints) {
    let dump = serde_json::from_str(&gateway.page("admin", "/config_dump")).unwrap();
    (Plan::from_description(&dump).unwrap(), described::endpoints(&dump).unwrap())
}

fn sent(gateway: &Gateway, question: &Question) -> Response {
    let Question { method, authority, path, query, headers } = question;
    let mut head = format!("{method} {path}");
    head.extend(query.iter().flat_map(|query| ["?", query]));
    head.extend([" HTTP/1.1\r\nHost: ", authority.as_str(), "\r\nConnection: close\r\n"]);
    head.extend(headers.iter().flat_map(|(name, value)| [name.as_str(), ": ", value.to_str().unwrap(), "\r\n"]));
    send(connect(gateway.address(80)), (head + "\r\n").as_bytes())
}

fn ask_for(method: &str, authority: &str, path: &str, query: Option<&str>) -> Question {
    let [method, authority, path] = [method, authority, path].map(str::to_owned);
    Question { method, authority, path, query: query.map(str::to_owned), headers: Vec::new() }
}

/// What the parser of requests refuses, or nearly.
fn doubtful() -> Vec<Question> {
    let of = |method: &str, host: &str, path: &str| ask_for(method, host, path, None);
    let mut questions: Vec<_> =
        ["host.test:abc", "a.test:", "a.test:65536", "user@a.test", "a test", "", "[::1]", "ä.test"]
            .map(|host| of("GET", host, "/api"))
            .into();
    questions.extend(["/e/f#x", "/e f", "/ä", "/api%zz", "*", "api", "/%00"].map(|path| of("GET", "a.test", path)));
    questions.extend(["CONNECT", "", "G T", "OPTIONS"].map(|method| of(method, "a.test", "/api")));
    questions.push(of("OPTIONS", "a.test", "*"));
    questions.push(ask_for("GET", "a.test", "/api", Some("a=#")));
    let long = |length| format!("/api/{}", "x".repeat(length));
    questions.extend([16_000, 16_384, 40_000, 100_000].map(|length| of("GET", "a.test", &long(length))));
    let fields: [(&str, &str, usize); 7] = [
        ("host", "b.test", 1),
        ("content-length", "two", 1),
        ("transfer-encoding", "gzip, chunked", 1),
        ("transfer-encoding", "gzip", 1),
        ("expect", "200-ok", 1),
        ("x", "y", 100),
        ("x", "y", 200),
    ];
    questions.extend(fields.map(|(name, value, count)| {
        let field = (HeaderName::from_static(name), HeaderValue::from_static(value));
        Question { headers: vec![field; count], ..of("GET", "a.test", "/api") }
    }));
    questions
}

/// Any request without a body, well-formed or not.
fn any_request() -> impl Strategy<Value = Question> {
    let method = "(GET|POST|OPTIONS|CONNECT|[A-Z ]{0,3})";
    let host = "((a|b|x\\.admin)\\.test(:[0-9a]{0,6})?|[a-c@ /\\[:.]{0,4})";
    // Without `?`: what follows one is the query, which stands apart.
    let path = "(/|\\*|/api[/a.;# \u{e4}%]{0,5}|[/a;# %]{0,3})";
    let fields =
        [("x-version", "1"), ("expect", "x"), ("content-length", "0"), ("content-length", "x"), ("host", "a.test")];
    let fields = proptest::collection::vec(proptest::sample::select(fields.to_vec()), 0..3);
    (method, host, path, proptest::option::of("[a=1#&]{0,3}"), fields).prop_map(
        |(method, host, path, query, fields)| {
            let field = |(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value));
            let headers = fields.into_iter().map(field).collect();
            Question { headers, ..ask_for(&method, &host, &path, query.as_deref()) }
        },
    )
}

fn questions() -> Vec<Question> {
    let paths = [
        "/",
        "/api",
        "/api/v1/x",
        "/apix",
        "/api//v1",
        "/%61pi",
        "/old",
        "/old/",
        "/../api",
        "/empty",
        "/missing",
        "/poisoned/x",
    ];
    let mut questions = Vec::new();
    for host in ["a.test", "A.Test.:81", "b.test", "x.admin.test", "nowhere"] {
        for path in paths {
            for version in [None, Some("1"), Some("2")] {
                for query in [None, Some("a=1"), Some("a=2&a=1")] {
                    for method in ["GET", "POST"] {
                        let value = |value| (HeaderName::from_static("x-version"), HeaderValue::from_static(value));
                        let headers = version.map(value).into_iter().collect();
                        questions.push(Question { headers, ..ask_for(method, host, path, query) });
                    }
                }
            }
        }
    }
    questions
}

/// Asks the gateway what is explained of its dump. Returns the status.
fn agreed(gateway: &Gateway, plan: &Plan, endpoints: &Endpoints, question: &Question) -> u16 {
    let entrance = Entrance { port: Some(80), ..Entrance::default() };
    let told = plan.explain(question, entrance, endpoints, 0).remove(0);
    let response = sent(gateway, question);
    let own = |reason: Reason, status: u16| {
        let expected = (status, answer::body(reason, None));
        assert_eq!((response.status, response.body.clone()), expected, "{question:?}");
    };
    match &told.outcome {
        Outcome::NoHandshake => panic!("there is no TLS here"),
        Outcome::Refused(error) => {
            let (reason, status) = answer::refusal(*error);
            own(reason, status);
        }
        Outcome::Answer { reason, .. } => own(*reason, answer::status(*reason)),
        Outcome::Redirect { status, location, .. } => {
            let found = (response.status, response.field("location"));
            assert_eq!(found, (status.as_u16(), Some(location.as_str())), "{question:?}");
        }
        Outcome::Forward(shares) => {
            let share = &shares[0];
            if let Some((reason, _)) = share.failure {
                own(reason, answer::status(reason));
                return response.status;
            }
            let rule = told.taken.as_ref().map(|taken| format!("{}/{}", taken.rule.route, taken.rule.index));
            assert_eq!((response.status, response.field("x-rule")), (200, rule.as_deref()), "{question:?}");
            let seen = format!("{} {} HTTP/1.1\r\nhost: {}\r\n", question.method, share.path_and_query, share.host);
            assert!(response.body.starts_with(&seen), "{seen:?} is not what was seen: {response:?}");
        }
    }
    response.status
}

#[test]
fn what_is_explained_is_what_clients_and_backends_see() {
    let backend = Backend::plaintext();
    let gateway = Gateway::start(&ROUTES.replace("PORT", &backend.address.port().to_string()));
    let (plan, endpoints) = dumped(&gateway);
    let agreed = |question: &Question| agreed(&gateway, &plan, &endpoints, question);
    let statuses: BTreeSet<_> = questions().iter().chain(&doubtful()).map(agreed).collect();
    let expected = BTreeSet::from([200, 301, 400, 404, 414, 417, 431, 500, 501, 503]);
    assert_eq!(statuses, expected, "everything was tried");
    let mut runner = TestRunner::new(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) });
    let judged = runner.run(&any_request(), |question| {
        agreed(&question);
        Ok(())
    });
    judged.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn what_is_explained_of_tls_is_what_clients_see() {
    let ours = Authority::new("ours");
    let backend = Backend::tls(&Tls::new(ours.issue("backend.test")));
    let secrets =
        [("a", ours.issue("a.test")), ("b", ours.issue("x.b.test"))].map(|(name, of)| secret(name, &of)).concat();
    let route = Target::new("any", backend.address).policy(&ours.pem(), "", "");
    let route = route.yaml().replace("hostnames: [any.test]", "hostnames: [a.test, x.b.test, c.test]");
    let gateway = Gateway::start(&format!("{HTTPS}{secrets}{route}"));
    let (plan, endpoints) = dumped(&gateway);
    let mut command = Command::new(env!("CARGO_BIN_EXE_postern"));
    let output = command.args(["explain", "https://a.test/", "--dump", &gateway.url("admin")]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("the gateway trusts CA CN=ours (until "), "an anchor has its subject and its end:\n{text}");
    // To the listener `a`, and to whatever listener takes the host.
    for (host, to_a, to_any) in [
        ("a.test", Some(200), Some(200)),
        ("x.b.test", Some(421), Some(200)),
        ("c.test", Some(421), None),
        ("unknown.test", Some(404), None),
    ] {
        for (listener, name, expected) in [(Some("a"), "a.test", to_a), (None, host, to_any)] {
            let question = ask_for("GET", host, "/", None);
            let entrance = Entrance { listener, protocol: Some(Protocol::Https), ..Entrance::default() };
            let told = match plan.explain(&question, entrance, &endpoints, 0).remove(0).outcome {
                Outcome::NoHandshake => None,
                Outcome::Answer { reason, .. } => Some(answer::status(reason)),
                Outcome::Forward(shares) if shares[0].failure.is_none() => Some(200),
                other => panic!("{other:?}"),
            };
            assert_eq!(told, expected, "{host} by {listener:?}");
            let got = https(&gateway, &ours, name).ok().map(|mut stream| ask(&mut stream, host));
            let status = got.and_then(|response| response.split(' ').nth(1)?.parse::<u16>().ok());
            assert_eq!(status, told, "{host} by {listener:?}");
        }
    }
}

#[test]
fn the_command_explains_a_running_gateway() {
    let backend = Backend::plaintext();
    let gateway = Gateway::start(&ROUTES.replace("PORT", &backend.address.port().to_string()));
    let dump = gateway.path("dump.json");
    std::fs::write(&dump, gateway.page("admin", "/config_dump")).unwrap();
    let admin = gateway.url("admin");
    for place in [dump.to_str().unwrap(), &admin, &format!("{admin}config_dump")] {
        for (arguments, code, expected) in [
            (["--host", "a.test", "--path", "/api/v1/x"], 0, "HTTPRoute default/a rule 3, a.test"),
            (
                ["--host", "a.test", "--path", "/poisoned"],
                1,
                "500 invalid peer certificate: UnknownIssuer (ca_unavailable)",
            ),
            (["--host", "nowhere", "--path", "/"], 1, "404 no route matches (no_route)"),
        ] {
            let mut command = Command::new(env!("CARGO_BIN_EXE_postern"));
            let output =
                command.args(["explain", "--listener", "80", "--dump", place]).args(arguments).output().unwrap();
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            assert_eq!(output.status.code(), Some(code), "{output:?}");
            assert!(text.contains(expected), "{expected:?} is not in:\n{text}");
        }
    }
}
