//! A TLS identity made ready for use: verifier, credential and rustls configuration. It must not know endpoints.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::{Rc, Weak};
use std::sync::{Arc, Weak as SyncWeak};

use rustls::ClientConfig;
use rustls::client::{ClientSessionMemoryCache, ResolvesClientCert, Resumption};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::sign::CertifiedKey;
use rustls::time_provider::TimeProvider;
use rustls::{SignatureScheme, SupportedCipherSuite, SupportedProtocolVersion, version};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};

use super::accepted::{Accepted, Chain};
use super::anchors::Anchors;
use super::handshake::Witness;
use super::verifier::PeerVerifier;
use crate::outcome::HandshakeResult;
use crate::plan::certificate::KeyFormat;
use crate::plan::identity::{ClientCertificate, TlsVersion};
use crate::plan::{TlsIdentity, Trust};

/// A TLS identity made ready.
pub struct TlsProfile {
    /// What the plan says.
    pub identity: Arc<TlsIdentity>,
    /// The SNI, parsed.
    pub server_name: ServerName<'static>,
    /// Who verifies the peer.
    pub verifier: Arc<PeerVerifier>,
    /// The time by which certificates are judged.
    pub clock: Arc<dyn TimeProvider>,
    config: ClientConfig,
    /// The last chain that it refused apart from a handshake, and in which second.
    refused: RefCell<Option<(Chain, u64)>>,
}

/// Why an identity cannot be used. The translation lets none of these through; they fail closed all the same.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ProfileError {
    /// The SNI is no DNS name.
    #[error("the SNI `{0}` is no DNS name")]
    Sni(Arc<str>),
    /// No TLS version is left, or the provider has none of them.
    #[error("no TLS version is left between the lowest and the highest: {0}")]
    Versions(String),
    /// The plan says that no connection is ever made.
    #[error("the backend is poisoned")]
    Poisoned,
    /// The client certificate or its key.
    #[error("the client certificate {reference} cannot be used: {cause}")]
    ClientCertificate {
        /// `kind/namespace/name`
        reference: Arc<str>,
        /// What rustls says of it.
        cause: String,
    },
}

impl ProfileError {
    /// The word under which requests fail.
    pub fn result(&self) -> HandshakeResult {
        match self {
            Self::Sni(_) | Self::Versions(_) | Self::Poisoned => HandshakeResult::PolicyInvalid,
            Self::ClientCertificate { .. } => HandshakeResult::ClientCertUnavailable,
        }
    }
}

/// aws-lc-rs, with AES-128 before AES-256. Both are beyond reach, and the suites of AES-256 bring SHA-384 into the key
/// schedule, for which processors have no instructions: it would cost a twelfth of a handshake.
fn provider() -> CryptoProvider {
    let mut provider = aws_lc_rs::default_provider();
    let with_aes_128 = |suite: &SupportedCipherSuite| {
        use rustls::CipherSuite::{
            TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS13_AES_128_GCM_SHA256,
        };
        [TLS13_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]
            .contains(&suite.suite())
    };
    provider.cipher_suites.sort_by_key(|suite| (suite.tls13().is_none(), !with_aes_128(suite)));
    provider
}

impl TlsProfile {
    /// Makes an identity ready.
    pub fn new(
        identity: &Arc<TlsIdentity>,
        anchors: Arc<Anchors>,
        clock: &Arc<dyn TimeProvider>,
    ) -> Result<Self, ProfileError> {
        let provider = Arc::new(provider());
        let server_name = ServerName::try_from(identity.sni.to_string())
            .ok()
            .filter(|name| matches!(name, ServerName::DnsName(_)))
            .ok_or_else(|| ProfileError::Sni(identity.sni.clone()))?;
        let algorithms = provider.signature_verification_algorithms;
        let verifier = Arc::new(PeerVerifier::new(identity, server_name.clone(), anchors, algorithms));
        let credential = Arc::new(Credential::new(identity.client_certificate.as_deref(), &provider)?);
        let mut config = ClientConfig::builder_with_details(provider, clock.clone())
            .with_protocol_versions(&versions(identity))
            .map_err(|error| ProfileError::Versions(error.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(verifier.clone())
            .with_client_cert_resolver(credential);
        config.alpn_protocols = identity.alpn.iter().map(|protocol| protocol.clone().into_bytes()).collect();
        config.resumption = Resumption::disabled();
        Ok(Self {
            identity: identity.clone(),
            server_name,
            verifier,
            clock: clock.clone(),
            config,
            refused: RefCell::default(),
        })
    }

    /// The verdict on a chain as of `now`. All connections to one peer have the same chain: where they are judged together
    /// and it is refused, that is found out once.
    pub(super) fn judge(&self, chain: &Chain, now: UnixTime) -> Option<Arc<Accepted>> {
        if let Some((last, second)) = &*self.refused.borrow()
            && *second == now.as_secs()
            && last == chain
        {
            return None;
        }
        let accepted = self.verifier.judge(chain, now).ok();
        if accepted.is_none() {
            self.refused.replace(Some((chain.clone(), now.as_secs())));
        }
        accepted
    }

    /// The rustls configuration of one endpoint, with a session store of its own: sessions never cross from one endpoint,
    /// or one identity, to another. Verifier and credential are the same in all of them, without which rustls resumes
    /// nothing.
    pub fn config(&self) -> Arc<ClientConfig> {
        let mut config = self.config.clone();
        if self.identity.resumption {
            // A store holds one server name, so the smallest there is will do.
            config.resumption = Resumption::store(Arc::new(ClientSessionMemoryCache::new(8)));
        }
        Arc::new(config)
    }
}

fn versions(identity: &TlsIdentity) -> Vec<&'static SupportedProtocolVersion> {
    [(TlsVersion::Tls13, &version::TLS13), (TlsVersion::Tls12, &version::TLS12)]
        .into_iter()
        .filter(|(version, _)| (identity.min_version..=identity.max_version).contains(version))
        .map(|(_, version)| version)
        .collect()
}

/// What is presented where a peer asks for a certificate, and a note that it asked.
#[derive(Debug)]
struct Credential {
    key: Option<Arc<CertifiedKey>>,
}

impl Credential {
    fn new(certificate: Option<&ClientCertificate>, provider: &CryptoProvider) -> Result<Self, ProfileError> {
        let Some(certificate) = certificate else {
            return Ok(Self { key: None });
        };
        let unusable = |error: rustls::Error| ProfileError::ClientCertificate {
            reference: certificate.reference.clone(),
            cause: error.to_string(),
        };
        let der = certificate.key.der.to_vec();
        let key = match certificate.key.format {
            KeyFormat::Pkcs8 => PrivateKeyDer::Pkcs8(der.into()),
            KeyFormat::Pkcs1 => PrivateKeyDer::Pkcs1(der.into()),
            KeyFormat::Sec1 => PrivateKeyDer::Sec1(der.into()),
        };
        let key = provider.key_provider.load_private_key(key).map_err(unusable)?;
        let chain = certificate.chain.iter().map(|der| CertificateDer::from(der.to_vec())).collect();
        let key = CertifiedKey::new(chain, key);
        key.keys_match().map_err(unusable)?;
        Ok(Self { key: Some(Arc::new(key)) })
    }
}

impl ResolvesClientCert for Credential {
    fn resolve(&self, authorities: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Witness::asked_for_certificate(authorities);
        self.key.clone()
    }

    fn has_certs(&self) -> bool {
        self.key.is_some()
    }
}

/// The profiles and anchors in use, by content: equal identities of different backends share one, and so does an
/// identity that a new plan repeats.
pub(super) struct Profiles {
    clock: Arc<dyn TimeProvider>,
    ready: HashMap<Arc<TlsIdentity>, Weak<TlsProfile>>,
    anchors: HashMap<Trust, SyncWeak<Anchors>>,
}

impl Profiles {
    pub(super) fn new(clock: Arc<dyn TimeProvider>) -> Self {
        Self { clock, ready: HashMap::new(), anchors: HashMap::new() }
    }

    /// The profile of an identity, made on first use.
    pub(super) fn get(&mut self, identity: &Arc<TlsIdentity>) -> Result<Rc<TlsProfile>, ProfileError> {
        if let Some(profile) = self.ready.get(identity).and_then(Weak::upgrade) {
            return Ok(profile);
        }
        let anchors = self.anchors.get(&identity.trust).and_then(SyncWeak::upgrade).unwrap_or_else(|| {
            let anchors = Arc::new(Anchors::new(&identity.trust));
            self.anchors.insert(identity.trust.clone(), Arc::downgrade(&anchors));
            anchors
        });
        let profile = Rc::new(TlsProfile::new(identity, anchors, &self.clock)?);
        self.ready.insert(identity.clone(), Rc::downgrade(&profile));
        Ok(profile)
    }

    /// Forgets what nobody uses any more.
    pub(super) fn prune(&mut self) {
        self.ready.retain(|_, profile| profile.strong_count() > 0);
        self.anchors.retain(|_, anchors| anchors.strong_count() > 0);
    }
}
