//! What log, pages and events say of a failed attempt: what was presented, what was demanded, and what to do. Never for the
//! client.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::CertificateDer;

use super::classify::Classified;
use super::names::demandable;
use super::path::{Step, path};
use super::profile::TlsProfile;
use crate::certificate::{Facts, day};
use crate::outcome::HandshakeResult;
use crate::plan::TlsIdentity;
use crate::plan::identity::{ClientCertificate, PeerNames, SubjectAltName};
use crate::telemetry::Evidence;

/// How many names a remedy offers.
const NAMED: usize = 16;

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
        HandshakeResult::UnknownIssuer => unknown_issuer(&path(chain), profile)?,
        HandshakeResult::NameMismatch => name_mismatch(&leaf?, &profile.identity),
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
                "The backend does not accept the client certificate {}{}: take one that its CA for clients issued.",
                certificate.reference,
                issuer(certificate).map(|issuer| format!(", issued by `{issuer}`")).unwrap_or_default()
            ),
            None => {
                "The backend demands a client certificate: set the Gateway's spec.tls.backend.clientCertificateRef."
                    .to_owned()
            }
        },
        HandshakeResult::Other => match failed.certificate_error? {
            "NameConstraintViolation" => {
                "The name constraints of a CA in the chain do not permit a name of the certificate: \
                                          have a CA issue it that may, or leave the name out."
                    .to_owned()
            }
            "PathLenConstraintViolated" => {
                "A CA in the chain may not have so many CAs below it (its pathLenConstraint): issue \
                                            the certificate from one further up."
                    .to_owned()
            }
            _ => return None,
        },
        _ => return None,
    };
    Some(remedy)
}

/// Who issued a client certificate.
pub fn issuer(certificate: &ClientCertificate) -> Option<String> {
    Some(Facts::read(certificate.chain.first()?).ok()?.issuer)
}

fn unknown_issuer(path: &[Step], profile: &TlsProfile) -> Option<String> {
    let (leaf, top) = (path.first()?, path.last()?);
    if leaf.is_self_issued() {
        return Some("The certificate is self-signed: add exactly this certificate to caCertificateRefs.".to_owned());
    }
    let Facts { subject, issuer, .. } = &top.facts;
    let now = profile.clock.current_time()?.as_secs().cast_signed();
    if let Some((from, to)) = profile.verifier.anchors().outside_its_dates(issuer, now) {
        let (from, to) = (day(from), day(to));
        return Some(format!(
            "The CA `{issuer}` is trusted, but valid from {from} to {to} only: put one that is valid into caCertificateRefs."
        ));
    }
    Some(if top.is_self_issued() {
        format!("Add the CA `{subject}` to caCertificateRefs.")
    } else if top.at == 0 {
        format!(
            "Add the CA `{issuer}` to caCertificateRefs; or, if it is an intermediate of one that is there, have the backend \
             send it along with its certificate."
        )
    } else {
        format!("Add the CA `{subject}`, or `{issuer}`, which has issued it, to caCertificateRefs.")
    })
}

fn name_mismatch(leaf: &Facts, identity: &TlsIdentity) -> String {
    let demanded = identity.demanded().join(" or ");
    let names = demandable(leaf);
    if names.is_empty() {
        let carried = match leaf.listed_names(" ") {
            none if none.is_empty() => "no subjectAltName (its CN does not count)".to_owned(),
            others => format!("no name that a policy can demand ({others}; its CN does not count)"),
        };
        return format!("The certificate carries {carried}: issue one that carries {demanded}.");
    }
    let is_wildcard = |name: &SubjectAltName| matches!(name, SubjectAltName::Hostname(host) if host.starts_with("*."));
    let is_exact = |name: &SubjectAltName| matches!(name, SubjectAltName::Hostname(_)) && !is_wildcard(name);
    // The hostname does not count beside subjectAltNames.
    let by_hostname = identity.names == PeerNames::Sni;
    let field = match names.iter().any(is_exact) {
        true if by_hostname && names.iter().all(is_exact) => "validation.hostname or subjectAltNames",
        true if by_hostname => "validation.hostname (no wildcard, no URI) or subjectAltNames",
        _ => "subjectAltNames",
    };
    let below = names.iter().find(|name| is_wildcard(name)).filter(|_| by_hostname && field == "subjectAltNames");
    let below =
        below.map(|name| format!(", or validation.hostname to a name one label below {name}")).unwrap_or_default();
    let carried = names.iter().take(NAMED).map(ToString::to_string).collect::<Vec<_>>().join(" ");
    format!(
        "Set {field} to a name that the certificate carries ({carried}; its CN does not count){below}, or issue one that \
         carries {demanded}."
    )
}

/// The presented certificate that has this date, the leaf first. A chain may hold others that have ended, and that no path
/// needs.
fn bounded(chain: &[CertificateDer<'_>], bound: i64, date: impl Fn(&Facts) -> i64) -> Option<Facts> {
    chain.iter().filter_map(|certificate| Facts::read(certificate).ok()).find(|facts| date(facts) == bound)
}
