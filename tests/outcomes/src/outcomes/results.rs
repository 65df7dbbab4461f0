//! Every handshake result, provoked by a backend that is at fault in just this way.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};

use postern_actors::outcome::HandshakeResult;
use rustls::SupportedProtocolVersion;
use rustls::version::TLS12;

use super::{Case, Listener, Stage};
use crate::backend::{Backend, Tls, in_silence, over_tls, saying};
use crate::certificates::{Authority, Identity, Validity, as_authority, for_clients_only};
use crate::objects::Target;

/// The OID of ecdsa-with-SHA256, and one of the same length that nobody knows.
const ECDSA_SHA256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
const UNKNOWN_ALGORITHM: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x7f];
/// A fatal alert: internal_error.
const ALERT: &[u8] = &[0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x50];
/// What a server that speaks plaintext says to a ClientHello.
const PLAINTEXT: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
pub(super) const ONLY_TLS12: &[&SupportedProtocolVersion] = &[&TLS12];
/// The broadcast address: connecting to it fails at once, without a packet, and Kubernetes takes it for an endpoint.
const UNREACHABLE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::BROADCAST), 9);

/// One case for each of [`HandshakeResult::ALL`], in its order.
pub(super) fn provoke(stage: &Stage) -> Vec<Case> {
    HandshakeResult::ALL.into_iter().map(|result| Provoked { stage, result }.case()).collect()
}

/// A result on the way to its case.
#[derive(Clone, Copy)]
struct Provoked<'a> {
    stage: &'a Stage,
    result: HandshakeResult,
}

impl Provoked<'_> {
    fn case(self) -> Case {
        let authority = &self.stage.authority;
        let good = || authority.issue("backend.test");
        let changed = |change: fn(&mut rcgen::CertificateParams)| {
            self.presents(authority.issue_with("backend.test", Validity::Now, change))
        };
        let of_time = |validity| self.presents(authority.issue_with("backend.test", validity, |_| {}));
        match self.result {
            HandshakeResult::Ok => {
                let case = self.speaks(&Tls { alpn: &["http/1.1"], ..Tls::new(good()) }, "");
                Case { status: 200, body: "GET /".into(), ..case }
            }
            HandshakeResult::UnknownIssuer => self.presents(Authority::new("a stranger").issue("backend.test")),
            HandshakeResult::NameMismatch => self.presents(authority.issue("other.test")),
            HandshakeResult::Expired => of_time(Validity::Past),
            HandshakeResult::NotYetValid => of_time(Validity::Future),
            HandshakeResult::BadSignature => self.presents(good().with_bad_signature()),
            HandshakeResult::BadPurpose => changed(for_clients_only),
            HandshakeResult::CaUsedAsEndEntity => changed(as_authority),
            HandshakeResult::PinMismatch => {
                let option = "gateway.postern.dev/pinned-sha256: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
                self.speaks(&Tls::new(good()), option)
            }
            HandshakeResult::BadEncoding => self.presents(good().with_bad_encoding()),
            HandshakeResult::UnsupportedAlgorithm => self.presents(good().patched(ECDSA_SHA256, UNKNOWN_ALGORITHM)),
            HandshakeResult::AlertReceived => self.serves(saying(ALERT)),
            HandshakeResult::VersionOrCipherMismatch => {
                let old = Tls { versions: ONLY_TLS12, ..Tls::new(good()) };
                self.speaks(&old, "gateway.postern.dev/min-tls-version: \"1.3\"")
            }
            HandshakeResult::AlpnMismatch => self.speaks(&Tls { alpn: &["h2"], ..Tls::new(good()) }, ""),
            HandshakeResult::NotTls => self.serves(saying(PLAINTEXT)),
            HandshakeResult::TcpRefused => self.to(self.nobody()),
            HandshakeResult::TcpUnreachable => self.to(Target::new(&self.name(), UNREACHABLE)),
            HandshakeResult::DnsFailure => self.to(Target::external(&self.name(), "nowhere.invalid", 443)),
            HandshakeResult::Timeout => self.serves(in_silence),
            HandshakeResult::PeerClosed => self.serves(saying(b"")),
            HandshakeResult::CaUnavailable => self.leads_to(self.nobody().policy("not a certificate", "", "")),
            HandshakeResult::PolicyInvalid => {
                self.leads_to(self.nobody().policy(&authority.pem(), "", "gateway.postern.dev/nonsense: x"))
            }
            HandshakeResult::ClientCertUnavailable => self.to(self.nobody()).at(Listener::Nameless),
            HandshakeResult::ClientCertRejected => {
                let picky = Authority::new("of other clients").der();
                self.speaks(&Tls { clients: Some(picky), ..Tls::new(good()) }, "")
            }
            HandshakeResult::Other => {
                let constrained = Authority::constrained("constrained", "allowed.test");
                let outside = self.start(over_tls(&Tls::new(constrained.issue("backend.test"))));
                let target = Target::new(&self.name(), outside.address).policy(&constrained.pem(), "", "");
                self.leads_to(target).served_by(outside)
            }
        }
    }

    /// A backend that presents `identity`, under a policy that trusts the authority.
    fn presents(self, identity: Identity) -> Case {
        self.speaks(&Tls::new(identity), "")
    }

    /// The same with a way to speak TLS, and options of the policy.
    fn speaks(self, tls: &Tls, options: &str) -> Case {
        let backend = self.start(over_tls(tls));
        let target = Target::new(&self.name(), backend.address).policy(&self.stage.authority.pem(), "", options);
        self.leads_to(target).served_by(backend)
    }

    fn serves(self, serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Case {
        let backend = self.start(serve);
        self.to(Target::new(&self.name(), backend.address)).served_by(backend)
    }

    /// Gives the target a policy that trusts the authority.
    fn to(self, target: Target) -> Case {
        self.leads_to(target.policy(&self.stage.authority.pem(), "", ""))
    }

    fn leads_to(self, target: Target) -> Case {
        Case::new(target, Some(self.result), self.status(), self.body())
    }

    fn nobody(self) -> Target {
        Target::new(&self.name(), Backend::nobody_on(self.stage.bind))
    }

    fn start(self, serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Backend {
        Backend::start_on(self.stage.bind, serve)
    }

    fn name(self) -> String {
        self.result.as_str().replace('_', "-")
    }

    fn status(self) -> u16 {
        match self.result {
            HandshakeResult::CaUnavailable
            | HandshakeResult::PolicyInvalid
            | HandshakeResult::ClientCertUnavailable => 500,
            HandshakeResult::Timeout => 504,
            _ => 502,
        }
    }

    /// What the client is told: the word, after the class of the certificate's fault where it is one.
    fn body(self) -> String {
        let class = match self.result {
            HandshakeResult::UnknownIssuer | HandshakeResult::CaUnavailable => "UnknownIssuer",
            HandshakeResult::NameMismatch => "NotValidForName",
            HandshakeResult::Expired => "Expired",
            HandshakeResult::NotYetValid => "NotValidYet",
            HandshakeResult::BadSignature => "BadSignature",
            HandshakeResult::BadPurpose => "InvalidPurpose",
            HandshakeResult::CaUsedAsEndEntity => "CaUsedAsEndEntity",
            HandshakeResult::BadEncoding => "BadEncoding",
            _ => return format!("({})", self.result),
        };
        format!("invalid peer certificate: {class} ({})", self.result)
    }
}
