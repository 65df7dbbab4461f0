//! One backend that a policy selects.

use jiff::Timestamp;
use maud::{Markup, html};

use super::{handshake, identity};
use crate::plan::backend::Tls;
use crate::telemetry::admin::health::Health;
use crate::telemetry::admin::layout::facts;
use crate::telemetry::admin::survey::Surveyed;
use crate::telemetry::admin::words::counted;

pub(super) fn article(surveyed: &Surveyed<'_>, now: Timestamp) -> Markup {
    let id = &surveyed.backend.id;
    let anchor = surveyed.anchor();
    let heading = format!("heading-{anchor}");
    html! {
        article id=(anchor) class={ "backend " (surveyed.health.class()) } aria-labelledby=(heading)
            data-backend=(id) data-result=(surveyed.word()) {
            h3 id=(heading) {
                (surveyed.health.says(said(surveyed))) " " (id) " " span.gateway { "Gateway " (id.gateway) }
            }
            @for (health, trouble) in &surveyed.troubles { p.trouble { (health.says(trouble)) } }
            @if surveyed.health == Health::Bad || surveyed.failure().is_some() { (failure(surveyed)) }
            h4 { "Policy" }
            (facts(policy(surveyed, now)))
            @if let Tls::Originate { identity, .. } = &surveyed.backend.tls {
                h4 { "Anchors" }
                (identity::anchors(&identity.trust, now))
            }
            @if let Some(last) = &surveyed.last { (handshake::describe(last, surveyed.failure().is_some(), now)) }
        }
    }
}

fn said(surveyed: &Surveyed<'_>) -> &'static str {
    match surveyed.word() {
        "none" => "not tried yet",
        word => word,
    }
}

fn failure(surveyed: &Surveyed<'_>) -> Markup {
    let demanded = surveyed.failure().map_or("", |failure| &*failure.evidence.demanded);
    html! {
        div.failure {
            @if !surveyed.meaning().is_empty() { p { (surveyed.meaning()) } }
            p.cause { (surveyed.cause()) }
            @if !demanded.is_empty() { p { "Demanded: " (demanded) } }
            p.remedy { strong { "What to do: " } (surveyed.remedy()) }
        }
    }
}

fn policy<'a>(surveyed: &Surveyed<'_>, now: Timestamp) -> Vec<(&'a str, Markup)> {
    let addresses = match surveyed.addresses {
        Some(addresses) => counted(addresses as u64, "ready endpoint"),
        None => "resolved when it is dialled".to_owned(),
    };
    let mut policy = vec![
        ("Policy", html! { "BackendTLSPolicy " (surveyed.policy().map_or("(not known)", |policy| policy)) }),
        ("Endpoints", html! { (surveyed.source()) ", " (addresses) }),
    ];
    if let Tls::Originate { identity, .. } = &surveyed.backend.tls {
        policy.extend(identity::facts(identity, now));
    }
    policy
}
