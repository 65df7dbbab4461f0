//! Who is slow, stalls or dies: clients and backends, in every phase of a request.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use postern_outcomes::backend::{Backend, Tls};
use postern_outcomes::certificates::Authority;
use postern_outcomes::objects::{GATEWAY, Target, secret};

use super::client::{Response, connect, get, send};
use super::gateway::Gateway;

const QUICK: Duration = Duration::from_millis(300);

/// A gateway in which only these limits are short.
fn gateway(backend: &Backend, arguments: &[&str]) -> Gateway {
    let app = Target::new("app", backend.address);
    Gateway::start_with(&format!("{GATEWAY}{}", app.yaml()), &[&["--workers", "1"], arguments].concat())
}

/// A backend without TLS that reads a head, and what came with it, and then does as it is told.
fn after_head(then: impl Fn(&mut TcpStream) + Send + Sync + 'static) -> Backend {
    Backend::start(move |mut stream| {
        let mut read = Vec::new();
        let mut piece = [0; 4096];
        while !read.windows(4).any(|window| window == b"\r\n\r\n") {
            match stream.read(&mut piece) {
                Ok(count @ 1..) => read.extend_from_slice(&piece[..count]),
                _ => return,
            }
        }
        then(&mut stream);
    })
}

/// Waits for the other side to close.
fn wait_for_end(stream: &mut TcpStream) {
    while matches!(stream.read(&mut [0; 4096]), Ok(1..)) {}
}

/// Everything that comes, and whether it ended in order.
fn read_all(stream: &mut impl Read) -> (String, std::io::Result<usize>) {
    let mut read = Vec::new();
    let end = stream.read_to_end(&mut read);
    (String::from_utf8(read).unwrap(), end)
}

fn logged(gateway: &Gateway, reason: &str) {
    let word = format!("reason={reason}");
    gateway.wait_for_log(|line| line.contains(&word));
}

#[test]
fn a_client_that_stalls_in_its_head_or_before_it_is_let_go() {
    let backend = Backend::plaintext();
    let gateway = gateway(&backend, &["--header-timeout", "0.3", "--idle-timeout", "0.6"]);
    let begun = Instant::now();
    let response = send(connect(gateway.address(80)), b"GET / HTTP/1.1\r\nHost: app.te");
    assert_eq!(response.status, 408, "{response:?}");
    assert!(begun.elapsed() >= QUICK);
    let (said, end) = read_all(&mut connect(gateway.address(80)));
    assert!(said.is_empty() && end.is_ok(), "{said} {end:?}");
    // The second head on a connection is timed as well.
    let mut stream = connect(gateway.address(80));
    stream.write_all(b"GET / HTTP/1.1\r\nHost: app.test\r\n\r\nGET /second HTTP").unwrap();
    let (said, _) = read_all(&mut stream);
    assert!(said.starts_with("HTTP/1.1 200") && said.contains("HTTP/1.1 408"), "{said}");
}

#[test]
fn a_client_that_stalls_in_its_handshake_is_let_go() {
    let ours = Authority::new("ours");
    let https = "
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web}
spec:
  gatewayClassName: postern
  listeners: [{name: a, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: a}]}}]
";
    let objects = format!("{https}{}", secret("a", &ours.issue("a.test")));
    let gateway = Gateway::start_with(&objects, &["--header-timeout", "0.3"]);
    let begun = Instant::now();
    let mut stream = connect(gateway.address(443));
    stream.write_all(&[0x16, 0x03, 0x01]).unwrap();
    wait_for_end(&mut stream);
    assert!(begun.elapsed() >= QUICK && begun.elapsed() < Duration::from_secs(20));
    gateway.wait_for("a count", || {
        let metrics = gateway.metrics();
        let counted = metrics.lines().any(|line| {
            line.starts_with("postern_downstream_tls_handshakes_total")
                && line.contains("timeout")
                && line.ends_with(" 1")
        });
        counted.then_some(())
    });
}

#[test]
fn a_client_that_stalls_in_its_body_gets_408() {
    let backend = after_head(wait_for_end);
    let gateway = gateway(&backend, &["--body-timeout", "0.3"]);
    for body in ["Content-Length: 10\r\n\r\nhalf", "Transfer-Encoding: chunked\r\n\r\na\r\nhalf"] {
        let begun = Instant::now();
        let request = format!("POST / HTTP/1.1\r\nHost: app.test\r\n{body}");
        let response = send(connect(gateway.address(80)), request.as_bytes());
        assert_eq!(response.status, 408, "{response:?}");
        assert!(response.body.contains("body_timeout") && response.head.contains("connection: close"), "{response:?}");
        assert!(begun.elapsed() >= QUICK);
    }
}

#[test]
fn a_client_that_takes_nothing_is_cut() {
    let backend = after_head(|stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
        while stream.write_all(&[b'x'; 16000]).is_ok() {}
    });
    let gateway = gateway(&backend, &["--body-timeout", "0.3"]);
    let mut stream = connect(gateway.address(80));
    stream.write_all(b"GET / HTTP/1.1\r\nHost: app.test\r\n\r\n").unwrap();
    logged(&gateway, "body_timeout");
    let (said, _) = read_all(&mut stream);
    assert!(said.starts_with("HTTP/1.1 200 OK") && said.len() < 1_000_000_000);
}

#[test]
fn a_backend_that_does_not_answer_is_504() {
    let backend = after_head(wait_for_end);
    let gateway = gateway(&backend, &["--response-timeout", "0.3"]);
    let begun = Instant::now();
    let response = get(gateway.address(80), "app.test", "/");
    assert_eq!(response.status, 504);
    assert!(response.body.contains("response_timeout"), "{response:?}");
    assert!(begun.elapsed() >= QUICK);
}

#[test]
fn a_slow_client_does_not_use_up_the_time_of_the_answer() {
    let backend = Backend::plaintext();
    let gateway = gateway(&backend, &["--response-timeout", "0.3"]);
    let mut stream = connect(gateway.address(80));
    let begun = Instant::now();
    let head = "POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 50\r\nConnection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    for _ in 0..50 {
        std::thread::sleep(Duration::from_millis(20));
        stream.write_all(b".").unwrap();
    }
    assert!(begun.elapsed() > 2 * QUICK);
    let (said, _) = read_all(&mut stream);
    assert!(said.starts_with("HTTP/1.1 200"), "{said}");
}

#[test]
fn a_backend_that_takes_nothing_of_a_request_is_504() {
    let (end, may_end) = channel::<()>();
    let may_end = Mutex::new(may_end);
    let backend = after_head(move |_| {
        let _ = may_end.lock().unwrap().recv();
    });
    let gateway = gateway(&backend, &["--response-body-timeout", "0.3"]);
    let mut stream = connect(gateway.address(80));
    stream.set_write_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut writer = stream.try_clone().unwrap();
    let write = std::thread::spawn(move || {
        let _ = writer.write_all(b"POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 1000000000\r\n\r\n");
        while writer.write_all(&[b'x'; 16000]).is_ok() {}
    });
    let mut status = [0; 12];
    stream.read_exact(&mut status).unwrap();
    assert_eq!(&status, b"HTTP/1.1 504");
    drop(stream);
    write.join().unwrap();
    drop(end);
    logged(&gateway, "upstream_timeout");
}

/// What a client gets of a response that its backend cuts after a part.
fn cut_response(head: &'static str, version: &str, dies: bool, arguments: &[&str]) -> (String, std::io::Result<usize>) {
    let backend = after_head(move |stream| {
        stream.write_all(head.as_bytes()).unwrap();
        if dies {
            // Killed: what it has in its hands is lost with it.
            socket2::SockRef::from(&*stream).set_linger(Some(Duration::ZERO)).unwrap();
        } else {
            wait_for_end(stream);
        }
    });
    let gateway = gateway(&backend, arguments);
    let mut stream = connect(gateway.address(80));
    write!(stream, "GET / HTTP/{version}\r\nHost: app.test\r\n\r\n").unwrap();
    let seen = read_all(&mut stream);
    logged(&gateway, if dies { "upstream_closed" } else { "upstream_timeout" });
    seen
}

#[test]
fn a_response_that_stops_midway_is_never_taken_for_whole() {
    const LENGTH: &str = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\na part";
    const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\na part\r\n";
    for dies in [true, false] {
        let arguments: &[&str] = if dies { &[] } else { &["--response-body-timeout", "0.3"] };
        let (said, _) = cut_response(LENGTH, "1.1", dies, arguments);
        assert!(said.ends_with("content-length: 100\r\n\r\na part") || said.is_empty(), "{said}");
        let (said, _) = cut_response(CHUNKED, "1.1", dies, arguments);
        assert!(!said.contains("0\r\n\r\n"), "{said}");
        // Only the end of the connection tells an HTTP/1.0 client of the end of a response.
        let (_, end) = cut_response(CHUNKED, "1.0", dies, arguments);
        assert_eq!(end.unwrap_err().kind(), ErrorKind::ConnectionReset);
    }
}

#[test]
fn a_whole_response_ends_an_old_clients_connection_in_order() {
    let backend = after_head(|stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nall\r\n0\r\n\r\n").unwrap();
    });
    let gateway = gateway(&backend, &[]);
    let mut stream = connect(gateway.address(80));
    stream.write_all(b"GET / HTTP/1.0\r\nHost: app.test\r\n\r\n").unwrap();
    let (said, end) = read_all(&mut stream);
    assert!(said.ends_with("connection: close\r\n\r\nall") && end.is_ok(), "{said} {end:?}");
}

#[test]
fn a_client_waits_for_leave_and_gets_it_or_the_answer() {
    let backend = after_head(|stream| {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").unwrap();
        stream.read_exact(&mut [0; 4]).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok").unwrap();
    });
    let refusing = after_head(|stream| {
        stream.write_all(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno").unwrap();
        wait_for_end(stream);
    });
    let targets = [("app", &backend), ("refusing", &refusing)];
    let yaml: String =
        targets.iter().map(|(name, backend)| Target::new(name, backend.address).yaml().to_owned()).collect();
    let gateway = Gateway::start(&format!("{GATEWAY}{yaml}"));
    let ask = |host: &str| {
        let mut stream = connect(gateway.address(80));
        let head = "Content-Length: 4\r\nExpect: 100-continue\r\n\r\n";
        write!(stream, "POST / HTTP/1.1\r\nHost: {host}\r\n{head}").unwrap();
        stream
    };
    let mut stream = ask("app.test");
    let mut leave = [0; 25];
    stream.read_exact(&mut leave).unwrap();
    assert_eq!(&leave, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"bodyGET / HTTP/1.1\r\nHost: nobody.test\r\nConnection: close\r\n\r\n").unwrap();
    let (said, _) = read_all(&mut stream);
    assert!(said.starts_with("HTTP/1.1 200 OK") && said.contains("HTTP/1.1 404"), "{said}");

    let (said, end) = read_all(&mut ask("refusing.test"));
    assert!(said.starts_with("HTTP/1.1 413") && said.contains("connection: close") && end.is_ok(), "{said}");
    let request = "POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 4\r\nExpect: a miracle\r\n\r\n";
    assert_eq!(send(connect(gateway.address(80)), request.as_bytes()).status, 417);
}

/// A backend that answers one request a connection, and closes when it has read the next one.
fn deserting(requests: &'static AtomicUsize) -> impl Fn(&mut dyn ReadWrite) + Send + Sync + 'static {
    move |stream| {
        let mut piece = [0; 4096];
        for request in 0..2 {
            if !matches!(stream.read(&mut piece), Ok(1..)) {
                return;
            }
            requests.fetch_add(1, Ordering::SeqCst);
            if request == 0 {
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").unwrap();
                stream.flush().unwrap();
            }
        }
    }
}

trait ReadWrite: Read + Write {}

impl<T: Read + Write> ReadWrite for T {}

fn count(gateway: &Gateway, wanted: &str) -> u64 {
    let metrics = gateway.metrics();
    let line = metrics.lines().find(|line| line.starts_with("postern_upstream_retries_total") && line.contains(wanted));
    line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or(0)
}

#[test]
fn a_request_is_sent_again_once_and_only_where_that_harms_nobody() {
    static REQUESTS: AtomicUsize = AtomicUsize::new(0);
    let ours = Authority::new("ours");
    let serve = deserting(&REQUESTS);
    let backend = Backend::tls_with(&Tls::new(ours.issue("backend.test")), move |mut stream| serve(&mut stream));
    let target = Target::new("app", backend.address).policy(&ours.pem(), "", "");
    let gateway = Gateway::start_with(&format!("{GATEWAY}{}", target.yaml()), &["--workers", "1"]);
    let ask = |method: &str, body: &str| -> Response {
        let request = format!("{method} / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n{body}");
        send(connect(gateway.address(80)), request.as_bytes())
    };
    // The first opens a connection, and each that follows finds one that is dead once it is used.
    for (method, body, status, sent, retried) in [
        ("GET", "\r\n", 200, 1, 0),
        ("GET", "\r\n", 200, 3, 1),
        ("POST", "\r\n", 502, 4, 1),
        ("GET", "\r\n", 200, 5, 1),
        ("PUT", "Content-Length: 2\r\n\r\nno", 502, 6, 1),
        ("DELETE", "\r\n", 200, 7, 1),
        ("DELETE", "\r\n", 200, 9, 2),
    ] {
        let response = ask(method, body);
        assert_eq!(response.status, status, "{method} {body:?}: {response:?}");
        assert_eq!(REQUESTS.load(Ordering::SeqCst), sent, "{method} {body:?}");
        assert_eq!(count(&gateway, "stale"), retried, "{method} {body:?}");
    }
}

#[test]
fn a_request_that_no_connection_survives_is_sent_twice_at_the_most() {
    static REQUESTS: AtomicUsize = AtomicUsize::new(0);
    // It answers one request of its life, and then closes upon each.
    let backend = after_head(|stream| {
        if REQUESTS.fetch_add(1, Ordering::SeqCst) == 0 {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").unwrap();
            if matches!(stream.read(&mut [0; 4096]), Ok(1..)) {
                REQUESTS.fetch_add(1, Ordering::SeqCst);
            }
        }
    });
    let gateway = gateway(&backend, &[]);
    assert_eq!(get(gateway.address(80), "app.test", "/").status, 200);
    let response = get(gateway.address(80), "app.test", "/");
    assert_eq!((response.status, response.body.contains("upstream_closed")), (502, true));
    assert_eq!(REQUESTS.load(Ordering::SeqCst), 3, "once on the connection that was reused, once on a new one");
}
