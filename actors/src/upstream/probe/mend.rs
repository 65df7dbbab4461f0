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
use crate::upstream::path::path;

/// As many as `subjectAltNames` takes.
const NAMES: usize = 5;
/// More than there are kinds of changes.
const CHANGES: usize = 8;

/// An identity that was changed until its handshake succeeded, or nothing more could be changed.
#[derive(Debug, Clone)]
pub struct Mended {
    /// What it would be.
    pub identity: TlsIdentity,
    /// Which of [`Probe::at_hand`] it trusts as well, and the certificate in it that vouches.
    pub at_hand: Vec<(usize, Der)>,
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
            let nothing = others_pass && is_of_the_peer(failed.result);
            if nothing { None } else { change(identity, failed, profile, &self.at_hand) }
        };
        let mut mended = change(&as_it_is, failed, profile)?;
        for _ in 1..CHANGES {
            let profile = probe.profile(&Arc::new(mended.identity.clone())).ok()?;
            let attempt = probe.attempt(probe.line(failed.line.address, Some(&profile))).await;
            mended.tried(&attempt, client_certificate.is_some());
            let Some(next) = change(&mended.identity, &attempt, &profile) else { break };
            mended.identity = next.identity;
            mended.at_hand.extend(next.at_hand);
            mended.anchors.extend(next.anchors);
        }
        mended.identity.client_certificate.clone_from(client_certificate);
        Some(mended)
    }
}

impl Probe {
    /// Which of those at hand has the intermediates that a peer should have sent: with them its chain would be trusted as
    /// it is. And the name of the first of them.
    pub(super) fn lacking(&self, failed: &Attempt, profile: &TlsProfile) -> Option<(usize, String)> {
        if failed.result != HandshakeResult::UnknownIssuer {
            return None;
        }
        self.at_hand.iter().enumerate().find_map(|(index, bundle)| {
            let more = bundle.issuers.iter().map(|der| CertificateDer::from(der.to_vec()));
            let whole: Vec<_> = failed.chain.iter().cloned().chain(more).collect();
            let first = path(&whole).into_iter().find(|step| step.at >= failed.chain.len())?;
            vouches(profile, &profile.identity.trust, &whole).then_some((index, first.facts.subject))
        })
    }
}

impl Mended {
    fn tried(&mut self, attempt: &Attempt, has_client_certificate: bool) {
        self.result = attempt.result;
        self.remedy = attempt.evidence.remedy.to_string();
        self.client_certificate_untried = has_client_certificate && attempt.certificate_request.is_some();
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
fn change(identity: &TlsIdentity, failed: &Attempt, profile: &TlsProfile, at_hand: &[Arc<Bundle>]) -> Option<Mended> {
    let mut identity = identity.clone();
    let (mut known, mut anchors) = (Vec::new(), Vec::new());
    let untrusted = matches!(failed.result, HandshakeResult::UnknownIssuer | HandshakeResult::CaUsedAsEndEntity);
    match failed.result {
        _ if untrusted && let Some((index, der)) = vouching(at_hand, &failed.chain, profile) => {
            identity.trust = joined(&identity.trust, &at_hand[index]);
            known.push((index, der));
        }
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
    Some(Mended { identity, at_hand: known, anchors, result, remedy, client_certificate_untried: false })
}

/// The first of those at hand that would vouch for a chain, and the certificate in it that does.
fn vouching(at_hand: &[Arc<Bundle>], chain: &[CertificateDer<'static>], profile: &TlsProfile) -> Option<(usize, Der)> {
    let alone = |der: &&Der| vouches(profile, &trusting(&Trust::Bundle(Arc::default()), der), chain);
    at_hand
        .iter()
        .enumerate()
        .find_map(|(index, bundle)| Some((index, bundle.issuers.iter().chain(&bundle.leaves).find(alone)?.clone())))
}

/// The certificate of a chain that would vouch for it: the topmost CA that came with it, or a leaf that has signed itself.
fn anchor(chain: &[CertificateDer<'static>], profile: &TlsProfile) -> Option<Der> {
    let path = path(chain);
    let on_path = path.iter().rev().filter(|step| step.at > 0 || step.is_self_issued()).map(|step| step.at);
    // Of two CAs of one name, the other may be the one.
    let is_ca = |at: &usize| Facts::read(&chain[*at]).is_ok_and(|facts| facts.is_ca);
    let mut candidates = on_path.chain((1..chain.len()).rev().filter(is_ca)).map(|at| Der::from(chain[at].as_ref()));
    candidates.find(|candidate| vouches(profile, &trusting(&Trust::Bundle(Arc::default()), candidate), chain))
}

/// The same trust, and in this certificate.
fn trusting(trust: &Trust, certificate: &Der) -> Trust {
    let certificate = vec![certificate.clone()];
    let is_ca = Facts::read(&certificate[0]).is_ok_and(|facts| facts.is_ca);
    let (issuers, leaves) = if is_ca { (certificate, Vec::new()) } else { (Vec::new(), certificate) };
    joined(trust, &Bundle { issuers, leaves })
}

/// The same trust, and in these certificates. A policy cannot refer to certificates and to the system's roots.
fn joined(trust: &Trust, more: &Bundle) -> Trust {
    let (mut issuers, mut leaves) = match trust {
        Trust::System(_) => (Vec::new(), Vec::new()),
        Trust::Bundle(bundle) => (bundle.issuers.clone(), bundle.leaves.clone()),
    };
    issuers.extend(more.issuers.iter().cloned());
    leaves.extend(more.leaves.iter().cloned());
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
