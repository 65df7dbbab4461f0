//! One request of an HTTP/2 connection, from its head to the end of its stream. It ends when the client resets the stream,
//! whatever it is waiting for; a panic ends the stream alone.

use std::any::Any;
use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use h2::RecvStream;
use h2::server::SendResponse;
use http::Method;
use http::request::Parts;
use http::uri::{Authority, PathAndQuery};
use tokio::io::AsyncWriteExt;
use tokio::time::{Instant, timeout};

use super::calm::Calm;
use super::head;
use super::stream::{Stream, VERSION};
use crate::listener::answer;
use crate::listener::client::Client;
use crate::listener::dispatch::{Next, Request};
use crate::listener::downstream::Downstream;
use crate::listener::response::Own;
use crate::listener::worker::Scratch;
use crate::outcome::Reason;
use crate::telemetry::RequestRecord;

/// How a request ended, if not with a record of its own.
enum End {
    /// The client has reset the stream.
    Reset,
    /// Serving it has panicked.
    Panicked(Box<dyn Any + Send>),
}

/// Serves one stream.
pub(super) async fn serve(
    client: Rc<Client>,
    request: http::Request<RecvStream>,
    respond: SendResponse<Bytes>,
    calm: Rc<Calm>,
) {
    let began = Instant::now();
    let (parts, body) = request.into_parts();
    let stream = Stream::new(body, respond, calm);
    let mut scratch = client.worker.take_scratch();
    if let Err((reason, status, detail)) = read_head(&client, &parts, &stream, &mut scratch) {
        let text = answer::body(reason, None);
        let sent = refuse(&client, &stream, status, &text, parts.method == Method::HEAD).await;
        tell(&client, &parts, reason, if sent { status } else { 0 }, &detail, began);
    } else {
        let mut down = stream.clone();
        match run(&stream, Request::serve(&client, &mut down, &mut scratch)).await {
            Ok(_) => {}
            Err(End::Reset) => tell(&client, &parts, Reason::DownstreamClosed, 0, "", began),
            Err(End::Panicked(panic)) => {
                let (detail, status) = (text_of(&*panic), answer::status(Reason::Panic));
                client.worker.observer.panicked(&client.port.current().gateway);
                tracing::error!(client = %client.peer, detail, "a panic ended a stream");
                let sent = !stream.has_answered() && refuse(&client, &stream, status, "", false).await;
                tell(&client, &parts, Reason::Panic, if sent { status } else { 0 }, detail, began);
            }
        }
    }
    client.worker.give_scratch(scratch);
}

/// Polls `served` to its end, or until the stream is reset: an exchange that notices so itself has told of it.
async fn run(stream: &Stream, served: impl Future<Output = Next>) -> Result<Next, End> {
    let mut served = pin!(AssertUnwindSafe(served).catch_unwind());
    poll_fn(|cx| match served.as_mut().poll(cx) {
        Poll::Ready(served) => Poll::Ready(served.map_err(End::Panicked)),
        Poll::Pending => stream.poll_reset(cx).map(|()| Err(End::Reset)),
    })
    .await
}

fn text_of(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without a text")
}

fn read_head(
    client: &Client,
    parts: &Parts,
    stream: &Stream,
    scratch: &mut Scratch,
) -> Result<(), (Reason, u16, String)> {
    if parts.method == Method::CONNECT {
        return Err((Reason::BadRequest, 501, "CONNECT".into()));
    }
    let Scratch { head, request_output, .. } = scratch;
    let limits = &client.worker.settings.head;
    head::read(head, parts, stream.has_body(), request_output, limits).map_err(|error| {
        let (reason, status) = answer::refusal(error);
        (reason, status, error.to_string())
    })
}

/// Answers what is no request. Returns whether the stream took the answer.
async fn refuse(client: &Client, stream: &Stream, status: u16, body: &str, to_head: bool) -> bool {
    let mut stream = stream.clone();
    let ends = to_head || body.is_empty();
    stream.respond(&mut BytesMut::new(), &Own { status, fields: &[], body, edits: None, close: false }, ends);
    let written = async {
        if !ends {
            stream.write_all(body.as_bytes()).await?;
        }
        poll_fn(|cx| stream.poll_finish(cx)).await
    };
    timeout(client.worker.settings.linger_timeout, written).await.is_ok_and(|written| written.is_ok())
}

/// Tells of a request that got to no listener.
fn tell(client: &Client, parts: &Parts, reason: Reason, status: u16, detail: &str, began: Instant) {
    let port = client.port.current();
    client.worker.observer.request(&RequestRecord {
        gateway: &port.gateway,
        listener: "",
        route: "",
        backend: None,
        endpoint: None,
        client: client.peer,
        method: parts.method.as_str(),
        scheme: port.protocol.scheme(),
        host: parts.uri.authority().map(Authority::as_str).unwrap_or_default(),
        target: parts.uri.path_and_query().map(PathAndQuery::as_str).unwrap_or_default(),
        version: VERSION,
        status,
        reason,
        detail,
        duration: began.elapsed(),
        received: 0,
        sent: 0,
        upstream_tls: None,
        request_id: "",
        traceparent: "",
    });
}
