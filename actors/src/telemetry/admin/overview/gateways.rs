//! The Gateways with their listeners.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use maud::{Markup, html};

use crate::plan::{Listener, Plan, Port, Protocol, RuleTable};
use crate::telemetry::admin::health::{Health, none};
use crate::telemetry::admin::layout::{anchor, table};
use crate::telemetry::admin::words;

/// A table a Gateway.
pub(super) fn list(plan: &Plan, now: Timestamp) -> Markup {
    let mut gateways: BTreeMap<&str, Vec<(&Port, &Arc<Listener>)>> = BTreeMap::new();
    for port in &plan.ports {
        let listeners = port.listeners.values().map(|listener| (&**port, listener));
        gateways.entry(&port.gateway).or_default().extend(listeners);
    }
    html! {
        section aria-labelledby="gateways" {
            h2 #gateways { "Gateways" }
            @if gateways.is_empty() { p { (none()) } }
            @for (gateway, listeners) in gateways {
                h3 id={ "gateway-" (anchor(gateway)) } { (gateway) }
                (table(
                    &format!("Listeners of {gateway}"),
                    ["Listener", "Port", "Protocol", "Hostname", "Matches of routes", "Certificates"],
                    listeners.into_iter().map(|(port, listener)| row(port, listener, now)),
                ))
            }
        }
    }
}

/// The listeners' certificates that have ended or end soon, each in a sentence.
pub(super) fn ending(plan: &Plan, now: Timestamp) -> Vec<(Health, String)> {
    let listeners = plan.ports.iter().flat_map(|port| port.listeners.values().map(move |listener| (port, listener)));
    let ends = listeners.flat_map(|(port, listener)| {
        listener.certificates.iter().map(move |certificate| {
            let when = words::away(certificate.not_after, now);
            let health = words::health_of_end(certificate.not_after, now);
            let ends = if health == Health::Bad { "expired" } else { "ends" };
            let words = format!(
                "The certificate of Secret {}, which listener {} of {} presents to clients, {ends} {when}.",
                certificate.secret, listener.name, port.gateway
            );
            (health, words)
        })
    });
    let mut ends: Vec<_> = ends.filter(|(health, _)| *health < Health::Good).collect();
    ends.sort();
    ends
}

fn row(port: &Port, listener: &Listener, now: Timestamp) -> [Markup; 6] {
    let matches: usize = listener.routes.values().map(RuleTable::len).sum();
    [
        html! { (listener.name) },
        html! { (port.port) },
        html! { (port.protocol.scheme().to_uppercase()) },
        html! { (listener.hostname.as_deref().unwrap_or("*")) },
        if matches == 0 {
            Health::Unknown.says("none")
        } else {
            html! { (words::grouped(matches as u64)) }
        },
        match port.protocol {
            Protocol::Http => none(),
            Protocol::Https => certificates(listener, now),
        },
    ]
}

fn certificates(listener: &Listener, now: Timestamp) -> Markup {
    if listener.certificates.is_empty() {
        return Health::Bad.says("none can be used: handshakes fail");
    }
    html! {
        ul {
            @for certificate in &listener.certificates {
                li { "Secret " (certificate.secret) ", " (words::end(certificate.not_after, now)) }
            }
        }
    }
}
