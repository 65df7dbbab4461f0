//! One TLS handshake over an open socket. It must not know pools, backends or plans.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use rustls::{ClientConfig, HandshakeKind, ProtocolVersion};
use rustls_pki_types::CertificateDer;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::accepted::Accepted;
use super::bulk::BulkSocket;
use super::classify::{self, Classified};
use super::explain;
use super::profile::TlsProfile;
use crate::outcome::HandshakeResult;
use crate::telemetry::{Evidence, TlsInfo};

/// A connection whose peer is who it must be.
pub struct Secured {
    /// The connection.
    pub stream: TlsStream<BulkSocket>,
    /// For log and metrics.
    pub info: TlsInfo,
    /// What the peer presented, in this handshake or in that of the session which was resumed.
    pub accepted: Arc<Accepted>,
    /// Whether the peer asked for a client certificate: in TLS 1.3 it may still refuse it.
    pub certificate_request: Option<Arc<CertificateRequest>>,
}

/// Why there is no such connection.
#[derive(Debug, Clone)]
pub struct HandshakeFailure {
    /// The closed words.
    pub classified: Classified,
    /// What is known of why.
    pub evidence: Evidence,
    /// What the peer presented, leaf first, if it came so far.
    pub chain: Vec<CertificateDer<'static>>,
    /// Whether the peer asked for a client certificate.
    pub certificate_request: Option<Arc<CertificateRequest>>,
    /// A session was resumed whose chain no longer verifies: a full handshake, without that session, decides.
    pub stale_session: bool,
}

tokio::task_local! {
    static WITNESS: Rc<Witness>;
}

/// What rustls tells its verifier and its credential in the course of a handshake, and nobody else.
#[derive(Debug, Default)]
pub(super) struct Witness {
    chain: RefCell<Vec<CertificateDer<'static>>>,
    certificate_request: RefCell<Option<Arc<CertificateRequest>>>,
}

/// How a peer asked for a client certificate.
#[derive(Debug)]
pub struct CertificateRequest {
    /// The names of CAs whose certificates it takes, in DER; the first of them. It need not name any.
    pub authorities: Vec<Vec<u8>>,
}

/// How many authorities of a peer are kept.
const AUTHORITIES: usize = 16;

impl Witness {
    /// The peer presented this chain.
    pub(super) fn presented(chain: Vec<CertificateDer<'static>>) {
        let _ = WITNESS.try_with(|witness| witness.chain.replace(chain));
    }

    /// The peer asked for a client certificate, and named these authorities.
    pub(super) fn asked_for_certificate(authorities: &[&[u8]]) {
        let authorities = authorities.iter().take(AUTHORITIES).map(|name| name.to_vec()).collect();
        let request = Arc::new(CertificateRequest { authorities });
        let _ = WITNESS.try_with(|witness| witness.certificate_request.replace(Some(request)));
    }
}

/// Performs a handshake under a profile; `config` is the endpoint's, see [`TlsProfile::config`]. The caller limits its time.
pub async fn handshake(
    socket: TcpStream,
    profile: &TlsProfile,
    config: &Arc<ClientConfig>,
) -> Result<Secured, HandshakeFailure> {
    let witness = Rc::new(Witness::default());
    let connect = TlsConnector::from(config.clone()).connect(profile.server_name.clone(), BulkSocket::new(socket));
    let stream = WITNESS.scope(witness.clone(), connect).await;
    let fail = |classified: Classified, chain: &[CertificateDer<'static>], stale_session| {
        let evidence = explain::failure(&classified, chain, profile);
        let certificate_request = witness.certificate_request.borrow().clone();
        HandshakeFailure { classified, evidence, chain: chain.to_vec(), certificate_request, stale_session }
    };
    let stream = match stream {
        Ok(stream) => stream,
        Err(error) => {
            let classified = classify::handshake(&error, witness.certificate_request.borrow().is_some());
            return Err(fail(classified, &witness.chain.borrow(), false));
        }
    };
    let session = stream.get_ref().1;
    let resumed = session.handshake_kind() == Some(HandshakeKind::Resumed);
    let chain = session.peer_certificates().unwrap_or_default();
    let Some(now) = profile.clock.current_time() else {
        return Err(fail(Classified::new(HandshakeResult::Other, "the time is not known"), chain, false));
    };
    // rustls does not verify the chain of a resumed session again.
    let accepted = match profile.verifier.judge(chain, now) {
        Ok(accepted) => accepted,
        Err(error) => return Err(fail(classify::tls(&error, false), chain, resumed)),
    };
    let info = TlsInfo {
        sni: profile.identity.sni.clone(),
        version: match session.protocol_version() {
            Some(ProtocolVersion::TLSv1_2) => "1.2",
            _ => "1.3",
        },
        cipher: session.negotiated_cipher_suite().map_or("", |suite| iana(suite.suite())),
        alpn: session.alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned()).unwrap_or_default(),
        resumed,
        peer_not_after: accepted.not_after,
    };
    Ok(Secured { info, accepted, certificate_request: witness.certificate_request.take(), stream })
}

/// The IANA's name; rustls writes those of TLS 1.3 in its own way.
fn iana(suite: rustls::CipherSuite) -> &'static str {
    match suite {
        rustls::CipherSuite::TLS13_AES_128_GCM_SHA256 => "TLS_AES_128_GCM_SHA256",
        rustls::CipherSuite::TLS13_AES_256_GCM_SHA384 => "TLS_AES_256_GCM_SHA384",
        rustls::CipherSuite::TLS13_CHACHA20_POLY1305_SHA256 => "TLS_CHACHA20_POLY1305_SHA256",
        other => other.as_str().unwrap_or("unknown"),
    }
}

/// The error that the peer's bytes hold, if one is among those that have already arrived. It reads no plaintext.
pub(super) fn pending_error(stream: &mut TlsStream<BulkSocket>) -> Option<rustls::Error> {
    let (socket, session) = stream.get_mut();
    while let Ok(1..) = session.read_tls(socket) {
        if let Err(error) = session.process_new_packets() {
            return Some(error);
        }
    }
    None
}
