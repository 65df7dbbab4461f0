//! Changes of the configuration while requests go on: none fails, and each is served by one state as a whole.

use std::io::{BufReader, Read as _};
use std::net::TcpStream;
use std::sync::{Mutex, mpsc};

use postern_outcomes::backend::{Backend, Request, Tls, answer};
use postern_outcomes::certificates::{Authority, Identity};
use postern_outcomes::objects::{GATEWAY, Target, service, slice};

use super::client::{Response, Session, get};
use super::gateway::Gateway;
use super::load::{Load, PATIENCE};

/// The states that the configuration goes through, one after the other.
const STATES: usize = 20;

/// A state: every second one has another endpoint, every third one the port 81, every fourth one or so another trust,
/// and every other one a route more; a filter tells each from all others.
struct States {
    endpoints: [Backend; 2],
    ours: Authority,
    added: Authority,
}

impl States {
    fn backend(state: usize) -> &'static str {
        ["a", "b"][state / 2 % 2]
    }

    fn has_port_81(state: usize) -> bool {
        state % 3 == 1
    }

    fn has_extra_route(state: usize) -> bool {
        state.is_multiple_of(2)
    }

    fn trusts_another(state: usize) -> bool {
        state / 3 % 2 == 1
    }

    /// In a file of its own: a change of it alone translates nothing.
    fn endpoints(&self, state: usize) -> String {
        slice("app", "app", self.endpoints[state / 2 % 2].address)
    }

    fn objects(&self, state: usize) -> String {
        let port = if Self::has_port_81(state) { ", {name: more, port: 81, protocol: HTTP}" } else { "" };
        let ca = if Self::trusts_another(state) {
            format!("{}{}", self.ours.pem(), self.added.pem())
        } else {
            self.ours.pem()
        };
        let policy = Target::new("app", self.endpoints[0].address).policy(&ca, "", "");
        let (_, policy) = policy.yaml().split_once("kind: ConfigMap").unwrap();
        let extra = if Self::has_extra_route(state) { route("extra", "/extra", state) } else { String::new() };
        format!(
            "
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: web}}
spec:
  gatewayClassName: postern
  listeners: [{{name: http, port: 80, protocol: HTTP}}{port}]
{}{}{extra}
---
apiVersion: v1
kind: ConfigMap{policy}",
            service("app"),
            route("main", "/", state),
        )
    }
}

fn route(name: &str, path: &str, state: usize) -> String {
    format!(
        "
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: {name}}}
spec:
  parentRefs: [{{name: web}}]
  hostnames: [app.test]
  rules:
  - matches: [{{path: {{value: {path}}}}}]
    filters:
    - type: ResponseHeaderModifier
      responseHeaderModifier: {{set: [{{name: x-state, value: \"{state}\"}}, {{name: x-route, value: {name}}}]}}
    backendRefs: [{{name: app, port: 443}}]
"
    )
}

/// Says its name, and gives back the body that it got.
fn named(name: &'static str, identity: Identity) -> Backend {
    Backend::tls_with(&Tls::new(identity), move |stream| {
        let mut stream = BufReader::new(stream);
        while let Some(request) = Request::read(&mut stream) {
            if answer(stream.get_mut(), &format!("x-backend: {name}\r\n"), &request.body).is_err() {
                return;
            }
        }
    })
}

/// Whether a response is that of one state which was valid while it was made; returns which.
fn judge(response: &Response, target: &str, body: &str, valid: std::ops::RangeInclusive<usize>) -> usize {
    assert_eq!((response.status, response.body.as_str()), (200, body), "{response:?}");
    let state: usize = response.field("x-state").unwrap().parse().unwrap();
    assert!(valid.contains(&state), "state {state} is none of {valid:?}");
    let route = if target == "/extra" && States::has_extra_route(state) { "extra" } else { "main" };
    assert_eq!(response.field("x-route"), Some(route), "state {state}");
    // Endpoints go their own way: a request may find those of a later state than its own.
    let backend = response.field("x-backend").unwrap();
    assert!(valid.clone().any(|state| States::backend(state) == backend), "{backend} is of none of {valid:?}");
    state
}

#[test]
fn a_reload_under_load_loses_no_request() {
    const KEPT: usize = 3;
    let (ours, added) = (Authority::new("ours"), Authority::new("added"));
    let endpoints = ["a", "b"].map(|name| named(name, ours.issue("backend.test")));
    let states = States { endpoints, ours, added };
    let gateway = Gateway::start(GATEWAY);
    gateway.write("endpoints.yaml", &states.endpoints(0));
    gateway.apply("objects.yaml", &states.objects(0));
    let address = gateway.address(80);

    let load = Load::new(KEPT + 1);
    let requests = std::thread::scope(|scope| {
        for number in 0..KEPT {
            let load = &load;
            scope.spawn(move || {
                let (mut session, mut turn, mut last) = (Session::open(address), 0, 0);
                load.client(number, || {
                    turn += 1;
                    let (method, target, body) = match turn % 3 {
                        0 => ("GET", "/extra", String::new()),
                        1 => ("GET", "/", String::new()),
                        _ => ("POST", "/", format!("{number}/{turn} ").repeat(500)),
                    };
                    let (response, valid) = load.request(|| session.request(method, "app.test", target, &body));
                    let state = judge(&response.expect("a whole response"), target, &body, valid);
                    assert!(state >= last, "after state {last} a connection is back in {state}");
                    last = state;
                });
            });
        }
        let load = &load;
        scope.spawn(move || {
            load.client(KEPT, || {
                let (response, valid) = load.request(|| get(address, "app.test", "/"));
                judge(&response, "/", "", valid);
            });
        });
        load.during(|| {
            for state in 1..=STATES {
                load.change(|next| {
                    assert_eq!(next, state);
                    gateway.write("endpoints.yaml", &states.endpoints(state));
                    gateway.apply("objects.yaml", &states.objects(state));
                });
                if States::has_port_81(state) {
                    let response = get(gateway.address(81), "app.test", "/");
                    judge(&response, "/", "", state..=state);
                }
                load.wait_for_all();
            }
        })
    });
    assert!(requests > STATES * (KEPT + 1), "{requests} requests");
}

/// The Gateway with and without its second port.
fn ports(more: &str) -> String {
    format!(
        "
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: web}}
spec:
  gatewayClassName: postern
  listeners: [{{name: http, port: 80, protocol: HTTP}}{more}]
"
    )
}

#[test]
fn a_port_that_goes_away_lets_its_requests_end() {
    let (begun, has_begun) = mpsc::channel::<mpsc::Sender<()>>();
    let begun = Mutex::new(begun);
    let backend = Backend::start(move |stream| {
        let mut stream = BufReader::new(stream);
        while let Some(request) = Request::read(&mut stream) {
            if request.target() == "/held" {
                let (go_on, may_go_on) = mpsc::channel();
                begun.lock().unwrap().send(go_on).unwrap();
                let _ = may_go_on.recv();
            }
            let _ = answer(stream.get_mut(), "", b"whole");
        }
    });
    let app = Target::new("app", backend.address);
    let with = format!("{}{}", ports(", {name: more, port: 81, protocol: HTTP}"), app.yaml());
    let gateway = Gateway::start(&with);
    let address = gateway.address(81);
    let mut idle = Session::open(address);
    assert_eq!(idle.get("app.test", "/").unwrap().status, 200);

    let held = std::thread::spawn(move || {
        let mut session = Session::open(address);
        (session.get("app.test", "/held"), session)
    });
    let go_on = has_begun.recv_timeout(PATIENCE).expect("a request at the backend");
    gateway.apply("objects.yaml", &format!("{}{}", ports(""), app.yaml()));
    assert_eq!(idle.stream.read(&mut [0; 16]).unwrap(), 0, "what waits for a request is closed");
    gateway.wait_for("closed port", || TcpStream::connect(address).is_err().then_some(()));
    go_on.send(()).unwrap();
    let (response, mut session) = held.join().unwrap();
    let response = response.expect("a whole response");
    assert_eq!((response.status, response.body.as_str()), (200, "whole"));
    assert_eq!(response.field("connection"), Some("close"), "{response:?}");
    assert_eq!(session.stream.read(&mut [0; 16]).unwrap(), 0);

    gateway.apply("objects.yaml", &with);
    assert_eq!(get(gateway.address(81), "app.test", "/").status, 200);
}
