//! Upgrades: a WebSocket's bytes through the gateway, and what is none.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use postern_outcomes::backend::{Backend, Tls};
use postern_outcomes::certificates::Authority;
use postern_outcomes::objects::{GATEWAY, Target};

use super::client::{connect, send};
use super::gateway::Gateway;

const UPGRADE: &str = "GET /chat HTTP/1.1\r\nHost: ws.test\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
const SWITCHED: &[u8] =
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-A: 1\r\n\r\n";
/// What the client's side of the gateway makes of it.
const PASSED_ON: &str =
    "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\nX-A: 1\r\n\r\n";

/// Reads a head.
fn head(stream: &mut impl BufRead) -> String {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).unwrap_or(0) == 0 {
            break;
        }
    }
    head
}

/// Goes over to a protocol of lines: each is said back, the first after what the backend says of itself: the head that it
/// got. When the client has ended, the backend says so and ends as well.
fn parrot(stream: impl Read + Write) {
    let mut stream = BufReader::new(stream);
    let request = head(&mut stream);
    if !request.contains("upgrade: websocket\r\n") {
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{request}", request.len());
        let _ = stream.get_mut().write_all(answer.as_bytes()).and_then(|()| stream.get_mut().flush());
        return;
    }
    let welcome = [SWITCHED, request.replace("\r\n", ";").as_bytes(), b"\n"].concat();
    stream.get_mut().write_all(&welcome).unwrap();
    loop {
        let _ = stream.get_mut().flush();
        let mut line = String::new();
        match stream.read_line(&mut line) {
            Ok(1..) => stream.get_mut().write_all(line.as_bytes()).unwrap(),
            Ok(0) => {
                stream.get_mut().write_all(b"goodbye\n").unwrap();
                let _ = stream.get_mut().flush();
                return;
            }
            // Cut.
            Err(_) => return,
        }
    }
}

/// A gateway with a parrot behind it, by TLS or not.
fn parroting(tls: bool, arguments: &[&str]) -> (Gateway, Backend) {
    let ours = Authority::new("ours");
    if tls {
        let backend = Backend::tls_with(&Tls::new(ours.issue("backend.test")), parrot);
        let target = Target::new("ws", backend.address).policy(&ours.pem(), "", "");
        (Gateway::start_with(&format!("{GATEWAY}{}", target.yaml()), arguments), backend)
    } else {
        let backend = Backend::start(parrot);
        (Gateway::start_with(&format!("{GATEWAY}{}", Target::new("ws", backend.address).yaml()), arguments), backend)
    }
}

/// Opens a tunnel, with a line that does not wait for leave.
fn tunnel(gateway: &Gateway) -> BufReader<TcpStream> {
    let mut stream = BufReader::new(connect(gateway.address(80)));
    stream.get_mut().write_all(format!("{UPGRADE}early\n").as_bytes()).unwrap();
    assert_eq!(head(&mut stream), PASSED_ON);
    let welcome = line(&mut stream);
    assert!(welcome.starts_with("GET /chat HTTP/1.1;"), "{welcome}");
    assert!(welcome.contains(";connection: upgrade;upgrade: websocket;"), "{welcome}");
    assert!(welcome.contains(";Sec-WebSocket-Version: 13;"), "{welcome}");
    assert_eq!(line(&mut stream), "early\n");
    stream
}

fn line(stream: &mut impl BufRead) -> String {
    let mut line = String::new();
    stream.read_line(&mut line).unwrap();
    line
}

fn say(stream: &mut BufReader<TcpStream>, said: &str) {
    stream.get_mut().write_all(said.as_bytes()).unwrap();
    assert_eq!(line(stream), said);
}

#[test]
fn a_tunnel_carries_bytes_until_both_sides_have_ended() {
    for tls in [false, true] {
        let (gateway, backend) = parroting(tls, &["--workers", "1"]);
        let mut stream = tunnel(&gateway);
        for number in 0..200 {
            say(&mut stream, &format!("line {number}\n"));
        }
        // One direction ends; what comes the other way still arrives.
        stream.get_mut().shutdown(Shutdown::Write).unwrap();
        let mut rest = String::new();
        stream.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "goodbye\n", "over TLS: {tls}");
        let record = gateway.wait_for_log(|line| line.contains("/chat") && line.contains("101"));
        assert!(record.contains("reason=none"), "{record}");
        gateway.wait_for("a closed connection", || {
            let closed = gateway.metrics().lines().any(|line| {
                line.starts_with("postern_upstream_connections_closed_total")
                    && line.contains("reason=\"peer\"")
                    && line.ends_with(" 1")
            });
            closed.then_some(())
        });
        drop(tunnel(&gateway));
        assert_eq!(backend.accepted(), 2, "a connection that was a tunnel is not used again");
    }
}

#[test]
fn a_tunnel_carries_more_than_anybody_holds_in_memory() {
    const LINES: usize = 200_000;
    let (gateway, _backend) = parroting(true, &[]);
    let mut stream = tunnel(&gateway);
    let mut writer = stream.get_ref().try_clone().unwrap();
    let write = std::thread::spawn(move || {
        let mut lines = Vec::new();
        for number in 0..LINES {
            let _ = writeln!(lines, "{number:063}");
            if lines.len() > 60_000 {
                writer.write_all(&lines).unwrap();
                lines.clear();
            }
        }
        writer.write_all(&lines).unwrap();
        writer.shutdown(Shutdown::Write).unwrap();
    });
    let mut read = String::new();
    for number in 0..LINES {
        read.clear();
        stream.read_line(&mut read).unwrap();
        assert_eq!(read, format!("{number:063}\n"));
    }
    write.join().unwrap();
    assert_eq!(line(&mut stream), "goodbye\n");
}

#[test]
fn nothing_else_passes_as_an_upgrade() {
    let (gateway, _backend) = parroting(false, &[]);
    for (request, status) in [
        // The connection does not list it.
        ("GET / HTTP/1.1\r\nHost: ws.test\r\nUpgrade: websocket\r\nConnection: close\r\n\r\n", 200),
        // Never of plaintext HTTP/2 (RFC 9113 section 3.1).
        ("GET / HTTP/1.1\r\nHost: ws.test\r\nUpgrade: h2c\r\nConnection: upgrade, close\r\n\r\n", 200),
        ("GET / HTTP/1.1\r\nHost: ws.test\r\nUpgrade: h2c, websocket\r\nConnection: upgrade, close\r\n\r\n", 200),
        ("GET / HTTP/1.0\r\nHost: ws.test\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n", 200),
        (
            "POST / HTTP/1.1\r\nHost: ws.test\r\nUpgrade: websocket\r\nConnection: upgrade\r\nContent-Length: 2\r\n\r\nok",
            400,
        ),
    ] {
        let response = send(connect(gateway.address(80)), request.as_bytes());
        assert_eq!(response.status, status, "{request}");
        assert!(!response.body.to_ascii_lowercase().contains("upgrade"), "{request}: {}", response.body);
    }
    let rude = Backend::says(SWITCHED);
    gateway.write("rude.yaml", Target::new("rude", rude.address).yaml());
    gateway.wait_for("a 502", || {
        let request = "GET / HTTP/1.1\r\nHost: rude.test\r\nConnection: close\r\n\r\n";
        let response = send(connect(gateway.address(80)), request.as_bytes());
        (response.status == 502 && response.body.contains("upstream_protocol")).then_some(())
    });
}

#[test]
fn a_tunnel_in_which_nothing_moves_ends() {
    let (gateway, _backend) = parroting(true, &["--tunnel-timeout", "0.3"]);
    let begun = Instant::now();
    let mut stream = tunnel(&gateway);
    let mut rest = String::new();
    stream.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "");
    assert!(begun.elapsed() >= Duration::from_millis(300));
    gateway.wait_for_log(|line| line.contains("/chat") && line.contains("not a byte in either direction"));
}

#[test]
fn the_time_of_a_rule_is_for_the_answer_and_not_for_the_tunnel() {
    let backend = Backend::start(parrot);
    let target = Target::new("ws", backend.address);
    let rules = target.yaml().replace("rules: [{", "rules: [{timeouts: {request: 300ms}, ");
    let gateway = Gateway::start(&format!("{GATEWAY}{rules}"));
    let mut stream = tunnel(&gateway);
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(900) {
        say(&mut stream, "still here\n");
    }
}

#[test]
fn a_tunnel_may_go_on_until_the_time_to_drain_is_over() {
    let (gateway, _backend) = parroting(true, &["--drain-timeout", "1.5"]);
    let mut stream = tunnel(&gateway);
    let (begun, id) = (Instant::now(), gateway.id().to_string());
    assert!(std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    gateway.wait_for_log(|line| line.contains("draining"));
    for _ in 0..100 {
        say(&mut stream, "still here\n");
    }
    let mut rest = String::new();
    stream.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "");
    assert!(begun.elapsed() >= Duration::from_millis(1500), "{:?}", begun.elapsed());
    gateway.wait_for_log(|line| line.contains("/chat") && line.contains("the time to drain is over"));
    assert_eq!(gateway.wait_for_end(), Some(0));
}
