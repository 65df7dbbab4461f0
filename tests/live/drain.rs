//! The end of the process under load: nobody who was not told that his connection ends loses a request.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use postern_outcomes::backend::{Backend, Tls};
use postern_outcomes::certificates::Authority;
use postern_outcomes::objects::{GATEWAY, Target};

use super::client::{connect, get};
use super::gateway::Gateway;

/// One response on a connection that may stay: whether it says that the connection ends. `None` if there is none.
fn ask(stream: &mut TcpStream) -> Option<bool> {
    stream.write_all(b"GET / HTTP/1.1\r\nHost: app.test\r\n\r\n").ok()?;
    let mut text = String::new();
    let mut piece = [0; 4096];
    loop {
        match stream.read(&mut piece) {
            Ok(read @ 1..) => text.push_str(std::str::from_utf8(&piece[..read]).unwrap()),
            _ => return None,
        }
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            assert!(head.starts_with("HTTP/1.1 200"), "{head}");
            let length: Option<usize> =
                head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.expect("a length") {
                return Some(head.contains("\r\nconnection: close"));
            }
        }
    }
}

/// Asks on and on, on connections that stay, until nobody listens; returns how many answers there were.
fn hammer(address: SocketAddr, answers: &AtomicUsize) {
    loop {
        let mut stream = match TcpStream::connect(address) {
            Ok(stream) => stream,
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => return,
            Err(error) => panic!("{error}"),
        };
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        loop {
            let closes = ask(&mut stream).expect("an answer on a connection of which no end was announced");
            answers.fetch_add(1, Ordering::SeqCst);
            if closes {
                break;
            }
        }
    }
}

fn terminate(gateway: &Gateway) {
    let id = gateway.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
}

/// A gateway in front of a TLS backend that answers at once, and late below `/late`.
fn serving(arguments: &[&str]) -> (Gateway, Backend) {
    let ours = Authority::new("ours");
    let backend = Backend::tls(&Tls::new(ours.issue("backend.test")));
    let target = Target::new("app", backend.address).policy(&ours.pem(), "", "");
    (Gateway::start_with(&format!("{GATEWAY}{}", target.yaml()), arguments), backend)
}

#[test]
fn a_drain_under_load_loses_no_request() {
    for delay in ["0", "0.5"] {
        let (gateway, _backend) = serving(&["--drain-delay", delay]);
        let address = gateway.address(80);
        let answers = Arc::new(AtomicUsize::new(0));
        let clients: Vec<_> = (0..8)
            .map(|_| {
                let answers = answers.clone();
                std::thread::spawn(move || hammer(address, &answers))
            })
            .collect();
        gateway.wait_for("load", || (answers.load(Ordering::SeqCst) > 500).then_some(()));
        terminate(&gateway);
        for client in clients {
            client.join().expect("a client that lost nothing");
        }
        assert_eq!(gateway.wait_for_end(), Some(0));
    }
}

#[test]
fn during_the_delay_responses_say_close_and_idle_connections_stay() {
    let (gateway, _backend) = serving(&["--drain-delay", "1.5"]);
    let (mut busy, mut idle) = (connect(gateway.address(80)), connect(gateway.address(80)));
    assert_eq!(ask(&mut busy), Some(false));
    assert_eq!(ask(&mut idle), Some(false));
    let begun = Instant::now();
    terminate(&gateway);
    gateway.wait_for_log(|line| line.contains("not ready any more"));
    assert_eq!(ask(&mut busy), Some(true), "each response says that its connection ends");
    assert_eq!(busy.read(&mut [0; 1]).unwrap(), 0);
    let mut fresh = connect(gateway.address(80));
    assert_eq!(ask(&mut fresh), Some(true), "a new connection is served, once");
    assert_eq!(fresh.read(&mut [0; 1]).unwrap(), 0);
    assert_eq!(idle.read(&mut [0; 1]).unwrap(), 0);
    assert!(begun.elapsed() >= Duration::from_millis(1500), "an idle connection was closed within the delay");
    assert_eq!(gateway.wait_for_end(), Some(0));
}

#[test]
fn a_response_that_takes_longer_than_the_drain_is_cut_and_the_process_still_ends_well() {
    let backend = Backend::silent();
    let objects = format!("{GATEWAY}{}", Target::new("app", backend.address).yaml());
    let gateway = Gateway::start_with(&objects, &["--drain-timeout", "0.5"]);
    let address = gateway.address(80);
    let asked = std::thread::spawn(move || std::panic::catch_unwind(|| get(address, "app.test", "/")).is_err());
    gateway.wait_for("a request", || (backend.accepted() > 0).then_some(()));
    terminate(&gateway);
    assert!(asked.join().unwrap(), "the request was answered");
    assert_eq!(gateway.wait_for_end(), Some(0));
}
