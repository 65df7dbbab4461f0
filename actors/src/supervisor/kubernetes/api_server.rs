//! An API server for tests: it answers as it is told.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::rc::Rc;
use std::time::Duration;

use kube::Client;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use super::resource::Resource;

/// A kind that is served in more than one version.
pub(super) const ROUTES: Resource = Resource {
    group: "gateway.networking.k8s.io",
    versions: &["v1", "v1beta1"],
    kind: "HTTPRoute",
    plural: "httproutes",
};
/// A kind whose objects are asked for by name.
pub(super) const SECRETS: Resource = Resource { group: "", versions: &["v1"], kind: "Secret", plural: "secrets" };

/// The longest that a test waits.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the API server does with a request.
pub(super) enum Answer {
    /// A status with a body.
    Of(u16, Value),
    /// Events, and the end of the stream.
    Events(Vec<Value>),
    /// Events, and then nothing for as long as the connection lives.
    Open(Vec<Value>),
    /// Nothing until it is let go, and then success.
    Held(Rc<Notify>),
    /// The connection is cut.
    Cut,
}

/// An API server that answers each request with the next of its answers, and remembers what was asked for.
pub(super) struct ApiServer {
    /// Of this server.
    pub(super) client: Client,
    /// Method and target of each request.
    pub(super) asked: Rc<RefCell<Vec<String>>>,
}

impl ApiServer {
    pub(super) async fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let answers = Rc::new(RefCell::new(answers.into_iter().collect::<VecDeque<_>>()));
        let asked = Rc::<RefCell<Vec<String>>>::default();
        let log = asked.clone();
        actix_rt::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                actix_rt::spawn(serve(stream, answers.clone(), log.clone()));
            }
        });
        let client = kube::Config::new(format!("http://{address}").parse().expect("a URI"));
        Self { client: Client::try_from(client).expect("a client"), asked }
    }
}

async fn serve(mut stream: TcpStream, answers: Rc<RefCell<VecDeque<Answer>>>, log: Rc<RefCell<Vec<String>>>) {
    let mut head = Vec::new();
    loop {
        while !head.windows(4).any(|window| window == b"\r\n\r\n") {
            if stream.read_buf(&mut head).await.unwrap_or(0) == 0 {
                return;
            }
        }
        let end = head.windows(4).position(|window| window == b"\r\n\r\n").expect("found above") + 4;
        let text = String::from_utf8_lossy(&head[..end]).to_ascii_lowercase();
        let length = text.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next()?.parse().ok());
        while head.len() < end + length.unwrap_or(0) {
            if stream.read_buf(&mut head).await.unwrap_or(0) == 0 {
                return;
            }
        }
        let line = String::from_utf8_lossy(&head).lines().next().unwrap_or_default().replace(" HTTP/1.1", "");
        log.borrow_mut().push(line.strip_prefix("GET ").map_or(line.clone(), str::to_owned));
        head.clear();
        let answer = answers.borrow_mut().pop_front().unwrap_or(Answer::Open(vec![]));
        let (events, open) = match answer {
            Answer::Cut => return,
            Answer::Held(go) => {
                go.notified().await;
                let answer = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
                stream.write_all(answer.as_bytes()).await.ok();
                continue;
            }
            Answer::Of(status, body) => {
                let body = body.to_string();
                let head = format!(
                    "HTTP/1.1 {status} x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
                    body.len()
                );
                stream.write_all((head + &body).as_bytes()).await.ok();
                continue;
            }
            Answer::Events(events) => (events, false),
            Answer::Open(events) => (events, true),
        };
        let mut text =
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n".to_owned();
        for event in events {
            let line = format!("{event}\n");
            let _ = write!(text, "{:x}\r\n{line}\r\n", line.len());
        }
        if !open {
            text += "0\r\n\r\n";
        }
        stream.write_all(text.as_bytes()).await.ok();
        if open {
            while stream.read_buf(&mut head).await.unwrap_or(0) > 0 {}
            return;
        }
    }
}

pub(super) fn status(code: u16, message: &str) -> Answer {
    Answer::Of(code, json!({"kind": "Status", "status": "Failure", "code": code, "message": message}))
}

pub(super) async fn until(holds: impl Fn() -> bool) {
    let looking = async {
        while !holds() {
            sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(PATIENCE, looking).await.expect("it comes in time");
}
