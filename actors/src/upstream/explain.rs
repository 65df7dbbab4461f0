//! What log, pages and events say of a failed attempt: what was presented, what was demanded, and what to do. Never for the
//! client.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::CertificateDer;

use super::classify::Classified;
use super::profile::TlsProfile;
use crate::certificate::{Facts, day};
use crate::outcome::HandshakeResult;
use crate::telemetry::Evidence;

/// What is known of a failed handshake.
pub fn failure(failed: &Classified, chain: &[CertificateDer<'_>], profile: &TlsProfile) -> Evidence {
    let mut evidence = Evidence::of(failed.result, &*failed.cause);
    if let Some(remedy) = remedy(failed, chain, profile) {
        evidence.remedy = remedy.into();
    }
    let Some(leaf) = chain.first() else { return evidence };
    if let Err(cause) = Facts::read(leaf) {
        evidence.cause = format!("{}; presented a certificate that does not parse: {cause}", failed.cause).into();
    }
    evidence.presented = chain.iter().filter_map(|certificate| Facts::read(certificate).ok()).collect();
    evidence.demanded = demanded(profile).into();
    evidence.trusted = profile.verifier.anchors().describe().into();
    evidence
}

/// What is known of a refusal that came when our side had accepted the peer, which presented this.
pub fn refusal(refused: &Classified, presented: &Arc<[Facts]>, profile: &TlsProfile) -> Evidence {
    Evidence { presented: presented.clone(), ..failure(refused, &[], profile) }
}

fn demanded(profile: &TlsProfile) -> String {
    profile.identity.demanded().join(" or ")
}

/// Where the certificate or the policy says more than the word alone.
fn remedy(failed: &Classified, chain: &[CertificateDer<'_>], profile: &TlsProfile) -> Option<String> {
    let leaf = chain.first().and_then(|leaf| Facts::read(leaf).ok());
    let remedy = match failed.result {
        HandshakeResult::UnknownIssuer => match leaf? {
            leaf if leaf.subject == leaf.issuer => {
                "The certificate is self-signed: add exactly this certificate to caCertificateRefs.".to_owned()
            }
            leaf => format!(
                "Add the CA `{}` to caCertificateRefs; if it is there, look whether it has expired, and whether the backend \
                 sends its intermediates.",
                leaf.issuer
            ),
        },
        HandshakeResult::NameMismatch => {
            let (names, demanded) = (leaf?.names().join(" "), demanded(profile));
            if names.is_empty() {
                format!(
                    "The certificate carries no subjectAltName (its CN does not count): issue one that carries {demanded}."
                )
            } else {
                format!(
                    "Set validation.hostname or subjectAltNames to a name that the certificate carries ({names}; its CN does \
                     not count), or issue one that carries {demanded}."
                )
            }
        }
        HandshakeResult::Expired => {
            let ended = bounded(chain, failed.bound?, |facts| facts.not_after)?;
            let (subject, end) = (&ended.subject, day(ended.not_after));
            format!("Renew the certificate `{subject}`, which expired at {end}, and have the backend load it.")
        }
        HandshakeResult::NotYetValid => {
            let begins = bounded(chain, failed.bound?, |facts| facts.not_before)?;
            let (subject, begin) = (&begins.subject, day(begins.not_before));
            format!(
                "The certificate `{subject}` is valid from {begin} on: check the clocks of both sides, or issue another one."
            )
        }
        HandshakeResult::PinMismatch => {
            let pin = STANDARD.encode(leaf?.key_hash);
            format!(
                "If the key was changed on purpose, add its pin {pin} to the option gateway.postern.dev/pinned-sha256."
            )
        }
        HandshakeResult::AlpnMismatch => {
            let offered = profile.identity.alpn.join(", ");
            format!(
                "Have the backend accept {offered} by ALPN, or say in the option gateway.postern.dev/alpn what it accepts."
            )
        }
        HandshakeResult::ClientCertRejected => match &profile.identity.client_certificate {
            Some(certificate) => format!(
                "The backend does not accept the client certificate {}: take one that its CA for clients issued.",
                certificate.reference
            ),
            None => {
                "The backend demands a client certificate: set the Gateway's spec.tls.backend.clientCertificateRef."
                    .to_owned()
            }
        },
        _ => return None,
    };
    Some(remedy)
}

/// The presented certificate that has this date, the leaf first. A chain may hold others that have ended, and that no path
/// needs.
fn bounded(chain: &[CertificateDer<'_>], bound: i64, date: impl Fn(&Facts) -> i64) -> Option<Facts> {
    chain.iter().filter_map(|certificate| Facts::read(certificate).ok()).find(|facts| date(facts) == bound)
}
