//! What an identity would have to say for its handshake to succeed. Each change is tried by a handshake, and what that says
//! decides on the next one.

use std::sync::Arc;

use rustls_pki_types::CertificateDer;

use super::attempt::Attempt;
use super::trust::vouches;
use super::{Probe, TlsProfile};
use crate::certificate::Facts;
use crate::outcome::HandshakeResult;
use crate::plan::identity::{Bundle, Der, PeerNames, SubjectAltName, TlsVersion};
use crate::plan::{TlsIdentity, Trust};
use crate::upstream::names::demandable;

/// As many as `subjectAltNames` takes.
const NAMES: usize = 5;
/// More than there are kinds of changes.
const CHANGES: usize = 8;

/// An identity that was changed until its handshake succeeded, or nothing more could be changed.
#[derive(Debug, Clone)]
pub struct Mended {
    /// What it would be.
    pub identity: TlsIdentity,
    /// The anchors that it has more: nobody but the peer itself vouches for them.
    pub anchors: Vec<Der>,
    /// How its handshake ends.
    pub result: HandshakeResult,
    /// What would mend that; empty if it succeeds.
    pub remedy: String,
    /// The peer asked for the client certificate, and was not shown it.
    pub client_certificate_untried: bool,
}

impl Probe {
    /// Looks for changes. `None` if no change of the identity would help, or if the peer is not one to go by: where
    /// `others_pass` under the identity as it is, nothing that this one presents is taken into it.
    pub(super) async fn mend(&self, failed: &Attempt, others_pass: bool, profile: &TlsProfile) -> Option<Mended> {
        // Only the peer says that it is to be trusted: it gets neither the client certificate nor a request.
        let client_certificate = &profile.identity.client_certificate;
        let as_it_is = TlsIdentity { client_certificate: None, ..TlsIdentity::clone(&profile.identity) };
        let probe = Self { request: false, ..self.clone() };
        let change = |identity: &TlsIdentity, failed: &Attempt, profile: &TlsProfile| {
            if others_pass && is_of_the_peer(failed.result) { None } else { change(identity, failed, profile) }
        };
        let mut mended = change(&as_it_is, failed, profile)?;
        for _ in 1..CHANGES {
            let profile = probe.profile(&Arc::new(mended.identity.clone())).ok()?;
            let attempt = probe.attempt(probe.line(failed.line.address, Some(&profile))).await;
            mended.tried(&attempt, client_certificate.is_some());
            let Some(next) = change(&mended.identity, &attempt, &profile) else { break };
            mended.identity = next.identity;
            mended.anchors.extend(next.anchors);
        }
        mended.identity.client_certificate.clone_from(client_certificate);
        Some(mended)
    }
}

impl Mended {
    fn tried(&mut self, attempt: &Attempt, has_client_certificate: bool) {
        self.result = attempt.result;
        self.remedy = attempt.evidence.remedy.to_string();
        self.client_certificate_untried = has_client_certificate && attempt.asked_for_certificate;
        if self.client_certificate_untried && self.result == HandshakeResult::ClientCertRejected {
            // There is one: who presents it will know.
            self.remedy.clear();
        }
    }
}

/// Whether a failure is about what the peer presents, and not about how it speaks.
pub(super) fn is_of_the_peer(result: HandshakeResult) -> bool {
    matches!(
        result,
        HandshakeResult::UnknownIssuer
            | HandshakeResult::NameMismatch
            | HandshakeResult::BadSignature
            | HandshakeResult::CaUsedAsEndEntity
            | HandshakeResult::PinMismatch
    )
}

/// The change that a failure asks for, if there is one.
fn change(identity: &TlsIdentity, failed: &Attempt, profile: &TlsProfile) -> Option<Mended> {
    let mut identity = identity.clone();
    let mut anchors = Vec::new();
    match failed.result {
        HandshakeResult::UnknownIssuer => {
            let anchor = anchor(&failed.chain, profile)?;
            identity.trust = trusting(&identity.trust, &anchor);
            anchors.push(anchor);
        }
        HandshakeResult::CaUsedAsEndEntity => {
            let leaf = Der::from(failed.chain.first()?.as_ref());
            identity.trust = trusting(&identity.trust, &leaf);
            anchors.push(leaf);
        }
        HandshakeResult::NameMismatch => {
            identity.names = PeerNames::AnyOf(with_names(&identity, failed.chain.first()?)?);
        }
        HandshakeResult::PinMismatch => {
            identity.pins.insert(Facts::read(failed.chain.first()?).ok()?.key_hash);
        }
        HandshakeResult::VersionOrCipherMismatch => match (identity.min_version, identity.max_version) {
            (TlsVersion::Tls12, TlsVersion::Tls13) => return None,
            (TlsVersion::Tls13, _) => identity.min_version = TlsVersion::Tls12,
            (_, TlsVersion::Tls12) => identity.max_version = TlsVersion::Tls13,
        },
        HandshakeResult::AlpnMismatch => {
            let http = "http/1.1".to_owned();
            match &mut identity.alpn {
                none if none.is_empty() => return None,
                offered if offered.contains(&http) => offered.clear(),
                // Another endpoint may have chosen what was offered so far.
                offered => offered.push(http),
            }
        }
        _ => return None,
    }
    let (result, remedy) = (failed.result, String::new());
    Some(Mended { identity, anchors, result, remedy, client_certificate_untried: false })
}

/// The certificate of a chain that would vouch for it: the topmost CA that came with it, or a leaf that has signed itself.
fn anchor(chain: &[CertificateDer<'static>], profile: &TlsProfile) -> Option<Der> {
    let (leaf, others) = chain.split_first()?;
    let facts = |der: &CertificateDer<'_>| Facts::read(der).ok();
    let authorities = others.iter().rev().filter(|der| facts(der).is_some_and(|facts| facts.is_ca));
    let itself = Some(leaf).filter(|der| facts(der).is_some_and(|facts| facts.subject == facts.issuer));
    let mut candidates = authorities.chain(itself).map(|der| Der::from(der.as_ref()));
    candidates.find(|candidate| vouches(profile, &trusting(&Trust::Bundle(Arc::default()), candidate), chain))
}

/// The same trust, and in this certificate. A policy cannot refer to certificates and to the system's roots.
fn trusting(trust: &Trust, certificate: &Der) -> Trust {
    let (mut issuers, mut leaves) = match trust {
        Trust::System(_) => (Vec::new(), Vec::new()),
        Trust::Bundle(bundle) => (bundle.issuers.clone(), bundle.leaves.clone()),
    };
    let is_ca = Facts::read(certificate).is_ok_and(|facts| facts.is_ca);
    if is_ca { &mut issuers } else { &mut leaves }.push(certificate.clone());
    Trust::Bundle(Arc::new(Bundle { issuers, leaves }))
}

/// The demanded names, which other endpoints may carry, and after them those that a certificate carries and a policy may
/// demand. `None` if none comes to them.
fn with_names(identity: &TlsIdentity, leaf: &CertificateDer<'_>) -> Option<Vec<SubjectAltName>> {
    let mut names = match &identity.names {
        // It counts no longer once there is any other.
        PeerNames::Sni => vec![SubjectAltName::Hostname(identity.sni.to_string())],
        PeerNames::AnyOf(names) => names.clone(),
    };
    let before = names.len();
    for name in demandable(&Facts::read(leaf).ok()?) {
        if names.len() < NAMES && !names.contains(&name) {
            names.push(name);
        }
    }
    (names.len() > before).then_some(names)
}
