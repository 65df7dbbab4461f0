//! The ways in that there are: Gateways and their listeners, and those of them that are served. Who asks for another one has
//! mistyped a name, and is told the right ones.

use std::collections::BTreeSet;

use postern_actors::plan::Port;
use postern_actors::plan::explain::Entrance;

use super::source::Source;
use crate::cli::Refusal;

/// Names of one kind that are told.
const TOLD: usize = 10;

/// A listener.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Way {
    gateway: String,
    port: u16,
    name: String,
}

/// Whether there is this Gateway, and it, or any, has a listener of this name or port; whether it is served is another matter.
pub(super) fn check(source: &Source, gateway: Option<&str>, listener: Option<&str>) -> Result<(), Refusal> {
    let (gateways, ways) = declared(source);
    if let Some(gateway) = gateway.filter(|gateway| !gateways.contains(*gateway)) {
        return Err(Refusal(format!(
            "Gateway {gateway} is not there, or not of our class; there are: {}",
            list(gateways)
        )));
    }
    let ways: Vec<_> = ways.into_iter().filter(|way| gateway.is_none_or(|gateway| gateway == way.gateway)).collect();
    let is = |listener: &str| ways.iter().any(|way| way.name == listener || way.port.to_string() == listener);
    if let Some(listener) = listener.filter(|listener| !is(listener)) {
        let ways = ways.iter().map(|way| format!("{} (port {}) of {}", way.name, way.port, way.gateway));
        return Err(Refusal(format!("no listener has the name or port {listener}; there are: {}", list(ways))));
    }
    Ok(())
}

/// What is served, for whoever asks by another way.
pub(super) fn served(source: &Source, gateway: Option<&str>) -> String {
    let ports = source.plan.ports.iter().filter(|port| gateway.is_none_or(|gateway| gateway == &*port.gateway));
    let ports = ports.map(|port| format!("{} ({}) of Gateway {}", port.port, port.protocol.scheme(), port.gateway));
    format!("ports that are served: {}", list(ports))
}

/// Why nobody takes a connection by an entrance: what listens there may speak another protocol.
pub(super) fn unserved(source: &Source, entrance: Entrance<'_>) -> String {
    let any_protocol = Entrance { protocol: None, ..entrance };
    let mut there = source.plan.ports.iter().filter(|port| any_protocol.admits(port));
    match (entrance.port, there.next()) {
        (Some(number), Some(port)) => {
            let Port { gateway, protocol, .. } = &**port;
            let scheme = protocol.scheme();
            format!("port {number} of Gateway {gateway} speaks {}: ask for {scheme}://", scheme.to_ascii_uppercase())
        }
        _ => "nothing listens there".to_owned(),
    }
}

/// The Gateways, and all of their listeners; of a dump those that are served.
fn declared(source: &Source) -> (BTreeSet<String>, BTreeSet<Way>) {
    let Some(given) = &source.given else {
        let gateways = source.plan.ports.iter().map(|port| port.gateway.to_string()).collect();
        let ways = source.plan.ports.iter().flat_map(|port| {
            let way = |name: &str| Way { gateway: port.gateway.to_string(), port: port.port, name: name.to_owned() };
            port.listeners.values().map(move |listener| way(&listener.name))
        });
        return (gateways, ways.collect());
    };
    let ours = given.translation.verdicts.gateways.keys();
    let gateways = ours.filter_map(|name| Some((name.to_string(), given.snapshot.gateways.get(name)?)));
    let ways = gateways.clone().flat_map(|(gateway, object)| {
        let listeners = object.spec.listeners.iter();
        listeners.map(move |listener| Way {
            gateway: gateway.clone(),
            port: listener.port,
            name: listener.name.clone(),
        })
    });
    (gateways.clone().map(|(name, _)| name).collect(), ways.collect())
}

fn list(names: impl IntoIterator<Item = String>) -> String {
    let mut names: Vec<_> = names.into_iter().collect();
    let more = names.len().saturating_sub(TOLD);
    names.truncate(TOLD);
    match (names.is_empty(), more) {
        (true, _) => "none".to_owned(),
        (false, 0) => names.join(", "),
        (false, more) => format!("{} and {more} more", names.join(", ")),
    }
}
