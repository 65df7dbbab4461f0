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
}

impl Probe {
    /// Looks for changes. `None` if no change of the identity would help.
    pub(super) async fn mend(&self, failed: &Attempt, profile: &TlsProfile) -> Option<Mended> {
        let mut mended = change(&profile.identity, failed, profile)?;
        // Nobody has said yet that this peer is to be trusted: it gets no request.
        let probe = Self { request: false, ..self.clone() };
        for _ in 1..CHANGES {
            let profile = probe.profile(&Arc::new(mended.identity.clone())).ok()?;
            let attempt = probe.attempt(probe.line(failed.line.address, Some(&profile))).await;
            mended.result = attempt.result;
            mended.remedy = attempt.evidence.remedy.to_string();
            let Some(next) = change(&mended.identity, &attempt, &profile) else { break };
            mended.identity = next.identity;
            mended.anchors.extend(next.anchors);
        }
        Some(mended)
    }
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
        HandshakeResult::NameMismatch => identity.names = PeerNames::AnyOf(names(failed.chain.first()?)?),
        HandshakeResult::PinMismatch => {
            identity.pins.insert(Facts::read(failed.chain.first()?).ok()?.key_hash);
        }
        HandshakeResult::VersionOrCipherMismatch => {
            let all = (TlsVersion::Tls12, TlsVersion::Tls13);
            if (identity.min_version, identity.max_version) == all {
                return None;
            }
            (identity.min_version, identity.max_version) = all;
        }
        HandshakeResult::AlpnMismatch => {
            identity.alpn = match &*identity.alpn {
                [] => return None,
                [only] if only == "http/1.1" => Vec::new(),
                _ => vec!["http/1.1".into()],
            };
        }
        _ => return None,
    }
    Some(Mended { identity, anchors, result: failed.result, remedy: String::new() })
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

/// The names that a certificate carries, as a policy may demand them.
fn names(leaf: &CertificateDer<'_>) -> Option<Vec<SubjectAltName>> {
    let facts = Facts::read(leaf).ok()?;
    let hosts = facts.dns_names.iter().map(|name| name.to_ascii_lowercase()).filter(|name| is_hostname(name));
    let uris = facts.uris.iter().filter(|uri| is_absolute(uri)).cloned().map(SubjectAltName::Uri);
    let names = hosts.map(SubjectAltName::Hostname).chain(uris).take(NAMES).collect::<Vec<_>>();
    (!names.is_empty()).then_some(names)
}

/// What the schema takes for a `hostname`: labels of lower-case letters, digits and `-`, the first of which may be `*`.
fn is_hostname(name: &str) -> bool {
    let labels = name.strip_prefix("*.").unwrap_or(name);
    let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let label =
        |label: &str| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-') && label.bytes().all(legal);
    name.len() <= 253 && labels.split('.').all(label)
}

/// What the schema takes for a `uri`: one with a scheme and an authority.
fn is_absolute(uri: &str) -> bool {
    let printable = uri.bytes().all(|byte| byte.is_ascii_graphic());
    printable
        && uri.len() <= 253
        && uri.split_once("://").is_some_and(|(scheme, rest)| !scheme.is_empty() && !rest.is_empty())
}
