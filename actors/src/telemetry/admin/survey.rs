//! Every backend of the plan with what was seen of it, judged; the worst first. It must not know how pages look.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::health::Health;
use super::layout::anchor;
use super::words;
use crate::outcome::{HandshakeResult, Reason};
use crate::plan::backend::{Backend, Poison, Tls};
use crate::plan::identity::Trust;
use crate::plan::{EndpointSource, Endpoints, Plan};
use crate::telemetry::observations::Failure;
use crate::telemetry::{LastHandshake, Observations};

/// A backend whose last handshake succeeded is still looked at for so long after one that failed.
const RECENTLY: SignedDuration = SignedDuration::from_mins(5);

/// A backend, and how it stands.
pub(super) struct Surveyed<'p> {
    pub backend: &'p Backend,
    /// The last attempt to reach it by TLS.
    pub last: Option<LastHandshake>,
    /// How many addresses it has; `None` where its name is resolved when it is dialled.
    pub addresses: Option<usize>,
    /// How it stands as a whole.
    pub health: Health,
    /// What is wrong, or to be looked at, in a sentence each.
    pub troubles: Vec<(Health, String)>,
    /// Handshakes as it is configured now have failed, the last one or one not long before.
    tells_of_failure: bool,
}

impl Surveyed<'_> {
    /// Whether a policy selects it, be it one that can be used or not.
    pub(super) fn is_secured(&self) -> bool {
        self.backend.tls != Tls::Plaintext
    }

    /// The failure to be told of: that of the last handshake, or a recent one before it.
    pub(super) fn failure(&self) -> Option<&Failure> {
        self.last.as_ref().filter(|_| self.tells_of_failure)?.last_failure.as_ref()
    }

    /// Whether the last handshake failed.
    pub(super) fn is_failing(&self) -> bool {
        matches!(self.backend.tls, Tls::Originate { .. }) && self.health == Health::Bad
    }

    /// How it stands, in the word of the metric: that of the failure that is told of, else that of the last handshake, or
    /// why there can be none; `none` before the first as it is configured now, and `plaintext` without a policy.
    pub(super) fn word(&self) -> &'static str {
        match &self.backend.tls {
            Tls::Plaintext => "plaintext",
            Tls::Poisoned(poison) => poison.reason.as_str(),
            Tls::Originate { .. } => self.result().map_or("none", HandshakeResult::as_str),
        }
    }

    /// What the word means, in a sentence.
    pub(super) fn meaning(&self) -> &'static str {
        match self.result() {
            Some(result) => result.meaning(),
            None => "",
        }
    }

    /// What is known of the cause of a failure.
    pub(super) fn cause(&self) -> &str {
        match &self.backend.tls {
            Tls::Poisoned(poison) => &poison.message,
            _ => self.failure().map_or("", |failure| &failure.evidence.cause),
        }
    }

    /// What to do about a failure; empty where there is none.
    pub(super) fn remedy(&self) -> &str {
        let of_the_word = self.result().map_or("", HandshakeResult::remedy);
        match (&self.backend.tls, self.failure()) {
            (Tls::Poisoned(_), _) if of_the_word.is_empty() => "Mend what the message names.",
            (Tls::Originate { .. }, Some(failure)) if !failure.evidence.remedy.is_empty() => &failure.evidence.remedy,
            _ => of_the_word,
        }
    }

    /// `namespace/name` of the policy.
    pub(super) fn policy(&self) -> Option<&Arc<str>> {
        self.backend.tls.policy()
    }

    /// Where its addresses come from.
    pub(super) fn source(&self) -> String {
        match &self.backend.endpoints {
            EndpointSource::Service(service) => format!("{}/{}:{}", service.namespace, service.name, service.port),
            EndpointSource::Host { host, port } => format!("{host}:{port}"),
        }
    }

    /// Its place on `/tls`.
    pub(super) fn anchor(&self) -> String {
        let id = &self.backend.id;
        anchor(&format!("{}/{id}", id.gateway))
    }

    /// What a filter looks at.
    pub(super) fn text(&self) -> String {
        let id = &self.backend.id;
        let policy = self.policy().map_or("", |policy| policy);
        let sni = match &self.backend.tls {
            Tls::Originate { identity, .. } => &*identity.sni,
            _ => "",
        };
        format!("{} {id} {policy} {sni} {} {}", id.gateway, self.source(), self.word())
    }

    fn result(&self) -> Option<HandshakeResult> {
        match (&self.backend.tls, &self.last) {
            (Tls::Poisoned(Poison { reason: Reason::Handshake(result), .. }), _) => Some(*result),
            (Tls::Originate { .. }, Some(last)) if !last.outdated => {
                Some(self.failure().map_or(last.result, |failure| failure.result))
            }
            _ => None,
        }
    }
}

/// All backends of a plan.
pub(super) fn survey<'p>(
    plan: &'p Plan,
    endpoints: &Endpoints,
    observations: &Observations,
    now: Timestamp,
) -> Vec<Surveyed<'p>> {
    let authorities = authorities(plan);
    let backends = plan.backends.values().map(|backend| {
        let last = observations.get(&backend.id);
        let addresses = addresses(backend, endpoints);
        let (mut troubles, mut tells_of_failure) = (Vec::new(), false);
        match &backend.tls {
            Tls::Plaintext => {
                let near = backend.near_miss.as_ref();
                troubles.extend(near.map(|near| (Health::Warn, format!("It is spoken to in plaintext, and {near}"))));
            }
            Tls::Poisoned(poison) => {
                let what = match poison.reason {
                    Reason::Handshake(HandshakeResult::ClientCertUnavailable) => "The Gateway's client certificate",
                    Reason::Handshake(_) => "The policy",
                    _ => "The backend",
                };
                troubles.push((Health::Bad, format!("{what} cannot be used: requests get 500.")));
            }
            Tls::Originate { policy, identity } => {
                let handshakes = last.iter().filter_map(|last| of_handshakes(last, now));
                troubles.extend(handshakes);
                tells_of_failure = !troubles.is_empty();
                let seen = last.iter().filter(|last| !last.outdated);
                let peer = seen
                    .flat_map(|last| {
                        let chain = last.evidence.presented.iter().map(|facts| facts.not_after);
                        chain.chain(last.peers.first_end(backend, endpoints))
                    })
                    .min();
                let bundle = matches!(identity.trust, Trust::Bundle(_));
                let anchors = authorities.get(&**policy).copied().filter(|_| bundle);
                let client = identity.client_certificate.as_ref().map(|client| client.not_after);
                let ends = [
                    ("A certificate that the backend presents", peer),
                    ("A certificate that the policy trusts", anchors),
                    ("The Gateway's client certificate", client),
                ];
                troubles.extend(ends.iter().filter_map(|(what, end)| of_end(what, (*end)?, now)));
            }
        }
        if addresses == Some(0) {
            troubles.push((Health::Warn, "There is no ready endpoint: requests get 503.".to_owned()));
        }
        let worst = troubles.iter().map(|(health, _)| *health).min();
        let untried = last.as_ref().is_none_or(|last| last.outdated);
        let unknown = matches!(backend.tls, Tls::Plaintext) || matches!(backend.tls, Tls::Originate { .. }) && untried;
        let health = worst.unwrap_or(if unknown { Health::Unknown } else { Health::Good });
        Surveyed { backend, last, addresses, health, troubles, tells_of_failure }
    });
    let mut backends: Vec<_> = backends.collect();
    backends.sort_by_key(|surveyed| surveyed.health);
    backends
}

/// How many addresses a backend has; `None` where its name is resolved when it is dialled.
pub(super) fn addresses(backend: &Backend, endpoints: &Endpoints) -> Option<usize> {
    match &backend.endpoints {
        EndpointSource::Service(service) => Some(endpoints.get(service).map_or(0, |ready| ready.len())),
        EndpointSource::Host { .. } => None,
    }
}

/// The first end of a certificate of each policy's references.
fn authorities(plan: &Plan) -> HashMap<&str, i64> {
    let mut first = HashMap::new();
    for authority in &plan.authorities {
        let end = first.entry(&*authority.policy).or_insert(authority.not_after);
        *end = authority.not_after.min(*end);
    }
    first
}

fn of_handshakes(last: &LastHandshake, now: Timestamp) -> Option<(Health, String)> {
    if last.outdated {
        return None;
    }
    if last.result != HandshakeResult::Ok {
        let since = last.failing_since.unwrap_or(last.time);
        let failures = words::counted(last.consecutive_failures, "handshake");
        let (since, away) = (words::second(since.as_second()), words::away(since.as_second(), now));
        return Some((Health::Bad, format!("Failing since {since} ({away}): {failures} in a row.")));
    }
    let recent = |failure: &&Failure| !failure.outdated && now.duration_since(failure.time) < RECENTLY;
    let failure = last.last_failure.as_ref().filter(recent)?;
    let when = words::away(failure.time.as_second(), now);
    let endpoint = failure.endpoint.map(|endpoint| format!(" with {endpoint}")).unwrap_or_default();
    Some((Health::Warn, format!("The last handshake succeeded, but one{endpoint} failed {when}.")))
}

fn of_end(what: &str, end: i64, now: Timestamp) -> Option<(Health, String)> {
    let when = words::away(end, now);
    match words::health_of_end(end, now) {
        // Whether anything fails by it, the handshakes tell.
        Health::Bad => Some((Health::Warn, format!("{what} expired {when}."))),
        Health::Warn => Some((Health::Warn, format!("{what} ends {when}."))),
        Health::Good | Health::Unknown => None,
    }
}
