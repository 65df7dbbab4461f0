//! What is written to the API server: objects by server-side apply, statuses by merge patches, and deletions. Only as the
//! leader, nothing twice, and again what failed.
//!
//! What is to be written is decided elsewhere, from what the watches say, and told whole each time: a newer telling
//! replaces an older one, also while that is under way. So a write that has become needless is never done late.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher as _;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorFutureExt as _, AsyncContext as _, Context, Handler, Message, WrapFuture as _};
use futures_util::{StreamExt as _, stream};
use kube::Client;
use kube::api::{DeleteParams, GetParams, Patch, PatchParams, Preconditions};
use serde_json::Value;
use tokio::time::{Instant, timeout};

use super::super::life::{Backoff, jittered};
use super::resource::Resource;
use crate::telemetry::{Telemetry, WriteResult};

#[cfg(test)]
mod tests;

/// Something to write.
#[derive(Debug, Clone, PartialEq)]
pub struct Write {
    /// The kind; its first version is used.
    pub resource: Resource,
    /// `None` for a cluster-scoped object.
    pub namespace: Option<Arc<str>>,
    /// The object.
    pub name: Arc<str>,
    /// What.
    pub action: Action,
    /// `metadata.resourceVersion` of what it was decided on, or empty.
    pub based_on: String,
    /// For whose sake, as whoever decides has it.
    pub cause: Option<Arc<str>>,
}

/// What is done to an object.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Server-side apply of all that we own of it.
    Apply(Value),
    /// A merge patch (RFC 7386) of its status.
    Status(Value),
    /// Deletion of the very object that has this `metadata.uid`.
    Delete {
        /// Never one that came after it under the same name.
        uid: String,
    },
}

/// All that is to be written as of now: groups, each in its order, and beside one another.
#[derive(Debug, Clone, Default, Message)]
#[rtype(result = "()")]
pub struct WriteAll(pub Vec<Vec<Write>>);

/// Whether this process may write.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Leading(pub bool);

/// How a write ended, for whoever decides what is written.
#[derive(Debug, Clone)]
pub struct Written {
    /// The kind of what was written.
    pub kind: &'static str,
    /// Where it is; empty for a cluster-scoped object.
    pub namespace: Arc<str>,
    /// The object.
    pub name: Arc<str>,
    /// As the write had it.
    pub cause: Option<Arc<str>>,
    /// Why it failed. A conflict is no failure: somebody else has changed the object, and the watch will tell.
    pub error: Option<String>,
}

/// Whether a live object (first) is somebody else's, and only has the name of what is to be applied (second).
pub type IsForeign = fn(&Value, &Value) -> bool;

/// Writes.
pub struct Writer {
    client: Client,
    field_manager: &'static str,
    is_foreign: IsForeign,
    telemetry: Arc<Telemetry>,
    told: Rc<dyn Fn(Written)>,
    leading: bool,
    last: Rc<Vec<Vec<Write>>>,
    done: HashMap<u64, Done>,
    failing: HashMap<u64, Failing>,
    /// Another one, and what is under way ends with the request that it is at.
    epoch: Rc<Cell<u64>>,
    busy: bool,
    again: bool,
    timer: Option<actix::SpawnHandle>,
}

/// How many groups are written at a time.
const BESIDE: usize = 16;
/// What one request may take.
const REQUEST: Duration = Duration::from_secs(10);
/// How long a write that is still asked for, on the state of the object on which it was done, is not done again: the watch
/// has not told of it yet.
const ECHO: Duration = Duration::from_secs(10);

/// A write that was done.
struct Done {
    based_on: String,
    /// What was applied. What a status says holds a time, and its state alone decides.
    body: Option<u64>,
    at: Instant,
}

/// A write that failed.
struct Failing {
    backoff: Backoff,
    due: Instant,
    error: String,
}

/// How a request ended.
enum Outcome {
    Success,
    Conflict,
    Failure(String),
}

impl Write {
    /// Of the object and of what is done to it, whatever is written.
    fn key(&self) -> u64 {
        let verb = match &self.action {
            Action::Apply(_) => "apply",
            Action::Status(_) => "status",
            Action::Delete { uid } => uid.as_str(),
        };
        foldhash::fast::FixedState::default().hash_one((self.resource, &self.namespace, &self.name, verb))
    }

    fn body(&self) -> Option<u64> {
        match &self.action {
            Action::Apply(manifest) => Some(foldhash::fast::FixedState::default().hash_one(manifest.to_string())),
            Action::Status(_) | Action::Delete { .. } => None,
        }
    }
}

impl Writer {
    /// One that does not lead. `told` learns how each write ended.
    pub fn new(
        client: Client,
        field_manager: &'static str,
        is_foreign: IsForeign,
        telemetry: Arc<Telemetry>,
        told: impl Fn(Written) + 'static,
    ) -> Self {
        Self {
            client,
            field_manager,
            is_foreign,
            telemetry,
            told: Rc::new(told),
            leading: false,
            last: Rc::default(),
            done: HashMap::new(),
            failing: HashMap::new(),
            epoch: Rc::default(),
            busy: false,
            again: false,
            timer: None,
        }
    }

    /// Whether a write has to be done now.
    fn is_due(&self, write: &Write, now: Instant) -> bool {
        let key = write.key();
        let done = self.done.get(&key).is_some_and(|done| {
            done.based_on == write.based_on && done.body == write.body() && now.duration_since(done.at) < ECHO
        });
        !done && self.failing.get(&key).is_none_or(|failing| failing.due <= now)
    }

    fn begin(&mut self, ctx: &mut Context<Self>) {
        if !self.leading {
            return;
        }
        if self.busy {
            self.again = true;
            return;
        }
        if let Some(timer) = self.timer.take() {
            ctx.cancel_future(timer);
        }
        let now = Instant::now();
        let due =
            |group: &Vec<Write>| group.iter().filter(|write| self.is_due(write, now)).cloned().collect::<Vec<_>>();
        let groups: Vec<_> = self.last.iter().map(due).filter(|group| !group.is_empty()).collect();
        if groups.is_empty() {
            return self.wait(now, ctx);
        }
        self.busy = true;
        let task = Task {
            client: self.client.clone(),
            field_manager: self.field_manager,
            is_foreign: self.is_foreign,
            epoch: self.epoch.clone(),
            begun_in: self.epoch.get(),
        };
        let task = Rc::new(task);
        let work = stream::iter(groups)
            .map(move |group| write_group(task.clone(), group))
            .buffer_unordered(BESIDE)
            .collect::<Vec<_>>();
        ctx.spawn(work.into_actor(self).map(|outcomes, actor, ctx| {
            actor.finish(outcomes.into_iter().flatten(), ctx);
        }));
    }

    /// Until the first of those that failed, or were done and are still asked for, is due again.
    fn wait(&mut self, now: Instant, ctx: &mut Context<Self>) {
        let again = self.last.iter().flatten().filter_map(|write| {
            let key = write.key();
            let failing = self.failing.get(&key).map(|failing| failing.due);
            failing.or_else(|| self.done.get(&key).map(|done| done.at + ECHO))
        });
        if let Some(due) = again.min() {
            let pause = due.saturating_duration_since(now).max(Duration::from_millis(10));
            self.timer = Some(ctx.run_later(pause, |actor, ctx| {
                actor.timer = None;
                actor.begin(ctx);
            }));
        }
    }

    fn finish(&mut self, outcomes: impl Iterator<Item = (Write, Outcome)>, ctx: &mut Context<Self>) {
        self.busy = false;
        self.again = false;
        let now = Instant::now();
        for (write, outcome) in outcomes {
            let (kind, key) = (write.resource.kind, write.key());
            let error = match outcome {
                Outcome::Success => {
                    self.telemetry.kubernetes_written(kind, WriteResult::Success);
                    self.failing.remove(&key);
                    self.done.insert(key, Done { based_on: write.based_on.clone(), body: write.body(), at: now });
                    None
                }
                Outcome::Conflict => {
                    self.telemetry.kubernetes_written(kind, WriteResult::Conflict);
                    self.fail(key, "", now);
                    None
                }
                Outcome::Failure(error) => {
                    self.telemetry.kubernetes_written(kind, WriteResult::Failure);
                    if self.fail(key, &error, now) {
                        let namespace = write.namespace.as_deref().unwrap_or_default();
                        tracing::warn!(kind, namespace, name = &*write.name, error, "cannot be written; tried again");
                    }
                    Some(error)
                }
            };
            let Write { namespace, name, cause, .. } = write;
            (self.told)(Written { kind, namespace: namespace.unwrap_or_default(), name, cause, error });
        }
        self.begin(ctx);
    }

    /// Puts a write off, longer each time; whether it failed for another cause than before.
    fn fail(&mut self, key: u64, error: &str, now: Instant) -> bool {
        let failing = self.failing.entry(key).or_insert_with(|| Failing {
            backoff: Backoff::default(),
            due: now,
            error: String::new(),
        });
        failing.due = now + jittered(failing.backoff.after(Duration::ZERO));
        let news = failing.error != error;
        error.clone_into(&mut failing.error);
        news
    }
}

/// What the groups of a round share.
struct Task {
    client: Client,
    field_manager: &'static str,
    is_foreign: IsForeign,
    epoch: Rc<Cell<u64>>,
    begun_in: u64,
}

async fn write_group(task: Rc<Task>, group: Vec<Write>) -> Vec<(Write, Outcome)> {
    let mut outcomes = Vec::with_capacity(group.len());
    for write in group {
        // Something newer was told, or another process leads.
        if task.epoch.get() != task.begun_in {
            break;
        }
        let outcome = match timeout(REQUEST, task.send(&write)).await {
            Ok(outcome) => outcome,
            Err(_) => Outcome::Failure("no answer in time".into()),
        };
        outcomes.push((write, outcome));
    }
    outcomes
}

impl Task {
    async fn send(&self, write: &Write) -> Outcome {
        if let (Action::Apply(manifest), "", Some(cause)) = (&write.action, &*write.based_on, &write.cause) {
            match self.live(write).await {
                Ok(Some(live)) if (self.is_foreign)(&live, manifest) => {
                    let kind = write.resource.kind;
                    return Outcome::Failure(format!(
                        "{kind} {} exists and is not Gateway {cause}'s: rename the Gateway, or remove the {kind}",
                        write.name
                    ));
                }
                Ok(_) => {}
                Err(error) => return Outcome::Failure(super::cause(&error)),
            }
        }
        match self.request(write).await {
            Ok(()) => Outcome::Success,
            Err(kube::Error::Api(status)) if status.code == 409 => Outcome::Conflict,
            // What is gone has no status, and need not be deleted.
            Err(kube::Error::Api(status)) if status.code == 404 && !matches!(write.action, Action::Apply(_)) => {
                Outcome::Success
            }
            Err(error) => Outcome::Failure(super::cause(&error)),
        }
    }

    /// The object of that name, which no watch has told of.
    async fn live(&self, write: &Write) -> Result<Option<Value>, kube::Error> {
        let request = write.resource.request(write.resource.versions[0], write.namespace.as_deref());
        let request = request.get(&write.name, &GetParams::default()).map_err(kube::Error::BuildRequest)?;
        match self.client.request::<Value>(request).await {
            Ok(live) => Ok(Some(live)),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn request(&self, write: &Write) -> Result<(), kube::Error> {
        let request = write.resource.request(write.resource.versions[0], write.namespace.as_deref());
        let request = match &write.action {
            Action::Apply(manifest) => {
                request.patch(&write.name, &PatchParams::apply(self.field_manager).force(), &Patch::Apply(manifest))
            }
            Action::Status(patch) => {
                let parameters =
                    PatchParams { field_manager: Some(self.field_manager.into()), ..PatchParams::default() };
                request.patch_subresource("status", &write.name, &parameters, &Patch::Merge(patch))
            }
            Action::Delete { uid } => {
                let preconditions = Preconditions { uid: Some(uid.clone()), resource_version: None };
                let parameters = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::background() };
                request.delete(&write.name, &parameters)
            }
        };
        self.client.request::<Value>(request.map_err(kube::Error::BuildRequest)?).await.map(drop)
    }
}

impl Actor for Writer {
    type Context = Context<Self>;
}

impl Handler<WriteAll> for Writer {
    type Result = ();

    fn handle(&mut self, WriteAll(groups): WriteAll, ctx: &mut Self::Context) {
        self.epoch.set(self.epoch.get() + 1);
        let asked: HashSet<u64> = groups.iter().flatten().map(Write::key).collect();
        self.done.retain(|key, _| asked.contains(key));
        self.failing.retain(|key, _| asked.contains(key));
        self.last = Rc::new(groups);
        self.begin(ctx);
    }
}

impl Handler<Leading> for Writer {
    type Result = ();

    fn handle(&mut self, Leading(leading): Leading, ctx: &mut Self::Context) {
        if self.leading == leading {
            return;
        }
        self.leading = leading;
        self.telemetry.leads(leading);
        self.epoch.set(self.epoch.get() + 1);
        // Another one may write in the meantime.
        self.done.clear();
        self.failing.clear();
        self.begin(ctx);
    }
}
