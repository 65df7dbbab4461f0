//! TLS that ends at a listener: which certificate a client gets, by the name it asks for.

use std::sync::{Arc, OnceLock};

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, NoServerSessionStorage, ProducesTickets, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::plan::certificate::{KeyFormat, PrivateKey, ServerCertificate};
use crate::plan::{HostTable, Port};

/// HTTP/2 as ALPN names it (RFC 9113 section 3.2).
pub(super) const HTTP2: &[u8] = b"h2";

/// What decides on the certificates of a port; as long as it stays the same, so does the configuration.
pub(super) type Presented = Vec<(Option<String>, Vec<Arc<ServerCertificate>>)>;

/// The certificates that a port presents, by listener.
pub(super) fn presented(port: &Port) -> Presented {
    port.listeners
        .iter()
        .map(|(hostname, listener)| (hostname.map(|name| name.to_string()), listener.certificates.clone()))
        .collect()
}

/// The configuration of a port. Certificates that rustls does not take are left out with a log line: the translation has
/// refused them before.
pub(super) fn server_config(presented: &Presented) -> Result<Arc<ServerConfig>, rustls::Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut resolver = Resolver { listeners: HostTable::default() };
    for (hostname, certificates) in presented {
        let keys = certificates.iter().filter_map(|certificate| {
            certified_key(certificate, &provider)
                .inspect_err(|error| tracing::error!(secret = %certificate.secret, %error, "certificate left out"))
                .ok()
        });
        resolver.listeners.insert(hostname.as_deref(), keys.collect());
    }
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(resolver));
    config.alpn_protocols = vec![HTTP2.to_vec(), b"http/1.1".to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    if let Some(ticketer) = ticketer() {
        config.ticketer = ticketer;
    }
    Ok(Arc::new(config))
}

/// One ticketer for the process: a client that comes back to another worker resumes all the same.
fn ticketer() -> Option<Arc<dyn ProducesTickets>> {
    static TICKETER: OnceLock<Option<Arc<dyn ProducesTickets>>> = OnceLock::new();
    TICKETER.get_or_init(|| aws_lc_rs::Ticketer::new().ok()).clone()
}

struct Candidate {
    dns_names: Vec<String>,
    key: Arc<CertifiedKey>,
}

fn certified_key(
    certificate: &ServerCertificate,
    provider: &rustls::crypto::CryptoProvider,
) -> Result<Candidate, rustls::Error> {
    let chain = certificate.chain.iter().map(|der| CertificateDer::from(der.to_vec())).collect();
    let key = provider.key_provider.load_private_key(private_key(&certificate.key))?;
    Ok(Candidate { dns_names: certificate.dns_names.clone(), key: Arc::new(CertifiedKey::new(chain, key)) })
}

/// A private key as rustls takes it.
pub(crate) fn private_key(key: &PrivateKey) -> PrivateKeyDer<'static> {
    let der = key.der.to_vec();
    match key.format {
        KeyFormat::Pkcs8 => PrivateKeyDer::Pkcs8(der.into()),
        KeyFormat::Pkcs1 => PrivateKeyDer::Pkcs1(der.into()),
        KeyFormat::Sec1 => PrivateKeyDer::Sec1(der.into()),
    }
}

struct Resolver {
    listeners: HostTable<Vec<Candidate>>,
}

impl std::fmt::Debug for Resolver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Resolver")
    }
}

impl ResolvesServerCert for Resolver {
    /// The listener by the SNI (without one, the listener without a hostname), then a certificate that names it, then any
    /// other of the listener; of these the first whose key the client can verify. A name that no listener has ends the
    /// handshake with `unrecognized_name`.
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name().unwrap_or_default().to_ascii_lowercase();
        let candidates = self.listeners.find(&name)?;
        let verifiable = |candidate: &&Candidate| candidate.key.key.choose_scheme(hello.signature_schemes()).is_some();
        let names = |candidate: &&Candidate| candidate.dns_names.iter().any(|pattern| covers(pattern, &name));
        candidates
            .iter()
            .filter(names)
            .find(verifiable)
            .or_else(|| candidates.iter().find(verifiable))
            .map(|candidate| candidate.key.clone())
    }
}

/// Whether a certificate's DNS name covers `name`; a wildcard takes exactly one label (RFC 9525 section 6.3).
fn covers(pattern: &str, name: &str) -> bool {
    match pattern.strip_prefix("*.") {
        Some(suffix) => name.split_once('.').is_some_and(|(label, rest)| !label.is_empty() && rest == suffix),
        None => pattern == name,
    }
}

#[cfg(test)]
mod tests {
    use super::covers;

    #[test]
    fn a_wildcard_takes_one_label() {
        assert!(covers("*.example.com", "a.example.com"));
        assert!(!covers("*.example.com", "a.b.example.com"));
        assert!(!covers("*.example.com", "example.com"));
        assert!(covers("example.com", "example.com"));
    }
}
