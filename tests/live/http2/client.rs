//! An HTTP/2 client that shows what came back.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use h2::{RecvStream, SendStream};
use http::{HeaderMap, Request, Response};
use postern_outcomes::certificates::Authority;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// The longest that a test may take.
const PATIENCE: Duration = Duration::from_mins(2);

/// Runs a test.
pub fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(PATIENCE, test).await.expect("in time") })
}

/// A connection to a plaintext port, by prior knowledge.
pub async fn connect(address: SocketAddr) -> SendRequest<Bytes> {
    begin(TcpStream::connect(address).await.unwrap()).await
}

/// A TLS connection to `name` that offers these protocols.
pub async fn connect_tls(
    address: SocketAddr,
    authority: &Authority,
    name: &'static str,
    protocols: &[&str],
) -> TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(authority.der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    let stream = TcpStream::connect(address).await.unwrap();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    connector.connect(ServerName::try_from(name).unwrap(), stream).await.unwrap()
}

/// Speaks HTTP/2 on a connection.
pub async fn begin(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> SendRequest<Bytes> {
    let (requests, connection) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    requests
}

/// A request without a body.
pub fn request(method: &str, uri: &str) -> Request<()> {
    Request::builder().method(method).uri(uri).version(http::Version::HTTP_2).body(()).unwrap()
}

/// Sends the head of a request.
pub async fn send(
    requests: &SendRequest<Bytes>,
    request: Request<()>,
    ends: bool,
) -> (ResponseFuture, SendStream<Bytes>) {
    requests.clone().ready().await.unwrap().send_request(request, ends).unwrap()
}

/// A whole response.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub fields: HeaderMap,
    pub body: String,
}

/// Sends a request and reads the whole response.
pub async fn ask(requests: &SendRequest<Bytes>, request: Request<()>) -> Result<Answer, h2::Error> {
    whole(send(requests, request, true).await.0.await?).await
}

/// `GET` of a URI.
pub async fn get(requests: &SendRequest<Bytes>, uri: &str) -> Answer {
    ask(requests, request("GET", uri)).await.unwrap()
}

/// Reads the body of a response.
pub async fn whole(response: Response<RecvStream>) -> Result<Answer, h2::Error> {
    let (head, mut stream) = response.into_parts();
    let mut body = Vec::new();
    while let Some(data) = stream.data().await {
        let data = match data {
            // A server that needs no more of the request says so once its response has ended (RFC 9113 section 8.1).
            Err(error) if error.is_reset() && error.reason() == Some(h2::Reason::NO_ERROR) => break,
            data => data?,
        };
        let _ = stream.flow_control().release_capacity(data.len());
        body.extend_from_slice(&data);
    }
    let body = String::from_utf8(body).unwrap();
    Ok(Answer { status: head.status.as_u16(), fields: head.headers, body })
}

/// Sends as much of `data` as the windows permit, piece by piece.
pub async fn write(stream: &mut SendStream<Bytes>, mut data: Bytes) -> Result<(), h2::Error> {
    while !data.is_empty() {
        stream.reserve_capacity(data.len());
        let capacity = std::future::poll_fn(|cx| stream.poll_capacity(cx)).await;
        let Some(capacity) = capacity else { return Err(h2::Reason::STREAM_CLOSED.into()) };
        let size = capacity?.min(data.len());
        stream.send_data(data.split_to(size), false)?;
    }
    Ok(())
}
