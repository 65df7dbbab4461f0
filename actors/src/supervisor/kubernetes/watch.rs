//! One watch: an actor that lists what its target names and follows it from there.
//!
//! The loop is ours, over the client's list and watch requests, since whoever is told needs to know what a reflector keeps
//! to itself: that contact was regained though nothing changed, that the kind is not served (yet), or in another version,
//! and objects as they came, so that one which no type fits blinds nobody.
//!
//! It never gives up, and what was told stays true until something else is told: the last good state is never lost.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix::WrapFuture as _;
use actix::{Actor, ActorContext as _, ActorFutureExt as _, AsyncContext as _, Context, Handler, Message};
use futures_util::StreamExt as _;
use kube::Client;
use kube::api::{WatchEvent, WatchParams};
use serde_json::Value;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, timeout};

use super::super::life::{Backoff, jittered};
use super::list::{self, Failure, Listed, complete};
use super::resource::{Scope, Target};
use crate::telemetry::Telemetry;

mod event;
#[cfg(test)]
mod tests;

pub use event::{Event, Told, Watched};

/// How a watch goes. The defaults are for an API server.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// How often it is looked at first whether a kind is served by now; after a minute of that less and less often.
    pub absent: Duration,
    /// The server ends a watch after about this time.
    pub session: Duration,
    /// A page of a list.
    pub page: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self { absent: Duration::from_secs(2), session: Duration::from_secs(280), page: list::PAGE }
    }
}

/// Times that a kind has to be absent in a row before that counts: an API server that has just begun, or somebody in
/// between, may not know it for a moment.
const ABSENCES: u32 = 3;
/// Times that it is looked for at the first pace.
const EAGER: u32 = 30;
/// A watch in which nothing comes for so long, not even a bookmark (there is one a minute), is begun anew: its connection may
/// be dead.
const IDLE: Duration = Duration::from_secs(90);
/// A watch that ends sooner has not ended as agreed.
const SHORT: Duration = Duration::from_secs(1);
/// After so many watches in a row that failed, everything is listed anew: what was known may be what cannot be gone on from.
const HOPELESS: u32 = 8;

/// Follows one target.
pub struct WatchSupervisor {
    watch: Option<Watch>,
    task: Option<AbortHandle>,
    target: Target,
    telemetry: Arc<Telemetry>,
    /// Dropped with the actor, which tells whoever keeps it.
    _alive: oneshot::Sender<()>,
}

struct Watch {
    client: Client,
    target: Target,
    pace: Pace,
    telemetry: Arc<Telemetry>,
    sink: Rc<dyn Told>,
    backoff: Backoff,
    listed: bool,
    absences: u32,
    /// Why it failed last, which is not said again.
    cause: String,
}

impl WatchSupervisor {
    /// A watch that begins when it is started. `alive` is dropped with it.
    pub fn new(
        client: Client,
        target: Target,
        pace: Pace,
        telemetry: Arc<Telemetry>,
        sink: Rc<dyn Told>,
        alive: oneshot::Sender<()>,
    ) -> Self {
        let watch = Watch {
            client,
            target: target.clone(),
            pace,
            telemetry: telemetry.clone(),
            sink,
            backoff: Backoff::default(),
            listed: false,
            absences: 0,
            cause: String::new(),
        };
        Self { watch: Some(watch), task: None, target, telemetry, _alive: alive }
    }
}

impl Actor for WatchSupervisor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        if let Some(watch) = self.watch.take() {
            // The runtime of actix contains a panic to the task; an actor whose task is gone has to go as well.
            let task = actix_rt::spawn(watch.run());
            self.task = Some(task.abort_handle());
            ctx.spawn(task.into_actor(self).map(|_, _, ctx| ctx.stop()));
        }
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        if let Some(task) = &self.task {
            task.abort();
        }
        self.telemetry.contact().regained(&self.target.to_string());
    }
}

/// Nobody wants the watch any more.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct End;

impl Handler<End> for WatchSupervisor {
    type Result = ();

    fn handle(&mut self, _: End, ctx: &mut Self::Context) {
        ctx.stop();
    }
}

impl Watch {
    /// Ends when nobody listens any more.
    async fn run(mut self) {
        while self.sink.connected() {
            let begun = Instant::now();
            match self.session().await {
                Ok(()) => {}
                Err(Failure::NotServed) => self.miss().await,
                Err(Failure::Expired) => {
                    tracing::debug!(target = %self.target, "too old to go on from; listing again");
                    self.pause(begun.elapsed()).await;
                }
                Err(Failure::Forbidden(cause)) => self.fail(&cause, true, begun.elapsed()).await,
                Err(Failure::Other(cause)) => self.fail(&cause, false, begun.elapsed()).await,
            }
        }
    }

    /// The kind is not served: that is no fault, and no loss of contact.
    async fn miss(&mut self) {
        self.telemetry.contact().regained(&self.target.to_string());
        self.absences = self.absences.saturating_add(1);
        if self.absences == ABSENCES {
            self.listed = true;
            self.tell(Event::Absent);
        }
        let pause = match self.absences {
            0..ABSENCES => self.pace.absent / 10,
            ABSENCES..=EAGER => self.pace.absent,
            many => self.pace.absent * 2_u32.pow((many - EAGER).min(4)),
        };
        sleep(jittered(pause)).await;
    }

    async fn fail(&mut self, cause: &str, forbidden: bool, lived: Duration) {
        if self.cause == cause {
            tracing::debug!(watch = %self.target, cause, "still not followed");
        } else {
            tracing::warn!(watch = %self.target, cause, "not followed; what was known stays in effect");
            cause.clone_into(&mut self.cause);
        }
        let by_name = matches!(self.target.scope, Scope::Named { .. });
        // One object that may not be read says nothing of the contact with the API server.
        if forbidden && by_name {
            self.telemetry.contact().regained(&self.target.to_string());
        } else {
            self.telemetry.contact().lost(&self.target.to_string(), cause);
        }
        self.telemetry.kubernetes_watch_restarted(self.target.resource.kind);
        if !self.listed && (forbidden || !by_name) {
            self.tell(Event::Unavailable(cause.to_owned()));
        }
        self.pause(lived).await;
    }

    /// Longer each time, as long as what is tried does not live.
    async fn pause(&mut self, lived: Duration) {
        sleep(jittered(self.backoff.after(lived))).await;
    }

    fn succeed(&mut self) {
        self.cause.clear();
        self.telemetry.contact().regained(&self.target.to_string());
    }

    fn tell(&self, event: Event) {
        self.sink.tell(Watched { target: self.target.clone(), event });
    }

    /// Lists, and follows for as long as what is known can be gone on from.
    async fn session(&mut self) -> Result<(), Failure> {
        let Listed { version, objects, mut resource_version } =
            list::list(&self.client, &self.target, self.pace.page).await?;
        self.succeed();
        self.listed = true;
        self.absences = 0;
        self.tell(Event::Listed(objects));
        let mut failures = 0;
        while self.sink.connected() && failures < HOPELESS {
            let begun = Instant::now();
            match self.follow(version, &mut resource_version).await {
                // A better version may be served by now.
                Ok(()) if version != self.target.resource.versions[0] => return Ok(()),
                Ok(()) if begun.elapsed() < SHORT => self.pause(begun.elapsed()).await,
                Ok(()) => failures = 0,
                Err(Failure::Forbidden(cause)) => {
                    failures += 1;
                    self.fail(&cause, true, begun.elapsed()).await;
                }
                Err(Failure::Other(cause)) => {
                    failures += 1;
                    self.fail(&cause, false, begun.elapsed()).await;
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok(())
    }

    /// One session of watching, from `resource_version` on, which moves along. `Ok` when the server ended it as agreed.
    async fn follow(&mut self, version: &'static str, resource_version: &mut String) -> Result<(), Failure> {
        let parameters = WatchParams {
            field_selector: self.target.field_selector(),
            label_selector: self.target.label_selector(),
            timeout: Some(jittered(self.pace.session).as_secs() as u32),
            bookmarks: true,
            ..WatchParams::default()
        };
        let request = self.target.resource.request(version, self.target.namespace());
        let request =
            request.watch(&parameters, resource_version).map_err(|error| Failure::Other(error.to_string()))?;
        let opening = timeout(list::LIMIT, self.client.request_events::<Value>(request)).await;
        let stream =
            opening.map_err(|_| Failure::Other("the watch did not begin in time".into()))?.map_err(Failure::from)?;
        let mut stream = std::pin::pin!(stream);
        self.succeed();
        loop {
            let event = match timeout(IDLE, stream.next()).await {
                Err(_) | Ok(None) => return Ok(()),
                Ok(Some(event)) => event.map_err(Failure::from)?,
            };
            match event {
                WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                    note_version(&object, resource_version);
                    self.tell(Event::Applied(complete(&self.target, object, version)));
                }
                WatchEvent::Deleted(object) => {
                    note_version(&object, resource_version);
                    self.tell(Event::Deleted(complete(&self.target, object, version)));
                }
                WatchEvent::Bookmark(bookmark) => *resource_version = bookmark.metadata.resource_version,
                WatchEvent::Error(status) if status.code == 410 => return Err(Failure::Expired),
                WatchEvent::Error(status) => return Err(Failure::Other(status.message)),
            }
        }
    }
}

fn note_version(object: &Value, resource_version: &mut String) {
    if let Some(version) = object.pointer("/metadata/resourceVersion").and_then(Value::as_str) {
        version.clone_into(resource_version);
    }
}
