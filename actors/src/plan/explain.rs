//! Why a request goes where it goes: the listener, rule and match that take it, what was near and lost, what the filters make
//! of it, and what the client would see.
//!
//! What takes a request is found as requests find it, by [`HostTable::find`](super::HostTable::find) and
//! [`Listener::find`]; only why others do not is looked for here.

use std::borrow::Cow;
use std::sync::Arc;

use http::StatusCode;
use http::header::HeaderName;

use super::filter::{FilterPair, HeaderEdits};
use super::hosts::normalize_host;
use super::matching::Match;
use super::normal_path::{RequestPath, normalize};
use super::rule::{Action, Rule, Target, WeightedBackend};
use super::{Backend, Endpoint, EndpointSource, Endpoints, Listener, Plan, Poison, Port, Protocol, RequestParts, Tls};
use crate::http1::HeadError;
use crate::outcome::Reason;

mod near;
mod question;
#[cfg(test)]
mod tests;

pub use near::{Lost, Near, Nearest};
pub use question::Question;

/// On which connections a request comes. What is not given is not known, and every way in is looked at.
#[derive(Debug, Clone, Copy, Default)]
pub struct Entrance<'a> {
    /// `namespace/name` of the Gateway.
    pub gateway: Option<&'a str>,
    /// The listener to which the client connects; of HTTPS, the one that its SNI names.
    pub listener: Option<&'a str>,
    /// The port, as the Gateway names it.
    pub port: Option<u16>,
    /// What the client speaks.
    pub protocol: Option<Protocol>,
}

/// What becomes of a request that comes in by one port.
#[derive(Debug)]
pub struct Explanation<'p> {
    /// Where it comes in.
    pub port: &'p Port,
    /// The listener that takes its host; none is looked for where the request is refused.
    pub listener: Option<&'p Listener>,
    /// The other listeners of the port, and whether they would take the host if there were no more specific one.
    pub other_listeners: Vec<(&'p Listener, bool)>,
    /// What takes it.
    pub taken: Option<Taken<'p>>,
    /// The other matches for its host.
    pub near: Nearest<'p>,
    /// Hostnames of the listener's routes that do not take its host.
    pub other_hostnames: Vec<Cow<'p, str>>,
    /// What comes of it.
    pub outcome: Outcome<'p>,
}

/// What takes a request.
#[derive(Debug)]
pub struct Taken<'p> {
    /// The hostname of the route; `None` takes every host.
    pub hostname: Option<Cow<'p, str>>,
    /// The match.
    pub condition: &'p Match,
    /// Its rule.
    pub rule: &'p Rule,
}

/// What comes of a request.
#[derive(Debug)]
pub enum Outcome<'p> {
    /// No listener has a certificate for the host, so the client's handshake fails.
    NoHandshake,
    /// It is no request that a gateway serves, whatever the plan.
    Refused(HeadError),
    /// The gateway answers in its own name.
    Answer {
        /// The word.
        reason: Reason,
        /// For whoever runs the gateway; may be empty.
        detail: Cow<'p, str>,
    },
    /// RequestRedirect.
    Redirect {
        /// 301, 302, 303, 307 or 308.
        status: StatusCode,
        /// The `Location`.
        location: String,
        /// ResponseHeaderModifier.
        response_headers: &'p HeaderEdits,
    },
    /// One of these takes it, by weight.
    Forward(Vec<Share<'p>>),
}

/// The share of one backendRef.
#[derive(Debug)]
pub struct Share<'p> {
    /// Of the sum of all weights.
    pub weight: u32,
    /// Where it leads.
    pub target: &'p Target,
    /// The endpoints that are known; `None` where the host is resolved when it is dialled, or nothing is dialled.
    pub endpoints: Option<Arc<[Endpoint]>>,
    /// The `Host` that the backend sees.
    pub host: String,
    /// Path and query as the backend sees them.
    pub path_and_query: String,
    /// What is applied.
    pub filters: FilterPair<'p>,
    /// Why the client gets an answer of the gateway's own, and a detail for whoever runs it.
    pub failure: Option<(Reason, Cow<'p, str>)>,
}

impl Outcome<'_> {
    /// Whether every client would be redirected, or get to a backend.
    pub fn is_good(&self) -> bool {
        match self {
            Self::NoHandshake | Self::Refused(_) | Self::Answer { .. } => false,
            Self::Redirect { .. } => true,
            Self::Forward(shares) => shares.iter().all(|share| share.failure.is_none()),
        }
    }
}

impl Plan {
    /// What becomes of a request, for each port by which it may come in. `near` is how many of the other matches are told.
    pub fn explain(
        &self,
        question: &Question,
        entrance: Entrance<'_>,
        endpoints: &Endpoints,
        near: usize,
    ) -> Vec<Explanation<'_>> {
        let ports = self.ports.iter().filter(|port| entrance.admits(port));
        ports.map(|port| Asked::new(question, port, endpoints).explain(entrance.listener, near)).collect()
    }
}

impl Entrance<'_> {
    /// Whether a request may come in by a port.
    pub fn admits(&self, port: &Port) -> bool {
        self.gateway.is_none_or(|gateway| *gateway == *port.gateway)
            && self.port.is_none_or(|number| number == port.port)
            && self.protocol.is_none_or(|protocol| protocol == port.protocol)
            && self.listener.is_none_or(|name| port.listeners.values().any(|listener| *listener.name == *name))
    }
}

/// A request on its way in by a port.
struct Asked<'q, 'p> {
    question: &'q Question,
    port: &'p Port,
    endpoints: &'q Endpoints,
    /// As listeners and routes are matched.
    host: String,
    /// Why its head is refused.
    refusal: Option<HeadError>,
    /// The normal form of the path, or why it has none.
    path: Result<String, String>,
}

impl<'q, 'p> Asked<'q, 'p> {
    fn new(question: &'q Question, port: &'p Port, endpoints: &'q Endpoints) -> Self {
        let (mut host, mut buffer) = (String::new(), String::new());
        normalize_host(&question.authority, &mut host);
        let path = normalize(&question.path, &mut buffer).map(str::to_owned).map_err(|error| error.to_string());
        Self { question, port, endpoints, host, refusal: question.refusal(), path }
    }

    fn explain(&self, connected_to: Option<&str>, near: usize) -> Explanation<'p> {
        let Self { port, host, .. } = self;
        let listener = port.listeners.find(host);
        let is_it = |other: &Arc<Listener>| listener.is_some_and(|listener| Arc::ptr_eq(listener, other));
        let takes = |other: &Arc<Listener>| port.listeners.candidates(host).any(|taker| Arc::ptr_eq(taker, other));
        let others = port.listeners.values().filter(|other| !is_it(other));
        let mut explanation = Explanation {
            port,
            listener: listener.map(|listener| &**listener),
            other_listeners: others.map(|other| (&**other, takes(other))).collect(),
            taken: None,
            near: Nearest::default(),
            other_hostnames: Vec::new(),
            outcome: Outcome::NoHandshake,
        };
        let https = port.protocol == Protocol::Https;
        let named = |name: &str| port.listeners.values().find(|other| *other.name == *name);
        // The listener that the SNI names: that of the host, unless another one is asked about.
        let connected = connected_to.map_or(listener, named);
        explanation.outcome = match (self.refusal, listener, connected) {
            (.., None) if https => Outcome::NoHandshake,
            (.., Some(connected)) if https && connected.certificates.is_empty() => Outcome::NoHandshake,
            (Some(error), ..) => {
                (explanation.listener, explanation.other_listeners) = (None, Vec::new());
                Outcome::Refused(error)
            }
            (None, None, _) => answer(Reason::NoListener, ""),
            (None, Some(listener), Some(connected)) if https && !Arc::ptr_eq(listener, connected) => {
                answer(Reason::Misdirected, "")
            }
            (None, Some(listener), _) => self.route(listener, near, &mut explanation),
        };
        explanation
    }

    /// What the routes of the listener that takes the host make of the request.
    fn route(&self, listener: &'p Listener, near: usize, explanation: &mut Explanation<'p>) -> Outcome<'p> {
        if let Err(error) = &self.path {
            return answer(Reason::BadRequest, error.clone());
        }
        let found = listener.find(&self.host, self);
        let hosts = near::Hosts::new(listener, &self.host);
        explanation.near = hosts.nearest(self, found.map(|(condition, _)| condition), near);
        explanation.taken =
            found.map(|(condition, rule)| Taken { hostname: hosts.hostname_of(condition), condition, rule });
        explanation.other_hostnames = hosts.others;
        found.map_or(answer(Reason::NoRoute, ""), |(_, rule)| self.act(rule))
    }

    fn act(&self, rule: &'p Rule) -> Outcome<'p> {
        match &rule.action {
            Action::Fail(Poison { reason, message, .. }) => answer(*reason, &**message),
            Action::Redirect(redirect) => {
                let Port { protocol, port, .. } = self.port;
                let query = self.question.query.as_deref();
                let location = redirect.location(*protocol, *port, &self.host, self.request_path(), query);
                let response_headers = &rule.filters.response_headers;
                Outcome::Redirect { status: redirect.status, location, response_headers }
            }
            Action::Forward(backends) => {
                let shares: Vec<_> = backends.iter().map(|backend| self.share(rule, backend)).collect();
                if shares.is_empty() {
                    answer(Reason::BackendInvalid, "the rule has no backendRef with a weight")
                } else {
                    Outcome::Forward(shares)
                }
            }
        }
    }

    fn share(&self, rule: &'p Rule, backend: &'p WeightedBackend) -> Share<'p> {
        let filters = FilterPair { rule: &rule.filters, reference: &backend.filters };
        let host = filters.host().map(|host| String::from_utf8_lossy(host.as_bytes()).into_owned());
        let Question { authority, path, query, .. } = self.question;
        let sent = || query.as_ref().map_or_else(|| path.clone(), |query| format!("{path}?{query}"));
        let endpoints = match &backend.target {
            Target::Backend(backend) => self.endpoints_of(backend),
            Target::Unusable(_) => None,
        };
        let failure = match &backend.target {
            Target::Unusable(poison) => Some((poison.reason, Cow::Borrowed(&*poison.message))),
            Target::Backend(backend) => match &backend.tls {
                Tls::Poisoned(poison) => Some((poison.reason, Cow::Borrowed(&*poison.message))),
                _ if endpoints.as_ref().is_some_and(|endpoints| endpoints.is_empty()) => {
                    Some((Reason::NoEndpoint, format!("{} has no ready endpoint", backend.id).into()))
                }
                _ => None,
            },
        };
        Share {
            weight: backend.weight,
            target: &backend.target,
            endpoints,
            host: host.unwrap_or_else(|| authority.clone()),
            path_and_query: filters.target(self.request_path(), query.as_deref()).unwrap_or_else(sent),
            filters,
            failure,
        }
    }

    fn endpoints_of(&self, backend: &Backend) -> Option<Arc<[Endpoint]>> {
        match &backend.endpoints {
            EndpointSource::Service(port) => Some(self.endpoints.get(port).cloned().unwrap_or_default()),
            EndpointSource::Host { .. } => None,
        }
    }

    fn request_path(&self) -> RequestPath<'_> {
        RequestPath { sent: &self.question.path, normal: self.path() }
    }
}

fn answer<'p>(reason: Reason, detail: impl Into<Cow<'p, str>>) -> Outcome<'p> {
    Outcome::Answer { reason, detail: detail.into() }
}

impl RequestParts for Asked<'_, '_> {
    fn method(&self) -> &str {
        &self.question.method
    }

    fn path(&self) -> &str {
        self.path.as_ref().unwrap_or(&self.question.path)
    }

    fn query(&self) -> Option<&str> {
        self.question.query.as_deref()
    }

    fn header(&self, name: &HeaderName, index: usize) -> Option<&[u8]> {
        if name == http::header::HOST {
            return (index == 0).then_some(self.question.authority.as_bytes());
        }
        let mut values = self.question.headers.iter().filter(|(other, _)| other == name);
        values.nth(index).map(|(_, value)| value.as_bytes())
    }
}
