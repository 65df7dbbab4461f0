//! Certificates with their private keys, out of Secrets of type `kubernetes.io/tls`. It must not know who refers to them,
//! nor what time it is.

use std::sync::Arc;

use postern_actors::plan::certificate::{KeyFormat, PrivateKey, ServerCertificate};
use postern_actors::plan::identity::Der;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer};
use rustls::sign::CertifiedKey;

use super::pem::{self, CertificateFacts};
use crate::resources::Secret;

/// `tls.crt` and `tls.key` of a Secret, known to parse and to belong together.
pub(super) struct TlsPair {
    /// Leaf first.
    pub(super) chain: Vec<Der>,
    pub(super) key: PrivateKey,
    pub(super) leaf: CertificateFacts,
}

/// What a listener presents. The error names the Secret, the key in it and the cause. Dates are not looked at.
pub(crate) fn server_certificate(secret: &Secret) -> Result<ServerCertificate, String> {
    let pair = tls_pair(secret)?;
    Ok(ServerCertificate {
        secret: Arc::from(secret.metadata.key().to_string()),
        chain: pair.chain,
        key: pair.key,
        dns_names: pair.leaf.dns_names,
        not_after: pair.leaf.not_after,
    })
}

/// Reads the pair. The Secret's type is not looked at: what counts is that both keys are there.
pub(super) fn tls_pair(secret: &Secret) -> Result<TlsPair, String> {
    let name = secret.metadata.key();
    let value = |key: &str| {
        secret.data.get(key).ok_or_else(|| {
            let keys: Vec<_> = secret.data.keys().map(String::as_str).collect();
            let present =
                if keys.is_empty() { "it is empty".into() } else { format!("its keys are {}", keys.join(", ")) };
            format!("Secret {name} has no key {key}: {present}")
        })
    };
    let (certificates, key) = (value("tls.crt")?, value("tls.key")?);
    let certificates = pem::certificates(certificates).map_err(|error| format!("Secret {name}, tls.crt: {error}"))?;
    let key = pem::private_key(key).map_err(|error| format!("Secret {name}, tls.key: {error}"))?;
    let Some(leaf) = certificates.first().map(|certificate| certificate.facts.clone()) else {
        return Err(format!("Secret {name}, tls.crt: holds no certificate"));
    };
    let chain: Vec<Der> = certificates.into_iter().map(|certificate| certificate.der).collect();
    belong_together(&chain, &key).map_err(|error| format!("Secret {name}: {error}"))?;
    Ok(TlsPair { chain, key, leaf })
}

fn belong_together(chain: &[Der], key: &PrivateKey) -> Result<(), String> {
    let certificates = chain.iter().map(|der| CertificateDer::from(der.to_vec())).collect();
    let der = key.der.to_vec();
    let key = match key.format {
        KeyFormat::Pkcs8 => PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(der)),
        KeyFormat::Pkcs1 => PrivateKeyDer::Pkcs1(PrivatePkcs1KeyDer::from(der)),
        KeyFormat::Sec1 => PrivateKeyDer::Sec1(PrivateSec1KeyDer::from(der)),
    };
    match CertifiedKey::from_der(certificates, key, &rustls::crypto::aws_lc_rs::default_provider()) {
        Ok(_) => Ok(()),
        Err(rustls::Error::InconsistentKeys(_)) => {
            Err("the private key in tls.key does not belong to the first certificate in tls.crt".into())
        }
        Err(error) => Err(format!("tls.crt and tls.key cannot be used: {error}")),
    }
}

#[cfg(test)]
mod tests;
