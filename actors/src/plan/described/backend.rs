//! Backends, their TLS identities and the certificates of listeners out of a description, which holds no certificate and no
//! key: of these only the names come back.

use std::collections::BTreeSet;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::{DescribedPoison, service_port};
use crate::plan::certificate::{KeyFormat, PrivateKey, ServerCertificate};
use crate::plan::identity::{
    Bundle, ClientCertificate, PeerNames, SubjectAltName, SystemRoots, TlsIdentity, TlsVersion, Trust,
};
use crate::plan::{Backend, BackendId, EndpointSource, NearMiss, Tls};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DescribedBackend {
    gateway: Arc<str>,
    backend: Arc<str>,
    port: u16,
    endpoints: DescribedSource,
    tls: DescribedTls,
    near_miss: Option<DescribedNearMiss>,
}

#[derive(Deserialize)]
struct DescribedNearMiss {
    policy: Arc<str>,
    message: Arc<str>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum DescribedSource {
    Service { service: String },
    Host { host: Arc<str>, port: u16 },
}

#[derive(Deserialize)]
#[serde(untagged)]
enum DescribedTls {
    Originate { policy: Arc<str>, identity: Box<DescribedIdentity> },
    Poisoned { poisoned: DescribedPoison },
    Plaintext(Plaintext),
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Plaintext {
    Plaintext,
}

impl DescribedBackend {
    pub(super) fn build(self) -> Result<Arc<Backend>, String> {
        let endpoints = match self.endpoints {
            DescribedSource::Service { service } => EndpointSource::Service(service_port(&service)?),
            DescribedSource::Host { host, port } => EndpointSource::Host { host, port },
        };
        let tls = match self.tls {
            DescribedTls::Plaintext(Plaintext::Plaintext) => Tls::Plaintext,
            DescribedTls::Poisoned { poisoned } => Tls::Poisoned(poisoned.build()?),
            DescribedTls::Originate { policy, identity } => {
                Tls::Originate { policy, identity: Arc::new(identity.build()?) }
            }
        };
        let id = BackendId { gateway: self.gateway, backend: self.backend, port: self.port };
        let near_miss = self.near_miss.map(|DescribedNearMiss { policy, message }| NearMiss { policy, message });
        Ok(Arc::new(Backend { id, endpoints, tls, near_miss }))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DescribedIdentity {
    sni: Arc<str>,
    subject_alt_names: Option<Vec<DescribedName>>,
    #[serde(default)]
    trust: DescribedTrust,
    client_certificate: Option<DescribedClientCertificate>,
    min_version: Version,
    max_version: Version,
    #[serde(default)]
    alpn: Vec<String>,
    #[serde(default)]
    resumption: bool,
    #[serde(default)]
    pins: Vec<String>,
}

#[derive(Default, Deserialize)]
struct DescribedTrust {
    system: Option<DescribedRoots>,
}

#[derive(Deserialize)]
struct DescribedRoots {
    origin: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum DescribedName {
    Hostname(String),
    Uri(String),
}

#[derive(Clone, Copy, Deserialize)]
enum Version {
    #[serde(rename = "1.2")]
    Tls12,
    #[serde(rename = "1.3")]
    Tls13,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DescribedClientCertificate {
    reference: Arc<str>,
    not_after: i64,
}

impl DescribedIdentity {
    fn build(self) -> Result<TlsIdentity, String> {
        let version = |version| match version {
            Version::Tls12 => TlsVersion::Tls12,
            Version::Tls13 => TlsVersion::Tls13,
        };
        let name = |name| match name {
            DescribedName::Hostname(hostname) => SubjectAltName::Hostname(hostname),
            DescribedName::Uri(uri) => SubjectAltName::Uri(uri),
        };
        let names = self.subject_alt_names;
        let client_certificate = self.client_certificate.map(|certificate| {
            let DescribedClientCertificate { reference, not_after } = certificate;
            Arc::new(ClientCertificate { reference, chain: Vec::new(), key: no_key(), not_after })
        });
        Ok(TlsIdentity {
            sni: self.sni,
            names: names.map_or(PeerNames::Sni, |names| PeerNames::AnyOf(names.into_iter().map(name).collect())),
            trust: match self.trust.system {
                Some(DescribedRoots { origin }) => {
                    Trust::System(Arc::new(SystemRoots { origin, certificates: Vec::new() }))
                }
                None => Trust::Bundle(Arc::new(Bundle::default())),
            },
            client_certificate,
            min_version: version(self.min_version),
            max_version: version(self.max_version),
            alpn: self.alpn,
            resumption: self.resumption,
            pins: self.pins.iter().map(|text| pin(text)).collect::<Result<BTreeSet<_>, _>>()?,
        })
    }
}

/// 32 bytes in base64, as the option of a policy has them.
fn pin(text: &str) -> Result<[u8; 32], String> {
    let bytes = STANDARD.decode(text).ok();
    bytes.and_then(|bytes| bytes.try_into().ok()).ok_or_else(|| format!("{text} is no SHA-256 in base64"))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DescribedServerCertificate {
    secret: Arc<str>,
    #[serde(default)]
    dns_names: Vec<String>,
    not_after: i64,
}

impl DescribedServerCertificate {
    pub(super) fn build(self) -> Arc<ServerCertificate> {
        let Self { secret, dns_names, not_after } = self;
        Arc::new(ServerCertificate { secret, chain: Vec::new(), key: no_key(), dns_names, not_after })
    }
}

fn no_key() -> PrivateKey {
    PrivateKey { format: KeyFormat::Pkcs8, der: Vec::new().into() }
}
