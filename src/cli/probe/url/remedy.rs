//! What mends a handshake with a URL: options, where for a backend of the objects it is fields.

use postern_actors::outcome::{HandshakeResult, Reason};
use postern_actors::upstream::probe::Report;
use postern_actors::upstream::probe::report::Offer;

/// What is said of fields and gateways, and what is said of options; of two of which one holds the other, the longer stands
/// first.
const OPTIONS: [(&str, &str); 10] = [
    ("validation.hostname", "--hostname"),
    ("subjectAltNames", "--san"),
    ("the policy's caCertificateRefs", "--ca"),
    ("caCertificateRefs", "--ca"),
    ("the option gateway.postern.dev/pinned-sha256", "--pinned-sha256"),
    ("the option gateway.postern.dev/alpn", "--alpn"),
    ("No anchor of the policy vouches", "No anchor vouches"),
    ("that the policy pins", "that --pinned-sha256 permits"),
    ("that a policy can demand", "that can be demanded"),
    ("The cause is in the gateway's log, and on its admin page.", "The cause is all that is known."),
];

/// In a sentence.
pub(super) fn remedy(report: &Report) -> String {
    if let (Reason::Handshake(result), Some(offer)) = (report.verdict.result, &report.offer)
        && let Some(remedy) = other(result, offer)
    {
        return remedy.to_owned();
    }
    of_options(&report.verdict.remedy)
}

/// What is said of fields, said of options.
pub(super) fn of_options(text: &str) -> String {
    OPTIONS.iter().fold(text.to_owned(), |text, (field, option)| text.replace(field, option))
}

/// Where a backend of the objects has more that could be mended than an option.
fn other(result: HandshakeResult, offer: &Offer) -> Option<&'static str> {
    Some(match result {
        HandshakeResult::VersionOrCipherMismatch => {
            "Have the backend speak TLS 1.2 with ECDHE, or 1.3; look whether --min-tls-version or --max-tls-version narrows \
             the versions."
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
        _ => return None,
    })
}
