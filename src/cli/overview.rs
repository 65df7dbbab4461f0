//! What is served, in a line for each listener and route, and a command to try it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use postern_actors::plan::matching::PathMatch;
use postern_actors::plan::rule::Target;
use postern_actors::plan::{Action, Listener, NearMiss, Plan, Port, Protocol, Rule, Tls};
use postern_actors::supervisor::sockets::{BindFailure, Listening};

#[cfg(test)]
mod tests;

/// More hosts or backends than this are counted, not named.
const NAMED: usize = 3;

/// What is served.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Overview {
    /// A line for each listener.
    pub listeners: BTreeSet<String>,
    /// A line for each route.
    pub routes: BTreeSet<String>,
    /// A command to paste.
    pub curl: Option<String>,
}

/// What is known of one route.
#[derive(Default)]
struct Route {
    hosts: BTreeSet<String>,
    targets: BTreeSet<String>,
}

impl Overview {
    /// Sums up a plan and what is bound of it.
    pub(crate) fn of(plan: &Plan, listening: &[Listening], failures: &[BindFailure]) -> Self {
        let mut overview = Self::default();
        let mut routes: BTreeMap<&str, Route> = BTreeMap::new();
        for port in &plan.ports {
            let bound = listening.iter().find(|bound| bound.gateway == port.gateway && bound.port == port.port);
            let failure = failures.iter().find(|failed| failed.gateway == port.gateway && failed.port == port.port);
            let address = bound.map(|bound| reachable(bound.address));
            for (_, listener) in port.listeners.iter() {
                overview.listeners.insert(listener_line(port, listener, address, failure));
                for (host, table) in listener.routes.iter() {
                    for (condition, rule) in table.rules() {
                        let route = routes.entry(&rule.route).or_default();
                        route.hosts.insert(host.as_deref().unwrap_or("*").to_owned());
                        targets(rule, &mut route.targets);
                        if let (None, Some(address)) = (&overview.curl, address.filter(|_| !unserved(port, listener))) {
                            overview.curl = curl(port.protocol, address, host.as_deref(), &condition.path, rule);
                        }
                    }
                }
            }
        }
        overview.routes = routes.iter().map(|(name, route)| route_line(name, route)).collect();
        overview
    }
}

/// A listener without a certificate ends no handshake: it is held so that its name goes nowhere else.
fn unserved(port: &Port, listener: &Listener) -> bool {
    port.protocol == Protocol::Https && listener.certificates.is_empty()
}

fn listener_line(
    port: &Port,
    listener: &Listener,
    address: Option<SocketAddr>,
    failure: Option<&BindFailure>,
) -> String {
    let place = match (address, failure) {
        _ if unserved(port, listener) => "NOT SERVED (no usable certificate, see the problems)".to_owned(),
        (Some(address), _) => format!("{}://{address}/", port.protocol.scheme()),
        (None, Some(failure)) => format!("NOT BOUND ({})", failure.message),
        (None, None) => "not bound yet".to_owned(),
    };
    let host = listener.hostname.as_deref().unwrap_or("*");
    format!("{place}  Gateway {}, listener {}, port {}, host {host}", port.gateway, listener.name, port.port)
}

fn route_line(name: &str, route: &Route) -> String {
    format!("HTTPRoute {name}: {} -> {}", few(&route.hosts), few(&route.targets))
}

fn few(names: &BTreeSet<String>) -> String {
    let mut text = names.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.len() > NAMED {
        let _ = write!(text, " and {} more", names.len() - NAMED);
    }
    text
}

fn targets(rule: &Rule, into: &mut BTreeSet<String>) {
    match &rule.action {
        Action::Redirect(redirect) => {
            into.insert(format!("redirect {}", redirect.status.as_u16()));
        }
        Action::Fail(_) => {
            into.insert("500 (see the problems)".to_owned());
        }
        Action::Forward(backends) => {
            for backend in backends.iter() {
                into.insert(match &backend.target {
                    Target::Unusable(_) => "500 (see the problems)".to_owned(),
                    Target::Backend(backend) => match &backend.tls {
                        Tls::Plaintext => match &backend.near_miss {
                            Some(NearMiss { policy, .. }) => {
                                format!(
                                    "{} in plaintext (BackendTLSPolicy {policy} nearly selects it, see the problems)",
                                    backend.id
                                )
                            }
                            None => format!("{} in plaintext", backend.id),
                        },
                        Tls::Originate { policy, .. } => format!("{} over TLS (BackendTLSPolicy {policy})", backend.id),
                        Tls::Poisoned(_) => format!("{} not usable, 500 (see the problems)", backend.id),
                    },
                });
            }
        }
    }
}

/// The address under which a client on this machine reaches a socket.
pub(crate) fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) | IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// Whether a request has a chance.
fn usable(rule: &Rule) -> bool {
    let usable =
        |target: &Target| matches!(target, Target::Backend(backend) if !matches!(backend.tls, Tls::Poisoned(_)));
    match &rule.action {
        Action::Redirect(_) => true,
        Action::Fail(_) => false,
        Action::Forward(backends) => backends.iter().any(|backend| usable(&backend.target)),
    }
}

fn curl(
    protocol: Protocol,
    address: SocketAddr,
    host: Option<&str>,
    path: &PathMatch,
    rule: &Arc<Rule>,
) -> Option<String> {
    let (PathMatch::Exact(path) | PathMatch::Prefix(path)) = path else { return None };
    if !usable(rule) {
        return None;
    }
    let host = host.map(|host| host.strip_prefix("*.").map_or(host.to_owned(), |suffix| format!("www.{suffix}")));
    Some(match (protocol, host) {
        (Protocol::Http, None) => format!("curl http://{address}{path}"),
        (Protocol::Http, Some(host)) => format!("curl -H 'host: {host}' http://{address}{path}"),
        (Protocol::Https, None) => format!("curl -k https://{address}{path}"),
        (Protocol::Https, Some(host)) => {
            let (ip, port) = (address.ip(), address.port());
            format!("curl -k --resolve {host}:{port}:{ip} https://{host}:{port}{path}")
        }
    })
}
