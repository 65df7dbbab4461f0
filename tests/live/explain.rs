//! What `postern explain` says of a running gateway's dump is what its clients and its backends see.

use std::collections::BTreeSet;
use std::process::Command;

use http::{HeaderName, HeaderValue};
use postern_actors::listener::answer;
use postern_actors::outcome::Reason;
use postern_actors::plan::explain::{Entrance, Outcome, Question};
use postern_actors::plan::{Endpoints, Plan, Protocol, described};

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
                        questions.push(Question {
                            method: method.to_owned(),
                            authority: host.to_owned(),
                            path: path.to_owned(),
                            query: query.map(str::to_owned),
                            headers: version.map(value).into_iter().collect(),
                        });
                    }
                }
            }
        }
    }
    questions
}

#[test]
fn what_is_explained_is_what_clients_and_backends_see() {
    let backend = Backend::plaintext();
    let gateway = Gateway::start(&ROUTES.replace("PORT", &backend.address.port().to_string()));
    let (plan, endpoints) = dumped(&gateway);
    let mut statuses = BTreeSet::new();
    for question in questions() {
        let entrance = Entrance { port: Some(80), ..Entrance::default() };
        let told = plan.explain(&question, entrance, &endpoints, 0).remove(0);
        let response = sent(&gateway, &question);
        statuses.insert(response.status);
        let own = |reason: Reason| {
            let expected = (answer::status(reason), answer::body(reason, None));
            assert_eq!((response.status, response.body.clone()), expected, "{question:?}");
        };
        match &told.outcome {
            Outcome::NoHandshake => panic!("there is no TLS here"),
            Outcome::Answer { reason, .. } => own(*reason),
            Outcome::Redirect { status, location, .. } => {
                let found = (response.status, response.field("location"));
                assert_eq!(found, (status.as_u16(), Some(location.as_str())), "{question:?}");
            }
            Outcome::Forward(shares) => {
                let share = &shares[0];
                if let Some((reason, _)) = share.failure {
                    own(reason);
                    continue;
                }
                let rule = told.taken.as_ref().map(|taken| format!("{}/{}", taken.rule.route, taken.rule.index));
                assert_eq!((response.status, response.field("x-rule")), (200, rule.as_deref()), "{question:?}");
                let seen = format!("{} {} HTTP/1.1\r\nhost: {}\r\n", question.method, share.path_and_query, share.host);
                assert!(response.body.starts_with(&seen), "{seen:?} is not what was seen: {response:?}");
            }
        }
    }
    assert_eq!(statuses, BTreeSet::from([200, 301, 400, 404, 500, 503]), "everything was tried");
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
    // To the listener `a`, and to whatever listener takes the host.
    for (host, to_a, to_any) in [
        ("a.test", Some(200), Some(200)),
        ("x.b.test", Some(421), Some(200)),
        ("c.test", Some(421), None),
        ("unknown.test", Some(404), None),
    ] {
        for (listener, name, expected) in [(Some("a"), "a.test", to_a), (None, host, to_any)] {
            let path = "/".to_owned();
            let (method, authority) = ("GET".to_owned(), host.to_owned());
            let question = Question { method, authority, path, query: None, headers: Vec::new() };
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
