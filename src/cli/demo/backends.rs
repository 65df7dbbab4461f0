//! The demo's backends: small HTTP/1.1 servers, three over TLS and one that speaks plaintext.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::certificates::Leaf;

/// The largest head that a backend reads.
const HEAD_LIMIT: usize = 64 * 1024;

/// Starts a backend that speaks TLS, and says where.
pub(crate) async fn over_tls(name: &'static str, leaf: Leaf) -> anyhow::Result<SocketAddr> {
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(leaf.chain, leaf.key)?;
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    serve(listener, move |stream| {
        let acceptor = acceptor.clone();
        async move {
            // A gateway that refuses the certificate ends the handshake: that is what the demo shows.
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            let session = stream.get_ref().1;
            let version = match session.protocol_version() {
                Some(rustls::ProtocolVersion::TLSv1_3) => "TLS 1.3",
                Some(rustls::ProtocolVersion::TLSv1_2) => "TLS 1.2",
                _ => "TLS",
            };
            let sni = session.server_name().unwrap_or("none");
            let body = format!("Hello from the backend `{name}`, reached over {version} with SNI {sni}.\n");
            converse(&mut stream, &body, || ()).await;
        }
    });
    Ok(address)
}

/// Starts a backend that speaks plaintext, and counts the requests that it could read: there must never be one.
pub(crate) async fn in_plaintext() -> anyhow::Result<(SocketAddr, Arc<AtomicUsize>)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let read = Arc::new(AtomicUsize::new(0));
    let counter = read.clone();
    serve(listener, move |mut stream| {
        let counter = counter.clone();
        async move {
            let count = || {
                counter.fetch_add(1, Ordering::SeqCst);
            };
            converse(&mut stream, "This was sent in plaintext, and should never be seen.\n", count).await;
        }
    });
    Ok((address, read))
}

fn serve<F>(listener: TcpListener, talk: impl Fn(TcpStream) -> F + 'static)
where
    F: Future<Output = ()> + 'static,
{
    actix_rt::spawn(async move {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    actix_rt::spawn(talk(stream));
                }
                Err(error) => {
                    tracing::debug!(%error, "a backend of the demo could not accept");
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
            }
        }
    });
}

/// Answers each request on a connection with the same body.
async fn converse(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), body: &str, on_request: impl Fn()) {
    let mut read = Vec::new();
    loop {
        let end = match head(stream, &mut read).await {
            Some(end) => end,
            None if read.is_empty() => return,
            None => {
                let bad = "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
                stream.write_all(bad.as_bytes()).await.ok();
                stream.shutdown().await.ok();
                return;
            }
        };
        on_request();
        let text = String::from_utf8_lossy(&read[..end]).to_ascii_lowercase();
        let header = |name: &str| {
            text.lines()
                .filter_map(|line| line.split_once(':'))
                .find(|(found, _)| *found == name)
                .map(|(_, value)| value)
        };
        let length = header("content-length").map_or(Some(0), |value| value.trim().parse::<usize>().ok());
        let keep = header("transfer-encoding").is_none() && length.is_some();
        let to_skip = length.unwrap_or(0);
        if !keep {
            // A body whose end is not looked for: answer, and let the connection end with it.
        } else if skip(stream, &mut read, end + to_skip).await.is_none() {
            return;
        }
        let body = if text.starts_with("head ") { "" } else { body };
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {}\r\n{}\r\n{body}",
            body.len(),
            if keep { "" } else { "connection: close\r\n" },
        );
        if stream.write_all(answer.as_bytes()).await.is_err() || stream.flush().await.is_err() {
            return;
        }
        if !keep {
            stream.shutdown().await.ok();
            return;
        }
    }
}

/// Reads until the end of a head, and says where that is; `None` at the end of the stream, or if it is no HTTP.
async fn head(stream: &mut (impl AsyncRead + Unpin), read: &mut Vec<u8>) -> Option<usize> {
    loop {
        if let Some(at) = read.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            return Some(at + 4);
        }
        if read.len() > HEAD_LIMIT || read.first().is_some_and(|byte| !byte.is_ascii_alphabetic()) {
            return None;
        }
        match stream.read_buf(read).await {
            Ok(0) | Err(_) => return None,
            Ok(_) => {}
        }
    }
}

/// Takes `count` bytes away from what was read and what still comes.
async fn skip(stream: &mut (impl AsyncRead + Unpin), read: &mut Vec<u8>, count: usize) -> Option<()> {
    let mut missing = count.saturating_sub(read.len());
    read.drain(..count.min(read.len()));
    let mut buffer = [0; 4096];
    while missing > 0 {
        let most = missing.min(buffer.len());
        match stream.read(&mut buffer[..most]).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => missing -= count,
        }
    }
    Some(())
}
