//! An explanation as data: what the JSON is, and what the text is made of. The shape is stable: fields may be added, and
//! none goes.

use std::collections::BTreeMap;

use postern_actors::listener::answer;
use postern_actors::outcome::Reason;
use postern_actors::plan::explain::{Explanation, Outcome, Question, Share};
use postern_actors::plan::filter::HeaderEdits;
use postern_actors::plan::hosts::normalize_host;
use postern_actors::plan::matching::Match;
use postern_actors::plan::rule::Target;
use postern_actors::plan::{BackendId, Listener, Rule};
use serde::Serialize;
use serde_json::Value;

use super::source::Source;
use crate::cli::diagnostic::Diagnostic;

mod certificates;
mod lost;
mod refused;

pub(super) use certificates::Certificate;
pub(super) use refused::{RefusedListener, RefusedRoute};

/// All that is told of a request.
#[derive(Debug, Serialize)]
pub(super) struct Explained {
    pub(super) request: Request,
    /// How the request was understood, where that is not plain.
    pub(super) note: Option<String>,
    pub(super) answers: Vec<Answer>,
    /// By fingerprint: those that the identities of the answers name, as far as they are known.
    pub(super) certificates: BTreeMap<String, Certificate>,
    /// Routes that name the host and are not attached.
    pub(super) routes: Vec<RefusedRoute>,
    /// Listeners that are not served.
    pub(super) listeners: Vec<RefusedListener>,
    /// What else is wrong with what was read.
    pub(super) problems: Vec<Diagnostic>,
}

#[derive(Debug, Serialize)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) host: String,
    /// With its query.
    pub(super) path: String,
    pub(super) headers: Vec<Header>,
}

#[derive(Debug, Serialize)]
pub(super) struct Header {
    pub(super) name: String,
    pub(super) value: String,
}

/// What becomes of the request by one port.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer {
    pub(super) gateway: String,
    pub(super) port: u16,
    pub(super) protocol: &'static str,
    pub(super) listener: Option<NamedListener>,
    pub(super) other_listeners: Vec<OtherListener>,
    pub(super) taken: Option<NamedMatch>,
    pub(super) near: Vec<Loser>,
    pub(super) near_left_out: usize,
    pub(super) other_hostnames: Vec<String>,
    pub(super) outcome: Told,
}

#[derive(Debug, Serialize)]
pub(super) struct NamedListener {
    pub(super) name: String,
    /// `None` takes every host.
    pub(super) hostname: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct OtherListener {
    #[serde(flatten)]
    pub(super) listener: NamedListener,
    /// `other_hostname` or `less_specific`
    pub(super) why: &'static str,
}

/// A match of a rule of a route.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NamedMatch {
    pub(super) route: String,
    pub(super) rule: usize,
    pub(super) name: Option<String>,
    /// `None` takes every host.
    pub(super) hostname: Option<String>,
    /// In one line, for example `GET /api/* x-version=2 ?animal=whale`.
    #[serde(rename = "match")]
    pub(super) condition: String,
    pub(super) request_timeout_seconds: Option<f64>,
    pub(super) backend_request_timeout_seconds: Option<f64>,
}

#[derive(Debug, Serialize)]
pub(super) struct Loser {
    #[serde(flatten)]
    pub(super) of: NamedMatch,
    /// `unmet` or `precedence`
    pub(super) lost: &'static str,
    /// A word: the condition that is not met, or what decides.
    pub(super) by: &'static str,
    pub(super) message: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case", rename_all_fields = "camelCase", tag = "kind")]
pub(super) enum Told {
    NoHandshake,
    Answer(Failure),
    Redirect { status: u16, location: String, response_headers: Edits },
    Forward { backends: Vec<Destination> },
}

/// An answer of the gateway's own.
#[derive(Debug, Serialize)]
pub(super) struct Failure {
    pub(super) status: u16,
    pub(super) reason: &'static str,
    pub(super) body: String,
    /// For whoever runs the gateway; no client sees it.
    pub(super) detail: String,
}

/// A backendRef with its share of the requests.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Destination {
    pub(super) weight: u32,
    pub(super) percent: f64,
    pub(super) backend: Option<String>,
    /// `None` where they are resolved when they are dialled, or nothing is dialled.
    pub(super) endpoints: Option<Vec<String>>,
    /// As the backend sees it.
    pub(super) host: String,
    /// As the backend sees it, with the query.
    pub(super) path: String,
    pub(super) request_headers: Edits,
    pub(super) response_headers: Edits,
    /// As `/config_dump` has it.
    pub(super) tls: Value,
    /// The BackendTLSPolicy that was probably meant for a plaintext backend.
    pub(super) near_miss: Option<NearMiss>,
    pub(super) failure: Option<Failure>,
}

/// A BackendTLSPolicy that selects something else.
#[derive(Debug, Serialize)]
pub(super) struct NearMiss {
    pub(super) policy: String,
    pub(super) message: String,
}

/// What filters do to headers: those of the rule, then those of the backendRef.
#[derive(Debug, Default, PartialEq, Serialize)]
pub(super) struct Edits {
    pub(super) set: Vec<String>,
    pub(super) add: Vec<String>,
    pub(super) remove: Vec<String>,
}

impl Explained {
    pub(super) fn new(
        question: &Question,
        note: Option<String>,
        explanations: &[Explanation<'_>],
        source: &Source,
    ) -> Self {
        let answers: Vec<_> = explanations.iter().map(|explanation| Answer::new(explanation, source)).collect();
        let mut host = String::new();
        normalize_host(&question.authority, &mut host);
        let taken = answers.iter().any(|answer| answer.taken.is_some());
        let given = source.given.as_ref();
        // What is refused as a request reaches no route that could be mended.
        let is_request = !explanations.iter().any(|told| matches!(told.outcome, Outcome::Refused(_)));
        let refused = given.filter(|_| !taken && is_request);
        let text = |(name, value): &(http::HeaderName, http::HeaderValue)| Header {
            name: name.to_string(),
            value: String::from_utf8_lossy(value.as_bytes()).into_owned(),
        };
        let query = question.query.as_ref().map(|query| format!("?{query}"));
        Self {
            request: Request {
                method: question.method.clone(),
                host: question.authority.clone(),
                path: format!("{}{}", question.path, query.unwrap_or_default()),
                headers: question.headers.iter().map(text).collect(),
            },
            note,
            certificates: certificates::of(explanations),
            routes: refused.map_or_else(Vec::new, |given| refused::routes(given, &host)),
            listeners: refused.map_or_else(Vec::new, refused::listeners),
            problems: given.map_or_else(Vec::new, |given| given.diagnostics.clone()),
            answers,
        }
    }
}

impl Answer {
    fn new(explanation: &Explanation<'_>, source: &Source) -> Self {
        let near = &explanation.near;
        let other = |(listener, takes): &(&Listener, bool)| OtherListener {
            listener: NamedListener::new(listener),
            why: if *takes { "less_specific" } else { "other_hostname" },
        };
        let taken = explanation.taken.as_ref();
        Self {
            gateway: explanation.port.gateway.to_string(),
            port: explanation.port.port,
            protocol: explanation.port.protocol.scheme(),
            listener: explanation.listener.map(NamedListener::new),
            other_listeners: explanation.other_listeners.iter().map(other).collect(),
            taken: taken.map(|taken| NamedMatch::new(taken.rule, taken.hostname.as_deref(), taken.condition)),
            near: near.matches.iter().map(|near| Loser::new(near, taken.map(|taken| taken.rule))).collect(),
            near_left_out: near.left_out,
            other_hostnames: explanation.other_hostnames.iter().map(ToString::to_string).collect(),
            outcome: told(&explanation.outcome, source),
        }
    }
}

impl NamedListener {
    fn new(listener: &Listener) -> Self {
        Self { name: listener.name.to_string(), hostname: listener.hostname.as_deref().map(str::to_owned) }
    }
}

impl NamedMatch {
    fn new(rule: &Rule, hostname: Option<&str>, condition: &Match) -> Self {
        Self {
            route: rule.route.to_string(),
            rule: rule.index,
            name: rule.name.as_deref().map(str::to_owned),
            hostname: hostname.map(str::to_owned),
            condition: condition.to_string(),
            request_timeout_seconds: rule.timeouts.request.map(|limit| limit.as_secs_f64()),
            backend_request_timeout_seconds: rule.timeouts.backend_request.map(|limit| limit.as_secs_f64()),
        }
    }
}

fn failure(reason: Reason, detail: &str) -> Failure {
    failure_with(answer::status(reason), reason, detail)
}

fn failure_with(status: u16, reason: Reason, detail: &str) -> Failure {
    let body = answer::body(reason, None);
    Failure { status, reason: reason.as_str(), body, detail: detail.to_owned() }
}

fn told(outcome: &Outcome<'_>, source: &Source) -> Told {
    match outcome {
        Outcome::NoHandshake => Told::NoHandshake,
        Outcome::Refused(error) => {
            let (reason, status) = answer::refusal(*error);
            Told::Answer(failure_with(status, reason, &error.to_string()))
        }
        Outcome::Answer { reason, detail } => Told::Answer(failure(*reason, detail)),
        Outcome::Redirect { status, location, response_headers } => Told::Redirect {
            status: status.as_u16(),
            location: location.clone(),
            response_headers: Edits::new([response_headers]),
        },
        Outcome::Forward(shares) => {
            let total: f64 = shares.iter().map(|share| f64::from(share.weight)).sum();
            Told::Forward { backends: shares.iter().map(|share| Destination::new(share, total, source)).collect() }
        }
    }
}

impl Destination {
    fn new(share: &Share<'_>, total: f64, source: &Source) -> Self {
        let backend = match share.target {
            Target::Backend(backend) => Some(backend),
            Target::Unusable(_) => None,
        };
        let id = backend.map(|backend| &backend.id);
        let [rule, reference] = [share.filters.rule, share.filters.reference];
        let addresses = |endpoint: &postern_actors::plan::Endpoint| endpoint.address.to_string();
        Self {
            weight: share.weight,
            percent: 100.0 * f64::from(share.weight) / total,
            backend: id.map(ToString::to_string),
            endpoints: share.endpoints.as_ref().map(|endpoints| endpoints.iter().map(addresses).collect()),
            host: share.host.clone(),
            path: share.path_and_query.clone(),
            request_headers: Edits::new([&rule.request_headers, &reference.request_headers]),
            response_headers: Edits::new([&rule.response_headers, &reference.response_headers]),
            tls: id.map_or(Value::Null, |id| tls(&source.description, id)),
            near_miss: backend.and_then(|backend| backend.near_miss.as_ref()).map(|near_miss| NearMiss {
                policy: near_miss.policy.to_string(),
                message: near_miss.message.to_string(),
            }),
            failure: share.failure.as_ref().map(|(reason, detail)| failure(*reason, detail)),
        }
    }
}

/// How a backend is spoken to, as the description of its plan has it.
fn tls(description: &Value, id: &BackendId) -> Value {
    let is_it = |backend: &&Value| {
        backend["gateway"] == *id.gateway && backend["backend"] == *id.backend && backend["port"] == id.port
    };
    let backends = description["backends"].as_array();
    backends.into_iter().flatten().find(is_it).map_or(Value::Null, |backend| backend["tls"].clone())
}

impl Edits {
    fn new<const N: usize>(edits: [&HeaderEdits; N]) -> Self {
        let pair = |(name, value): &(http::HeaderName, http::HeaderValue)| {
            format!("{name}: {}", String::from_utf8_lossy(value.as_bytes()))
        };
        Self {
            set: edits.iter().flat_map(|edits| edits.set.iter().map(pair)).collect(),
            add: edits.iter().flat_map(|edits| edits.add.iter().map(pair)).collect(),
            remove: edits.iter().flat_map(|edits| edits.remove.iter().map(ToString::to_string)).collect(),
        }
    }
}
