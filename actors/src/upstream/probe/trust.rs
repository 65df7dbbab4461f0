//! The anchors of an identity, one by one: what each may do today, and which of them vouches for a chain.

use std::sync::Arc;

use rustls_pki_types::CertificateDer;

use super::report::{AnchorReport, Anchors as Listed, Role, Validity};
use crate::certificate::Facts;
use crate::outcome::HandshakeResult;
use crate::plan::Trust;
use crate::plan::identity::{Bundle, Der, SystemRoots};
use crate::upstream::anchors::Anchors;
use crate::upstream::classify;
use crate::upstream::profile::TlsProfile;

/// Lists the anchors. Of the system's roots, which are many, only those that vouch.
pub(super) fn anchors(profile: &TlsProfile, chain: &[CertificateDer<'static>]) -> Listed {
    match &profile.identity.trust {
        Trust::System(roots) => {
            let alone = |der: &&Der| {
                let roots = SystemRoots { origin: String::new(), certificates: vec![Arc::clone(der)] };
                vouches(profile, &Trust::System(Arc::new(roots)), chain)
            };
            let vouching = roots.certificates.iter().filter(alone);
            Listed {
                origin: format!("the system's roots ({})", roots.origin),
                count: roots.certificates.len(),
                list: vouching.filter_map(|der| report(profile, der, Role::MayIssue, true)).collect(),
            }
        }
        Trust::Bundle(bundle) => {
            let list = |ders: &[Der], role: Role| {
                let alone = |der: &Der| match role {
                    Role::MayIssue => Bundle { issuers: vec![der.clone()], leaves: Vec::new() },
                    _ => Bundle { issuers: Vec::new(), leaves: vec![der.clone()] },
                };
                let judged = |der: &Der| {
                    let vouches = vouches(profile, &Trust::Bundle(Arc::new(alone(der))), chain);
                    report(profile, der, role, vouches)
                };
                ders.iter().filter_map(judged).collect::<Vec<_>>()
            };
            let mut all = list(&bundle.issuers, Role::MayIssue);
            all.extend(list(&bundle.leaves, Role::StandsForItself));
            Listed { origin: "caCertificateRefs".into(), count: all.len(), list: all }
        }
    }
}

/// Whether the verifier takes a chain as far as trust goes, if these are its only anchors. Names and pins come after the
/// chain; of one that fails before, nobody knows who would vouch for it.
pub(super) fn vouches(profile: &TlsProfile, trust: &Trust, chain: &[CertificateDer<'static>]) -> bool {
    let Some(now) = profile.clock.current_time() else { return false };
    let verifier = profile.verifier.with_anchors(Arc::new(Anchors::new(trust)));
    match verifier.verify(chain, now) {
        Ok(()) => true,
        Err(error) => {
            let result = classify::tls(&error, false).result;
            matches!(result, HandshakeResult::NameMismatch | HandshakeResult::PinMismatch)
        }
    }
}

/// `None` for a certificate that does not parse: none such gets into a plan.
fn report(profile: &TlsProfile, der: &Der, role: Role, vouches: bool) -> Option<AnchorReport> {
    let facts = Facts::read(der).ok()?;
    let now = profile.clock.current_time()?.as_secs().cast_signed();
    let validity = Validity::of(&facts, now);
    let role = match (role, validity) {
        (Role::MayIssue, Validity::NotYetValid) => Role::NotYetValid,
        (Role::MayIssue, Validity::Expired) => Role::Expired,
        (other, _) => other,
    };
    Some(AnchorReport {
        subject: facts.subject,
        not_before: facts.not_before,
        not_after: facts.not_after,
        role,
        validity,
        vouches,
    })
}
