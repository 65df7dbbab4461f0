//! Exchanges over in-memory connections: what the client sends, what the backend answers, and what each of them sees.

use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::Instant;

use super::*;
use crate::http1::HeadLimits;
use crate::listener::alarm::Alarm;
use crate::listener::patience::Patience;
use crate::listener::settings::WorkerSettings;
use crate::plan::filter::HeaderEdits;
use crate::plan::rule::Timeouts;

/// HTTP/1.
impl Downstream for DuplexStream {}

/// A watch with the limits of the default settings.
fn patient(alarm: &mut Alarm) -> Watch<'_> {
    Watch::new(alarm, Patience::new(&WorkerSettings::default(), Timeouts::default(), None))
}

/// What an exchange came to.
#[derive(Debug)]
struct Seen {
    result: Result<(), ExchangeError>,
    client: String,
    reusable: bool,
    request_read: bool,
    close: bool,
    /// How long it took.
    took: Duration,
}

/// Runs an exchange: `request` is the client's head, `body` what it sends after it, and `backend` plays the backend.
async fn exchange<F: Future<Output = ()>>(
    request: &str,
    body: &[u8],
    backend: impl FnOnce(DuplexStream) -> F,
) -> (Seen, Vec<u8>) {
    let began = Instant::now();
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
    exchange.upgrade = head.upgrade();
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
        let result = exchange.run(&mut down, &mut up, &mut patient(&mut Alarm::default())).await;
        drop((down, up));
        (result, began.elapsed())
    };
    let (_, seen, (result, took), ()) = tokio::join!(send, receive, run, backend(peer));
    let summary = Seen {
        result,
        client: String::from_utf8_lossy(&seen[..seen.len().min(2000)]).into_owned(),
        reusable: exchange.is_reusable(),
        request_read: exchange.is_request_read(),
        close: exchange.close,
        took,
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
    exchange.run(&mut down, &mut up, &mut patient(&mut Alarm::default())).await.unwrap();
    exchange.request.forget_unwritten();
    assert!(exchange.is_request_read(), "the body had come in");
    assert!(
        exchange.request.input.is_empty(),
        "{} bytes of the body are left as a next request",
        exchange.request.input.len()
    );
}

const WAITING_POST: &str = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n";

/// An exchange with a client that sends its body only when it has got a 100.
async fn exchange_with_leave(
    backend: impl AsyncFnOnce(&mut DuplexStream),
) -> (Result<(), ExchangeError>, String, bool, bool) {
    let mut head = RequestHead::default();
    head.parse(WAITING_POST.as_bytes(), &HeadLimits::default()).unwrap().expect("a whole head");
    let (mut client, mut down) = duplex(256);
    let (mut up, mut peer) = duplex(256);
    let (edits, mut response_head) = (HeaderEdits::default(), ResponseHead::default());
    let out = BytesMut::from(WAITING_POST.as_bytes());
    let mut exchange = Exchange::new(
        &head,
        Pump::new(BytesMut::new(), out, Framing::Length(4), Framing::Length(4)),
        Pump::new(BytesMut::new(), BytesMut::new(), Framing::Length(1), Framing::Length(1)),
        &mut response_head,
        Edits([&edits, &edits]),
        false,
    );
    let converse = async {
        let mut seen = Vec::new();
        while client.read_buf(&mut seen).await.unwrap() > 0 {
            if seen.starts_with(b"HTTP/1.1 100 ") && seen.ends_with(b"\r\n\r\n") {
                client.write_all(b"body").await.unwrap();
            }
        }
        String::from_utf8(seen).unwrap()
    };
    let run = async {
        let result = exchange.run(&mut down, &mut up, &mut patient(&mut Alarm::default())).await;
        drop((down, up));
        result
    };
    let (seen, result, ()) = tokio::join!(converse, run, backend(&mut peer));
    (result, seen, exchange.is_reusable(), exchange.close)
}

#[tokio::test]
async fn leave_to_send_a_body_comes_from_the_backend() {
    let (result, seen, reusable, close) = exchange_with_leave(async |stream| {
        assert!(read_head(stream).await.is_empty(), "the body came without leave");
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.unwrap();
        stream.read_exact(&mut [0; 4]).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
    })
    .await;
    assert!(result.is_ok(), "{result:?}");
    assert_eq!(seen, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    assert!(reusable && !close);
}

#[tokio::test]
async fn a_client_without_leave_gets_the_answer_and_both_connections_end() {
    let (result, seen, reusable, close) = exchange_with_leave(async |stream| {
        read_head(stream).await;
        stream.write_all(b"HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nno").await.unwrap();
    })
    .await;
    assert!(result.is_ok(), "{result:?}");
    assert_eq!(seen, "HTTP/1.1 401 No\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno");
    // The backend waits for four bytes that may never come, and the client may or may not send them.
    assert!(!reusable && close);
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_leave_does_not_stall() {
    let began = Instant::now();
    let (result, seen, ..) = exchange_with_leave(async |stream| {
        read_head(stream).await;
        while stream.read(&mut [0; 8]).await.is_ok_and(|read| read > 0) {}
    })
    .await;
    assert!(matches!(result, Err(ExchangeError::OutOfTime(Reason::ResponseTimeout))), "{result:?}");
    assert_eq!((seen.as_str(), began.elapsed()), ("", WorkerSettings::default().response_timeout));
}

const UPGRADE: &str = "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x/1, websocket\r\n\r\n";

#[tokio::test]
async fn a_101_is_passed_on_to_who_asked_for_it() {
    let answer = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade, x-b\r\nUpgrade: websocket\r\nX-A: 1\r\nX-B: 2\r\n\r\nhello";
    let (seen, _) = exchange(UPGRADE, b"", answers(0, answer)).await;
    assert_eq!(
        seen.client,
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\nX-A: 1\r\n\r\n"
    );
    assert!(seen.result.is_ok() && !seen.reusable, "{seen:?}");
}

#[tokio::test]
async fn a_101_that_nobody_asked_for_is_none() {
    let to =
        |protocol| format!("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: {protocol}\r\n\r\n");
    for (request, answer) in [
        (GET, to("websocket")),
        (UPGRADE, to("h2c")),
        (UPGRADE, to("x")),
        (UPGRADE, "HTTP/1.1 101 Switching Protocols\r\n\r\n".to_owned()),
        (UPGRADE, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n".to_owned()),
    ] {
        let (seen, _) = exchange(request, b"", answers(0, answer.clone().leak())).await;
        assert!(matches!(seen.result, Err(ExchangeError::UpstreamProtocol(_))), "{request}{answer}: {seen:?}");
        assert!(seen.client.is_empty() && !seen.reusable, "{seen:?}");
    }
}

#[tokio::test]
async fn who_asked_for_an_upgrade_may_get_an_ordinary_answer() {
    let answer = "HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\n\r\nno";
    let (seen, _) = exchange(UPGRADE, b"", answers(0, answer)).await;
    assert_eq!(seen.client, "HTTP/1.1 426 Upgrade Required\r\ncontent-length: 2\r\n\r\nno");
    assert!(seen.result.is_ok() && seen.reusable && !seen.close, "{seen:?}");
}

/// A backend that says this and then nothing, and takes everything.
fn stalls_after(said: &'static str) -> impl FnOnce(DuplexStream) -> std::pin::Pin<Box<dyn Future<Output = ()>>> {
    answers(0, said)
}

#[tokio::test(start_paused = true)]
async fn each_side_that_stalls_is_named() {
    const POST: &str = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n";
    for (request, body, said, reason) in [
        (GET, "", "", Reason::ResponseTimeout),
        (GET, "", "HTTP/1.1 200", Reason::ResponseTimeout),
        (POST, "all of it", "", Reason::ResponseTimeout),
        (POST, "a part", "", Reason::BodyTimeout),
        (POST, "a part", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx", Reason::BodyTimeout),
        (GET, "", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\na part", Reason::UpstreamTimeout),
        (GET, "", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1", Reason::UpstreamTimeout),
    ] {
        let (seen, _) = exchange(request, body.as_bytes(), stalls_after(said)).await;
        let given = match seen.result {
            Err(ExchangeError::OutOfTime(reason)) => reason,
            other => panic!("{request}{body} {said}: {other:?}"),
        };
        assert_eq!((given, seen.took), (reason, Duration::from_mins(1)), "{request}{body} {said}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_takes_nothing_of_a_request_stalls() {
    let post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9000\r\n\r\n";
    let takes_nothing = |stream: DuplexStream| async move {
        tokio::time::sleep(Duration::from_hours(1)).await;
        drop(stream);
    };
    let (seen, _) = exchange(post, &[b'x'; 9000], takes_nothing).await;
    assert!(matches!(seen.result, Err(ExchangeError::OutOfTime(Reason::UpstreamTimeout))), "{seen:?}");
    assert_eq!(seen.took, Duration::from_mins(1));
}

#[tokio::test(start_paused = true)]
async fn who_is_slow_does_not_stall() {
    let slow = Duration::from_secs(50);
    let drip = |mut stream: DuplexStream| async move {
        read_head(&mut stream).await;
        for interim in 0..3 {
            tokio::time::sleep(slow).await;
            let interim = format!("HTTP/1.1 10{} Soon\r\n\r\n", interim % 2 * 3);
            stream.write_all(interim.as_bytes()).await.unwrap();
        }
        tokio::time::sleep(slow).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n").await.unwrap();
        for _ in 0..5 {
            tokio::time::sleep(slow).await;
            stream.write_all(b".").await.unwrap();
        }
    };
    let (seen, _) = exchange(GET, b"", drip).await;
    assert!(seen.result.is_ok() && seen.client.ends_with("\r\n\r\n....."), "{seen:?}");
    assert_eq!(seen.took, 9 * slow);
}

#[tokio::test(start_paused = true)]
async fn a_head_that_comes_in_drop_by_drop_is_no_answer() {
    let drip = |mut stream: DuplexStream| async move {
        read_head(&mut stream).await;
        for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" {
            tokio::time::sleep(Duration::from_secs(5)).await;
            if stream.write_all(&[*byte]).await.is_err() {
                return;
            }
        }
    };
    let (seen, _) = exchange(GET, b"", drip).await;
    assert!(matches!(seen.result, Err(ExchangeError::OutOfTime(Reason::ResponseTimeout))), "{seen:?}");
    assert_eq!(seen.took, Duration::from_mins(1));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_nothing_of_a_response_stalls() {
    let mut head = RequestHead::default();
    head.parse(GET.as_bytes(), &HeadLimits::default()).unwrap().expect("a whole head");
    let (_client, mut down) = duplex(64);
    let (mut up, mut peer) = duplex(100_000);
    let (edits, mut response_head) = (HeaderEdits::default(), ResponseHead::default());
    let mut exchange = Exchange::new(
        &head,
        Pump::new(BytesMut::new(), BytesMut::from(GET.as_bytes()), Framing::None, Framing::None),
        Pump::new(BytesMut::new(), BytesMut::new(), Framing::Length(1), Framing::Length(1)),
        &mut response_head,
        Edits([&edits, &edits]),
        false,
    );
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\n{}", "x".repeat(50_000));
    peer.write_all(answer.as_bytes()).await.unwrap();
    let result = exchange.run(&mut down, &mut up, &mut patient(&mut Alarm::default())).await;
    assert!(matches!(result, Err(ExchangeError::OutOfTime(Reason::BodyTimeout))), "{result:?}");
    assert!(exchange.has_answered());
}

/// A connection that was reset before anybody wrote to it.
struct Dead;

impl AsyncRead for Dead {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut tokio::io::ReadBuf<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
    }
}

impl AsyncWrite for Dead {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// What was read of the body and not written waits in the pump for the next connection.
#[tokio::test]
async fn a_request_of_which_nothing_was_written_is_whole_on_the_next_connection() {
    for (framing, body, forwarded) in [
        (Framing::None, "", ""),
        (Framing::Length(9), "some ", "some more"),
        (Framing::Chunked, "5\r\nsome \r\n4\r\n", "5\r\nsome \r\n4\r\nmore\r\n0\r\n\r\n"),
    ] {
        let rest = match framing {
            Framing::Chunked => "more\r\n0\r\n\r\n",
            Framing::None => "",
            _ => "more",
        };
        let mut head = RequestHead::default();
        head.parse(GET.as_bytes(), &HeadLimits::default()).unwrap().expect("a whole head");
        let (mut client, mut down) = duplex(256);
        let (mut up, mut peer) = duplex(256);
        let (edits, mut response_head) = (HeaderEdits::default(), ResponseHead::default());
        let mut request = Pump::new(body.into(), "POST /\r\n\r\n".into(), framing, framing);
        for attempt in 0..3 {
            let mut exchange = Exchange::new(
                &head,
                request,
                Pump::new(BytesMut::new(), BytesMut::new(), Framing::Length(1), Framing::Length(1)),
                &mut response_head,
                Edits([&edits, &edits]),
                false,
            );
            let mut alarm = Alarm::default();
            if attempt < 2 {
                let result = exchange.run(&mut down, &mut Dead, &mut patient(&mut alarm)).await;
                assert!(matches!(result, Err(ExchangeError::Upstream(Some(_)))), "{result:?}");
                assert!(!exchange.request.wrote && !exchange.has_answered());
            } else {
                client.write_all(rest.as_bytes()).await.unwrap();
                peer.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
                exchange.run(&mut down, &mut up, &mut patient(&mut alarm)).await.unwrap();
            }
            request = exchange.request;
        }
        drop(up);
        let mut seen = String::new();
        peer.read_to_string(&mut seen).await.unwrap();
        assert_eq!(seen, format!("POST /\r\n\r\n{forwarded}"), "{framing:?}");
    }
}
