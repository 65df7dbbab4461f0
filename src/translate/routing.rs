//! The plan's ports: the rules of the attached routes in the tables of the listeners that serve them.

use std::collections::BTreeMap;
use std::sync::Arc;

use postern_actors::plan::matching::RuleTableBuilder;
use postern_actors::plan::{Backend, BackendId, HostTable, Listener, Port, Rule};

use super::backends::ResolvedBackends;
use super::gateway::{GatewayDraft, Gateways};
use super::hostname::intersect;
use super::http_route::RouteDraft;
use super::http_route::attachment::Parent;
use super::work;

/// Rules by hostname, as they are collected for one listener.
type Tables = BTreeMap<Option<Arc<str>>, RuleTableBuilder>;

/// The ports of every Gateway, and the backends that their rules can choose.
#[derive(Debug)]
pub(super) struct Routing {
    tables: Vec<Vec<Tables>>,
    /// Every backend that a rule can choose.
    pub(super) backends: BTreeMap<BackendId, Arc<Backend>>,
}

impl Routing {
    /// No rules yet.
    pub(super) fn new(gateways: &Gateways<'_>) -> Self {
        let empty = |gateway: &GatewayDraft<'_>| gateway.listeners.iter().map(|_| Tables::new()).collect();
        Self { tables: gateways.drafts.iter().map(empty).collect(), backends: BTreeMap::new() }
    }

    /// Adds a route to the listeners to which it is attached and that are programmed. Routes come in the order of
    /// precedence. Its rules are made once for each Gateway, and shared by the listeners.
    pub(super) fn add(
        &mut self,
        draft: &RouteDraft<'_>,
        parents: &[Parent<'_>],
        gateways: &Gateways<'_>,
        resolved: &ResolvedBackends,
    ) {
        for (gateway, listeners) in attached(parents) {
            let owner = &gateways.drafts[gateway];
            if !owner.planned {
                continue;
            }
            let mut rules: Option<Vec<Arc<Rule>>> = None;
            for listener in listeners.into_iter().filter(|&listener| owner.listeners[listener].programmed()) {
                let backends = &mut self.backends;
                let rules = rules.get_or_insert_with(|| {
                    let rules = draft.rules.iter();
                    rules.map(|rule| Arc::new(rule.make(&draft.label, &owner.key, resolved, backends))).collect()
                });
                push(&mut self.tables[gateway][listener], owner, listener, draft, rules);
            }
        }
    }

    /// The ports with at least one programmed listener, in order of Gateway and port.
    pub(super) fn into_plan(self, gateways: &Gateways<'_>) -> (Vec<Arc<Port>>, BTreeMap<BackendId, Arc<Backend>>) {
        let mut ports = Vec::new();
        for (gateway, tables) in gateways.drafts.iter().zip(self.tables).filter(|(gateway, _)| gateway.planned) {
            let mut of_gateway: BTreeMap<u16, Port> = BTreeMap::new();
            for (listener, tables) in gateway.listeners.iter().zip(tables) {
                let Some(protocol) = listener.protocol.filter(|_| listener.programmed()) else { continue };
                let port = of_gateway.entry(listener.spec.port).or_insert_with(|| Port {
                    gateway: Arc::clone(&gateway.label),
                    port: listener.spec.port,
                    protocol,
                    listeners: HostTable::default(),
                });
                let mut routes = HostTable::default();
                for (hostname, table) in tables {
                    routes.insert(hostname.as_deref(), table.build());
                }
                let programmed = Listener {
                    name: listener.spec.name.as_str().into(),
                    hostname: listener.hostname.clone(),
                    certificates: listener.certificates.clone(),
                    routes,
                };
                port.listeners.insert(listener.hostname.as_deref(), Arc::new(programmed));
            }
            hold_hostnames(gateway, &mut of_gateway);
            ports.extend(of_gateway.into_values().map(Arc::new));
        }
        (ports, self.backends)
    }
}

/// A listener that is not programmed keeps its hostname, with neither certificates nor routes, on a port that others of its
/// Gateway serve: "a request to "foo.example.com" SHOULD only be routed using routes attached to the "foo.example.com"
/// Listener (and not the "*.example.com" Listener)" (GatewaySpec.listeners), also while that listener is broken. Its requests
/// get 404, its handshakes fail.
fn hold_hostnames(gateway: &GatewayDraft<'_>, ports: &mut BTreeMap<u16, Port>) {
    for listener in gateway.listeners.iter().filter(|listener| !listener.programmed()) {
        let by_host = matches!(listener.spec.protocol.as_str(), "HTTP" | "HTTPS" | "TLS");
        let Some(hostname) = listener.hostname.clone().filter(|_| by_host) else { continue };
        let Some(port) = ports.get_mut(&listener.spec.port) else { continue };
        if port.listeners.get(Some(&*hostname)).is_none() {
            let name = listener.spec.name.as_str().into();
            let (certificates, routes) = (Vec::new(), HostTable::default());
            let held = Listener { name, hostname: Some(Arc::clone(&hostname)), certificates, routes };
            port.listeners.insert(Some(&*hostname), Arc::new(held));
        }
    }
}

/// The listeners of each Gateway to which a route is attached, each once.
pub(super) fn attached(parents: &[Parent<'_>]) -> BTreeMap<usize, Vec<usize>> {
    let mut attached: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for parent in parents {
        if let Ok(listeners) = &parent.outcome {
            attached.entry(parent.gateway).or_default().extend(listeners);
        }
    }
    for listeners in attached.values_mut() {
        listeners.sort_unstable();
        listeners.dedup();
    }
    attached
}

/// Hostnames stay the route's own where they are wider than the listener's: precedence goes to "the largest number of
/// characters in a matching non-wildcard hostname, [then] in a matching hostname" (HTTPRouteSpec.hostnames), and the
/// listener lets no other hosts in.
fn push(tables: &mut Tables, gateway: &GatewayDraft<'_>, listener: usize, draft: &RouteDraft<'_>, rules: &[Arc<Rule>]) {
    let of_listener = gateway.listeners[listener].hostname.as_deref();
    for hostname in draft.hostnames.iter().filter(|hostname| intersect(of_listener, hostname.as_deref())) {
        let table = tables.entry(hostname.clone()).or_default();
        for (written, rule) in draft.rules.iter().zip(rules) {
            work::steps(written.matches.len());
            for condition in &written.matches {
                table.push(condition.clone(), Arc::clone(rule));
            }
        }
    }
}
