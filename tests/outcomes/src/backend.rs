//! Backends: real TLS servers (rustls), and servers that get TLS wrong.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion};
use socket2::{Domain, Socket, Type};

use crate::certificates::Identity;

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A server that is gone when it is dropped.
pub struct Backend {
    /// Where it listens.
    pub address: SocketAddr,
    /// Connections that were accepted.
    pub connections: Arc<AtomicUsize>,
    open: Connections,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// Those that are being served.
type Connections = Arc<Mutex<HashMap<usize, TcpStream>>>;

impl Backend {
    /// Calls `serve` with every connection, each on a thread of its own.
    pub fn start(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        Self::start_on(LOOPBACK, serve)
    }

    /// The same on another address of this machine.
    pub fn start_on(ip: IpAddr, serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((ip, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, connections) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let serve = Arc::new(serve);
        let open = Connections::default();
        let thread = std::thread::spawn({
            let (stop, connections, open) = (stop.clone(), connections.clone(), open.clone());
            move || {
                for stream in listener.incoming() {
                    if stop.load(Ordering::SeqCst) {
                        return;
                    }
                    let Ok(stream) = stream else { continue };
                    let number = connections.fetch_add(1, Ordering::SeqCst);
                    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
                    let (serve, open) = (serve.clone(), Open::begin(&open, number, &stream));
                    std::thread::spawn(move || {
                        let _open = open;
                        serve(stream);
                    });
                }
            }
        });
        Self { address, connections, open, stop, thread: Some(thread) }
    }

    /// An HTTP server over TLS that answers every request with what it has seen.
    pub fn tls(tls: &Tls) -> Self {
        Self::start(over_tls(tls))
    }

    /// Calls `serve` with every connection over TLS.
    pub fn tls_with(
        tls: &Tls,
        serve: impl Fn(StreamOwned<ServerConnection, TcpStream>) + Send + Sync + 'static,
    ) -> Self {
        Self::start(over_tls_with(tls, serve))
    }

    /// An HTTP server without TLS.
    pub fn plaintext() -> Self {
        Self::start(in_plaintext)
    }

    /// A server that sends these bytes to whoever connects, once the client has spoken, and closes.
    pub fn says(bytes: &'static [u8]) -> Self {
        Self::start(saying(bytes))
    }

    /// A server that takes connections and never says anything.
    pub fn silent() -> Self {
        Self::start(in_silence)
    }

    /// An address of this machine on which nobody listens. It stays taken, so that nobody else does either.
    pub fn nobody() -> SocketAddr {
        Self::nobody_on(LOOPBACK)
    }

    /// The same for another address of this machine.
    pub fn nobody_on(ip: IpAddr) -> SocketAddr {
        let address = SocketAddr::from((ip, 0));
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).unwrap();
        socket.bind(&address.into()).unwrap();
        let address = socket.local_addr().unwrap().as_socket().unwrap();
        std::mem::forget(socket);
        address
    }

    /// How many connections were accepted so far.
    pub fn accepted(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Ends at once, as a process that is killed does: nobody listens any more, and every connection is closed.
    pub fn kill(mut self) {
        self.stop_accepting();
        for stream in self.open.lock().unwrap().values() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    fn stop_accepting(&mut self) {
        if let Some(thread) = self.thread.take() {
            self.stop.store(true, Ordering::SeqCst);
            let _ = TcpStream::connect(self.address);
            let _ = thread.join();
        }
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.stop_accepting();
    }
}

/// Answers every request over TLS with what it has seen.
pub fn over_tls(tls: &Tls) -> impl Fn(TcpStream) + Send + Sync + use<> {
    let closes = tls.closes;
    over_tls_with(tls, move |stream| answer_requests(stream, closes))
}

fn over_tls_with<S>(tls: &Tls, serve: S) -> impl Fn(TcpStream) + Send + Sync + use<S>
where
    S: Fn(StreamOwned<ServerConnection, TcpStream>) + Send + Sync + 'static,
{
    let config = tls.config();
    move |stream| serve(StreamOwned::new(ServerConnection::new(config.clone()).unwrap(), stream))
}

/// Answers every request without TLS.
pub fn in_plaintext(stream: TcpStream) {
    answer_requests(stream, false);
}

/// Sends these bytes to whoever connects, once the client has spoken, and closes.
pub fn saying(bytes: &'static [u8]) -> impl Fn(TcpStream) + Send + Sync + use<> {
    move |mut stream| {
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(bytes);
    }
}

/// Never says anything.
pub fn in_silence(mut stream: TcpStream) {
    while matches!(stream.read(&mut [0; 4096]), Ok(1..)) {}
}

/// An entry among the connections, for as long as it is served.
struct Open {
    open: Connections,
    number: usize,
}

impl Open {
    fn begin(open: &Connections, number: usize, stream: &TcpStream) -> Self {
        open.lock().unwrap().insert(number, stream.try_clone().unwrap());
        Self { open: open.clone(), number }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.open.lock().unwrap().remove(&self.number);
    }
}

/// How a backend speaks TLS.
pub struct Tls {
    /// The certificate.
    pub presented: Presented,
    /// The versions that it takes.
    pub versions: &'static [&'static SupportedProtocolVersion],
    /// The application protocols that it takes; without any it does not negotiate one.
    pub alpn: &'static [&'static str],
    /// The authority of the clients, where they must show a certificate.
    pub clients: Option<CertificateDer<'static>>,
    /// Whether it closes after each response, without having said so.
    pub closes: bool,
}

impl Tls {
    /// Presents a certificate, and demands nothing.
    pub fn new(identity: Identity) -> Self {
        let presented = Presented::new(identity);
        Self { presented, versions: rustls::ALL_VERSIONS, alpn: &[], clients: None, closes: false }
    }

    fn config(&self) -> Arc<ServerConfig> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
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
        let mut config = builder.with_cert_resolver(Arc::new(self.presented.clone()));
        config.alpn_protocols = self.alpn.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        Arc::new(config)
    }
}

/// The certificate that everybody gets, whatever it is; it may change while a backend serves.
#[derive(Debug, Clone)]
pub struct Presented(Arc<Mutex<Arc<CertifiedKey>>>);

impl Presented {
    fn new(identity: Identity) -> Self {
        Self(Arc::new(Mutex::new(certified(identity))))
    }

    /// Handshakes that begin from now on get another one.
    pub fn change(&self, identity: &Identity) {
        *self.0.lock().unwrap() = certified(identity.clone());
    }
}

fn certified(identity: Identity) -> Arc<CertifiedKey> {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let key = provider.key_provider.load_private_key(identity.key()).unwrap();
    Arc::new(CertifiedKey::new(identity.chain, key))
}

impl ResolvesServerCert for Presented {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.lock().unwrap().clone())
    }
}

/// A request, as a backend gets it.
pub struct Request {
    /// Its request line and fields, with the empty line.
    pub head: String,
    /// Its body, whole.
    pub body: Vec<u8>,
}

impl Request {
    /// The next one, if there is one and it is whole. Its body has a length or none.
    pub fn read(stream: &mut impl BufRead) -> Option<Self> {
        let mut head = String::new();
        loop {
            let before = head.len();
            match stream.read_line(&mut head) {
                Ok(0) | Err(_) => return None,
                Ok(_) if &head[before..] == "\r\n" => break,
                Ok(_) => {}
            }
        }
        let length = head
            .lines()
            .find_map(|line| Some(line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().to_owned()));
        let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        stream.read_exact(&mut body).ok()?;
        Some(Self { head, body })
    }

    /// The target of its request line.
    pub fn target(&self) -> &str {
        self.head.split(' ').nth(1).unwrap()
    }
}

/// Answers each request with its request line and fields as the body.
fn answer_requests(stream: impl Read + Write, once: bool) {
    let mut stream = BufReader::new(stream);
    while let Some(Request { head, .. }) = Request::read(&mut stream) {
        if answer(stream.get_mut(), "", head.as_bytes()).is_err() || once {
            return;
        }
    }
}

/// Writes a 200; `fields` are lines of its head.
pub fn answer(stream: &mut impl Write, fields: &str, body: &[u8]) -> std::io::Result<()> {
    let mut whole = format!("HTTP/1.1 200 OK\r\n{fields}Content-Length: {}\r\n\r\n", body.len()).into_bytes();
    whole.extend_from_slice(body);
    stream.write_all(&whole)?;
    stream.flush()
}
