//! Whether a peer is who a policy says it must be. It must not know sockets: it is asked by rustls in the middle of a
//! handshake, and by the pool when time has passed.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use super::accepted::{Accepted, Remembered};
use super::anchors::Anchors;
use super::handshake::Witness;
use super::names::satisfies;
use crate::certificate::{Facts, not_after};
use crate::plan::TlsIdentity;
use crate::plan::identity::PeerNames;

/// Verifies peers under one TLS identity.
///
/// The first check that fails decides the word, in this order:
/// 1. the certificate parses (X.509 v1 does not);
/// 2. it is a *leaf anchor*, one of the policy's own certificates byte for byte: it must be inside its dates, and permit
///    `serverAuth` where it has an extended key usage; or
/// 3. it chains, as webpki has it, to an anchor that may issue and is inside its dates: dates first, then CA or not, then
///    extended key usage, then issuer and signature;
/// 4. it carries a demanded name: one of `subjectAltNames`, or the SNI where there are none (BackendTLSPolicyValidation);
/// 5. its key is one of those pinned, where any are.
///
/// The signature over the handshake, which proves possession of the key, is rustls's own check in every case.
#[derive(Debug)]
pub struct PeerVerifier {
    sni: ServerName<'static>,
    names: PeerNames,
    pins: std::collections::BTreeSet<[u8; 32]>,
    anchors: Arc<Anchors>,
    algorithms: WebPkiSupportedAlgorithms,
    remembered: Remembered,
}

impl PeerVerifier {
    /// `sni` is the identity's, parsed.
    pub fn new(
        identity: &TlsIdentity,
        sni: ServerName<'static>,
        anchors: Arc<Anchors>,
        algorithms: WebPkiSupportedAlgorithms,
    ) -> Self {
        Self {
            sni,
            names: identity.names.clone(),
            pins: identity.pins.clone(),
            anchors,
            algorithms,
            remembered: Remembered::default(),
        }
    }

    /// The same demands, under other anchors.
    #[must_use]
    pub fn with_anchors(&self, anchors: Arc<Anchors>) -> Self {
        Self {
            sni: self.sni.clone(),
            names: self.names.clone(),
            pins: self.pins.clone(),
            anchors,
            algorithms: self.algorithms,
            remembered: Remembered::default(),
        }
    }

    /// The anchors it trusts.
    pub fn anchors(&self) -> &Anchors {
        &self.anchors
    }

    /// Verifies a chain, leaf first, as of `now`, or remembers that it was verified before and that this still holds.
    pub fn judge(&self, chain: &[CertificateDer<'_>], now: UnixTime) -> Result<Arc<Accepted>, Error> {
        let seconds = now.as_secs().cast_signed();
        if let Some(accepted) = self.remembered.find(chain, seconds) {
            return Ok(accepted);
        }
        self.verify(chain, now)?;
        let accepted = Arc::new(Accepted::new(chain, seconds, self.verify_again_after(chain, now)));
        self.remembered.insert(accepted.clone());
        Ok(accepted)
    }

    /// Verifies a chain, leaf first, as of `now`.
    pub fn verify(&self, chain: &[CertificateDer<'_>], now: UnixTime) -> Result<(), Error> {
        let Some((leaf, intermediates)) = chain.split_first() else {
            return Err(Error::NoCertificatesPresented);
        };
        let parsed = ParsedCertificate::try_from(leaf)?;
        // Read only where webpki cannot answer, so that everything else is as webpki has it.
        let facts = || Facts::read(leaf).map_err(|_| CertificateError::BadEncoding);
        if self.anchors.stands_for_itself(leaf) {
            verify_leaf_anchor(&facts()?, now)?;
        } else {
            let roots = self.anchors.issuing_at(now.as_secs().cast_signed());
            verify_server_cert_signed_by_trust_anchor(&parsed, &roots, intermediates, now, self.algorithms.all)?;
        }
        match &self.names {
            PeerNames::Sni => verify_server_name(&parsed, &self.sni)?,
            PeerNames::AnyOf(names) => {
                let presented = facts()?;
                if !names.iter().any(|name| satisfies(&presented, name)) {
                    return Err(CertificateError::NotValidForName.into());
                }
            }
        }
        // The one failure that is our application's and not the chain's: `classify` reads it as `pin_mismatch`.
        if !self.pins.is_empty() && !self.pins.contains(&facts()?.key_hash) {
            return Err(CertificateError::ApplicationVerificationFailure.into());
        }
        Ok(())
    }

    /// When a chain that verifies at `now` has to be verified again: the last second before one of the certificates that
    /// could vouch for it ends.
    pub fn verify_again_after(&self, chain: &[CertificateDer<'_>], now: UnixTime) -> Option<i64> {
        let now = now.as_secs().cast_signed();
        let (leaf, intermediates) = chain.split_first()?;
        if self.anchors.stands_for_itself(leaf) {
            return not_after(leaf);
        }
        let presented = intermediates.iter().filter_map(|certificate| not_after(certificate)).filter(|end| *end >= now);
        presented.chain(not_after(leaf)).chain(self.anchors.next_expiry(now)).min()
    }
}

/// webpki never sees a leaf anchor, so what it would check of a leaf by itself is checked here.
fn verify_leaf_anchor(facts: &Facts, now: UnixTime) -> Result<(), Error> {
    let seconds = now.as_secs().cast_signed();
    let moment = |seconds: i64| UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds.max(0) as u64));
    if seconds < facts.not_before {
        let not_before = moment(facts.not_before);
        return Err(CertificateError::NotValidYetContext { time: now, not_before }.into());
    }
    if seconds > facts.not_after {
        return Err(CertificateError::ExpiredContext { time: now, not_after: moment(facts.not_after) }.into());
    }
    if facts.server_auth == Some(false) {
        return Err(CertificateError::InvalidPurpose.into());
    }
    Ok(())
}

impl ServerCertVerifier for PeerVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let chain = std::iter::once(end_entity).chain(intermediates).map(|der| der.clone().into_owned());
        let chain = chain.collect::<Vec<_>>();
        let verdict = self.judge(&chain, now);
        Witness::presented(chain);
        verdict.map(|_| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
