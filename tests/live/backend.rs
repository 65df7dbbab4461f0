//! Backends: real TLS servers (rustls), and servers that get TLS wrong.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion};

use super::certificates::Identity;

/// A server that is gone when it is dropped.
pub struct Backend {
    pub address: SocketAddr,
    /// Connections that were accepted.
    pub connections: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Backend {
    /// Calls `serve` with every connection, each on a thread of its own.
    pub fn start(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, connections) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let serve = Arc::new(serve);
        let thread = std::thread::spawn({
            let (stop, connections) = (stop.clone(), connections.clone());
            move || {
                for stream in listener.incoming() {
                    if stop.load(Ordering::SeqCst) {
                        return;
                    }
                    let Ok(stream) = stream else { continue };
                    connections.fetch_add(1, Ordering::SeqCst);
                    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
                    let serve = serve.clone();
                    std::thread::spawn(move || serve(stream));
                }
            }
        });
        Self { address, connections, stop, thread: Some(thread) }
    }

    /// An HTTP server over TLS that answers every request with what it has seen.
    pub fn tls(tls: &Tls) -> Self {
        let closes = tls.closes;
        Self::tls_with(tls, move |stream| answer_requests(stream, closes))
    }

    /// Calls `serve` with every connection over TLS.
    pub fn tls_with(
        tls: &Tls,
        serve: impl Fn(StreamOwned<ServerConnection, TcpStream>) + Send + Sync + 'static,
    ) -> Self {
        let config = tls.config();
        Self::start(move |stream| serve(StreamOwned::new(ServerConnection::new(config.clone()).unwrap(), stream)))
    }

    /// An HTTP server without TLS.
    pub fn plaintext() -> Self {
        Self::start(|stream| answer_requests(stream, false))
    }

    /// A server that sends these bytes to whoever connects, once the client has spoken, and closes.
    pub fn says(bytes: &'static [u8]) -> Self {
        Self::start(move |mut stream| {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(bytes);
        })
    }

    /// A server that takes connections and never says anything.
    pub fn silent() -> Self {
        Self::start(|mut stream| while matches!(stream.read(&mut [0; 4096]), Ok(1..)) {})
    }

    /// An address of this machine on which nobody listens.
    pub fn nobody() -> SocketAddr {
        TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
    }

    pub fn accepted(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// How a backend speaks TLS.
pub struct Tls {
    pub identity: Identity,
    pub versions: &'static [&'static SupportedProtocolVersion],
    pub alpn: &'static [&'static str],
    /// The authority of the clients, where they must show a certificate.
    pub clients: Option<CertificateDer<'static>>,
    /// Whether it closes after each response, without having said so.
    pub closes: bool,
}

impl Tls {
    pub fn new(identity: Identity) -> Self {
        Self { identity, versions: rustls::ALL_VERSIONS, alpn: &[], clients: None, closes: false }
    }

    fn config(&self) -> Arc<ServerConfig> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let key = provider.key_provider.load_private_key(self.identity.key()).unwrap();
        let resolver = Presents(Arc::new(CertifiedKey::new(self.identity.chain.clone(), key)));
        let builder =
            ServerConfig::builder_with_provider(provider.clone()).with_protocol_versions(self.versions).unwrap();
        let builder = match &self.clients {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                roots.add(authority.clone()).unwrap();
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
                builder.with_client_cert_verifier(verifier)
            }
        };
        let mut config = builder.with_cert_resolver(Arc::new(resolver));
        config.alpn_protocols = self.alpn.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        Arc::new(config)
    }
}

/// Presents one certificate to everybody, whatever it is.
#[derive(Debug)]
struct Presents(Arc<CertifiedKey>);

impl ResolvesServerCert for Presents {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }
}

/// Answers each request with its request line and fields as the body.
fn answer_requests(stream: impl Read + Write, once: bool) {
    let mut stream = BufReader::new(stream);
    loop {
        let mut head = String::new();
        loop {
            let before = head.len();
            match stream.read_line(&mut head) {
                Ok(0) | Err(_) => return,
                Ok(_) if &head[before..] == "\r\n" => break,
                Ok(_) => {}
            }
        }
        let length = head
            .lines()
            .find_map(|line| {
                line.to_ascii_lowercase().strip_prefix("content-length:").map(|value| value.trim().to_owned())
            })
            .map_or(0, |value| value.parse().unwrap());
        let mut body = vec![0; length];
        if stream.read_exact(&mut body).is_err() {
            return;
        }
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{head}", head.len());
        if stream.get_mut().write_all(answer.as_bytes()).and_then(|()| stream.get_mut().flush()).is_err() || once {
            return;
        }
    }
}
