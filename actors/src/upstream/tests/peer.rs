//! Backends: they answer `ping!` with `pong!` for as long as one asks.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{HandshakeKind, RootCertStore, ServerConfig, SupportedProtocolVersion};
use rustls_pki_types::PrivateKeyDer;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;
use tokio_rustls::TlsAcceptor;

use super::certificates::Issued;

/// A backend that listens on loopback.
pub(super) struct Peer {
    pub(super) address: SocketAddr,
    accepted: Rc<Cell<usize>>,
    handshakes: Rc<RefCell<Vec<HandshakeKind>>>,
    presented: Rc<RefCell<Arc<ServerConfig>>>,
    hang_up: broadcast::Sender<()>,
    goodbyes: Rc<Cell<usize>>,
    ended: Rc<Cell<usize>>,
    task: actix_rt::task::JoinHandle<()>,
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What a TLS backend is made of.
#[derive(Clone)]
pub(super) struct Config {
    chain: Vec<Issued>,
    versions: Vec<&'static SupportedProtocolVersion>,
    alpn: Vec<Vec<u8>>,
    clients: Option<Issued>,
    remembers: bool,
}

/// Presents this certificate.
pub(super) fn presenting(certificate: &Issued) -> Config {
    Config {
        chain: vec![certificate.clone()],
        versions: rustls::ALL_VERSIONS.to_vec(),
        alpn: Vec::new(),
        clients: None,
        remembers: true,
    }
}

impl Config {
    pub(super) fn with_intermediate(mut self, certificate: &Issued) -> Self {
        self.chain.push(certificate.clone());
        self
    }

    pub(super) fn speaking(mut self, version: &'static SupportedProtocolVersion) -> Self {
        self.versions = vec![version];
        self
    }

    pub(super) fn alpn(mut self, protocol: &str) -> Self {
        self.alpn.push(protocol.into());
        self
    }

    /// Demands a client certificate of this CA.
    pub(super) fn demanding_clients_of(mut self, authority: &Issued) -> Self {
        self.clients = Some(authority.clone());
        self
    }

    pub(super) fn without_memory(mut self) -> Self {
        self.remembers = false;
        self
    }

    /// Has no certificate for anybody.
    pub(super) fn with_empty_hands(mut self) -> Self {
        self.chain.clear();
        self
    }

    pub(super) fn build(&self) -> Arc<ServerConfig> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone());
        let builder = builder.with_protocol_versions(&self.versions).expect("versions");
        let builder = match &self.clients {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                roots.add(authority.certificate()).expect("a root");
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
                builder.with_client_cert_verifier(verifier.build().expect("a verifier"))
            }
        };
        let presented = self.chain.first().map(|leaf| {
            let key = PrivateKeyDer::Pkcs8(leaf.key.serialize_der().into());
            let key = provider.key_provider.load_private_key(key).expect("a key");
            Arc::new(CertifiedKey::new(self.chain.iter().map(Issued::certificate).collect(), key))
        });
        let mut config = builder.with_cert_resolver(Arc::new(Presented(presented)));
        config.alpn_protocols.clone_from(&self.alpn);
        if !self.remembers {
            config.session_storage = Arc::new(NoServerSessionStorage {});
            config.send_tls13_tickets = 0;
        }
        Arc::new(config)
    }
}

/// Presents anything, be it a certificate or not.
#[derive(Debug)]
struct Presented(Option<Arc<CertifiedKey>>);

impl ResolvesServerCert for Presented {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.clone()
    }
}

impl Peer {
    /// A backend that speaks TLS.
    pub(super) async fn tls(config: Config) -> Self {
        Self::start(Some(config), |_| async {}).await
    }

    /// A backend that answers in plaintext.
    pub(super) async fn plaintext() -> Self {
        Self::start(None, |socket| async { drop(answer(socket).await) }).await
    }

    /// A backend that does this with each connection.
    pub(super) async fn raw<F: Future<Output = ()> + 'static>(serve: impl Fn(TcpStream) -> F + 'static) -> Self {
        Self::start(None, serve).await
    }

    async fn start<F: Future<Output = ()> + 'static>(
        config: Option<Config>,
        serve: impl Fn(TcpStream) -> F + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
        let address = listener.local_addr().expect("bound");
        let secured = config.is_some();
        let config = config.map_or_else(nothing, |config| config.build());
        let presented = Rc::new(RefCell::new(config));
        let accepted = Rc::new(Cell::new(0));
        let handshakes = Rc::new(RefCell::new(Vec::new()));
        let (hang_up, _) = broadcast::channel(1);
        let goodbyes = Rc::new(Cell::new(0));
        let ended = Rc::new(Cell::new(0));
        let (ends, ends_of_any) = (goodbyes.clone(), ended.clone());
        let (count, kinds, config, hang) = (accepted.clone(), handshakes.clone(), presented.clone(), hang_up.clone());
        let task = actix_rt::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                count.set(count.get() + 1);
                let (kinds, goodbyes) = (kinds.clone(), ends.clone());
                let mut hung_up = hang.subscribe();
                let served = if secured {
                    let accept = TlsAcceptor::from(config.borrow().clone()).accept(socket);
                    futures_util::future::Either::Left(async move {
                        if let Ok(stream) = accept.await {
                            kinds.borrow_mut().extend(stream.get_ref().1.handshake_kind());
                            if answer(stream).await.is_ok() {
                                goodbyes.set(goodbyes.get() + 1);
                            }
                        }
                    })
                } else {
                    futures_util::future::Either::Right(serve(socket))
                };
                let ended = ends_of_any.clone();
                actix_rt::spawn(async move {
                    tokio::select! {
                        () = served => {}
                        _ = hung_up.recv() => {}
                    }
                    ended.set(ended.get() + 1);
                });
            }
        });
        Self { address, accepted, handshakes, presented, hang_up, goodbyes, ended, task }
    }

    /// Presents something else to new connections, and forgets all sessions.
    pub(super) fn present(&self, config: &Config) {
        self.presented.replace(config.build());
    }

    /// Presents something else to new connections, and remembers the sessions, as backends do that share ticket keys.
    pub(super) fn renew(&self, config: &Config) {
        let mut renewed = Arc::unwrap_or_clone(config.build());
        renewed.session_storage = self.presented.borrow().session_storage.clone();
        self.presented.replace(Arc::new(renewed));
    }

    /// Connections that came.
    pub(super) fn accepted(&self) -> usize {
        self.accepted.get()
    }

    /// How they shook hands.
    pub(super) fn handshakes(&self) -> Vec<HandshakeKind> {
        self.handshakes.borrow().clone()
    }

    /// Connections that ended cleanly: in TLS, with a close_notify.
    pub(super) fn goodbyes(&self) -> usize {
        self.goodbyes.get()
    }

    /// Connections that ended in any way.
    pub(super) fn ended(&self) -> usize {
        self.ended.get()
    }

    /// Closes all connections.
    pub(super) fn hang_up(&self) {
        let _ = self.hang_up.send(());
    }
}

fn nothing() -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    Arc::new(builder.expect("versions").with_no_client_auth().with_cert_resolver(Arc::new(Presented(None))))
}

/// Answers until the client says goodbye; an error is an end without that.
async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
    let mut request = [0; 5];
    loop {
        let mut filled = 0;
        while filled < request.len() {
            match stream.read(&mut request[filled..]).await? {
                0 => return Ok(()),
                count => filled += count,
            }
        }
        assert_eq!(&request, b"ping!");
        stream.write_all(b"pong!").await?;
        stream.flush().await?;
    }
}

/// An address at which nobody listens.
pub(super) async fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.expect("binds").local_addr().expect("bound")
}
