//! Listeners of one Gateway that cannot be told apart, and HTTPS listeners whose hostnames overlap. Both are found in one
//! pass over an index.

use std::collections::BTreeMap;
use std::sync::Arc;

use postern_actors::plan::Protocol;

use super::ListenerDraft;
use crate::status::reason;
use crate::translate::findings::Problem;
use crate::translate::hostname::wildcards_over;

/// What has to be distinct: port, protocol and hostname.
type Place = (u16, Protocol, Option<Arc<str>>);

/// Marks conflicts and overlaps. Listeners of protocols that we do not support take no part: they are not accepted anyway
/// ("If an implementation does not support TCP Protocol Listeners, then the previous rule does not apply",
/// GatewaySpec.listeners).
pub(crate) fn mark(listeners: &mut [ListenerDraft<'_>]) {
    mark_conflicts(listeners);
    mark_overlaps(listeners);
}

/// "The implementation MUST NOT pick one conflicting Listener as the winner. ALL indistinct Listeners must not be accepted
/// for processing." (GatewaySpec.listeners)
fn mark_conflicts(listeners: &mut [ListenerDraft<'_>]) {
    let mut ports: BTreeMap<u16, BTreeMap<Protocol, Vec<usize>>> = BTreeMap::new();
    let mut hosts: BTreeMap<Place, Vec<usize>> = BTreeMap::new();
    for (index, listener) in listeners.iter().enumerate() {
        let Some(protocol) = listener.protocol else { continue };
        let port = listener.spec.port;
        ports.entry(port).or_default().entry(protocol).or_default().push(index);
        hosts.entry((port, protocol, listener.hostname.clone())).or_default().push(index);
    }
    for (port, protocols) in ports.into_iter().filter(|(_, protocols)| protocols.len() > 1) {
        let indices: Vec<_> = protocols.into_values().flatten().collect();
        let message = format!("listeners {} share port {port}, and differ in protocol", names(listeners, &indices));
        refuse(
            listeners,
            &indices,
            reason::PROTOCOL_CONFLICT,
            ".protocol",
            &message,
            "give each protocol a port of its own",
        );
    }
    for ((port, _, hostname), indices) in hosts.into_iter().filter(|(_, indices)| indices.len() > 1) {
        let host = hostname.map_or_else(|| "no hostname".to_owned(), |hostname| format!("hostname {hostname}"));
        let message = format!("listeners {} share port {port} and {host}", names(listeners, &indices));
        let hint = "give each a hostname or a port of its own";
        refuse(listeners, &indices, reason::HOSTNAME_CONFLICT, ".hostname", &message, hint);
    }
}

fn refuse(
    listeners: &mut [ListenerDraft<'_>],
    indices: &[usize],
    reason: &'static str,
    under: &str,
    message: &str,
    hint: &str,
) {
    for &index in indices {
        let listener = &mut listeners[index];
        let field = format!("{}{under}", listener.field());
        listener.conflict.get_or_insert_with(|| Problem::new(reason, field, message, hint));
    }
}

fn names(listeners: &[ListenerDraft<'_>], indices: &[usize]) -> String {
    indices.iter().map(|&index| listeners[index].spec.name.as_str()).collect::<Vec<_>>().join(", ")
}

/// "Controllers MUST detect the presence of overlapping hostnames [...] This condition MUST be set on all Listeners with
/// overlapping TLS config." (ListenerConditionOverlappingTLSConfig)
fn mark_overlaps(listeners: &mut [ListenerDraft<'_>]) {
    let mut hosts: BTreeMap<(u16, &str), usize> = BTreeMap::new();
    for (index, listener) in listeners.iter().enumerate() {
        if listener.protocol == Some(Protocol::Https) && listener.accepted() {
            hosts.insert((listener.spec.port, listener.hostname.as_deref().unwrap_or("")), index);
        }
    }
    let mut overlaps: Vec<(usize, usize)> = Vec::new();
    for (&(port, host), &index) in hosts.iter().filter(|((_, host), _)| !host.is_empty()) {
        let wider = wildcards_over(host).chain([String::new()]);
        let wider = wider.filter_map(|wildcard| hosts.get(&(port, wildcard.as_str())).copied());
        overlaps.extend(wider.filter(|&other| other != index).map(|other| (index, other)));
    }
    for (one, other) in overlaps {
        let names = (listeners[one].spec.name.as_str(), listeners[other].spec.name.as_str());
        listeners[one].overlaps.push(names.1);
        listeners[other].overlaps.push(names.0);
    }
}
