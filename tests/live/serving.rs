//! Serving: changes of the files, HTTPS in front, and the end of the process.

use std::io::{Read, Write};
use std::sync::{Arc, Mutex, mpsc};

use postern_outcomes::backend::{Backend, Tls};
use postern_outcomes::certificates::{Authority, Identity};
use postern_outcomes::objects::{GATEWAY, Target, secret};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::client::{connect, get, send};
use super::gateway::Gateway;

/// Sends a request on a connection that stays, and reads the whole response.
pub fn ask(stream: &mut (impl Read + Write), host: &str) -> String {
    write!(stream, "GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").unwrap();
    let mut text = String::new();
    let mut piece = [0; 4096];
    loop {
        let read = stream.read(&mut piece).unwrap();
        assert!(read > 0, "the connection was closed after {text:?}");
        text.push_str(std::str::from_utf8(&piece[..read]).unwrap());
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return text;
            }
        }
    }
}

#[test]
fn a_change_of_the_files_is_served_on_connections_that_stay() {
    let ours = Authority::new("ours");
    let backend = Backend::tls(&Tls::new(ours.issue("backend.test")));
    let first = Target::new("first", backend.address).policy(&ours.pem(), "", "");
    let second = Target::new("second", backend.address).policy(&ours.pem(), "", "");
    let gateway = Gateway::start(&format!("{GATEWAY}{}", first.yaml()));
    let mut stream = connect(gateway.address(80));
    assert!(ask(&mut stream, "first.test").starts_with("HTTP/1.1 200"));
    assert!(ask(&mut stream, "second.test").starts_with("HTTP/1.1 404"));

    gateway.write("second.yaml", second.yaml());
    gateway.wait_for("a second route", || ask(&mut stream, "second.test").starts_with("HTTP/1.1 200").then_some(()));

    gateway.write("second.yaml", "kind: [half a fi");
    gateway.wait_for_log(|line| line.contains("second.yaml"));
    assert!(ask(&mut stream, "second.test").starts_with("HTTP/1.1 200"), "the last good objects are kept");

    std::fs::remove_file(gateway.path("second.yaml")).unwrap();
    gateway
        .wait_for("a route that is gone", || ask(&mut stream, "second.test").starts_with("HTTP/1.1 404").then_some(()));
    assert!(ask(&mut stream, "first.test").starts_with("HTTP/1.1 200"));
    gateway.wait_for("series that are gone", || (!gateway.metrics().contains("default/second")).then_some(()));
}

/// An HTTPS Gateway: two names with certificates of different kinds, and one whose Secret is missing.
pub const HTTPS: &str = "
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web}
spec:
  gatewayClassName: postern
  listeners:
  - {name: a, port: 443, protocol: HTTPS, hostname: a.test, tls: {certificateRefs: [{name: a}]}}
  - {name: b, port: 443, protocol: HTTPS, hostname: \"*.b.test\", tls: {certificateRefs: [{name: b}]}}
  - {name: c, port: 443, protocol: HTTPS, hostname: c.test, tls: {certificateRefs: [{name: missing}]}}
";

/// A connection to a name, whose certificate the authority has to have issued.
pub fn https(
    gateway: &Gateway,
    authority: &Authority,
    name: &'static str,
) -> Result<StreamOwned<ClientConnection, std::net::TcpStream>, std::io::Error> {
    let mut roots = RootCertStore::empty();
    roots.add(authority.der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connection = ClientConnection::new(Arc::new(config), ServerName::try_from(name).unwrap()).unwrap();
    let mut stream = StreamOwned::new(connection, connect(gateway.address(443)));
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    Ok(stream)
}

#[test]
fn listeners_of_one_port_are_told_apart_by_name() {
    let ours = Authority::new("ours");
    let backend = Backend::tls(&Tls::new(ours.issue("backend.test")));
    let identities: [(&str, Identity); 2] = [("a", ours.issue("a.test")), ("b", ours.issue_rsa("x.b.test"))];
    let secrets: String = identities.iter().map(|(name, identity)| secret(name, identity)).collect();
    let route = Target::new("any", backend.address).policy(&ours.pem(), "", "");
    let route = route.yaml().replace("hostnames: [any.test]", "hostnames: [a.test, x.b.test, c.test]");
    let gateway = Gateway::start(&format!("{HTTPS}{secrets}{route}"));

    for name in ["a.test", "x.b.test"] {
        let mut stream = https(&gateway, &ours, name).unwrap();
        let response = ask(&mut stream, name);
        assert!(response.starts_with("HTTP/1.1 200"), "{name}: {response}");
        assert!(response.contains("x-forwarded-proto: https"), "{name}: {response}");
        let other = if name == "a.test" { "x.b.test" } else { "a.test" };
        assert!(ask(&mut stream, other).starts_with("HTTP/1.1 421"), "{other} is not for a connection to {name}");
    }
    for name in ["c.test", "unknown.test"] {
        assert!(https(&gateway, &ours, name).is_err(), "{name}");
    }
}

#[test]
fn a_signal_lets_requests_end() {
    let (begun, has_begun) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let (begun, may_go_on) = (Mutex::new(begun), Mutex::new(may_go_on));
    let backend = Backend::start(move |mut stream| {
        let mut head = [0; 4096];
        let _ = stream.read(&mut head);
        begun.lock().unwrap().send(()).unwrap();
        let _ = may_go_on.lock().unwrap().recv();
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate");
    });
    let gateway = Gateway::start(&format!("{GATEWAY}{}", Target::new("slow", backend.address).yaml()));
    let (address, mut idle) = (gateway.address(80), connect(gateway.address(80)));
    assert!(ask(&mut idle, "nobody.test").starts_with("HTTP/1.1 404"));
    let request = std::thread::spawn(move || get(address, "slow.test", "/"));
    has_begun.recv().unwrap();
    let id = gateway.id().to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    // The idle connection is closed while the request is still under way.
    assert_eq!(idle.read(&mut [0; 16]).unwrap(), 0);
    go_on.send(()).unwrap();
    let response = request.join().unwrap();
    assert_eq!((response.status, response.body.as_str()), (200, "late"));
    assert_eq!(gateway.wait_for_end(), Some(0));
}

#[test]
fn a_connection_that_died_in_the_pool_harms_no_request() {
    let ours = Authority::new("ours");
    // This backend closes after each response without having said so.
    let tls = Tls { closes: true, ..Tls::new(ours.issue("backend.test")) };
    let backend = Backend::tls(&tls);
    let target = Target::new("closing", backend.address).policy(&ours.pem(), "", "");
    let gateway = Gateway::start_with(&format!("{GATEWAY}{}", target.yaml()), &["--workers", "1"]);
    let mut stream = connect(gateway.address(80));
    for _ in 0..20 {
        assert!(ask(&mut stream, "closing.test").starts_with("HTTP/1.1 200"));
    }
}

#[test]
fn a_request_may_come_in_drop_by_drop() {
    let gateway = Gateway::start(GATEWAY);
    let mut stream = connect(gateway.address(80));
    for byte in b"GET / HTTP/1.1\r\nHost: nobody.test\r\nConnection: close\r\n\r\n" {
        stream.write_all(&[*byte]).unwrap();
        stream.flush().unwrap();
    }
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("HTTP/1.1 404"), "{text}");
}

#[test]
fn what_is_no_http_is_refused() {
    let gateway = Gateway::start(GATEWAY);
    for (request, status) in [
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        ("GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 400),
    ] {
        let response = send(connect(gateway.address(80)), request.as_bytes());
        assert_eq!(response.status, status, "{request:?}");
    }
    let long = format!("GET / HTTP/1.1\r\nHost: a\r\nA: {}\r\n\r\n", "x".repeat(100_000));
    assert_eq!(send(connect(gateway.address(80)), long.as_bytes()).status, 431);
}
