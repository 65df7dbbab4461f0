//! Requests and responses as they should be.

use std::io::{BufRead, BufReader, Read, Write};
use std::sync::mpsc;
use std::sync::{Arc, Barrier, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use postern_outcomes::backend::Backend;
use postern_outcomes::certificates::Authority;
use postern_outcomes::objects::{GATEWAY, Target, secret};

use super::client::{ask, begin, connect, connect_tls, get, request, run, send, whole, write};
use super::frames;
use crate::client;
use crate::gateway::Gateway;

/// An HTTPS Gateway with two names.
const HTTPS: &str = "
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web}
spec:
  gatewayClassName: postern
  listeners:
  - {name: a, port: 443, protocol: HTTPS, hostname: a.test, tls: {certificateRefs: [{name: a}]}}
  - {name: b, port: 443, protocol: HTTPS, hostname: b.test, tls: {certificateRefs: [{name: b}]}}
";

fn gateway(name: &str, backend: &Backend) -> Gateway {
    Gateway::start(&format!("{GATEWAY}{}", Target::new(name, backend.address).yaml()))
}

/// Reads the head of a request.
fn read_head(stream: &mut impl BufRead) -> String {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).unwrap_or(0) == 0 {
            break;
        }
    }
    head
}

#[test]
fn requests_become_those_of_http1() {
    let backend = Backend::plaintext();
    let gateway = gateway("plain", &backend);
    run(async {
        let requests = connect(gateway.address(80)).await;
        let mut crumbs = request("GET", "http://plain.test:8080/a/b?c=d");
        for (name, value) in [("cookie", "a=1"), ("accept", "*/*"), ("cookie", "b=2"), ("te", "trailers")] {
            crumbs.headers_mut().append(name, value.parse().unwrap());
        }
        let answer = ask(&requests, crumbs).await.unwrap();
        assert_eq!(answer.status, 200);
        assert!(
            answer
                .body
                .starts_with("GET /a/b?c=d HTTP/1.1\r\nhost: plain.test:8080\r\naccept: */*\r\ncookie: a=1; b=2\r\n")
        );
        assert!(
            answer.body.contains("x-forwarded-host: plain.test:8080\r\n") && !answer.body.contains("te:"),
            "{answer:?}"
        );

        let mut post = request("POST", "http://plain.test/");
        post.headers_mut().insert("content-length", 5.into());
        post.headers_mut().insert("expect", "100-continue".parse().unwrap());
        let (response, mut body) = send(&requests, post, false).await;
        body.send_data(Bytes::from_static(b"hello"), true).unwrap();
        let answer = whole(response.await.unwrap()).await.unwrap();
        assert!(answer.body.contains("content-length: 5\r\n") && !answer.body.contains("expect"), "{answer:?}");

        let answer = ask(&requests, request("HEAD", "http://plain.test/")).await.unwrap();
        assert!(answer.body.is_empty() && answer.fields.contains_key("content-length"), "{answer:?}");
        assert_eq!(get(&requests, "http://nobody.test/").await.status, 404);
    });
    let line = gateway.wait_for_log(|line| line.contains("GET") && line.contains("/a/b?c=d"));
    assert!(line.contains("HTTP/2") && line.contains("plain.test:8080"), "{line}");
}

#[test]
fn a_body_without_a_length_goes_on_in_chunks_and_trailers_end_here() {
    let backend = Backend::start(|stream| {
        let mut stream = BufReader::new(stream);
        let head = read_head(&mut stream);
        let mut body = String::new();
        while !body.ends_with("0\r\n\r\n") {
            stream.read_line(&mut body).unwrap();
        }
        let text = format!("{head}{body}");
        let trailers = "0\r\nx-trailer: 1\r\n\r\n";
        let answer =
            format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{text}\r\n{trailers}", text.len());
        stream.get_mut().write_all(answer.as_bytes()).unwrap();
    });
    let gateway = gateway("chunked", &backend);
    run(async {
        let requests = connect(gateway.address(80)).await;
        let (response, mut body) = send(&requests, request("POST", "http://chunked.test/"), false).await;
        body.send_data(Bytes::from_static(b"hello"), false).unwrap();
        let mut trailers = HeaderMap::new();
        trailers.insert("x-trailer", "1".parse().unwrap());
        body.send_trailers(trailers).unwrap();
        let answer = whole(response.await.unwrap()).await.unwrap();
        assert!(answer.body.contains("transfer-encoding: chunked\r\n"), "{answer:?}");
        assert!(answer.body.ends_with("\r\n\r\n5\r\nhello\r\n0\r\n\r\n"), "{answer:?}");
        assert!(!answer.fields.contains_key("transfer-encoding"), "{answer:?}");
    });
}

#[test]
fn http2_is_agreed_on_by_alpn() {
    let ours = Authority::new("ours");
    let backend = Backend::plaintext();
    let secrets = format!("{}{}", secret("a", &ours.issue("a.test")), secret("b", &ours.issue("b.test")));
    let route = Target::new("any", backend.address);
    let route = route.yaml().replace("hostnames: [any.test]", "hostnames: [a.test, b.test]");
    let gateway = Gateway::start(&format!("{HTTPS}{secrets}{route}"));
    run(async {
        let stream = connect_tls(gateway.address(443), &ours, "a.test", &["http/1.1", "h2"]).await;
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]), "the gateway prefers HTTP/2");
        let requests = begin(stream).await;
        let answer = get(&requests, "https://a.test/").await;
        assert_eq!(answer.status, 200);
        assert!(answer.body.contains("x-forwarded-proto: https\r\n"), "{answer:?}");
        assert_eq!(get(&requests, "https://b.test/").await.status, 421, "b.test is another listener's");
        for protocols in [&["http/1.1"][..], &[]] {
            let mut stream = connect_tls(gateway.address(443), &ours, "b.test", protocols).await;
            let request = b"GET / HTTP/1.1\r\nHost: b.test\r\nConnection: close\r\n\r\n";
            tokio::io::AsyncWriteExt::write_all(&mut stream, request).await.unwrap();
            let mut text = String::new();
            let _ = tokio::io::AsyncReadExt::read_to_string(&mut stream, &mut text).await;
            assert!(text.starts_with("HTTP/1.1 200"), "{protocols:?}: {text}");
        }
    });
}

#[test]
fn a_preface_may_come_in_pieces_and_http1_goes_on_beside_it() {
    let backend = Backend::plaintext();
    let gateway = gateway("both", &backend);
    let mut stream = client::connect(gateway.address(80));
    let request = frames::frame(
        frames::HEADERS,
        frames::END_HEADERS | frames::END_STREAM,
        1,
        &frames::head("GET", "both.test", &[]),
    );
    for byte in [frames::PREFACE, &frames::frame(frames::SETTINGS, 0, 0, &[]), &request].concat() {
        stream.write_all(&[byte]).unwrap();
        assert_eq!(client::get(gateway.address(80), "both.test", "/").status, 200);
    }
    let (kind, _) = frames::answer(&mut stream, 1).unwrap();
    assert_eq!(kind, frames::HEADERS);
    let response = client::send(client::connect(gateway.address(80)), b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n");
    assert_eq!(response.status, 505);
}

#[test]
fn a_hundred_requests_are_served_at_once() {
    const STREAMS: usize = 100;
    // No request is answered before all have come.
    let all = Arc::new(Barrier::new(STREAMS));
    let backend = Backend::start(move |stream| {
        let mut stream = BufReader::new(stream);
        let head = read_head(&mut stream);
        all.wait();
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{head}", head.len());
        stream.get_mut().write_all(answer.as_bytes()).unwrap();
    });
    let gateway = gateway("many", &backend);
    run(async {
        let requests = connect(gateway.address(80)).await;
        let tasks: Vec<_> = (0..STREAMS)
            .map(|number| {
                let requests = requests.clone();
                tokio::spawn(async move { (number, get(&requests, &format!("http://many.test/{number}")).await) })
            })
            .collect();
        for task in tasks {
            let (number, answer) = task.await.unwrap();
            assert!(
                answer.status == 200 && answer.body.starts_with(&format!("GET /{number} HTTP/1.1\r\n")),
                "{answer:?}"
            );
        }
    });
    assert!(gateway.metrics().contains("postern_downstream_connections"), "{}", gateway.metrics());
}

#[test]
fn an_early_answer_reaches_a_client_that_still_sends() {
    let backend = Backend::start(|stream| {
        let mut stream = BufReader::new(stream);
        read_head(&mut stream);
        stream.get_mut().write_all(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno").unwrap();
        let _ = stream.read(&mut [0; 64]);
    });
    let gateway = gateway("early", &backend);
    run(async {
        let requests = connect(gateway.address(80)).await;
        for _ in 0..5 {
            let (response, mut body) = send(&requests, request("POST", "http://early.test/"), false).await;
            let upload = async {
                while write(&mut body, Bytes::from_static(&[b'x'; 10_000])).await.is_ok() {}
                body
            };
            let (answer, _) = tokio::join!(async { whole(response.await.unwrap()).await.unwrap() }, upload);
            assert_eq!((answer.status, answer.body.as_str()), (413, "no"));
        }
        // What was thrown away has used up no window.
        assert_eq!(get(&requests, "http://early.test/").await.status, 413);
    });
}

#[test]
fn a_response_that_is_cut_is_no_whole_one() {
    let backend = Backend::start(|mut stream| {
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n");
    });
    let gateway = gateway("cut", &backend);
    run(async {
        let requests = connect(gateway.address(80)).await;
        let error = ask(&requests, request("GET", "http://cut.test/")).await.unwrap_err();
        assert_eq!(error.reason(), Some(h2::Reason::INTERNAL_ERROR));
        assert_eq!(get(&requests, "http://nobody.test/").await.status, 404, "other streams go on");
    });
}

#[test]
fn a_drain_says_goaway_and_lets_requests_end() {
    let (begun, has_begun) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let (begun, may_go_on) = (Mutex::new(begun), Mutex::new(may_go_on));
    let backend = Backend::start(move |mut stream| {
        let _ = stream.read(&mut [0; 4096]);
        begun.lock().unwrap().send(()).unwrap();
        let _ = may_go_on.lock().unwrap().recv();
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate");
    });
    let gateway = gateway("slow", &backend);
    let (address, id) = (gateway.address(80), gateway.id().to_string());
    run(async {
        let requests = connect(address).await;
        // A client without requests that does not answer our PING is not waited for.
        let mut deaf = frames::connect(address);
        let (response, _body) = send(&requests, request("GET", "http://slow.test/"), true).await;
        tokio::task::spawn_blocking(move || {
            has_begun.recv().unwrap();
            assert!(std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
            assert_eq!(frames::goaway(&mut deaf), Some(0));
        })
        .await
        .unwrap();
        let refused = loop {
            match requests.clone().ready().await {
                Err(error) => break error,
                Ok(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        };
        assert!(refused.is_go_away() && refused.reason() == Some(h2::Reason::NO_ERROR), "{refused}");
        go_on.send(()).unwrap();
        let answer = whole(response.await.unwrap()).await.unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (200, "late"));
    });
    assert_eq!(gateway.wait_for_end(), Some(0));
}

#[test]
fn before_a_drain_a_connection_ends_with_its_next_request() {
    let backend = Backend::plaintext();
    let objects = format!("{GATEWAY}{}", Target::new("last", backend.address).yaml());
    let gateway = Gateway::start_with(&objects, &["--drain-delay", "3"]);
    run(async {
        let (requests, idle) = (connect(gateway.address(80)).await, connect(gateway.address(80)).await);
        assert_eq!(get(&requests, "http://last.test/").await.status, 200);
        let id = gateway.id().to_string();
        assert!(std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        let refused = loop {
            match requests.clone().ready().await {
                Err(error) => break error,
                Ok(_) => match ask(&requests, request("GET", "http://last.test/")).await {
                    Ok(answer) => assert_eq!(answer.status, 200),
                    Err(error) => break error,
                },
            }
        };
        assert!(refused.is_go_away() && refused.reason() == Some(h2::Reason::NO_ERROR), "{refused}");
        assert_eq!(get(&idle, "http://last.test/").await.status, 200, "whoever has not heard of it is served");
        assert_eq!(get(&connect(gateway.address(80)).await, "http://last.test/").await.status, 200);
    });
    assert_eq!(gateway.wait_for_end(), Some(0));
}
