//! What a probe has found, as plain data: the JSON of `postern probe -o json`. Fields may be added, and none goes. It must
//! not know how anything was found out.
//!
//! Times are in milliseconds, moments in seconds since the Unix epoch. No private key and no Secret is in it.

use std::fmt::{self, Write as _};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Serialize, Serializer};

use super::attempt::Attempt;
use super::mend::{Mended, is_of_the_peer};
use super::peer;
use crate::certificate::{Facts, distinguished_name};
use crate::outcome::{HandshakeResult, Reason};
use crate::plan::hexadecimal;
use crate::plan::{Backend, EndpointSource, Poison, TlsIdentity};
use crate::upstream::explain;
use crate::upstream::profile::TlsProfile;
use crate::upstream::refused::RefusedAddresses;

const SECONDS_OF_A_DAY: i64 = 24 * 60 * 60;
/// How many endpoints a sentence names.
const NAMED: usize = 8;

/// Everything.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// `kind/namespace/name:port` as log and metrics have it, or the URL.
    pub backend: String,
    /// `namespace/name` of the Gateway; empty where there is none.
    pub gateway: Arc<str>,
    /// `namespace/name` of the BackendTLSPolicy; empty where there is none.
    pub policy: Arc<str>,
    /// What is offered and demanded; `None` where no TLS is originated.
    pub offer: Option<Offer>,
    /// How the name led to addresses; `None` where they are those of a Service.
    pub resolution: Option<Resolution>,
    /// Each address, in the order of the resolver or of the Service.
    pub endpoints: Vec<EndpointReport>,
    /// TLS 1.2 and 1.3 apart, at the endpoint of the verdict; empty if TLS did not get there, or only silence came.
    pub versions: Vec<VersionReport>,
    /// Whether a second connection resumed the session of the first; `None` where that was not tried.
    pub resumed: Option<bool>,
    /// The anchors, for the chain of the endpoint of the verdict.
    pub anchors: Option<Anchors>,
    /// What is to be said of it.
    pub verdict: Verdict,
    /// What the policy would have to say; `None` where it need not, or that would not help.
    #[serde(skip)]
    pub mended: Option<Mended>,
    /// Which of [`Probe::at_hand`](super::Probe::at_hand) has an intermediate that the peer should have sent.
    #[serde(skip)]
    pub lacking: Option<usize>,
}

/// What is offered to the peer and demanded of it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Offer {
    /// The SNI.
    pub sni: Arc<str>,
    /// The names of which the peer must have one, `DNS:example.com`.
    pub names: Vec<String>,
    /// `1.2` or `1.3`
    pub min_version: &'static str,
    /// `1.2` or `1.3`
    pub max_version: &'static str,
    /// In order of preference; empty offers none.
    pub alpn: Vec<String>,
    /// `kind/namespace/name` of the client certificate, if there is one.
    pub client_certificate: Option<Arc<str>>,
    /// Who issued that, RFC 4514.
    pub client_certificate_issuer: Option<String>,
    /// Base64 of the SHA-256 of the keys that are permitted; empty permits any.
    pub pins: Vec<String>,
    /// Whether sessions may be resumed.
    pub resumption: bool,
}

/// How a name led to addresses.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Resolution {
    /// A DNS name or a literal address.
    pub host: Arc<str>,
    /// All of its addresses.
    pub addresses: Vec<IpAddr>,
    /// Which of them are refused, and why; empty if none is.
    pub refused: String,
    /// Why there are none.
    pub error: Option<String>,
    /// How long it took.
    pub time: Milliseconds,
}

/// One address.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EndpointReport {
    /// Where it is.
    pub address: SocketAddr,
    /// The word of the attempt.
    pub result: HandshakeResult,
    /// What happened, in a few words; empty if it succeeded.
    pub cause: String,
    /// Whether TCP reached it.
    pub reached: bool,
    /// Time for TCP.
    pub tcp: Option<Milliseconds>,
    /// Time for TLS, if it got there.
    pub handshake: Option<Milliseconds>,
    /// `1.2` or `1.3`; empty if the handshake failed, as are the next two.
    pub version: &'static str,
    /// As the IANA names it.
    pub cipher: &'static str,
    /// Empty, too, if no protocol was chosen.
    pub alpn: String,
    /// Whether the peer asked for a client certificate.
    pub asked_for_certificate: bool,
    /// The CAs that it named for client certificates, RFC 4514; the first sixteen, and none if it named none.
    pub client_authorities: Vec<String>,
    /// Whether the peer has shown that it takes the handshake for done. In TLS 1.3 one that has not may still refuse the
    /// client certificate with the first request.
    pub confirmed: bool,
    /// The chain as presented, leaf first, as far as it can be read.
    pub certificates: Vec<CertificateReport>,
    /// Each demanded name.
    pub names: Vec<NameReport>,
    /// The status line that came for a request, or why none did; `None` if none was asked for, or TLS failed.
    pub response: Option<String>,
}

/// One presented certificate.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CertificateReport {
    /// RFC 4514
    pub subject: String,
    /// RFC 4514
    pub issuer: String,
    /// The first sixteen subjectAltNames, `DNS:example.com`.
    pub subject_alt_names: Vec<String>,
    /// How many there are beyond these.
    pub more_subject_alt_names: usize,
    /// Inclusive.
    pub not_before: i64,
    /// Inclusive.
    pub not_after: i64,
    /// Whole days from now to `notAfter`; negative if that has passed.
    pub days_left: i64,
    /// Whether it is inside of both.
    pub validity: Validity,
    /// `CA:TRUE`
    pub ca: bool,
    /// SHA-256 of the certificate, in hexadecimal.
    pub sha256: String,
    /// Base64 of the SHA-256 of its key, as the option `pinned-sha256` has it.
    pub pin: String,
}

/// Where a moment is, seen from the dates of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Validity {
    /// Inside of them.
    Valid,
    /// Before `notBefore`.
    NotYetValid,
    /// After `notAfter`.
    Expired,
}

impl Validity {
    /// At `now`, in seconds since the Unix epoch.
    pub(super) fn of(facts: &Facts, now: i64) -> Self {
        match now {
            now if now < facts.not_before => Self::NotYetValid,
            now if now > facts.not_after => Self::Expired,
            _ => Self::Valid,
        }
    }
}

/// One demanded name.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NameReport {
    /// `DNS:example.com`
    pub demanded: String,
    /// Whether the peer's own certificate carries it.
    pub carried: bool,
}

/// The anchors of the identity.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Anchors {
    /// Where they are from.
    pub origin: String,
    /// How many there are; 0 for the roots that are compiled in.
    pub count: usize,
    /// Each of them; of the system's roots, only those that vouch.
    pub list: Vec<AnchorReport>,
}

/// One anchor.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AnchorReport {
    /// RFC 4514
    pub subject: String,
    /// Inclusive.
    pub not_before: i64,
    /// Inclusive.
    pub not_after: i64,
    /// What it may do today.
    pub role: Role,
    /// Whether it is inside of its dates.
    pub validity: Validity,
    /// Whether the chain is good by this anchor alone.
    pub vouches: bool,
}

/// What an anchor may do today.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Role {
    /// Vouch for what it has issued, and for itself.
    MayIssue,
    /// Vouch for itself.
    StandsForItself,
    /// Vouch for itself only, since it may not issue after its `notAfter`.
    Expired,
    /// Vouch for itself only, since it may not issue before its `notBefore`.
    NotYetValid,
}

/// One TLS version alone.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VersionReport {
    /// `1.2` or `1.3`
    pub version: &'static str,
    /// How a handshake with nothing else on offer ends; `None`: the policy does not permit it.
    pub result: Option<HandshakeResult>,
    /// Time for TLS, if it got there.
    pub time: Option<Milliseconds>,
}

/// What is to be said of the backend.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// The word that metrics and log have for it.
    pub result: Reason,
    /// What the word means.
    pub meaning: String,
    /// What happened, in a few words; empty if it succeeded.
    pub cause: String,
    /// What would mend it; empty if nothing has to be.
    pub remedy: String,
    /// The endpoint of which it is said, if it is one.
    pub at: Option<SocketAddr>,
}

/// A span of time.
#[derive(Debug, Clone, Copy)]
pub struct Milliseconds(pub Duration);

impl Serialize for Milliseconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64((self.0.as_secs_f64() * 1e6).round() / 1e3)
    }
}

impl fmt::Display for Milliseconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} ms", self.0.as_secs_f64() * 1e3)
    }
}

impl Report {
    /// Of a backend with which nothing was tried yet.
    pub(super) fn of(backend: &Backend) -> Self {
        Self {
            backend: backend.id.to_string(),
            gateway: backend.id.gateway.clone(),
            policy: backend.tls.policy().cloned().unwrap_or_default(),
            offer: None,
            resolution: None,
            endpoints: Vec::new(),
            versions: Vec::new(),
            resumed: None,
            anchors: None,
            verdict: Verdict::of(HandshakeResult::Other, String::new()),
            mended: None,
            lacking: None,
        }
    }

    /// Whether the verdict is a failure, and other endpoints pass all the same.
    pub fn others_pass(&self) -> bool {
        let ok = HandshakeResult::Ok;
        self.verdict.result != Reason::Handshake(ok) && self.endpoints.iter().any(|endpoint| endpoint.result == ok)
    }

    /// Whether one peer is to blame: it presents what the policy refuses, under which others pass.
    pub fn blames_one_peer(&self) -> bool {
        self.others_pass() && matches!(self.verdict.result, Reason::Handshake(result) if is_of_the_peer(result))
    }
}

impl Offer {
    /// What an identity offers and demands.
    pub(super) fn of(identity: &TlsIdentity) -> Self {
        Self {
            sni: identity.sni.clone(),
            names: identity.demanded(),
            min_version: identity.min_version.as_str(),
            max_version: identity.max_version.as_str(),
            alpn: identity.alpn.clone(),
            client_certificate: identity.client_certificate.as_ref().map(|client| client.reference.clone()),
            client_certificate_issuer: identity.client_certificate.as_deref().and_then(explain::issuer),
            pins: identity.pins.iter().map(|pin| STANDARD.encode(pin)).collect(),
            resumption: identity.resumption,
        }
    }
}

impl Resolution {
    pub(super) fn new(
        host: &Arc<str>,
        found: &Result<Arc<[IpAddr]>, String>,
        time: Duration,
        refused: &RefusedAddresses,
    ) -> Self {
        let addresses = found.as_ref().map(|found| found.to_vec()).unwrap_or_default();
        Self {
            host: host.clone(),
            refused: refused.explain(host, &addresses).unwrap_or_default(),
            addresses,
            error: found.as_ref().err().cloned(),
            time: Milliseconds(time),
        }
    }

    /// Why there is no address to go to: the name has none, or all of them are refused.
    pub(super) fn failure(&self, refused: &RefusedAddresses) -> Option<(HandshakeResult, String)> {
        if let Some(error) = &self.error {
            return Some((HandshakeResult::DnsFailure, error.clone()));
        }
        let all = self.addresses.iter().all(|address| refused.why(*address).is_some());
        all.then(|| (HandshakeResult::TcpUnreachable, self.refused.clone()))
    }
}

impl EndpointReport {
    /// An attempt under a profile.
    pub(super) fn of(attempt: &Attempt, profile: &TlsProfile) -> Self {
        Self {
            certificates: peer::certificates(&attempt.chain, profile),
            names: attempt.chain.first().map(|leaf| peer::names(leaf, profile)).unwrap_or_default(),
            ..Self::plaintext(attempt)
        }
    }

    /// An attempt without TLS.
    pub(super) fn plaintext(attempt: &Attempt) -> Self {
        let tls = attempt.tls.as_ref();
        Self {
            address: attempt.line.address,
            result: attempt.result,
            cause: attempt.evidence.cause.to_string(),
            reached: !attempt.unreached,
            tcp: attempt.tcp.map(Milliseconds),
            handshake: attempt.handshake.map(Milliseconds),
            version: tls.map_or("", |tls| tls.version),
            cipher: tls.map_or("", |tls| tls.cipher),
            alpn: tls.map(|tls| tls.alpn.clone()).unwrap_or_default(),
            asked_for_certificate: attempt.certificate_request.is_some(),
            client_authorities: attempt
                .certificate_request
                .iter()
                .flat_map(|request| &request.authorities)
                .filter_map(|name| distinguished_name(name))
                .collect(),
            confirmed: attempt.confirmed,
            certificates: Vec::new(),
            names: Vec::new(),
            response: attempt.response.clone(),
        }
    }
}

impl CertificateReport {
    /// What a certificate says of itself, at `now` (seconds since the Unix epoch).
    pub(super) fn of(facts: &Facts, now: i64) -> Self {
        Self {
            subject: facts.subject.clone(),
            issuer: facts.issuer.clone(),
            subject_alt_names: facts.names(),
            more_subject_alt_names: facts.more_names(),
            not_before: facts.not_before,
            not_after: facts.not_after,
            days_left: (facts.not_after - now).div_euclid(SECONDS_OF_A_DAY),
            validity: Validity::of(facts, now),
            ca: facts.is_ca,
            sha256: hexadecimal(&facts.fingerprint),
            pin: STANDARD.encode(facts.key_hash),
        }
    }
}

impl Verdict {
    /// What the word alone says.
    pub(super) fn of(result: HandshakeResult, cause: String) -> Self {
        Self {
            result: Reason::Handshake(result),
            meaning: result.meaning().to_owned(),
            cause,
            remedy: result.remedy().to_owned(),
            at: None,
        }
    }

    /// Of a backend that no policy selects.
    pub(super) fn plaintext(result: HandshakeResult, cause: String, at: SocketAddr) -> Self {
        let plain = "No BackendTLSPolicy selects it: requests go to it in plaintext.";
        let verdict = Self { at: Some(at), ..Self::of(result, cause) };
        match result {
            HandshakeResult::Ok => Self { meaning: plain.to_owned(), ..verdict },
            _ => Self { meaning: format!("{} {plain}", verdict.meaning), ..verdict },
        }
    }

    /// With a word on the others, if it is of one endpoint among several and not `ok`.
    pub(super) fn among(mut self, attempts: &[Attempt], source: &EndpointSource) -> Self {
        let (Reason::Handshake(result), Some(at)) = (self.result, self.at) else { return self };
        if result == HandshakeResult::Ok || attempts.len() < 2 {
            return self;
        }
        let failed: Vec<_> = attempts.iter().filter(|attempt| attempt.result != HandshakeResult::Ok).collect();
        let fine = attempts.len() - failed.len();
        let named = failed.iter().take(NAMED).map(|attempt| format!("{} ({})", attempt.line.address, attempt.result));
        let named = named.collect::<Vec<_>>().join(", ");
        let more = match failed.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let are = if fine == 1 { "is" } else { "are" };
        let _ = write!(self.meaning, " {fine} of {} endpoints {are} fine. Not fine: {named}{more}.", attempts.len());
        if fine > 0 && is_of_the_peer(result) {
            let (who, or) = match source {
                EndpointSource::Service(_) => {
                    (format!("the pod at {at}"), ", or belongs to another workload that the Service's selector takes")
                }
                EndpointSource::Host { .. } => (format!("what answers at {at}"), ""),
            };
            self.remedy = format!(
                "Look at {who}: others pass, so it presents what they do not{or}. Trust nothing that \
                 it alone presents."
            );
        }
        self
    }

    /// Of a backend to which no connection is ever made.
    pub(super) fn poisoned(poison: &Poison) -> Self {
        let cause = poison.message.to_string();
        match poison.reason {
            Reason::Handshake(result) => Self::of(result, cause),
            result => Self {
                result,
                meaning: "The backend cannot be used.".to_owned(),
                cause,
                remedy: "Mend what the cause names.".to_owned(),
                at: None,
            },
        }
    }

    /// Of a Service that leads nowhere.
    pub(super) fn no_endpoint(backend: &Backend) -> Self {
        Self {
            result: Reason::NoEndpoint,
            meaning: "The Service has no ready endpoint.".to_owned(),
            cause: format!("{} has no ready endpoint", backend.id),
            remedy: "Look whether its pods are ready, and whether its selector and targetPort fit them.".to_owned(),
            at: None,
        }
    }
}
