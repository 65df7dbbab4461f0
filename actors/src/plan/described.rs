//! A plan out of its description (see [`describe`](super::describe)): all that matching, filters and explanations need.
//!
//! A description holds neither certificates nor keys, so these come back empty: such a plan is for looking at, never for
//! serving. What else a description says comes back as it was.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::matching::RuleTableBuilder;
use super::rule::{Action, Rule, Target, Timeouts, WeightedBackend, WeightedBackends};
use super::{AuthorityExpiry, Backend, BackendId, Endpoint, Endpoints, HostTable, Listener, Plan, Port, Protocol};
use super::{Poison, ServicePort};
use crate::outcome::{HandshakeResult, Reason};

mod backend;
mod filters;
mod matches;
#[cfg(test)]
mod tests;

/// The backends of a description by their Gateway and the name by which its rules name them.
type Backends = BTreeMap<(Arc<str>, String), Arc<Backend>>;

impl Plan {
    /// The plan of which this is the description.
    pub fn from_description(description: &Value) -> Result<Self, String> {
        let described = Described::deserialize(description).map_err(in_words)?;
        let backends = described.backends.into_iter().map(backend::DescribedBackend::build);
        let backends: Vec<_> = backends.collect::<Result<_, _>>()?;
        let name = |backend: &Arc<Backend>| (backend.id.gateway.clone(), backend.id.to_string());
        let by_name: Backends = backends.iter().map(|backend| (name(backend), backend.clone())).collect();
        let ports = described.ports.into_iter().map(|port| port.build(&by_name));
        let authorities = described.authorities.into_iter().map(|authority| AuthorityExpiry {
            policy: authority.policy,
            reference: authority.reference,
            not_after: authority.not_after,
        });
        Ok(Self {
            ports: ports.collect::<Result<_, _>>()?,
            backends: backends
                .into_iter()
                .map(|backend| (backend.id.clone(), backend))
                .collect::<BTreeMap<BackendId, _>>(),
            authorities: authorities.collect(),
        })
    }
}

/// The endpoints that a dump of the configuration has beside the plan: addresses by `namespace/name:port`.
pub fn endpoints(dump: &Value) -> Result<Endpoints, String> {
    let Some(described) = dump.get("endpoints") else { return Ok(Endpoints::default()) };
    let described = BTreeMap::<String, Vec<SocketAddr>>::deserialize(described).map_err(in_words)?;
    let endpoints = described.into_iter().map(|(service, addresses)| {
        let endpoints = addresses.into_iter().map(|address| Endpoint { address });
        Ok((service_port(&service)?, endpoints.collect()))
    });
    endpoints.collect()
}

/// `namespace/name:port`
fn service_port(text: &str) -> Result<ServicePort, String> {
    let (service, port) = text.rsplit_once(':').ok_or_else(|| format!("{text} has no port"))?;
    let (namespace, name) = service.split_once('/').ok_or_else(|| format!("{text} has no namespace"))?;
    Ok(ServicePort { namespace: namespace.into(), name: name.into(), port: parse(port)? })
}

fn in_words(error: impl Display) -> String {
    error.to_string()
}

fn parse<T: FromStr<Err: Display>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error| format!("{text}: {error}"))
}

fn protocol(scheme: &str) -> Result<Protocol, String> {
    let known = [Protocol::Http, Protocol::Https].into_iter().find(|known| known.scheme() == scheme);
    known.ok_or_else(|| format!("{scheme} is no protocol"))
}

#[derive(Deserialize)]
struct Described {
    ports: Vec<DescribedPort>,
    backends: Vec<backend::DescribedBackend>,
    #[serde(default)]
    authorities: Vec<DescribedAuthority>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DescribedAuthority {
    policy: Arc<str>,
    reference: Arc<str>,
    not_after: i64,
}

#[derive(Deserialize)]
struct DescribedPort {
    gateway: Arc<str>,
    port: u16,
    protocol: String,
    #[serde(default)]
    listeners: Vec<DescribedListener>,
}

impl DescribedPort {
    fn build(self, backends: &Backends) -> Result<Arc<Port>, String> {
        let mut listeners = HostTable::default();
        for described in self.listeners {
            let listener = described.build(&self.gateway, backends)?;
            listeners.insert(listener.hostname.clone().as_deref(), Arc::new(listener));
        }
        Ok(Arc::new(Port { gateway: self.gateway, port: self.port, protocol: protocol(&self.protocol)?, listeners }))
    }
}

#[derive(Deserialize)]
struct DescribedListener {
    name: Arc<str>,
    hostname: Option<Arc<str>>,
    #[serde(default)]
    certificates: Vec<backend::DescribedServerCertificate>,
    #[serde(default)]
    hosts: Vec<DescribedHost>,
}

impl DescribedListener {
    fn build(self, gateway: &Arc<str>, backends: &Backends) -> Result<Listener, String> {
        let mut routes = HostTable::default();
        for host in self.hosts {
            let mut table = RuleTableBuilder::default();
            for rule in host.rules {
                let condition = rule.condition.build()?;
                table.push(condition, Arc::new(rule.consequence.build(gateway, backends)?));
            }
            routes.insert(Some(&*host.hostname).filter(|hostname| *hostname != "*"), table.build());
        }
        let certificates = self.certificates.into_iter().map(backend::DescribedServerCertificate::build).collect();
        Ok(Listener { name: self.name, hostname: self.hostname, certificates, routes })
    }
}

#[derive(Deserialize)]
struct DescribedHost {
    hostname: String,
    #[serde(default)]
    rules: Vec<DescribedEntry>,
}

/// A match with its rule. They come in the order of precedence, which a table keeps.
#[derive(Deserialize)]
struct DescribedEntry {
    #[serde(rename = "match")]
    condition: matches::DescribedMatch,
    #[serde(flatten)]
    consequence: DescribedRule,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DescribedRule {
    route: Arc<str>,
    rule: usize,
    name: Option<Arc<str>>,
    #[serde(default)]
    filters: filters::DescribedFilters,
    action: DescribedAction,
    request_timeout_seconds: Option<f64>,
    backend_request_timeout_seconds: Option<f64>,
}

impl DescribedRule {
    fn build(self, gateway: &Arc<str>, backends: &Backends) -> Result<Rule, String> {
        let limit = |seconds: Option<f64>| seconds.map(Duration::try_from_secs_f64).transpose().map_err(in_words);
        let action = match self.action {
            DescribedAction::Redirect(redirect) => Action::Redirect(redirect.build()?),
            DescribedAction::Fail(poison) => Action::Fail(poison.build()?),
            DescribedAction::Forward(shares) => {
                let shares = shares.into_iter().map(|share| share.build(gateway, backends));
                Action::Forward(WeightedBackends::new(shares.collect::<Result<Vec<_>, _>>()?))
            }
        };
        Ok(Rule {
            route: self.route,
            index: self.rule,
            name: self.name,
            filters: self.filters.build()?,
            action,
            timeouts: Timeouts {
                request: limit(self.request_timeout_seconds)?,
                backend_request: limit(self.backend_request_timeout_seconds)?,
            },
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum DescribedAction {
    Redirect(filters::DescribedRedirect),
    Forward(Vec<DescribedShare>),
    Fail(DescribedPoison),
}

#[derive(Deserialize)]
struct DescribedShare {
    weight: u32,
    backend: Option<String>,
    unusable: Option<DescribedPoison>,
    #[serde(default)]
    filters: filters::DescribedFilters,
}

impl DescribedShare {
    fn build(self, gateway: &Arc<str>, backends: &Backends) -> Result<WeightedBackend, String> {
        let target = match (self.backend, self.unusable) {
            (Some(name), None) => {
                let backend = backends.get(&(gateway.clone(), name.clone()));
                Target::Backend(backend.ok_or_else(|| format!("{name} is not among the backends"))?.clone())
            }
            (None, Some(poison)) => Target::Unusable(poison.build()?),
            _ => return Err("a share has either a backend or a reason why it is unusable".to_owned()),
        };
        Ok(WeightedBackend { weight: self.weight, filters: self.filters.build()?, target })
    }
}

#[derive(Deserialize)]
struct DescribedPoison {
    reason: String,
    #[serde(default)]
    message: Arc<str>,
    policy: Option<Arc<str>>,
}

impl DescribedPoison {
    fn build(self) -> Result<Poison, String> {
        let handshakes = HandshakeResult::ALL.into_iter().map(Reason::Handshake);
        let mut known = handshakes.chain([Reason::RouteUnsupported, Reason::BackendInvalid]);
        let reason = known.find(|known| known.as_str() == self.reason);
        let reason = reason.ok_or_else(|| format!("{} is no reason for a target to be unusable", self.reason))?;
        Ok(Poison { reason, message: self.message, policy: self.policy })
    }
}
