//! How awc dials for us: its connector limits the connections to one endpoint under one TLS identity, and our service
//! beneath it does TCP and all of TLS. It must not know which backend asks, nor where idle connections wait.
//!
//! awc's permit lives as long as the connection object that it returns, idle or not; since it never gets one back, its
//! limit is a true cap on open connections.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_service::Service;
use actix_tls::connect::{ConnectError, ConnectInfo, Connection};
use awc::http::Uri;
use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use rustls::ClientConfig;
use rustls_pki_types::CertificateDer;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout};

use super::accepted::Accepted;
use super::classify::{self, Classified};
use super::failure::UpstreamFailure;
use super::handshake::{CertificateRequest, HandshakeFailure, Secured, handshake};
use super::profile::TlsProfile;
use super::settings::UpstreamSettings;
use super::socket::{self, Stream};
use crate::outcome::{HandshakeResult, Reason};
use crate::telemetry::{Evidence, TlsInfo};

/// awc's connection, whose type has no public name.
pub(super) trait Transport: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> Transport for T {}

/// One endpoint under one TLS identity: what is dialled, and how.
pub(super) struct Line {
    pub(super) address: SocketAddr,
    pub(super) profile: Option<Rc<TlsProfile>>,
    config: RefCell<Option<Arc<ClientConfig>>>,
    connect_timeout: Duration,
    handshake_timeout: Duration,
}

/// One attempt to open a connection: what is dialled, and what our service, deep inside of awc's future, tells the one who
/// waits.
pub(super) struct Dial {
    line: Rc<Line>,
    stage: Cell<Stage>,
    on_start: RefCell<Option<Box<dyn FnOnce()>>>,
    made: RefCell<Option<Made>>,
    failure: RefCell<Option<DialFailure>>,
}

/// How far an attempt has come.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// For a permit.
    #[default]
    Waiting,
    Tcp,
    Tls,
}

/// What is known of a new connection.
pub(super) struct Made {
    pub(super) tcp: Duration,
    pub(super) tls: Option<MadeTls>,
}

pub(super) struct MadeTls {
    pub(super) info: TlsInfo,
    pub(super) accepted: Arc<Accepted>,
    pub(super) certificate_request: Option<Arc<CertificateRequest>>,
    pub(super) handshake: Duration,
}

/// Why there is no new connection.
#[derive(Debug, Clone)]
pub(super) struct DialFailure {
    pub(super) classified: Classified,
    pub(super) evidence: Evidence,
    /// What the peer presented, leaf first, if it came so far.
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) certificate_request: Option<Arc<CertificateRequest>>,
    /// TCP did not reach the endpoint: another one may be tried.
    pub(super) unreached: bool,
    pub(super) tcp: Option<Duration>,
    pub(super) handshake: Option<Duration>,
}

tokio::task_local! {
    static DIAL: Rc<Dial>;
}

impl Dial {
    /// An attempt; `on_start` is called once the limit permits it.
    pub(super) fn new(line: &Rc<Line>, on_start: impl FnOnce() + 'static) -> Rc<Self> {
        Rc::new(Self {
            line: line.clone(),
            stage: Cell::default(),
            on_start: RefCell::new(Some(Box::new(on_start))),
            made: RefCell::default(),
            failure: RefCell::default(),
        })
    }

    pub(super) fn stage(&self) -> Stage {
        self.stage.get()
    }

    fn start(&self) {
        self.stage.set(Stage::Tcp);
        if let Some(on_start) = self.on_start.take() {
            on_start();
        }
    }
}

/// Opens one connection within a limit.
pub(super) type Connect =
    Rc<dyn Fn(Rc<Dial>) -> LocalBoxFuture<'static, Result<(Box<dyn Transport>, Made), DialFailure>>>;

/// awc's connector to one endpoint, which limits the connections that are open at a time. It dials whatever line a
/// [`Dial`] brings, so that the pools of one endpoint whose trust changes share their limit.
pub(super) fn limited(address: SocketAddr, settings: &UpstreamSettings) -> Connect {
    // Ours end first; awc's is a net beneath them. A session that proves stale costs a second attempt.
    let longest = (settings.connect_timeout + settings.handshake_timeout) * 2 + Duration::from_secs(1);
    // awc takes 0 for no limit.
    let limit = settings.limit_per_endpoint.max(1);
    let service = Rc::new(awc::Connector::new().connector(Dialler).limit(limit).timeout(longest).finish());
    let uri = Uri::builder().scheme("http").authority(address.to_string()).path_and_query("/").build();
    Rc::new(move |dial| {
        let service = service.clone();
        let uri = uri.as_ref().map(Clone::clone).map_err(ToString::to_string);
        async move {
            let uri = uri.map_err(DialFailure::fault)?;
            let call = service.call(awc::Connect { uri, addr: Some(address) });
            match DIAL.scope(dial.clone(), call).await {
                Ok(connection) => {
                    let made = dial.made.take().ok_or_else(|| DialFailure::fault("a connection of unknown origin"))?;
                    Ok((Box::new(connection) as Box<dyn Transport>, made))
                }
                Err(error) => Err(dial.failure.take().unwrap_or_else(|| DialFailure::fault(error.to_string()))),
            }
        }
        .boxed_local()
    })
}

impl Line {
    pub(super) fn new(address: SocketAddr, profile: Option<Rc<TlsProfile>>, settings: &UpstreamSettings) -> Rc<Self> {
        Rc::new(Self {
            address,
            config: RefCell::new(profile.as_ref().map(|profile| profile.config())),
            profile,
            connect_timeout: settings.connect_timeout,
            handshake_timeout: settings.handshake_timeout,
        })
    }

    async fn dial(&self, dial: &Dial) -> Result<(Stream, Made), DialFailure> {
        match self.attempt(dial).await {
            Err((_, true)) => {
                // Its sessions were made when the chain was still good. A full handshake says what holds today.
                *self.config.borrow_mut() = self.profile.as_ref().map(|profile| profile.config());
                dial.stage.set(Stage::Tcp);
                self.attempt(dial).await.map_err(|(failure, _)| failure)
            }
            other => other.map_err(|(failure, _)| failure),
        }
    }

    /// The flag of a failure says that a resumed session was stale.
    async fn attempt(&self, dial: &Dial) -> Result<(Stream, Made), (DialFailure, bool)> {
        let begin = Instant::now();
        let socket = match timeout(self.connect_timeout, socket::connect(self.address)).await {
            Ok(Ok(socket)) => socket,
            Ok(Err(error)) => return Err((DialFailure::tcp(classify::connect(&error), begin), false)),
            Err(_) => {
                let cause = format!("no answer by TCP within {:?}", self.connect_timeout);
                return Err((DialFailure::tcp(Classified::new(HandshakeResult::Timeout, cause), begin), false));
            }
        };
        let tcp = begin.elapsed();
        let config = self.config.borrow().clone();
        let (Some(profile), Some(config)) = (&self.profile, config) else {
            return Ok((Stream::Plaintext(socket), Made { tcp, tls: None }));
        };
        dial.stage.set(Stage::Tls);
        let begin = Instant::now();
        let secured = timeout(self.handshake_timeout, handshake(socket, profile, &config)).await;
        let failed = |failure: DialFailure| DialFailure { tcp: Some(tcp), handshake: Some(begin.elapsed()), ..failure };
        match secured {
            Ok(Ok(secured)) => {
                let Secured { stream, info, accepted, certificate_request } = secured;
                let tls = MadeTls { info, accepted, certificate_request, handshake: begin.elapsed() };
                Ok((Stream::Tls(Box::new(stream)), Made { tcp, tls: Some(tls) }))
            }
            Ok(Err(failure)) => {
                let stale_session = failure.stale_session;
                Err((failed(failure.into()), stale_session))
            }
            Err(_) => {
                let cause = format!("the handshake took longer than {:?}", self.handshake_timeout);
                Err((failed(Classified::new(HandshakeResult::Timeout, cause).into()), false))
            }
        }
    }
}

impl DialFailure {
    fn tcp(classified: Classified, begin: Instant) -> Self {
        Self { unreached: true, tcp: Some(begin.elapsed()), ..classified.into() }
    }

    fn fault(cause: impl Into<String>) -> Self {
        Classified::new(HandshakeResult::Other, cause).into()
    }

    /// In the words of the request path.
    pub(super) fn at(&self, endpoint: Option<SocketAddr>) -> UpstreamFailure {
        UpstreamFailure {
            reason: Reason::Handshake(self.classified.result),
            certificate_error: self.classified.certificate_error,
            message: self.evidence.to_string(),
            endpoint,
        }
    }
}

impl From<Classified> for DialFailure {
    /// One that came before any socket.
    fn from(classified: Classified) -> Self {
        let evidence = Evidence::of(classified.result, &*classified.cause);
        Self {
            classified,
            evidence,
            chain: Vec::new(),
            certificate_request: None,
            unreached: false,
            tcp: None,
            handshake: None,
        }
    }
}

impl From<HandshakeFailure> for DialFailure {
    fn from(failure: HandshakeFailure) -> Self {
        let HandshakeFailure { classified, evidence, chain, certificate_request, stale_session: _ } = failure;
        Self { classified, evidence, chain, certificate_request, unreached: false, tcp: None, handshake: None }
    }
}

/// The service that awc calls once it has a permit.
#[derive(Clone)]
struct Dialler;

impl Service<ConnectInfo<Uri>> for Dialler {
    type Response = Connection<Uri, Stream>;
    type Error = ConnectError;
    type Future = LocalBoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&self, info: ConnectInfo<Uri>) -> Self::Future {
        let dial = DIAL.try_with(Rc::clone);
        async move {
            let dial = dial.map_err(|_| ConnectError::Unresolved)?;
            dial.start();
            match dial.line.dial(&dial).await {
                Ok((stream, made)) => {
                    dial.made.replace(Some(made));
                    Ok(Connection::new(info.request().clone(), stream))
                }
                Err(failure) => {
                    let error = io::Error::other(failure.classified.cause.clone());
                    dial.failure.replace(Some(failure));
                    Err(ConnectError::Io(error))
                }
            }
        }
        .boxed_local()
    }
}
