//! The handshakes with a backend: the last one, the chain that the peer presented, what was counted, the last failure.

use jiff::Timestamp;
use maud::{Markup, html};

use crate::certificate::Facts;
use crate::outcome::HandshakeResult;
use crate::plan::hexadecimal;
use crate::telemetry::LastHandshake;
use crate::telemetry::admin::health::none;
use crate::telemetry::admin::layout::{facts, table};
use crate::telemetry::admin::words::{self, grouped};
use crate::telemetry::observations::Counts;

/// `told` says that the last failure stands above already, with its cause and remedy.
pub(super) fn describe(last: &LastHandshake, told: bool, now: Timestamp) -> Markup {
    html! {
        h4 { @if last.outdated { "Last handshake, before the configuration changed" } @else { "Last handshake" } }
        (facts(attempt(last, now)))
        h4 { "Chain that the peer presented" }
        (chain(&last.evidence.presented, now))
        h4 { "Handshakes since the backend is configured" }
        (facts(counts(last.counts, last.consecutive_failures)))
        @if last.result == HandshakeResult::Ok && let Some(failure) = &last.last_failure {
            h4 { @if failure.outdated { "Last failure, before the configuration changed" } @else { "Last failure" } }
            p {
                (failure.result) @if let Some(endpoint) = failure.endpoint { " with " (endpoint) } ", "
                (words::moment(failure.time, now)) ". " (failure.result.meaning())
            }
            @if !told {
                p.cause { (failure.evidence.cause) }
                p.remedy { strong { "What to do if it comes again: " } (failure.evidence.remedy) }
            }
            @if !failure.evidence.presented.is_empty() { (chain(&failure.evidence.presented, now)) }
        }
    }
}

fn attempt<'a>(last: &LastHandshake, now: Timestamp) -> Vec<(&'a str, Markup)> {
    let endpoint = last.endpoint.map_or_else(none, |endpoint| html! { (endpoint) });
    let mut attempt = vec![
        ("Time", words::moment(last.time, now)),
        ("Result", html! { (last.result) }),
        ("Endpoint", endpoint),
        (
            "SNI sent",
            if last.sni.is_empty() {
                none()
            } else {
                html! { (last.sni) }
            },
        ),
    ];
    if let Some(tls) = &last.tls {
        let negotiated = html! {
            "TLS " (tls.version) ", " (tls.cipher) ", ALPN " (if tls.alpn.is_empty() { "none" } else { &tls.alpn }) ", "
            (if tls.resumed { "resumed" } else { "full handshake" })
        };
        let name =
            if last.result == HandshakeResult::Ok { "Negotiated" } else { "Negotiated by the last that succeeded" };
        attempt.push((name, negotiated));
    }
    attempt
}

fn chain(presented: &[Facts], now: Timestamp) -> Markup {
    let rows = presented.iter().map(|facts| {
        let names = facts.listed_names(", ");
        [
            html! { (facts.subject) @if facts.is_ca { " (CA)" } },
            html! { (facts.issuer) },
            if names.is_empty() {
                none()
            } else {
                html! { (names) }
            },
            html! { (words::second(facts.not_before)) },
            words::end(facts.not_after, now),
            html! { code.fingerprint { (hexadecimal(&facts.fingerprint)) } },
        ]
    });
    html! {
        @if presented.is_empty() {
            p { (none()) }
        } @else {
            (table(
                "Certificates, the peer's own first",
                ["Subject", "Issuer", "SANs", "From", "End", "SHA-256"],
                rows,
            ))
        }
    }
}

fn counts<'a>(counts: Counts, consecutive_failures: u64) -> [(&'a str, Markup); 4] {
    let number = |count| html! { (grouped(count)) };
    let succeeded = counts.full + counts.resumed;
    [
        ("Full", number(counts.full)),
        (
            "Resumed",
            html! { (grouped(counts.resumed)) @if succeeded > 0 { " (" (counts.resumed * 100 / succeeded) "% of those that succeeded)" } },
        ),
        ("Failed", number(counts.failed)),
        ("Failed in a row", number(consecutive_failures)),
    ]
}
