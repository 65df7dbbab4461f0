//! What is refused, given up, or bounded.

use std::io::{Read, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use bytes::Bytes;
use postern_outcomes::backend::Backend;
use postern_outcomes::objects::{GATEWAY, Target};

use super::client::{ask, connect, get, request, run, send, write};
use super::frames::{self, DATA, END_HEADERS, END_STREAM, HEADERS, RESET, answer, frame, head};
use crate::gateway::Gateway;

fn gateway(name: &str, backend: &Backend) -> Gateway {
    Gateway::start(&format!("{GATEWAY}{}", Target::new(name, backend.address).yaml()))
}

/// `:status: 400` and `:status: 200` as the static table has them (RFC 7541 appendix A).
const BAD_REQUEST: &str = "8c";
const OK: &str = "88";
const RESET_FOR_PROTOCOL: &str = "reset 1";

/// Kilobytes of memory that a process has.
pub fn memory(gateway: &Gateway) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", gateway.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn what_is_malformed_reaches_no_backend() {
    let backend = Backend::plaintext();
    let gateway = gateway("strict", &backend);
    let mut stream = frames::connect(gateway.address(80));
    let mut id = 1;
    let mut refused = |head: Vec<u8>, flags: u8, data: &[&[u8]]| {
        stream.write_all(&frame(HEADERS, END_HEADERS | flags, id, &head)).unwrap();
        for (place, piece) in data.iter().enumerate() {
            let flags = if place + 1 == data.len() { END_STREAM } else { 0 };
            stream.write_all(&frame(DATA, flags, id, piece)).unwrap();
        }
        id += 2;
        let (kind, payload) = answer(&mut stream, id - 2).expect("an answer");
        match kind {
            HEADERS => format!("{:x}", payload[0]),
            RESET => format!("reset {}", payload[3]),
            other => format!("a frame of kind {other}"),
        }
    };
    let post = |length: &str| head("POST", "strict.test", &[("content-length", length)]);
    for (name, head, flags, data, expected) in [
        ("another Host", head("GET", "strict.test", &[("host", "other.test")]), END_STREAM, &[][..], BAD_REQUEST),
        ("a length without a body", post("5"), END_STREAM, &[], BAD_REQUEST),
        ("a user", head("GET", "user@strict.test", &[]), END_STREAM, &[], BAD_REQUEST),
        ("white space", head("GET", "strict.test", &[("x-a", " b")]), END_STREAM, &[], BAD_REQUEST),
        ("connection", head("GET", "strict.test", &[("connection", "close")]), END_STREAM, &[], RESET_FOR_PROTOCOL),
        ("chunks", head("POST", "strict.test", &[("transfer-encoding", "chunked")]), 0, &[], RESET_FOR_PROTOCOL),
        ("te", head("GET", "strict.test", &[("te", "gzip")]), END_STREAM, &[], RESET_FOR_PROTOCOL),
        ("no length", post("x"), 0, &[], RESET_FOR_PROTOCOL),
        ("less than the length", post("5"), 0, &[&b"hell"[..]], RESET_FOR_PROTOCOL),
        ("more than the length", post("5"), 0, &[&b"hello"[..], &b"!"[..]], RESET_FOR_PROTOCOL),
    ] {
        assert_eq!(refused(head, flags, data), expected, "{name}");
    }
    assert_eq!(refused(head("GET", "strict.test", &[]), END_STREAM, &[]), OK, "on the same connection");
    run(async {
        let requests = connect(gateway.address(80)).await;
        let connect = request("CONNECT", "strict.test:443");
        assert_eq!(ask(&requests, connect).await.unwrap().status, 501);
    });
    let line = gateway.wait_for_log(|line| line.contains("a Host that is not the :authority"));
    assert!(line.contains("400") && line.contains("HTTP/2"), "{line}");
    // Bodies that disagreed with their length had begun; all else was answered here.
    assert!(backend.accepted() <= 3, "{} connections", backend.accepted());
}

#[test]
fn a_list_of_fields_that_is_too_long_is_refused() {
    let backend = Backend::plaintext();
    let gateway = gateway("long", &backend);
    run(async {
        let requests = connect(gateway.address(80)).await;
        for (size, fields, status) in [(60_000, 1, 200), (65_000, 2, 431), (1, 300, 431)] {
            let mut long = request("GET", "http://long.test/");
            for _ in 0..fields {
                long.headers_mut().append("x-long", "x".repeat(size).parse().unwrap());
            }
            let answer = ask(&requests, long).await.unwrap();
            assert_eq!(answer.status, status, "{fields} fields of {size} bytes");
        }
        assert_eq!(get(&requests, "http://long.test/").await.status, 200);
    });
    assert_eq!(backend.accepted(), 1);
}

#[test]
fn more_streams_than_agreed_are_refused() {
    let backend = Backend::silent();
    let gateway = Gateway::start_with(
        &format!("{GATEWAY}{}", Target::new("few", backend.address).yaml()),
        &["--http2-max-streams", "10"],
    );
    let mut stream = frames::connect(gateway.address(80));
    for number in 0..20 {
        let get = head("GET", "few.test", &[]);
        stream.write_all(&frame(HEADERS, END_HEADERS | END_STREAM, 2 * number + 1, &get)).unwrap();
    }
    for number in 10..20 {
        let (kind, payload) = answer(&mut stream, 2 * number + 1).unwrap();
        assert_eq!((kind, payload.as_slice()), (RESET, &[0, 0, 0, 7][..]), "REFUSED_STREAM");
    }
    gateway.wait_for("ten requests", || (backend.accepted() == 10).then_some(()));
}

#[test]
fn a_stream_that_is_reset_frees_the_connection_to_the_backend() {
    let (seen, events) = mpsc::channel();
    let seen = Mutex::new(seen);
    let backend = Backend::start(move |mut stream| {
        let tell = |event| seen.lock().unwrap().send(event).unwrap();
        let _ = stream.read(&mut [0; 4096]);
        tell("a request");
        while matches!(stream.read(&mut [0; 4096]), Ok(1..)) {}
        tell("the end");
    });
    let gateway = gateway("reset", &backend);
    run(async {
        let requests = connect(gateway.address(80)).await;
        let event = || async {
            loop {
                match events.try_recv() {
                    Ok(event) => return event,
                    Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
                }
            }
        };
        for post in [false, true] {
            let method = if post { "POST" } else { "GET" };
            let (response, mut body) = send(&requests, request(method, "http://reset.test/"), !post).await;
            if post {
                body.send_data(Bytes::from_static(b"a part of it"), false).unwrap();
            }
            assert_eq!(event().await, "a request");
            body.send_reset(h2::Reason::CANCEL);
            drop((response, body));
            assert_eq!(event().await, "the end");
        }
        assert_eq!(get(&requests, "http://nobody.test/").await.status, 404);
    });
    gateway.wait_for_log(|line| line.contains("POST") && line.contains("downstream_closed"));
}

/// A backend that sends back all that it gets while it gets it.
fn echo() -> Backend {
    Backend::start(|mut stream| {
        let mut read = vec![0; 64 * 1024];
        let size = stream.read(&mut read).unwrap();
        let head = read[..size].windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
        let text = String::from_utf8_lossy(&read[..head]).to_ascii_lowercase();
        let length: usize = text.split("content-length: ").nth(1).unwrap().lines().next().unwrap().parse().unwrap();
        stream.write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n").as_bytes()).unwrap();
        stream.write_all(&read[head..size]).unwrap();
        let mut left = length - (size - head);
        while left > 0 {
            let size = stream.read(&mut read).unwrap();
            stream.write_all(&read[..size]).unwrap();
            left -= size;
        }
    })
}

#[test]
fn large_bodies_flow_both_ways_at_once_in_constant_memory() {
    const SIZE: usize = 128 * 1024 * 1024;
    let backend = echo();
    let gateway = gateway("echo", &backend);
    let before = memory(&gateway);
    run(async {
        let requests = connect(gateway.address(80)).await;
        let mut post = request("POST", "http://echo.test/");
        post.headers_mut().insert("content-length", SIZE.into());
        let (response, mut body) = send(&requests, post, false).await;
        let upload = async {
            let piece = Bytes::from(vec![b'x'; 64 * 1024]);
            for _ in 0..SIZE / piece.len() {
                write(&mut body, piece.clone()).await.unwrap();
            }
            body.send_data(Bytes::new(), true).unwrap();
        };
        let download = async {
            let mut stream = response.await.unwrap().into_body();
            let mut received = 0;
            while let Some(data) = stream.data().await {
                let data = data.unwrap();
                assert!(data.iter().all(|byte| *byte == b'x'));
                stream.flow_control().release_capacity(data.len()).unwrap();
                received += data.len();
            }
            received
        };
        let ((), received) = tokio::join!(upload, download);
        assert_eq!(received, SIZE);
    });
    let grown = memory(&gateway).saturating_sub(before);
    assert!(grown < 16 * 1024, "{grown} KiB more than before");
}

#[test]
fn a_client_that_reads_nothing_is_not_buffered_for() {
    let sent = Arc::new(AtomicUsize::new(0));
    let backend = Backend::start({
        let sent = sent.clone();
        move |mut stream| {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
            let piece = [format!("{:x}\r\n", 64 * 1024).as_bytes(), &vec![b'x'; 64 * 1024], b"\r\n"].concat();
            while stream.write_all(&piece).is_ok() {
                sent.fetch_add(64, Ordering::SeqCst);
            }
        }
    });
    let gateway = gateway("endless", &backend);
    let before = memory(&gateway);
    let mut stream = frames::connect(gateway.address(80));
    // Windows of the largest size: only the gateway's own bounds are left.
    let windows = [&[0, 4][..], &0x7fff_ffff_u32.to_be_bytes()].concat();
    stream.write_all(&frame(frames::SETTINGS, 0, 0, &windows)).unwrap();
    stream.write_all(&frame(frames::WINDOW_UPDATE, 0, 0, &0x7fff_0000_u32.to_be_bytes())).unwrap();
    for number in 0..100 {
        let get = head("GET", "endless.test", &[]);
        stream.write_all(&frame(HEADERS, END_HEADERS | END_STREAM, 2 * number + 1, &get)).unwrap();
    }
    gateway.wait_for("a hundred requests", || (backend.accepted() == 100).then_some(()));
    // The backends come to a stop: their connections are full as well.
    let mut last = (0, 0);
    gateway.wait_for("backends that wait", || {
        std::thread::sleep(Duration::from_millis(200));
        let now = sent.load(Ordering::SeqCst);
        last = if now == last.0 { (now, last.1 + 1) } else { (now, 0) };
        (last.1 >= 5).then_some(())
    });
    let grown = memory(&gateway).saturating_sub(before);
    assert!(grown < 32 * 1024, "{grown} KiB more than before");
    // The others are served meanwhile.
    run(async { assert_eq!(get(&connect(gateway.address(80)).await, "http://nobody.test/").await.status, 404) });
}

#[test]
fn a_stream_that_stalls_ends_alone() {
    let backend = Backend::start(|mut stream| {
        let mut read = [0; 4096];
        let size = stream.read(&mut read).unwrap();
        if read[..size].starts_with(b"GET") {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
            let _ = stream.write_all(&vec![b'x'; 1_000_000]);
        }
        while matches!(stream.read(&mut read), Ok(1..)) {}
    });
    let objects = format!("{GATEWAY}{}", Target::new("stall", backend.address).yaml());
    let gateway = Gateway::start_with(&objects, &["--body-timeout", "1"]);
    run(async {
        let requests = connect(gateway.address(80)).await;
        let mut post = request("POST", "http://stall.test/");
        post.headers_mut().insert("content-length", 5.into());
        let (response, mut body) = send(&requests, post, false).await;
        body.send_data(Bytes::from_static(b"he"), false).unwrap();
        let (answer, _) = send(&requests, request("GET", "http://stall.test/"), true).await;
        assert_eq!(response.await.unwrap().status(), 408, "it sends nothing more of its body");
        // It takes nothing of the response: its window is never given back.
        let mut unread = answer.await.unwrap().into_body();
        let mut received = 0;
        let error = loop {
            match unread.data().await.unwrap() {
                Ok(data) => received += data.len(),
                Err(error) => break error,
            }
        };
        assert!(error.is_reset() && received < 100_000, "{error} after {received} bytes");
        // With it goes what it had of the connection's window.
        drop(unread);
        assert_eq!(get(&requests, "http://nobody.test/").await.status, 404, "the connection goes on");
    });
}
