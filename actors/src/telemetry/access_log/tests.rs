use std::io::{self, Write};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use prometheus::IntCounter;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::line::Lines;
use super::{AccessLog, LIMIT, LogFormat, Sink};
use crate::outcome::{HandshakeResult, Reason};
use crate::plan::BackendId;
use crate::telemetry::{RequestRecord, TlsInfo};

fn request(gateway: &Arc<str>) -> RequestRecord<'_> {
    RequestRecord {
        gateway,
        listener: "http",
        route: "ns/route",
        backend: None,
        endpoint: None,
        client: ([192, 0, 2, 1], 1234).into(),
        method: "GET",
        scheme: "http",
        host: "example.com:8080",
        target: "/a/b",
        version: "HTTP/1.1",
        status: 200,
        reason: Reason::None,
        detail: "",
        duration: Duration::from_micros(1234),
        received: 0,
        sent: 5,
        upstream_tls: None,
        request_id: "",
        traceparent: "",
    }
}

fn written(format: LogFormat, record: &RequestRecord<'_>) -> String {
    let (mut lines, mut line) = (Lines::new(format), Vec::new());
    let way = lines.way(record);
    lines.write(&mut line, record, &way, Timestamp::from_millisecond(1_795_000_000_123).expect("a time"));
    String::from_utf8(line).expect("text")
}

const TIME: &str = "2026-11-18T11:06:40.123Z";

#[test]
fn a_line_of_text() {
    let gateway = "ns/gw".into();
    let expected = format!(
        "time={TIME} gateway=ns/gw listener=http route=ns/route client=192.0.2.1:1234 method=GET scheme=http \
         host=example.com:8080 target=/a/b version=HTTP/1.1 status=200 reason=none duration=0.001234 received=0 sent=5\n"
    );
    assert_eq!(written(LogFormat::Text, &request(&gateway)), expected);
}

#[test]
fn what_was_no_request_has_its_fields_all_the_same() {
    let gateway = "ns/gw".into();
    let (reason, empty) = (Reason::BadRequest, "");
    let record = RequestRecord {
        listener: empty,
        route: empty,
        method: empty,
        host: empty,
        target: empty,
        version: empty,
        status: 400,
        reason,
        ..request(&gateway)
    };
    let expected = format!(
        "time={TIME} gateway=ns/gw client=192.0.2.1:1234 method=\"\" scheme=http host=\"\" target=\"\" version=\"\" \
         status=400 reason=bad_request duration=0.001234 received=0 sent=5\n"
    );
    assert_eq!(written(LogFormat::Text, &record), expected);
    let value: Value = serde_json::from_str(&written(LogFormat::Json, &record)).expect("JSON");
    assert_eq!((&value["method"], &value["version"]), (&json!(""), &json!("")));
}

#[test]
fn a_line_names_what_is_known_of_tls() {
    let gateway = "ns/gw".into();
    let backend = BackendId { gateway: "ns/gw".into(), backend: "Service/ns/nginx".into(), port: 8443 };
    let tls = TlsInfo {
        sni: "example.com".into(),
        version: "1.3",
        cipher: "TLS_AES_256_GCM_SHA384",
        alpn: "http/1.1".into(),
        resumed: true,
        peer_not_after: Some(1_795_000_000),
    };
    let record = RequestRecord {
        backend: Some(&backend),
        endpoint: Some(([10, 0, 0, 1], 8443).into()),
        upstream_tls: Some(&tls),
        ..request(&gateway)
    };
    let text = written(LogFormat::Text, &record);
    let expected = " upstream.tls.sni=example.com upstream.tls.version=1.3 upstream.tls.alpn=http/1.1 \
                    upstream.tls.resumed=true upstream.tls.result=ok upstream.tls.peer_not_after=2026-11-18T11:06:40Z\n";
    assert!(text.ends_with(expected), "{text}");
    assert!(text.contains(" backend=Service/ns/nginx:8443 endpoint=10.0.0.1:8443 "), "{text}");

    let value: Value = serde_json::from_str(&written(LogFormat::Json, &record)).expect("JSON");
    let expected = json!({
        "time": TIME,
        "gateway": "ns/gw",
        "listener": "http",
        "route": "ns/route",
        "backend": "Service/ns/nginx:8443",
        "endpoint": "10.0.0.1:8443",
        "client": "192.0.2.1:1234",
        "method": "GET",
        "scheme": "http",
        "host": "example.com:8080",
        "target": "/a/b",
        "version": "HTTP/1.1",
        "status": 200,
        "reason": "none",
        "duration": 0.001_234,
        "received": 0,
        "sent": 5,
        "upstream.tls.sni": "example.com",
        "upstream.tls.version": "1.3",
        "upstream.tls.alpn": "http/1.1",
        "upstream.tls.resumed": true,
        "upstream.tls.result": "ok",
        "upstream.tls.peer_not_after": "2026-11-18T11:06:40Z",
    });
    assert_eq!(value, expected);
}

#[test]
fn a_failed_handshake_is_the_result() {
    let gateway = "ns/gw".into();
    let reason = Reason::Handshake(HandshakeResult::UnknownIssuer);
    let record = RequestRecord { reason, status: 502, detail: "CN=a \"b\"\nx=1", ..request(&gateway) };
    let text = written(LogFormat::Text, &record);
    assert!(text.contains(" reason=unknown_issuer "), "{text}");
    assert!(text.ends_with(" upstream.tls.result=unknown_issuer detail=\"CN=a \\\"b\\\"\\nx=1\"\n"), "{text}");
}

#[test]
fn a_client_cannot_write_a_field_or_a_line_of_its_own() {
    let gateway = "ns/gw".into();
    for (target, expected) in [
        ("/a status=500", "\"/a status=500\""),
        ("/a?b=c", "\"/a?b=c\""),
        ("/a\" status=500", "\"/a\\\" status=500\""),
        ("/\r\ntime=now", "\"/\\r\\ntime=now\""),
        ("/\u{1b}[2J\u{9b}2J\u{7f}", "\"/\\u001b[2J\\u009b2J\\u007f\""),
        ("/\u{2028}\u{202e}", "\"/\\u2028\\u202e\""),
        ("/ü", "\"/ü\""),
        ("", "\"\""),
    ] {
        let text = written(LogFormat::Text, &RequestRecord { target, ..request(&gateway) });
        assert!(text.contains(&format!(" target={expected} version=")), "{text}");
    }
}

proptest! {
    #[test]
    fn whatever_is_sent_a_line_is_one_line_and_json_gives_it_back(
        host in any::<String>(), target in any::<String>(), detail in any::<String>(),
    ) {
        let gateway = "ns/gw".into();
        let record = RequestRecord { host: &host, target: &target, detail: &detail, ..request(&gateway) };
        for format in [LogFormat::Text, LogFormat::Json] {
            let line = written(format, &record);
            let body = line.strip_suffix('\n').expect("an end");
            prop_assert!(!body.chars().any(char::is_control), "{:?}", body);
        }
        let value: Value = serde_json::from_str(&written(LogFormat::Json, &record)).expect("JSON");
        prop_assert_eq!(value["host"].as_str(), Some(host.as_str()));
        prop_assert_eq!(value["target"].as_str(), Some(target.as_str()));
        prop_assert_eq!(value["detail"].as_str().unwrap_or(""), detail.as_str());
    }
}

#[test]
fn a_line_is_the_same_whatever_the_lines_before_it_were() {
    let gateway = "ns/gw".into();
    let tls = |sni: &str, resumed, peer_not_after| TlsInfo {
        sni: sni.into(),
        version: "1.3",
        cipher: "TLS_AES_256_GCM_SHA384",
        alpn: if resumed { "http/1.1".into() } else { String::new() },
        resumed,
        peer_not_after,
    };
    let day = 86_400;
    let connections: Vec<_> = (0..40)
        .flat_map(|at| [tls("one", at % 2 == 0, Some(1_795_000_000 + at % 13 * day)), tls("two", false, None)])
        .chain([tls("other", true, Some(i64::MAX)), tls("a \"name\"", true, Some(-1))])
        .collect();
    for format in [LogFormat::Text, LogFormat::Json] {
        let mut lines = Lines::new(format);
        for (at, upstream_tls) in connections.iter().chain(connections.iter().rev()).enumerate() {
            let reason = match at % 5 {
                0 => Reason::Handshake(HandshakeResult::ClientCertRejected),
                _ => Reason::None,
            };
            let record = RequestRecord { upstream_tls: Some(upstream_tls), reason, ..request(&gateway) };
            let (mut line, way) = (Vec::new(), lines.way(&record));
            lines.write(&mut line, &record, &way, Timestamp::from_millisecond(1_795_000_000_123).expect("a time"));
            assert_eq!(String::from_utf8(line).expect("text"), written(format, &record));
        }
    }
}

fn write(sink: &mut Sink, record: &RequestRecord<'_>) {
    let way = sink.way(record);
    sink.write(record, &way);
}

/// Output that can be read while it is written.
#[derive(Clone, Default)]
struct Output(Arc<Mutex<Vec<u8>>>);

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Output {
    fn lines(&self) -> usize {
        String::from_utf8_lossy(&self.0.lock().expect("no panic")).lines().count()
    }
}

fn dropped() -> IntCounter {
    IntCounter::new("dropped", "Dropped.").expect("a name")
}

#[test]
fn every_line_of_every_worker_is_written_before_it_closes() {
    let (output, dropped) = (Output::default(), dropped());
    let log = AccessLog::start(LogFormat::Text, Box::new(output.clone()), dropped.clone());
    std::thread::scope(|scope| {
        for mut sink in [log.sink(), log.sink(), log.sink()] {
            scope.spawn(move || {
                let gateway = "ns/gw".into();
                (0..500).for_each(|_| write(&mut sink, &request(&gateway)));
            });
        }
    });
    log.close();
    assert_eq!((output.lines(), dropped.get()), (1500, 0));
}

#[test]
fn a_line_is_written_without_waiting_for_the_end() {
    let output = Output::default();
    let log = AccessLog::start(LogFormat::Text, Box::new(output.clone()), dropped());
    let mut sink = log.sink();
    let gateway = "ns/gw".into();
    for count in 1..=3 {
        write(&mut sink, &request(&gateway));
        let deadline = std::time::Instant::now() + Duration::from_secs(10);
        while output.lines() < count {
            assert!(std::time::Instant::now() < deadline, "line {count} was not written");
            std::thread::yield_now();
        }
    }
}

/// Output that nobody reads, until it is let go.
struct Stuck(mpsc::Receiver<()>, Output);

impl Write for Stuck {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Ends when the sender is dropped.
        let _ = self.0.recv();
        self.1.write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn lines_that_nobody_takes_are_dropped_and_counted() {
    let (output, dropped) = (Output::default(), dropped());
    let (let_go, stuck) = mpsc::channel();
    let log = AccessLog::start(LogFormat::Text, Box::new(Stuck(stuck, output.clone())), dropped.clone());
    let mut sink = log.sink();
    let gateway = "ns/gw".into();
    let record = request(&gateway);
    let enough = 3 * LIMIT / written(LogFormat::Text, &record).len();
    for _ in 0..enough {
        write(&mut sink, &record);
    }
    assert!(dropped.get() > 0);
    drop(let_go);
    log.close();
    assert_eq!(output.lines() as u64 + dropped.get(), enough as u64);
}
