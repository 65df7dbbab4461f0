//! The objects of the plan that labels name.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::plan::backend::Tls;
use crate::plan::{Backend, BackendId, Plan, RuleTable};

/// Which objects there are: a series goes when its object goes.
#[derive(Debug, Default)]
pub(in crate::telemetry) struct Known {
    gateways: HashMap<Arc<str>, Gateway>,
    backends: HashMap<BackendId, Arc<Backend>>,
}

#[derive(Debug, Default)]
struct Gateway {
    ports: HashSet<u16>,
    listeners: HashSet<Arc<str>>,
    routes: HashSet<Arc<str>>,
    /// `kind/namespace/name`, whatever the port.
    backends: HashSet<Arc<str>>,
}

impl Known {
    /// The objects of a plan, and a Gateway that there is in any case.
    pub(in crate::telemetry) fn of(plan: &Plan, gateway: Option<&Arc<str>>) -> Self {
        let mut known = Self::default();
        known.gateways.extend(gateway.map(|gateway| (gateway.clone(), Gateway::default())));
        for port in &plan.ports {
            let gateway = known.gateways.entry(port.gateway.clone()).or_default();
            gateway.ports.insert(port.port);
            for listener in port.listeners.values() {
                gateway.listeners.insert(listener.name.clone());
                let rules = listener.routes.values().flat_map(RuleTable::rules);
                gateway.routes.extend(rules.map(|(_, rule)| rule.route.clone()));
            }
        }
        for (id, backend) in &plan.backends {
            known.gateways.entry(id.gateway.clone()).or_default().backends.insert(id.backend.clone());
            known.backends.insert(id.clone(), backend.clone());
        }
        known
    }

    /// The Gateways' names.
    pub(in crate::telemetry) fn gateways(&self) -> impl Iterator<Item = &Arc<str>> {
        self.gateways.keys()
    }

    pub(in crate::telemetry) fn gateway(&self, gateway: &str) -> bool {
        self.gateways.contains_key(gateway)
    }

    pub(in crate::telemetry) fn port(&self, gateway: &str, port: u16) -> bool {
        self.gateways.get(gateway).is_some_and(|known| known.ports.contains(&port))
    }

    /// A listener, route or backend that is empty stands for none, and none is always known.
    pub(in crate::telemetry) fn request(&self, gateway: &str, listener: &str, route: &str, backend: &str) -> bool {
        let among = |names: &HashSet<Arc<str>>, name: &str| name.is_empty() || names.contains(name);
        self.gateways.get(gateway).is_some_and(|known| {
            among(&known.listeners, listener) && among(&known.routes, route) && among(&known.backends, backend)
        })
    }

    pub(in crate::telemetry) fn get(&self, id: &BackendId) -> Option<&Backend> {
        self.backends.get(id).map(|backend| &**backend)
    }

    pub(in crate::telemetry) fn backend(&self, id: &BackendId) -> bool {
        self.backends.contains_key(id)
    }

    /// Whether TLS is originated to a backend in the same way as there.
    pub(in crate::telemetry) fn same_tls(&self, other: &Self, id: &BackendId) -> bool {
        let (one, other) = (self.backends.get(id), other.backends.get(id));
        one.zip(other).is_some_and(|(one, other)| one.tls.is_same(&other.tls))
    }

    /// A backend that a policy selects, whether the policy can be used or not.
    pub(in crate::telemetry) fn selected_by_policy(&self, id: &BackendId) -> bool {
        self.backends.get(id).is_some_and(|backend| backend.tls != Tls::Plaintext)
    }

    /// The backends that have a TLS identity.
    pub(in crate::telemetry) fn with_identity(&self) -> impl Iterator<Item = &BackendId> {
        self.backends.iter().filter(|(_, backend)| matches!(backend.tls, Tls::Originate { .. })).map(|(id, _)| id)
    }
}
