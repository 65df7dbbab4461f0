//! What is presented to a backend, and what is demanded of it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use maud::{Markup, html};

use crate::certificate::Facts;
use crate::plan::TlsIdentity;
use crate::plan::Trust;
use crate::plan::identity::{Bundle, SystemRoots};
use crate::telemetry::admin::health::{Health, none};
use crate::telemetry::admin::layout;
use crate::telemetry::admin::words::{self, counted};

/// So many anchors of a policy are told of.
const TOLD: usize = 8;

pub(super) fn facts<'a>(identity: &TlsIdentity, now: Timestamp) -> [(&'a str, Markup); 7] {
    let client = match &identity.client_certificate {
        Some(client) => html! { (client.reference) ", " (words::end(client.not_after, now)) },
        None => none(),
    };
    let list = |items: Vec<String>| {
        if items.is_empty() {
            none()
        } else {
            html! { (items.join(", ")) }
        }
    };
    [
        ("SNI", html! { (identity.sni) }),
        ("Names (one must match)", html! { (identity.demanded().join(", ")) }),
        ("Client certificate", client),
        ("Versions", html! { "TLS " (identity.min_version.as_str()) " to " (identity.max_version.as_str()) }),
        ("ALPN offered", list(identity.alpn.clone())),
        ("Resumption", html! { (if identity.resumption { "on" } else { "off" }) }),
        ("Pinned keys (SHA-256)", list(pins(identity))),
    ]
}

pub(super) fn anchors(trust: &Trust, now: Timestamp) -> Markup {
    match trust {
        Trust::System(roots) => html! { p { (system(roots)) } },
        Trust::Bundle(bundle) => of_bundle(bundle, now),
    }
}

/// As the option of a policy writes them.
pub(super) fn pins(identity: &TlsIdentity) -> Vec<String> {
    identity.pins.iter().map(|pin| STANDARD.encode(pin)).collect()
}

/// How many of the system's roots there are.
pub(super) fn count(roots: &SystemRoots) -> usize {
    match roots.certificates.len() {
        0 => webpki_roots::TLS_SERVER_ROOTS.len(),
        count => count,
    }
}

/// The certificates of a bundle, with whether they may issue; those that are told of.
pub(super) fn told(bundle: &Bundle) -> impl Iterator<Item = (bool, Result<Facts, String>)> {
    let issuers = bundle.issuers.iter().map(|der| (true, der));
    let all = issuers.chain(bundle.leaves.iter().map(|der| (false, der)));
    all.take(TOLD).map(|(issues, der)| (issues, Facts::read(der)))
}

fn system(roots: &SystemRoots) -> String {
    format!("The system's roots: {} ({}).", counted(count(roots) as u64, "certificate"), roots.origin)
}

fn of_bundle(bundle: &Bundle, now: Timestamp) -> Markup {
    let all = bundle.issuers.len() + bundle.leaves.len();
    let rows = told(bundle).map(|(issues, facts)| {
        let role = if issues { "may issue" } else { "stands for itself only" };
        match facts {
            Ok(facts) => [html! { (facts.subject) }, html! { (role) }, words::end(facts.not_after, now)],
            Err(cause) => [Health::Warn.says("a certificate that does not parse"), html! { (role) }, html! { (cause) }],
        }
    });
    html! {
        @if all == 0 { p { (none()) } } @else { (layout::table("Anchors", ["Subject", "Role", "End"], rows)) }
        @if all > TOLD { p.note { (counted((all - TOLD) as u64, "more certificate")) "." } }
    }
}
