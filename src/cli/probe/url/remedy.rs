//! What mends a handshake with a URL: options, where for a backend of the objects it is fields.

use postern_actors::outcome::{HandshakeResult, Reason};
use postern_actors::upstream::probe::Report;
use postern_actors::upstream::probe::report::{CertificateReport, Offer};

/// In a sentence; `None` where what is said of a backend holds for a URL too.
pub(super) fn remedy(report: &Report) -> Option<String> {
    let (Reason::Handshake(result), Some(offer)) = (report.verdict.result, &report.offer) else { return None };
    if report.blames_one_peer() {
        return None;
    }
    let endpoint = report.endpoints.iter().find(|endpoint| Some(endpoint.address) == report.verdict.at);
    let leaf = endpoint.and_then(|endpoint| endpoint.certificates.first());
    certificate(result, leaf, offer).or_else(|| Some(other(result, offer)?.to_owned()))
}

/// Where the peer's certificate has a part in it.
fn certificate(result: HandshakeResult, leaf: Option<&CertificateReport>, offer: &Offer) -> Option<String> {
    let leaf = leaf?;
    Some(match result {
        HandshakeResult::UnknownIssuer if leaf.subject == leaf.issuer => {
            "The certificate is self-signed: give exactly this certificate with --ca.".into()
        }
        HandshakeResult::UnknownIssuer => format!(
            "Give the CA `{}` with --ca; if it is there, look whether it has expired, and whether the backend sends its \
             intermediates.",
            leaf.issuer
        ),
        HandshakeResult::NameMismatch => {
            let (names, demanded) = (leaf.subject_alt_names.join(" "), offer.names.join(" or "));
            if names.is_empty() {
                format!(
                    "The certificate carries no subjectAltName (its CN does not count): issue one that carries {demanded}."
                )
            } else {
                format!(
                    "Give a name that the certificate carries ({names}; its CN does not count) with --hostname or --san, or \
                     issue one that carries {demanded}."
                )
            }
        }
        HandshakeResult::PinMismatch => {
            format!("If the key was changed on purpose, add its pin {} to --pinned-sha256.", leaf.pin)
        }
        _ => return None,
    })
}

fn other(result: HandshakeResult, offer: &Offer) -> Option<&'static str> {
    Some(match result {
        HandshakeResult::UnknownIssuer => "Give the CA that issued the backend's certificate with --ca.",
        HandshakeResult::NameMismatch => {
            "Give a name that the certificate carries (its CN does not count) with --hostname or --san."
        }
        HandshakeResult::PinMismatch => "If the key was changed on purpose, add its pin to --pinned-sha256.",
        HandshakeResult::BadSignature => {
            "Look whether the CA was replaced by one of the same name, and give the one that signed with --ca; else issue \
             the certificate anew."
        }
        HandshakeResult::CaUsedAsEndEntity => {
            "Issue the backend a certificate with CA:FALSE, or give exactly this certificate with --ca."
        }
        HandshakeResult::VersionOrCipherMismatch => {
            "Have the backend speak TLS 1.2 with ECDHE, or 1.3; look whether --min-tls-version or --max-tls-version narrows \
             the versions."
        }
        HandshakeResult::AlpnMismatch => {
            "Have the backend accept by ALPN what is offered, or say in --alpn what it accepts."
        }
        HandshakeResult::NotTls => "Name the port on which the backend speaks TLS.",
        HandshakeResult::TcpRefused => "Check that the backend runs, and that it listens on this port.",
        HandshakeResult::TcpUnreachable => "Check routes and firewalls between here and the address.",
        HandshakeResult::DnsFailure => {
            "Check the host of the URL, and the DNS that is asked here; --resolve gives an address without it."
        }
        HandshakeResult::Timeout => {
            "Look for what drops packets on the way (a firewall), and whether the backend is overloaded."
        }
        HandshakeResult::ClientCertRejected if offer.client_certificate.is_some() => {
            "The backend does not accept the certificate of --client-cert: take one that its CA for clients issued."
        }
        HandshakeResult::ClientCertRejected => {
            "The backend demands a client certificate: give one with --client-cert and --client-key."
        }
        HandshakeResult::Other => "The cause is all that is known.",
        _ => return None,
    })
}
