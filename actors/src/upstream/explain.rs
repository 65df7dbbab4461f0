//! What log, pages and events say of a failed attempt: what was presented, what was demanded, and what to do. Never for the
//! client.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::CertificateDer;

use super::classify::Classified;
use super::profile::TlsProfile;
use crate::certificate::{Facts, day};
use crate::outcome::HandshakeResult;
use crate::plan::identity::{PeerNames, SubjectAltName};
use crate::telemetry::Evidence;

/// What is known of a failed handshake.
pub fn failure(failed: &Classified, chain: &[CertificateDer<'_>], profile: &TlsProfile) -> Evidence {
    let mut evidence = Evidence::of(failed.result, &*failed.cause);
    if let Some(remedy) = remedy(failed.result, chain, profile) {
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

fn demanded(profile: &TlsProfile) -> String {
    match &profile.identity.names {
        PeerNames::Sni => format!("DNS:{}", profile.identity.sni),
        PeerNames::AnyOf(names) => names
            .iter()
            .map(|name| match name {
                SubjectAltName::Hostname(name) => format!("DNS:{name}"),
                SubjectAltName::Uri(uri) => format!("URI:{uri}"),
            })
            .collect::<Vec<_>>()
            .join(" or "),
    }
}

/// Where the certificate or the policy says more than the word alone.
fn remedy(result: HandshakeResult, chain: &[CertificateDer<'_>], profile: &TlsProfile) -> Option<String> {
    let leaf = chain.first().and_then(|leaf| Facts::read(leaf).ok());
    let remedy = match result {
        HandshakeResult::UnknownIssuer => match leaf {
            Some(leaf) if leaf.subject == leaf.issuer => {
                "the certificate is self-signed: add exactly this certificate to caCertificateRefs".into()
            }
            Some(leaf) => format!("add the CA `{}` to caCertificateRefs, or check whether it has expired", leaf.issuer),
            None => "add the issuing CA to caCertificateRefs".into(),
        },
        HandshakeResult::NameMismatch => {
            "set validation.hostname or subjectAltNames to a name that the certificate carries (its CN does not count)"
                .into()
        }
        HandshakeResult::Expired => {
            let now = profile.clock.current_time().map(|now| day(now.as_secs().cast_signed())).unwrap_or_default();
            format!("renew the backend's certificate (it is {now})")
        }
        HandshakeResult::NotYetValid => "check the backend's certificate and the clocks".into(),
        HandshakeResult::BadPurpose => "issue the certificate with the extended key usage serverAuth".into(),
        HandshakeResult::CaUsedAsEndEntity => {
            "the backend presents a CA certificate (CA:TRUE) as its own: issue one with \
                                               CA:FALSE, or add exactly this certificate to caCertificateRefs"
                .into()
        }
        HandshakeResult::PinMismatch => {
            let leaf = leaf?;
            let pin = STANDARD.encode(leaf.key_hash);
            format!("the key's pin is {pin}")
        }
        HandshakeResult::BadEncoding => "the certificate must be X.509 v3 in DER; v1 is not supported".into(),
        HandshakeResult::NotTls => {
            "the port speaks something else than TLS: check the port, or remove the policy".into()
        }
        HandshakeResult::VersionOrCipherMismatch => {
            "the backend shares no TLS version or cipher suite: TLS 1.2 and 1.3 are offered unless options narrow them"
                .into()
        }
        HandshakeResult::AlpnMismatch => format!("ALPN offered: {}", profile.identity.alpn.join(", ")),
        HandshakeResult::ClientCertRejected => match &profile.identity.client_certificate {
            Some(certificate) => {
                format!("the backend does not accept the client certificate {}", certificate.reference)
            }
            None => {
                "the backend demands a client certificate: set Gateway.spec.tls.backend.clientCertificateRef".into()
            }
        },
        _ => return None,
    };
    Some(remedy)
}
