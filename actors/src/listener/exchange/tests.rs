//! Exchanges over in-memory connections: what the client sends, what the backend answers, and what each of them sees.

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::*;
use crate::http1::HeadLimits;
use crate::plan::filter::HeaderEdits;

/// HTTP/1.
impl Downstream for DuplexStream {}

/// What an exchange came to.
#[derive(Debug)]
struct Seen {
    result: Result<(), ExchangeError>,
    client: String,
    reusable: bool,
    request_read: bool,
    close: bool,
}

/// Runs an exchange: `request` is the client's head, `body` what it sends after it, and `backend` plays the backend.
async fn exchange<F: Future<Output = ()>>(
    request: &str,
    body: &[u8],
    backend: impl FnOnce(DuplexStream) -> F,
) -> (Seen, Vec<u8>) {
    let mut head = RequestHead::default();
    head.parse(request.as_bytes(), &HeadLimits::default()).unwrap().expect("a whole head");
    let (client, mut down) = duplex(256);
    let (mut up, peer) = duplex(256);
    let framing = head.framing();
    let edits = HeaderEdits::default();
    let mut response_head = ResponseHead::default();
    let mut out = BytesMut::from(format!("{} {}\r\n", head.method(), head.target()).as_bytes());
    out.extend_from_slice(b"\r\n");
    let mut exchange = Exchange::new(
        &head,
        Pump::new(BytesMut::new(), out, framing, framing),
        Pump::new(BytesMut::new(), BytesMut::new(), Framing::Length(1), Framing::Length(1)),
        &mut response_head,
        Edits([&edits, &edits]),
        !head.keep_alive(),
    );
    let (client_reads, client_sends) = tokio::io::split(client);
    let send = async move {
        let mut write = client_sends;
        let _ = write.write_all(body).await;
        write
    };
    let receive = async move {
        let mut read = client_reads;
        let mut seen = Vec::new();
        let _ = read.read_to_end(&mut seen).await;
        seen
    };
    let run = async {
        let result = exchange.run(&mut down, &mut up).await;
        drop((down, up));
        result
    };
    let (_, seen, result, ()) = tokio::join!(send, receive, run, backend(peer));
    let summary = Seen {
        result,
        client: String::from_utf8_lossy(&seen[..seen.len().min(2000)]).into_owned(),
        reusable: exchange.is_reusable(),
        request_read: exchange.is_request_read(),
        close: exchange.close,
    };
    (summary, seen)
}

/// Reads a head and returns what came after it.
async fn read_head(stream: &mut DuplexStream) -> Vec<u8> {
    let mut read = Vec::new();
    loop {
        if let Some(place) = read.windows(4).position(|window| window == b"\r\n\r\n") {
            return read.split_off(place + 4);
        }
        assert!(stream.read_buf(&mut read).await.unwrap() > 0, "the gateway closed within a head");
    }
}

/// A backend that reads the head (and `body` bytes more), answers, and keeps the connection open until the other side
/// closes it.
fn answers(
    body: usize,
    answer: &'static str,
) -> impl FnOnce(DuplexStream) -> std::pin::Pin<Box<dyn Future<Output = ()>>> {
    move |mut stream| {
        Box::pin(async move {
            let mut read = read_head(&mut stream).await;
            while read.len() < body {
                stream.read_buf(&mut read).await.unwrap();
            }
            stream.write_all(answer.as_bytes()).await.unwrap();
            let mut rest = [0; 64];
            while matches!(stream.read(&mut rest).await, Ok(1..)) {}
        })
    }
}

/// A backend that reads the head, answers, and closes.
fn answers_and_closes(
    answer: &'static str,
) -> impl FnOnce(DuplexStream) -> std::pin::Pin<Box<dyn Future<Output = ()>>> {
    move |mut stream| {
        Box::pin(async move {
            read_head(&mut stream).await;
            stream.write_all(answer.as_bytes()).await.unwrap();
        })
    }
}

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

#[tokio::test]
async fn a_response_goes_through_and_both_connections_stay() {
    let answer = "HTTP/1.1 200 Fine\r\nContent-Length: 5\r\nX-A: 1\r\nConnection: x-b\r\nX-B: 2\r\n\r\nhello";
    let (seen, _) = exchange(GET, b"", answers(0, answer)).await;
    assert_eq!(seen.client, "HTTP/1.1 200 Fine\r\nX-A: 1\r\ncontent-length: 5\r\n\r\nhello");
    assert!(seen.result.is_ok() && seen.reusable && seen.request_read && !seen.close, "{seen:?}");
}

#[tokio::test]
async fn interim_responses_come_before_the_final_one() {
    let answer = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n";
    let (seen, _) = exchange(GET, b"", answers(0, answer)).await;
    assert_eq!(seen.client, "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n");
    assert!(seen.reusable, "{seen:?}");
    let (seen, _) = exchange("GET / HTTP/1.0\r\n\r\n", b"", answers(0, answer)).await;
    assert_eq!(seen.client, "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n");
}

#[tokio::test]
async fn a_response_without_a_body_is_not_waited_for() {
    let head = "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n";
    let (seen, _) = exchange(head, b"", answers(0, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")).await;
    assert_eq!(seen.client, "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n");
    assert!(seen.reusable, "{seen:?}");
    let (seen, _) = exchange(GET, b"", answers(0, "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n")).await;
    assert_eq!(seen.client, "HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n");
    assert!(seen.reusable, "{seen:?}");
}

#[tokio::test]
async fn a_body_that_ends_with_the_connection_is_chunked_for_the_client() {
    let answer = "HTTP/1.1 200 OK\r\n\r\nhello";
    let (seen, _) = exchange(GET, b"", answers_and_closes(answer)).await;
    assert_eq!(seen.client, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
    assert!(seen.result.is_ok() && !seen.reusable && !seen.close, "{seen:?}");
    let (seen, _) = exchange("GET / HTTP/1.0\r\n\r\n", b"", answers_and_closes(answer)).await;
    assert_eq!(seen.client, "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhello");
}

#[tokio::test]
async fn an_early_answer_reaches_a_client_that_still_sends() {
    let post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n";
    let answer = "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno";
    for backend in [
        Box::new(answers_and_closes(answer)) as Box<dyn FnOnce(DuplexStream) -> _>,
        Box::new(move |stream| answers(10, answer)(stream)),
    ] {
        // The backend of the first case closes with most of the body unread.
        let body = vec![b'x'; 2000];
        let (seen, _) = exchange(post, &body, backend).await;
        assert_eq!(
            seen.client, "HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno",
            "{seen:?}"
        );
        assert!(!seen.reusable && !seen.request_read && seen.close, "{seen:?}");
    }
}

#[tokio::test]
async fn bodies_flow_both_ways_at_once() {
    const SIZE: usize = 3_000_000;
    let post = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {SIZE}\r\n\r\n");
    let body: Vec<u8> = (0..SIZE).map(|place| (place % 251) as u8).collect();
    let echo = |mut stream: DuplexStream| async move {
        let mut piece = read_head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await.unwrap();
        let mut left = SIZE;
        while left > 0 {
            if !piece.is_empty() {
                stream.write_all(format!("{:x}\r\n", piece.len()).as_bytes()).await.unwrap();
                stream.write_all(&piece).await.unwrap();
                stream.write_all(b"\r\n").await.unwrap();
                left -= piece.len();
                piece.clear();
            }
            if left > 0 {
                stream.read_buf(&mut piece).await.unwrap();
            }
        }
        stream.write_all(b"0\r\n\r\n").await.unwrap();
    };
    let (seen, client) = exchange(&post, &body, echo).await;
    assert!(seen.result.is_ok() && seen.request_read, "{:?}", seen.result);
    let start = client.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
    let mut decoder = crate::http1::BodyDecoder::new(Framing::Chunked);
    let (mut rest, mut echoed) = (&client[start..], Vec::new());
    while !rest.is_empty() {
        let (skip, data) = decoder.decode(rest).unwrap();
        echoed.extend_from_slice(&rest[skip..skip + data]);
        rest = &rest[skip + data..];
    }
    assert!(decoder.is_done() && echoed == body);
}

#[tokio::test]
async fn a_backend_that_dies_is_told_apart_by_how_far_it_got() {
    let (seen, _) = exchange(GET, b"", answers_and_closes("")).await;
    assert!(matches!(seen.result, Err(ExchangeError::Upstream(None))) && seen.client.is_empty(), "{seen:?}");
    let (seen, _) = exchange(GET, b"", answers_and_closes("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhell")).await;
    assert!(matches!(seen.result, Err(ExchangeError::Upstream(None))), "{seen:?}");
    assert!(seen.client.ends_with("hell") && !seen.reusable, "{seen:?}");
    let (seen, _) = exchange(GET, b"", answers_and_closes("SSH-2.0-x\r\n\r\n")).await;
    assert!(matches!(seen.result, Err(ExchangeError::UpstreamProtocol(_))), "{seen:?}");
}

#[tokio::test]
async fn what_follows_a_response_taints_the_connection() {
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n\r\n";
    let (seen, _) = exchange(GET, b"", answers(0, answer)).await;
    assert!(seen.result.is_ok() && seen.client.ends_with("\r\n\r\nok") && !seen.reusable, "{seen:?}");
}

/// The backend answers without reading: what it did not take of the body must not be left as the client's next request.
#[tokio::test]
async fn an_early_answer_leaves_no_body_behind() {
    let body = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n".repeat(100);
    let request = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", body.len());
    let mut head = RequestHead::default();
    head.parse(request.as_bytes(), &HeadLimits::default()).unwrap().expect("a whole head");
    let (_client, mut down) = duplex(65536);
    let (mut up, mut peer) = duplex(256);
    let framing = head.framing();
    let edits = HeaderEdits::default();
    let mut response_head = ResponseHead::default();
    let mut exchange = Exchange::new(
        &head,
        Pump::new(BytesMut::from(body.as_bytes()), BytesMut::from(&b"POST / HTTP/1.1\r\n\r\n"[..]), framing, framing),
        Pump::new(BytesMut::new(), BytesMut::new(), Framing::Length(1), Framing::Length(1)),
        &mut response_head,
        Edits([&edits, &edits]),
        false,
    );
    peer.write_all(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n").await.unwrap();
    exchange.run(&mut down, &mut up).await.unwrap();
    exchange.request.forget_unwritten();
    assert!(exchange.is_request_read(), "the body had come in");
    assert!(
        exchange.request.input.is_empty(),
        "{} bytes of the body are left as a next request",
        exchange.request.input.len()
    );
}
