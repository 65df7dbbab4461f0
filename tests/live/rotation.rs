//! Rotation of certificates and of what is trusted, with connections in the pool: those that are still good stay, no other
//! one carries a request after the change, and no request fails.

use std::io::BufReader;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, mpsc};
use std::thread::JoinHandle;

use base64::Engine as _;
use postern_outcomes::backend::{Backend, Presented, Request, Tls, answer};
use postern_outcomes::certificates::{Authority, Identity, Validity};
use postern_outcomes::objects::{GATEWAY, Target, secret};

use super::client::{Response, Session};
use super::gateway::Gateway;
use super::load::{Load, PATIENCE};

/// A backend that numbers its connections, says in each answer on which one it is and what certificate the gateway
/// presented there, and lets the test hold requests.
struct Service {
    backend: Backend,
    presented: Presented,
    begun: mpsc::Receiver<Begun>,
}

/// A request to `/held` has come in on this connection, and waits.
struct Begun {
    connection: usize,
    go_on: mpsc::Sender<()>,
}

/// A request that is under way.
struct Held {
    connection: usize,
    go_on: mpsc::Sender<()>,
    response: JoinHandle<std::io::Result<Response>>,
}

impl Held {
    /// Lets the backend answer.
    fn release(self) {
        self.go_on.send(()).unwrap();
        let response = self.response.join().unwrap().expect("a whole response");
        assert_eq!(response.status, 200, "{response:?}");
        assert_eq!(connection(&response), self.connection);
    }
}

impl Service {
    fn start(tls: &Tls) -> Self {
        let (sender, begun) = mpsc::channel();
        let (sender, connections) = (Mutex::new(sender), AtomicUsize::new(0));
        let backend = Backend::tls_with(tls, move |stream| {
            let connection = connections.fetch_add(1, Ordering::SeqCst);
            let mut stream = BufReader::new(stream);
            while let Some(request) = Request::read(&mut stream) {
                if request.target() == "/held" {
                    let (go_on, may_go_on) = mpsc::channel();
                    sender.lock().unwrap().send(Begun { connection, go_on }).unwrap();
                    let _ = may_go_on.recv();
                }
                let certificate = stream.get_ref().conn.peer_certificates().map(|chain| mark(&chain[0]));
                let client = certificate.map(|mark| format!("x-client: {mark}\r\n")).unwrap_or_default();
                if answer(stream.get_mut(), &format!("x-connection: {connection}\r\n{client}"), &request.body).is_err()
                {
                    return;
                }
            }
        });
        Self { backend, presented: tls.presented.clone(), begun }
    }

    /// A request that waits at the backend until it is released.
    fn hold(&self, gateway: SocketAddr) -> Held {
        let response = std::thread::spawn(move || Session::open(gateway).get("app.test", "/held"));
        let Begun { connection, go_on } = self.begun.recv_timeout(PATIENCE).expect("a request at the backend");
        Held { connection, go_on, response }
    }
}

/// Tells a certificate from all others.
fn mark(certificate: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(&certificate[certificate.len() - 9..])
}

/// The connection between gateway and backend on which a response came.
fn connection(response: &Response) -> usize {
    assert_eq!(response.status, 200, "{response:?}");
    response.field("x-connection").unwrap().parse().unwrap()
}

#[test]
fn when_an_authority_is_replaced_the_good_connections_stay_and_the_others_are_used_no_more() {
    let (old, new) = (Authority::new("old"), Authority::new("new"));
    let service = Service::start(&Tls::new(old.issue("backend.test")));
    let trusting =
        |ca: &str| format!("{GATEWAY}{}", Target::new("app", service.backend.address).policy(ca, "", "").yaml());
    let gateway = Gateway::start_with(&trusting(&old.pem()), &["--workers", "1"]);
    let address = gateway.address(80);
    let mut client = Session::open(address);
    let mut ask = || connection(&client.get("app.test", "/").unwrap());
    let two_at_once = [service.hold(address), service.hold(address)];
    assert_eq!(two_at_once.each_ref().map(|held| held.connection), [0, 1]);
    two_at_once.into_iter().for_each(Held::release);

    // Both authorities are trusted: whatever was good still is.
    gateway.apply("objects.yaml", &trusting(&format!("{}{}", old.pem(), new.pem())));
    assert!(ask() < 2);
    assert_eq!(service.backend.accepted(), 2);

    // The backend has its new certificate: old connections go on, new ones are made.
    service.presented.change(&new.issue("backend.test"));
    let mut four_at_once: Vec<_> = (0..4).map(|_| service.hold(address)).collect();
    four_at_once.sort_by_key(|held| held.connection);
    assert_eq!(four_at_once.iter().map(|held| held.connection).collect::<Vec<_>>(), [0, 1, 2, 3]);
    let (mut busy, mut idle) = (Vec::new(), Vec::new());
    for held in four_at_once {
        if held.connection % 2 == 0 { idle.push(held) } else { busy.push(held) }
    }
    idle.into_iter().for_each(Held::release);

    // The old authority is no longer trusted, while connections 0 and 2 are idle and 1 and 3 are in use.
    gateway.apply("objects.yaml", &trusting(&new.pem()));
    assert_eq!([ask(), ask(), ask()], [2; 3]);
    busy.into_iter().for_each(Held::release);
    let two_at_once = [service.hold(address), service.hold(address)];
    let mut used = two_at_once.each_ref().map(|held| held.connection);
    used.sort_unstable();
    assert_eq!(used, [2, 3], "those whose chain the new authority vouches for");
    assert_eq!(service.backend.accepted(), 4, "no further handshake was needed");
    two_at_once.into_iter().for_each(Held::release);
    let closed = gateway.metric("postern_upstream_connections_closed_total", &["reason=\"policy_change\""]);
    assert_eq!(closed as u64, 2);
}

#[test]
fn a_connection_is_used_only_as_long_as_it_has_the_name_that_is_demanded() {
    let ours = Authority::new("ours");
    let two_names = ours.issue_with("backend.test", Validity::Now, |params| {
        params.subject_alt_names.push(rcgen::SanType::DnsName("also.test".try_into().unwrap()));
    });
    let service = Service::start(&Tls::new(two_names));
    let target = Target::new("app", service.backend.address).policy(&ours.pem(), "", "");
    let demanding = |hostname: &str, names: &str| {
        let validation = format!("hostname: {hostname}\n    subjectAltNames: [{names}]");
        format!("{GATEWAY}{}", target.yaml().replace("hostname: backend.test", &validation))
    };
    let san = |name: &str| format!("{{type: Hostname, hostname: {name}}}");
    let gateway = Gateway::start_with(&demanding("backend.test", ""), &["--workers", "1"]);
    let mut client = Session::open(gateway.address(80));
    let mut ask = || client.get("app.test", "/").unwrap();
    let refused = |response: &Response| {
        assert_eq!(response.status, 502, "{response:?}");
        assert!(response.body.contains("name_mismatch"), "{response:?}");
    };
    assert_eq!(connection(&ask()), 0);

    // Another hostname is another SNI: connections are made anew, by the name that is demanded now.
    gateway.apply("objects.yaml", &demanding("other.test", ""));
    refused(&ask());
    gateway.apply("objects.yaml", &demanding("also.test", ""));
    let fresh = connection(&ask());
    assert!(fresh > 0);

    // Other names under the same SNI: the certificates of the connections are looked at again.
    gateway.apply("objects.yaml", &demanding("also.test", &san("backend.test")));
    assert_eq!(connection(&ask()), fresh);
    gateway.apply("objects.yaml", &demanding("also.test", &san("other.test")));
    refused(&ask());
    gateway.apply("objects.yaml", &demanding("also.test", &format!("{}, {}", san("other.test"), san("also.test"))));
    assert!(connection(&ask()) > fresh, "what was refused has not stayed");
}

#[test]
fn a_pin_that_is_added_ends_the_connections_to_other_keys() {
    let ours = Authority::new("ours");
    let (first, second) = (ours.issue("backend.test"), ours.issue("backend.test"));
    let service = Service::start(&Tls::new(first.clone()));
    let pinned = |pins: &[&Identity]| {
        let pins = pins.iter().map(|identity| identity.pin.as_str()).collect::<Vec<_>>().join(",");
        let option =
            if pins.is_empty() { String::new() } else { format!("gateway.postern.dev/pinned-sha256: \"{pins}\"") };
        format!("{GATEWAY}{}", Target::new("app", service.backend.address).policy(&ours.pem(), "", &option).yaml())
    };
    let gateway = Gateway::start_with(&pinned(&[]), &["--workers", "1"]);
    let mut client = Session::open(gateway.address(80));
    let mut ask = || client.get("app.test", "/").unwrap();
    assert_eq!(connection(&ask()), 0);

    gateway.apply("objects.yaml", &pinned(&[&first, &second]));
    assert_eq!(connection(&ask()), 0);
    gateway.apply("objects.yaml", &pinned(&[&second]));
    let refused = ask();
    assert!(refused.status == 502 && refused.body.contains("pin_mismatch"), "{refused:?}");
    service.presented.change(&second);
    assert_eq!(connection(&ask()), 2);
}

#[test]
fn a_new_client_certificate_is_presented_without_a_failure() {
    const CLIENTS: usize = 3;
    const ROTATIONS: usize = 4;
    let (ours, clients) = (Authority::new("ours"), Authority::new("of clients"));
    let service = Service::start(&Tls { clients: Some(clients.der()), ..Tls::new(ours.issue("backend.test")) });
    let identities: Vec<_> = (0..=ROTATIONS).map(|_| clients.issue("gateway.test")).collect();
    let marks: Vec<_> = identities.iter().map(|identity| mark(&identity.chain[0])).collect();
    let mut objects = GATEWAY.trim_end().to_owned();
    objects.push_str("\n  tls: {backend: {clientCertificateRef: {name: client}}}\n");
    objects.push_str(Target::new("app", service.backend.address).policy(&ours.pem(), "", "").yaml());
    let gateway = Gateway::start(&format!("{objects}{}", secret("client", &identities[0])));
    let address = gateway.address(80);

    let load = Load::new(CLIENTS);
    std::thread::scope(|scope| {
        for number in 0..CLIENTS {
            let (load, marks) = (&load, &marks);
            scope.spawn(move || {
                let mut session = Session::open(address);
                load.client(number, || {
                    let body = number.to_string().repeat(5000);
                    let (response, valid) = load.request(|| session.request("POST", "app.test", "/", &body));
                    let response = response.expect("a whole response");
                    assert_eq!((response.status, &response.body), (200, &body), "{response:?}");
                    let shown = response.field("x-client").unwrap();
                    assert!(marks[valid.clone()].iter().any(|mark| mark == shown), "{shown} is none of {valid:?}");
                });
            });
        }
        load.during(|| {
            for _ in 0..ROTATIONS {
                load.change(|state| {
                    gateway.apply("objects.yaml", &format!("{objects}{}", secret("client", &identities[state])));
                });
                load.wait_for_all();
            }
        });
    });
}
