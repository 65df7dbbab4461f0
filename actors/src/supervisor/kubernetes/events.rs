//! Kubernetes Events that tell when handshakes with a backend begin to fail, and when they succeed again: regarding the
//! policy and the Gateway, so that `kubectl describe` of either shows them. It looks at what telemetry knows, and never
//! keeps a request waiting. It must not know how a handshake is made.
//!
//! Each is an Event of its own, so that it says what is true now, and so that proxies need no right but to create. One that
//! cannot be written is tried again, if it is still true then.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorFutureExt as _, AsyncContext as _, Context, Handler, Message, WrapFuture as _};
use k8s_openapi::api::core::v1::ObjectReference;
use kube::Client;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use tokio::time::timeout;

use crate::outcome::HandshakeResult;
use crate::plan::BackendId;
use crate::telemetry::observations::Failure;
use crate::telemetry::{EventResult, Evidence, LastHandshake, Telemetry};
use turn::{Turn, Turns};

mod turn;

#[cfg(test)]
mod tests;

/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// What writing one Event may take.
const REQUEST: Duration = Duration::from_secs(10);
/// "This must be at most 1kB in size" (the note of an Event).
const NOTE: usize = 1024;

/// The `apiVersion` of what Events regard.
const GATEWAY_API: &str = "gateway.networking.k8s.io/v1";
/// `reportingController`
const CONTROLLER: &str = "gateway.postern.dev/proxy";

/// The objects that Events may regard. Replaces what was told before.
#[derive(Debug, Default, PartialEq, Eq, Message)]
#[rtype(result = "()")]
pub struct Regarding {
    /// `metadata.uid` of the Gateway.
    pub gateway: Option<String>,
    /// `metadata.uid` of each policy (`namespace/name`) that a backend of the plan has.
    pub policies: HashMap<Arc<str>, String>,
}

/// Looks at the handshakes, and writes Events.
pub struct EventReporter {
    client: Client,
    reporter: Reporter,
    telemetry: Arc<Telemetry>,
    regarding: Regarding,
    turns: Turns,
    look_every: Duration,
}

impl EventReporter {
    /// One that knows of no object yet. `instance` is the name of the pod.
    pub fn new(client: Client, instance: Option<String>, telemetry: Arc<Telemetry>) -> Self {
        telemetry.events_begin();
        let reporter = Reporter { controller: CONTROLLER.to_owned(), instance };
        Self {
            client,
            reporter,
            telemetry,
            regarding: Regarding::default(),
            turns: Turns::default(),
            look_every: LOOK_EVERY,
        }
    }

    fn look(&mut self, ctx: &mut Context<Self>) {
        let now = jiff::Timestamp::now();
        let mut due = Vec::new();
        let (turns, telemetry) = (&mut self.turns, &self.telemetry);
        telemetry.observations().each(|backend, last| match turns.look(backend, last, now) {
            None => {}
            Some(Turn::LeftOut) => telemetry.event_written(EventResult::LeftOut),
            Some(turn) => due.push((turn, backend.clone(), last.clone())),
        });
        turns.retain(|backend| telemetry.observations().knows(backend));
        for (turn, backend, last) in due {
            let events = self.regarded(&backend, &last).map(|object| (event(turn, &backend, &last), object));
            let events: Vec<_> = events.collect();
            // A recorder that remembers would count an Event that it takes for the same, and keep its first words.
            let (recorder, telemetry) =
                (Recorder::new(self.client.clone(), self.reporter.clone()), self.telemetry.clone());
            let writing = async move {
                // One that was written is not to be written again because another was refused.
                let mut written = events.is_empty();
                for (event, object) in events {
                    written |= write(&recorder, &telemetry, &event, &object).await;
                }
                written
            };
            ctx.spawn(writing.into_actor(self).map(move |written, actor, _| {
                if !written {
                    actor.turns.failed(&backend, jiff::Timestamp::now());
                }
            }));
        }
    }

    /// The policy, where it is known, and the Gateway.
    fn regarded(&self, backend: &BackendId, last: &LastHandshake) -> impl Iterator<Item = ObjectReference> {
        let policy = self.regarding.policies.get(&*last.policy);
        let policy = policy.and_then(|uid| reference("BackendTLSPolicy", &last.policy, uid));
        let gateway = self.regarding.gateway.as_ref().and_then(|uid| reference("Gateway", &backend.gateway, uid));
        policy.into_iter().chain(gateway)
    }
}

impl Actor for EventReporter {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.run_interval(self.look_every, Self::look);
    }
}

impl Handler<Regarding> for EventReporter {
    type Result = ();

    fn handle(&mut self, regarding: Regarding, _: &mut Self::Context) {
        self.regarding = regarding;
    }
}

/// Whether it was written.
async fn write(recorder: &Recorder, telemetry: &Telemetry, event: &Event, object: &ObjectReference) -> bool {
    let outcome = timeout(REQUEST, recorder.publish(event, object)).await;
    let cause = match outcome {
        Ok(Ok(())) => {
            telemetry.event_written(EventResult::Written);
            return true;
        }
        Ok(Err(error)) => super::cause(&error),
        Err(_) => "no answer in time".to_owned(),
    };
    telemetry.event_written(EventResult::Failed);
    let (kind, name) = (object.kind.as_deref().unwrap_or_default(), object.name.as_deref().unwrap_or_default());
    tracing::warn!(cause, "an Event regarding {kind} {name} could not be written");
    false
}

fn reference(kind: &str, name: &str, uid: &str) -> Option<ObjectReference> {
    let (namespace, name) = name.split_once('/')?;
    Some(ObjectReference {
        api_version: Some(GATEWAY_API.to_owned()),
        kind: Some(kind.to_owned()),
        namespace: Some(namespace.to_owned()),
        name: Some(name.to_owned()),
        uid: Some(uid.to_owned()),
        ..ObjectReference::default()
    })
}

fn event(turn: Turn, backend: &BackendId, last: &LastHandshake) -> Event {
    let (type_, reason, action, note) = match (turn, &last.last_failure) {
        (Turn::Failing(result), Some(failure)) => {
            let note = failing(result, backend, failure);
            (EventType::Warning, "TLSHandshakeFailing", result.as_str(), note)
        }
        _ => (EventType::Normal, "TLSHandshakeRecovered", HandshakeResult::Ok.as_str(), recovered(backend, last)),
    };
    Event {
        type_,
        reason: reason.to_owned(),
        note: Some(shortened(note)),
        action: format!("Handshake:{action}"),
        secondary: related(backend),
    }
}

/// What matters most comes first: the end may be cut off.
fn failing(result: HandshakeResult, backend: &BackendId, failure: &Failure) -> String {
    let evidence = &failure.evidence;
    let endpoint = failure.endpoint.map(|endpoint| format!(" at {endpoint}")).unwrap_or_default();
    let rest = Evidence { remedy: Box::default(), ..evidence.clone() };
    let (gateway, meaning, remedy) = (&backend.gateway, result.meaning(), &evidence.remedy);
    format!(
        "{result}: TLS from Gateway {gateway} to {backend}{endpoint} fails. {meaning} To mend it: {remedy} ({rest})"
    )
}

fn recovered(backend: &BackendId, last: &LastHandshake) -> String {
    let tls = last.tls.as_ref().map(|tls| format!(" (TLS {}, {})", tls.version, tls.cipher)).unwrap_or_default();
    let before = last.last_failure.as_ref().map(|failure| format!("; it had been {}", failure.result));
    let (gateway, before) = (&backend.gateway, before.unwrap_or_default());
    format!("ok: TLS from Gateway {gateway} to {backend} succeeds again{tls}{before}")
}

/// The backend, `kind/namespace/name`.
fn related(backend: &BackendId) -> Option<ObjectReference> {
    let mut parts = backend.backend.splitn(3, '/');
    let (kind, namespace, name) = (parts.next()?, parts.next()?, parts.next()?);
    Some(ObjectReference {
        kind: Some(kind.to_owned()),
        namespace: Some(namespace.to_owned()),
        name: Some(name.to_owned()),
        field_path: Some(format!("port {}", backend.port)),
        ..ObjectReference::default()
    })
}

fn shortened(mut note: String) -> String {
    if note.len() > NOTE {
        note.truncate(note.floor_char_boundary(NOTE - '…'.len_utf8()));
        note.push('…');
    }
    note
}
