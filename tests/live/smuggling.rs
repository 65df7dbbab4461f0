//! The smuggling corpus against the program: whatever a client sends, the backend sees the requests that are expected of it,
//! each of them well-formed, and never another one.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::sync::{Arc, Mutex};

use postern_outcomes::backend::{Backend, Tls};
use postern_outcomes::certificates::Authority;
use postern_outcomes::objects::{GATEWAY, Target};

use super::client::{connect, get};
use super::corpus::{Case, Expected, cases};
use super::gateway::Gateway;

/// What a backend was sent: a request, or how it is not one.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Seen {
    Whole {
        method: String,
        target: String,
        body: Vec<u8>,
    },
    /// The connection ended within it.
    Unfinished,
    Wrong(String),
}

type Log = Arc<Mutex<Vec<Seen>>>;

/// A gateway in front of a backend that writes down what it is sent.
fn start() -> (Backend, Gateway, Log) {
    let ours = Authority::new("ours");
    let log = Log::default();
    let backend = Backend::tls_with(&Tls::new(ours.issue("backend.test")), {
        let log = log.clone();
        move |stream| record(BufReader::new(stream), &log)
    });
    let target = Target::new("good", backend.address).policy(&ours.pem(), "", "");
    let gateway = Gateway::start(&format!("{GATEWAY}{}", target.yaml()));
    (backend, gateway, log)
}

/// Reads requests as strictly as one can, and answers those that are good.
fn record<S: Read + Write>(mut stream: BufReader<S>, log: &Log) {
    loop {
        let seen = read_request(&mut stream);
        let Some(seen) = seen else { return };
        let good = matches!(seen, Seen::Whole { .. });
        log.lock().unwrap().push(seen);
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        let stream = stream.get_mut();
        if !good || stream.write_all(answer).and_then(|()| stream.flush()).is_err() {
            return;
        }
    }
}

/// The next request; none if the connection ends before one.
fn read_request(stream: &mut impl BufRead) -> Option<Seen> {
    let mut lines = Vec::new();
    loop {
        let mut line = Vec::new();
        match stream.read_until(b'\n', &mut line) {
            Ok(1..) if line.ends_with(b"\n") => {}
            _ if lines.is_empty() && line.is_empty() => return None,
            _ => return Some(Seen::Unfinished),
        }
        let text = String::from_utf8_lossy(&line).into_owned();
        let Some(text) = text.strip_suffix("\r\n").filter(|text| !text.contains(['\r', '\0'])) else {
            return Some(Seen::Wrong(format!("a line {text:?}")));
        };
        if text.is_empty() {
            break;
        }
        lines.push(text.to_owned());
    }
    let wrong = |what: &str| Some(Seen::Wrong(format!("{what} in {lines:?}")));
    let [line, fields @ ..] = &lines[..] else { return wrong("an empty line") };
    let words: Vec<_> = line.split(' ').collect();
    let [method, target, "HTTP/1.1"] = words[..] else { return wrong("a request line") };
    let (mut hosts, mut lengths, mut codings) = (Vec::new(), Vec::new(), Vec::new());
    for field in fields {
        let Some((name, value)) = field.split_once(": ").or(field.split_once(':')) else { return wrong("a field") };
        let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        if name.is_empty() || !name.chars().all(is_token) {
            return wrong("a field's name");
        }
        match name.to_ascii_lowercase().as_str() {
            "host" => hosts.push(value),
            "content-length" => lengths.push(value),
            "transfer-encoding" => codings.push(value),
            "connection" | "keep-alive" | "proxy-connection" | "te" | "trailer" | "upgrade" => {
                return wrong("a field that ends at the gateway");
            }
            _ => {}
        }
    }
    if hosts != ["good.test"] {
        return wrong("another Host");
    }
    let body = match (&lengths[..], &codings[..]) {
        ([], []) => Some(Vec::new()),
        ([length], []) if length.bytes().all(|byte| byte.is_ascii_digit()) => {
            let mut body = vec![0; length.parse().unwrap()];
            stream.read_exact(&mut body).is_ok().then_some(body)
        }
        ([], ["chunked"]) => match read_chunks(stream) {
            Ok(body) => body,
            Err(what) => return wrong(&what),
        },
        _ => return wrong("the framing"),
    };
    let whole = |body| Seen::Whole { method: method.to_owned(), target: target.to_owned(), body };
    Some(body.map_or(Seen::Unfinished, whole))
}

/// Chunks without extensions and trailers; `None` if the connection ends within them.
fn read_chunks(stream: &mut impl BufRead) -> Result<Option<Vec<u8>>, String> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).is_err() || !line.ends_with('\n') {
            return Ok(None);
        }
        let digits = line.strip_suffix("\r\n").filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let Some(size) = digits.and_then(|digits| usize::from_str_radix(digits, 16).ok()) else {
            return Err(format!("a chunk's size {line:?}"));
        };
        let mut data = vec![0; size + 2];
        if stream.read_exact(&mut data).is_err() {
            return Ok(None);
        }
        if !data.ends_with(b"\r\n") {
            return Err(format!("the end of a chunk {data:?}"));
        }
        if size == 0 {
            return Ok(Some(body));
        }
        body.extend_from_slice(&data[..size]);
    }
}

/// Sends a case in pieces of a size, and returns the statuses of the answers, up to the end of the connection.
fn converse(address: SocketAddr, case: &Case, size: usize) -> Vec<u16> {
    let mut stream = connect(address);
    stream.set_nodelay(true).unwrap();
    for piece in case.sent.chunks(size) {
        // A connection that was refused in the middle takes no more.
        if stream.write_all(piece).is_err() {
            break;
        }
    }
    let answers = case.expected.iter().filter(|expected| !matches!(expected, Expected::Waits)).count();
    let mut statuses = Vec::new();
    let mut answer = BufReader::new(stream.try_clone().unwrap());
    loop {
        if statuses.len() == answers {
            let _ = stream.shutdown(Shutdown::Write);
        }
        let Some(status) = read_answer(&mut answer) else { return statuses };
        statuses.push(status);
    }
}

/// Reads one answer, and gives its status.
fn read_answer(stream: &mut impl BufRead) -> Option<u16> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if !matches!(stream.read_line(&mut head), Ok(1..)) {
            assert!(head.is_empty(), "an answer that is cut short: {head:?}");
            return None;
        }
    }
    let length = head.to_ascii_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    stream.read_exact(&mut vec![0; length.expect("a length")]).expect("a whole answer");
    Some(head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status"))
}

/// What the log should hold of whole requests, and how many may be there beside them that are not whole.
fn expected_at_backend(case: &Case) -> (Vec<Seen>, usize) {
    let whole = case.expected.iter().filter_map(|expected| match expected {
        Expected::Passed { method, target, body } => {
            Some(Seen::Whole { method: method.clone(), target: target.clone(), body: body.clone() })
        }
        _ => None,
    });
    let unfinished = case.expected.iter().filter(|expected| matches!(expected, Expected::Cut(_) | Expected::Waits));
    (whole.collect(), unfinished.count())
}

/// Runs every case in pieces of a size.
fn run(size_of: impl Fn(&Case) -> Option<usize>) {
    let (_backend, gateway, log) = start();
    let address = gateway.address(80);
    let (mut wrong, mut number) = (Vec::new(), 0);
    // The backend may notice that a request is cut when the next case is under way already.
    let mut may_be_cut = 0;
    for case in cases() {
        let Some(size) = size_of(&case) else { continue };
        number += 1;
        let statuses = converse(address, &case, size);
        let wanted = case.expected.iter().filter_map(|expected| match expected {
            Expected::Passed { .. } => Some(200),
            Expected::Answered(status) | Expected::Refused(status) | Expected::Cut(status) => Some(*status),
            Expected::Waits => None,
        });
        if !wanted.eq(statuses.iter().copied()) {
            wrong.push(format!("{}: expected {:?}, answered {statuses:?}", case.name, case.expected));
        }
        // A request on a new connection is served, and nothing has come to the backend between.
        let after = format!("/after/{number}");
        assert_eq!(get(address, "good.test", &after).status, 200, "after {}", case.name);
        let mut seen = std::mem::take(&mut *log.lock().unwrap());
        let last = seen.iter().position(|seen| matches!(seen, Seen::Whole { target, .. } if *target == after));
        seen.remove(last.unwrap_or_else(|| panic!("{}: no {after} in {seen:?}", case.name)));
        let (whole, unfinished) = expected_at_backend(&case);
        let cut = seen.iter().filter(|seen| **seen == Seen::Unfinished).count();
        seen.retain(|seen| *seen != Seen::Unfinished);
        may_be_cut += unfinished;
        if seen != whole || cut > may_be_cut {
            wrong.push(format!("{}: the backend saw {seen:?} and {cut} unfinished", case.name));
        }
        may_be_cut = may_be_cut.saturating_sub(cut);
    }
    assert!(number > 150, "{number} cases");
    assert!(wrong.is_empty(), "{}\n{}", wrong.join("\n"), gateway.output());
}

#[test]
fn no_request_is_smuggled() {
    run(|case| Some(case.sent.len()));
}

#[test]
fn no_request_is_smuggled_byte_by_byte() {
    run(|case| (case.sent.len() < 400).then_some(1));
}

/// Whether HTTP/2 is spoken or refused: its preface is no request of HTTP/1, and nothing behind it is either.
#[test]
fn the_preface_of_http_2_hides_no_request() {
    let (_backend, gateway, log) = start();
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nGET /evil HTTP/1.1\r\nHost: good.test\r\n\r\n";
    for size in [1, 2, 5, 14, 16, 18, 24, preface.len()] {
        let mut stream = connect(gateway.address(80));
        stream.set_nodelay(true).unwrap();
        for piece in preface.chunks(size) {
            if stream.write_all(piece).is_err() {
                break;
            }
        }
        let _ = stream.shutdown(Shutdown::Write);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(!answer.starts_with(b"HTTP/1.1 2"), "{}", answer.escape_ascii());
        let after = format!("/after/{size}");
        assert_eq!(get(gateway.address(80), "good.test", &after).status, 200);
        let seen = std::mem::take(&mut *log.lock().unwrap());
        assert_eq!(
            seen,
            [Seen::Whole { method: "GET".into(), target: after, body: Vec::new() }],
            "in pieces of {size}"
        );
    }
}
