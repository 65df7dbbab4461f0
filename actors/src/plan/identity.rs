//! The TLS identity of a backend: everything that decides whether two connections may be shared.
//!
//! Two backends share a connection only if their whole identities are equal; the pool is keyed by
//! ([`SocketAddr`](std::net::SocketAddr), [`TlsIdentity`]).

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// A certificate in DER.
pub type Der = Arc<[u8]>;

/// What is presented to a backend, and what is demanded of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TlsIdentity {
    /// `validation.hostname`: always the SNI. Lower case, a DNS name.
    pub sni: Arc<str>,
    /// The names of which the peer's certificate must carry at least one.
    pub names: PeerNames,
    /// The certificates that vouch for the peer.
    pub trust: Trust,
    /// `Gateway.spec.tls.backend.clientCertificateRef`.
    pub client_certificate: Option<Arc<ClientCertificate>>,
    /// Lowest version offered.
    pub min_version: TlsVersion,
    /// Highest version offered.
    pub max_version: TlsVersion,
    /// Protocols offered by ALPN, in order of preference; empty offers none.
    pub alpn: Vec<String>,
    /// Whether sessions are resumed.
    pub resumption: bool,
    /// SHA-256 of the leaf's SubjectPublicKeyInfo; if not empty, one must match, in addition to the chain.
    pub pins: BTreeSet<[u8; 32]>,
}

/// The names that authenticate the peer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PeerNames {
    /// `subjectAltNames` is empty: the SNI must be among the certificate's DNS SANs (the CN never counts).
    Sni,
    /// Any one of these must match; the SNI does not count.
    AnyOf(Vec<SubjectAltName>),
}

/// One entry of `validation.subjectAltNames`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SubjectAltName {
    /// A DNS name in lower case; a leading `*.` takes exactly one label of a presented DNS SAN, or that same wildcard.
    Hostname(String),
    /// Equality of bytes with a presented URI SAN.
    Uri(String),
}

/// TLS versions that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TlsVersion {
    /// TLS 1.2
    Tls12,
    /// TLS 1.3
    Tls13,
}

/// The certificates that vouch for a peer.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Trust {
    /// The system's roots. They issue; a leaf among them does not count as itself.
    System(Arc<SystemRoots>),
    /// The certificates of a policy's references.
    Bundle(Arc<Bundle>),
}

/// The roots that `wellKnownCACertificates: System` stands for.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct SystemRoots {
    /// Where they came from, for pages and logs: a file's name, `the machine's store` or `webpki-roots`.
    pub origin: String,
    /// The certificates; empty means those compiled in from `webpki-roots`.
    pub certificates: Vec<Der>,
}

/// The anchors of a policy. Any of them may be presented by the peer itself, byte for byte; only a v3 certificate with
/// `CA:TRUE`, and `keyCertSign` where it has a keyUsage, may issue (and only inside its dates, which is checked at
/// each handshake).
#[derive(Debug, Default, PartialEq, Eq, Hash)]
pub struct Bundle {
    /// Certificates that may issue, and authenticate the peer that presents exactly them.
    pub issuers: Vec<Der>,
    /// Certificates that authenticate the peer that presents exactly them, and issue nothing.
    pub leaves: Vec<Der>,
}

/// A client certificate with its private key.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ClientCertificate {
    /// `kind/namespace/name` of the reference.
    pub reference: Arc<str>,
    /// Leaf first.
    pub chain: Vec<Der>,
    /// PKCS#8, PKCS#1 or SEC1.
    pub key: super::certificate::PrivateKey,
    /// `notAfter` of the leaf, in seconds since the Unix epoch.
    pub not_after: i64,
}

impl TlsIdentity {
    /// The certificates that it names: the anchors but for the system's roots, and the leaf of the client certificate.
    pub fn named(&self) -> impl Iterator<Item = &Der> {
        let anchors = match &self.trust {
            Trust::Bundle(bundle) => Some(bundle.issuers.iter().chain(&bundle.leaves)),
            Trust::System(_) => None,
        };
        let client = self.client_certificate.iter().filter_map(|client| client.chain.first());
        anchors.into_iter().flatten().chain(client)
    }

    /// The names of which the peer's certificate must carry one, as OpenSSL writes them.
    pub fn demanded(&self) -> Vec<String> {
        match &self.names {
            PeerNames::Sni => vec![format!("DNS:{}", self.sni)],
            PeerNames::AnyOf(names) => names.iter().map(ToString::to_string).collect(),
        }
    }
}

impl TlsVersion {
    /// As options and log write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tls12 => "1.2",
            Self::Tls13 => "1.3",
        }
    }
}

/// As OpenSSL writes it: `DNS:example.com`.
impl fmt::Display for SubjectAltName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hostname(name) => write!(f, "DNS:{name}"),
            Self::Uri(uri) => write!(f, "URI:{uri}"),
        }
    }
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientCertificate({}, not after {}, key redacted)", self.reference, self.not_after)
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trust::System(roots) => write!(f, "System({})", roots.origin),
            Trust::Bundle(bundle) => {
                write!(f, "Bundle({} issuers, {} leaves)", bundle.issuers.len(), bundle.leaves.len())
            }
        }
    }
}
