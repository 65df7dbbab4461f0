//! Backends that die in the middle of their work: a client never takes a part for the whole, and nobody but those whose
//! answer was under way notices.

use std::io::{self, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use postern_outcomes::backend::{Backend, Request, Tls, answer};
use postern_outcomes::certificates::Authority;
use postern_outcomes::objects::{GATEWAY, Target};
use rustls::{ServerConnection, StreamOwned};
use socket2::SockRef;

use super::client::Session;
use super::gateway::Gateway;
use super::load::{Load, PATIENCE};

/// How the connection of a dying backend ends.
#[derive(Debug, Clone, Copy)]
enum Death {
    /// As TCP ends in an orderly way, without a word of TLS.
    Closed,
    /// As when nobody is there any more.
    Reset,
}

/// Answers `/length`, `/chunked` and `/until-close` with a part of the body, and then waits to be told how to die.
fn dying(stream: impl Read + Write, socket: &TcpStream, deaths: &Mutex<mpsc::Sender<mpsc::Sender<Death>>>) {
    let mut stream = BufReader::new(stream);
    while let Some(request) = Request::read(&mut stream) {
        let part = match request.target() {
            "/length" => "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart",
            "/chunked" => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n",
            "/until-close" => "HTTP/1.1 200 OK\r\n\r\npart",
            _ => {
                answer(stream.get_mut(), "", b"whole").unwrap();
                continue;
            }
        };
        stream.get_mut().write_all(part.as_bytes()).and_then(|()| stream.get_mut().flush()).unwrap();
        let (die, death) = mpsc::channel();
        deaths.lock().unwrap().send(die).unwrap();
        if let Ok(Death::Reset) = death.recv() {
            SockRef::from(socket).set_linger(Some(Duration::ZERO)).unwrap();
        }
        return;
    }
}

/// One backend that dies within a response.
#[derive(Debug)]
struct Cut {
    /// What the backend speaks.
    host: &'static str,
    /// How it frames the body.
    framing: &'static str,
    death: Death,
    /// What the client speaks.
    version: &'static str,
}

impl Cut {
    fn all() -> impl Iterator<Item = Self> {
        let hosts = ["tls", "plain"].into_iter();
        let framings = hosts.flat_map(|host| ["length", "chunked", "until-close"].map(|framing| (host, framing)));
        framings.flat_map(|(host, framing)| {
            [Death::Closed, Death::Reset]
                .into_iter()
                .flat_map(move |death| CLIENTS.iter().map(move |version| Self { host, framing, death, version }))
        })
    }

    /// How the body comes to the client. To one of HTTP/1.0 nothing goes in chunks: the end of the connection ends it.
    fn framing_for_client(&self) -> &'static str {
        match (self.framing, self.version) {
            ("length", _) => "length",
            (_, "1.0") => "until-close",
            _ => "chunked",
        }
    }

    /// Without TLS, the end of the connection is a backend's right way to end a body that has no length.
    fn is_no_cut(&self) -> bool {
        (self.host, self.framing) == ("plain", "until-close") && matches!(self.death, Death::Closed)
    }

    /// Reads the first part of a response, has the backend die, and returns what comes of the rest: an error, unless it
    /// looks whole.
    fn ask(&self, gateway: SocketAddr, dies: &mpsc::Receiver<mpsc::Sender<Death>>) -> io::Result<()> {
        let mut session = Session::open(gateway);
        let Self { host, framing, version, .. } = self;
        session.write(format!("GET /{framing} HTTP/{version}\r\nHost: {host}.test\r\n\r\n").as_bytes())?;
        let head = session.head()?;
        assert_eq!(head.status, 200, "{self:?}: {head:?}");
        let chunked = self.framing_for_client() == "chunked";
        let mut part = [0; 4];
        if chunked {
            part.copy_from_slice(&session.chunk()?.expect("a part"));
        } else {
            session.stream.read_exact(&mut part)?;
        }
        assert_eq!(&part, b"part", "{self:?}");
        dies.recv_timeout(PATIENCE).expect("a request at the backend").send(self.death).unwrap();
        match self.framing_for_client() {
            "length" => session.stream.read_exact(&mut [0; 5]),
            "chunked" => session.chunk().map(|_| ()),
            _ => session.stream.read_to_end(&mut Vec::new()).map(|_| ()),
        }
    }
}

/// The versions that clients speak.
const CLIENTS: [&str; 2] = ["1.0", "1.1"];

#[test]
fn a_response_that_its_backend_cuts_is_cut_for_the_client() {
    let ours = Authority::new("ours");
    let (sender, dies) = mpsc::channel();
    let sender = Arc::new(Mutex::new(sender));
    let tls = Backend::tls_with(&Tls::new(ours.issue("backend.test")), {
        let sender = sender.clone();
        move |stream: StreamOwned<ServerConnection, TcpStream>| {
            let socket = stream.sock.try_clone().unwrap();
            dying(stream, &socket, &sender);
        }
    });
    let plain = Backend::start(move |stream| {
        let socket = stream.try_clone().unwrap();
        dying(stream, &socket, &sender);
    });
    let targets = [Target::new("tls", tls.address).policy(&ours.pem(), "", ""), Target::new("plain", plain.address)];
    let gateway = Gateway::start(&format!("{GATEWAY}{}{}", targets[0].yaml(), targets[1].yaml()));
    let address = gateway.address(80);
    let mut cut = 0;
    for case in Cut::all() {
        let rest = case.ask(address, &dies);
        assert_eq!(rest.is_ok(), case.is_no_cut(), "{case:?}: {rest:?}");
        cut += usize::from(!case.is_no_cut());
        let next = Session::open(address).get(&format!("{}.test", case.host), "/").unwrap();
        assert_eq!(next.body, "whole", "{case:?}: {next:?}");
    }
    let labels = ["reason=\"upstream_closed\"", "status=\"200\""];
    gateway.wait_for("count of what was cut", || {
        (gateway.metric("postern_requests_total", &labels) as usize == cut).then_some(())
    });
    for framing in ["length", "chunked", "until-close"] {
        let target = format!(" target=/{framing} ");
        gateway.wait_for_log(|line| {
            line.contains(&target) && line.contains(" status=200 reason=upstream_closed ") && line.contains(" sent=4 ")
        });
    }
}

/// Closes after it has read a request to `/dies`; to `/dies-once`, the first time only. Counts both.
fn mute(tls: &Tls, seen: &Arc<AtomicUsize>) -> Backend {
    let seen = seen.clone();
    let died = AtomicBool::new(false);
    Backend::tls_with(tls, move |stream| {
        let mut stream = BufReader::new(stream);
        while let Some(request) = Request::read(&mut stream) {
            let target = request.target();
            if target.starts_with("/dies") {
                seen.fetch_add(1, Ordering::SeqCst);
            }
            if target == "/dies" || target == "/dies-once" && !died.swap(true, Ordering::SeqCst) {
                return;
            }
            answer(stream.get_mut(), "", b"whole").unwrap();
        }
    })
}

#[test]
fn a_request_is_repeated_only_where_that_can_do_no_harm() {
    let ours = Authority::new("ours");
    let seen = Arc::new(AtomicUsize::new(0));
    let backend = mute(&Tls::new(ours.issue("backend.test")), &seen);
    let target = Target::new("mute", backend.address).policy(&ours.pem(), "", "");
    let gateway = Gateway::start_with(&format!("{GATEWAY}{}", target.yaml()), &["--workers", "1"]);
    let mut session = Session::open(gateway.address(80));
    let mut ask = |method: &str, target: &str, body: &str| {
        seen.store(0, Ordering::SeqCst);
        let response = session.request(method, "mute.test", target, body).unwrap();
        (response, seen.load(Ordering::SeqCst))
    };
    for (method, body) in [("GET", ""), ("POST", ""), ("PUT", "body")] {
        // On a connection of its own: it was not the pool's fault.
        let (response, seen) = ask(method, "/dies", body);
        assert_eq!((response.status, seen), (502, 1), "{method}: {response:?}");
        assert!(response.body.contains("upstream_closed"), "{response:?}");
    }
    for (method, body) in [("POST", ""), ("PUT", "body")] {
        assert_eq!(ask("GET", "/", "").0.status, 200);
        // On a connection of the pool; but the request may have had its effect already.
        let (response, seen) = ask(method, "/dies", body);
        assert_eq!((response.status, seen), (502, 1), "{method}: {response:?}");
    }
    assert_eq!(ask("GET", "/", "").0.status, 200);
    let (response, seen) = ask("GET", "/dies", "");
    assert_eq!((response.status, seen), (502, 2), "once more and not twice: {response:?}");
    assert_eq!(ask("GET", "/", "").0.status, 200);
    let (response, seen) = ask("GET", "/dies-once", "");
    assert_eq!((response.status, seen), (200, 2), "{response:?}");
    gateway.wait_for_log(|line| line.contains("target=/dies ") && line.contains(" status=502 reason=upstream_closed "));
}

/// Says its name to everybody.
fn named(name: &'static str, tls: &Tls) -> Backend {
    Backend::tls_with(tls, move |stream| {
        let mut stream = BufReader::new(stream);
        while Request::read(&mut stream).is_some() {
            if answer(stream.get_mut(), "", name.as_bytes()).is_err() {
                return;
            }
        }
    })
}

#[test]
fn when_one_of_two_backends_is_killed_the_other_takes_over_at_once() {
    const CLIENTS: usize = 4;
    let ours = Authority::new("ours");
    let [doomed, other] = ["doomed", "other"].map(|name| named(name, &Tls::new(ours.issue("backend.test"))));
    let target = Target::new("app", doomed.address).endpoint(other.address).policy(&ours.pem(), "", "");
    let gateway = Gateway::start(&format!("{GATEWAY}{}", target.yaml()));
    let address = gateway.address(80);
    let (load, cut, by_the_doomed) = (Load::new(CLIENTS), AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for number in 0..CLIENTS {
            let (load, cut, by_the_doomed) = (&load, &cut, &by_the_doomed);
            scope.spawn(move || {
                let (mut session, mut turn) = (Session::open(address), 0);
                load.client(number, || {
                    turn += 1;
                    let (method, body) = if turn % 2 == 0 { ("GET", "") } else { ("POST", "body") };
                    let (response, valid) = load.request(|| session.request(method, "app.test", "/", body));
                    match response {
                        Ok(response) if response.status == 200 => {
                            let dead = *valid.start() == 1 && response.body == "doomed";
                            assert!(!dead, "an answer of the dead");
                            by_the_doomed.fetch_add(usize::from(response.body == "doomed"), Ordering::SeqCst);
                        }
                        failed => {
                            assert!(valid.start() < valid.end(), "{method} in {valid:?}: {failed:?}");
                            cut.fetch_add(1, Ordering::SeqCst);
                            session = Session::open(address);
                        }
                    }
                });
            });
        }
        load.during(|| {
            gateway.wait_for("answer of the doomed", || (by_the_doomed.load(Ordering::SeqCst) > 100).then_some(()));
            load.change(|_| doomed.kill());
            for _ in 0..50 {
                load.wait_for_all();
            }
        });
    });
    let cut = cut.into_inner();
    assert!(cut <= CLIENTS, "{cut} requests failed");
}
