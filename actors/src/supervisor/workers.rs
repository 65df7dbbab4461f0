//! The worker threads: an arbiter each, with one listener actor. A worker that dies is started again on its thread (on
//! a new one if that is gone) with its sockets and the last plan.

use std::sync::Arc;
use std::time::Duration;

use actix::prelude::{ActorFutureExt as _, WrapFuture as _};
use actix::{Actor, Addr, Arbiter, AsyncContext as _, Context, Handler, Message, Recipient, ResponseFuture};
use futures_util::future::join_all;
use tokio::time::{Instant, timeout};

use super::life::{Backoff, LOOK_EVERY};
use super::sockets::{BindFailure, Listening, Sockets};
use crate::listener::message::{AnnounceDrain, Apply, Drain, EndpointsChanged};
use crate::plan::{Endpoints, Plan};
use crate::telemetry::Status;

#[cfg(test)]
mod tests;

/// What a worker thread runs. A listener actor is one; tests have their own.
pub trait Worker:
    Actor<Context = Context<Self>> + Handler<Apply> + Handler<EndpointsChanged> + Handler<AnnounceDrain> + Handler<Drain>
{
}

impl<A> Worker for A where
    A: Actor<Context = Context<A>>
        + Handler<Apply>
        + Handler<EndpointsChanged>
        + Handler<AnnounceDrain>
        + Handler<Drain>
{
}

/// Serve this plan on all workers.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct Publish {
    /// The plan.
    pub plan: Arc<Plan>,
    /// The endpoints as of now.
    pub endpoints: Arc<Endpoints>,
    /// When the first change was told that led to it.
    pub since: Instant,
}

/// What is bound after every worker has applied a plan, or after a port that could not be bound was tried again.
#[derive(Debug, Clone, PartialEq, Message)]
#[rtype(result = "()")]
pub struct ListeningChanged {
    /// What every worker serves; `None` where one of them has died instead of applying it. It is told again when that one,
    /// started again, serves it too.
    pub plan: Option<Arc<Plan>>,
    /// Ports that take connections.
    pub listening: Vec<Listening>,
    /// Ports that could not be bound.
    pub failures: Vec<BindFailure>,
}

/// Makes the actor of a worker, on the worker's thread.
pub type MakeWorker<W> = Arc<dyn Fn(usize) -> W + Send + Sync>;

/// The supervisor of the workers.
pub struct Workers<W: Worker> {
    make: MakeWorker<W>,
    threads: Vec<Thread<W>>,
    sockets: Sockets,
    last: Option<Publish>,
    round: Round,
    failures: Vec<BindFailure>,
    bind_again: Backoff,
    bind_timer: Option<actix::SpawnHandle>,
    announced: bool,
    draining: bool,
    status: Arc<Status>,
    told: Recipient<ListeningChanged>,
}

/// What keeps the process from being ready before there is a plan on every worker.
pub const NO_CONFIGURATION: &str = "configuration";
/// What keeps it from being ready while not a single port could be bound.
const NO_LISTENER: &str = "listeners";

/// One application of the last plan by all workers.
#[derive(Debug)]
struct Round {
    /// It is the so-many-th.
    number: u64,
    begun: Instant,
    /// When the first change was told of those that it applies; `None` if it applies none.
    since: Option<Instant>,
    /// A worker has died instead.
    failed: bool,
    /// Every worker has answered.
    complete: bool,
}

struct Thread<W: Worker> {
    arbiter: Arbiter,
    actor: Addr<W>,
    /// The number of the last round that it has answered; 0 if it has answered none.
    serves: u64,
    begun: Instant,
    backoff: Backoff,
    /// When a dead actor is started again.
    due: Option<Instant>,
}

/// The least time between two attempts to bind a port that could not be bound.
const BIND_PAUSE: Duration = Duration::from_secs(1);
/// What workers may take to apply a plan before they are told of as out of sync: a scrape in between is to see nothing of an
/// ordinary change.
const SYNC_PATIENCE: Duration = Duration::from_secs(1);
/// How long clients whose handshake is under way get to end it before the sockets close.
const LAST_HANDSHAKES: Duration = Duration::from_millis(100);
/// What a worker may take beyond the time of a drain before it is given up.
const DRAIN_GRACE: Duration = Duration::from_millis(500);

impl<W: Worker> Workers<W> {
    /// Starts `count` threads, which serve nothing until something is published.
    pub fn new(
        count: usize,
        sockets: Sockets,
        make: MakeWorker<W>,
        status: Arc<Status>,
        told: Recipient<ListeningChanged>,
    ) -> Self {
        let threads = (0..count)
            .map(|worker| {
                let arbiter = Arbiter::new();
                let actor = start(worker, &arbiter, make.clone());
                Thread { arbiter, actor, serves: 0, begun: Instant::now(), backoff: Backoff::default(), due: None }
            })
            .collect();
        Self {
            make,
            threads,
            sockets,
            last: None,
            round: Round { number: 0, begun: Instant::now(), since: None, failed: false, complete: false },
            failures: Vec::new(),
            bind_again: Backoff::default(),
            bind_timer: None,
            announced: false,
            draining: false,
            status,
            told,
        }
    }

    fn bind(&mut self, ctx: &mut Context<Self>) {
        if let Some(timer) = self.bind_timer.take() {
            ctx.cancel_future(timer);
        }
        let Some(last) = &self.last else { return };
        let failures = self.sockets.reconcile(last.plan.ports.iter().map(|port| (&port.gateway, port.port)));
        let before = std::mem::replace(&mut self.failures, failures);
        for failure in self.failures.iter().filter(|failure| !before.contains(failure)) {
            tracing::warn!(gateway = %failure.gateway, port = failure.port, "{}", failure.message);
        }
        if self.failures.is_empty() {
            self.bind_again = Backoff::default();
        } else {
            let pause = BIND_PAUSE + self.bind_again.after(Duration::ZERO);
            self.bind_timer = Some(ctx.run_later(pause, Self::bind_what_failed));
        }
    }

    fn bind_what_failed(&mut self, ctx: &mut Context<Self>) {
        self.bind_timer = None;
        let before = self.failures.clone();
        self.bind(ctx);
        if self.failures != before && !self.draining {
            self.apply_all(None, ctx);
        }
    }

    /// The last plan with the sockets of one worker.
    fn apply(&self, worker: usize) -> Option<Apply> {
        let last = self.last.as_ref()?;
        let (plan, endpoints) = (last.plan.clone(), last.endpoints.clone());
        Some(Apply { plan, endpoints, sockets: self.sockets.of_worker(worker) })
    }

    /// Applies the last plan everywhere, and tells when every worker has answered. One that dies instead is started
    /// again with it.
    fn apply_all(&mut self, since: Option<Instant>, ctx: &mut Context<Self>) {
        // A worker that hangs has done so since the round that it has not answered.
        let unfinished = Some(&self.round).filter(|round| !round.complete && round.number > 0);
        let begun = unfinished.map_or_else(Instant::now, |round| round.begun);
        let since = unfinished.and_then(|round| round.since).into_iter().chain(since).min();
        let number = self.round.number + 1;
        self.round = Round { number, begun, since, failed: false, complete: false };
        for worker in 0..self.threads.len() {
            self.apply_to(worker, ctx);
        }
    }

    fn apply_to(&self, worker: usize, ctx: &mut Context<Self>) {
        let Some(apply) = self.apply(worker) else { return };
        let round = self.round.number;
        let answer = self.threads[worker].actor.send(apply).into_actor(self);
        ctx.spawn(answer.map(move |answer, actor, _| match answer {
            Ok(()) => actor.applied(worker, round),
            Err(_) => actor.not_applied(round),
        }));
    }

    fn applied(&mut self, worker: usize, round: u64) {
        let serves = &mut self.threads[worker].serves;
        *serves = round.max(*serves);
        if self.round.complete || self.threads.iter().any(|thread| thread.serves < self.round.number) {
            return;
        }
        self.round.complete = true;
        if let Some(since) = self.round.since {
            self.status.telemetry.config_applied(true);
            self.status.telemetry.config_propagated("configuration", since.elapsed());
        }
        self.tell_sync();
        self.tell(self.last.as_ref().map(|last| last.plan.clone()));
    }

    fn not_applied(&mut self, round: u64) {
        if round < self.round.number || self.round.failed {
            return;
        }
        self.round.failed = true;
        if self.round.since.is_some() {
            self.status.telemetry.config_applied(false);
        }
        self.tell_sync();
        self.tell(None);
    }

    /// Whether all workers serve the last plan; nothing while they may be about to.
    fn tell_sync(&self) {
        let Round { complete, failed, begun, .. } = self.round;
        if !complete && !failed && begun.elapsed() < SYNC_PATIENCE {
            return;
        }
        if self.last.is_some() {
            self.status.telemetry.config_in_sync(complete);
        }
    }

    fn tell(&self, plan: Option<Arc<Plan>>) {
        let listening = self.sockets.listening();
        let readiness = &self.status.readiness;
        if listening.is_empty() && !self.failures.is_empty() {
            readiness.pending(NO_LISTENER);
        } else {
            readiness.done(NO_LISTENER);
        }
        readiness.done(NO_CONFIGURATION);
        self.told.do_send(ListeningChanged { plan, listening, failures: self.failures.clone() });
    }

    /// Starts dead actors again when their pause is over, and sees whether one hangs.
    fn look(&mut self, ctx: &mut Context<Self>) {
        if self.draining {
            return;
        }
        if !self.round.complete {
            self.tell_sync();
        }
        for worker in 0..self.threads.len() {
            let now = Instant::now();
            let thread = &mut self.threads[worker];
            if thread.actor.connected() {
                continue;
            }
            let due = *thread.due.get_or_insert_with(|| {
                let pause = thread.backoff.after(now - thread.begun);
                tracing::error!(worker, pause_ms = pause.as_millis(), "a worker died; it is started again");
                thread.serves = 0;
                if std::mem::take(&mut self.round.complete) {
                    (self.round.begun, self.round.since, self.round.failed) = (now, None, false);
                }
                now + pause
            });
            if now < due {
                continue;
            }
            if !thread.arbiter.spawn_fn(|| ()) {
                tracing::error!(worker, "its thread is gone; it gets a new one");
                thread.arbiter = Arbiter::new();
            }
            thread.actor = start(worker, &thread.arbiter, self.make.clone());
            thread.begun = now;
            thread.due = None;
            if self.announced {
                self.threads[worker].actor.do_send(AnnounceDrain);
            }
            self.apply_to(worker, ctx);
        }
    }
}

fn start<W: Worker>(worker: usize, arbiter: &Arbiter, make: MakeWorker<W>) -> Addr<W> {
    W::start_in_arbiter(&arbiter.handle(), move |_| make(worker))
}

impl<W: Worker> Actor for Workers<W> {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.run_interval(LOOK_EVERY, Self::look);
    }
}

impl<W: Worker> Drop for Workers<W> {
    fn drop(&mut self) {
        for thread in &self.threads {
            thread.arbiter.stop();
        }
    }
}

impl<W: Worker> Handler<Publish> for Workers<W> {
    type Result = ();

    fn handle(&mut self, publish: Publish, ctx: &mut Self::Context) {
        let since = publish.since;
        // The series of its objects begin before the first request counts.
        self.status.telemetry.plan_applied(&publish.plan);
        self.status.set_plan(publish.plan.clone());
        self.status.set_endpoints(publish.endpoints.clone());
        self.last = Some(publish);
        if self.draining {
            return;
        }
        self.bind(ctx);
        self.apply_all(Some(since), ctx);
    }
}

impl<W: Worker> Handler<EndpointsChanged> for Workers<W> {
    type Result = ();

    fn handle(&mut self, changed: EndpointsChanged, _: &mut Self::Context) {
        if let Some(last) = &mut self.last {
            Arc::make_mut(&mut last.endpoints).insert(changed.service.clone(), changed.endpoints.clone());
            self.status.set_endpoints(last.endpoints.clone());
        }
        for thread in &self.threads {
            thread.actor.do_send(changed.clone());
        }
    }
}

impl<W: Worker> Handler<AnnounceDrain> for Workers<W> {
    type Result = ();

    fn handle(&mut self, announce: AnnounceDrain, _: &mut Self::Context) {
        self.announced = true;
        for thread in &self.threads {
            thread.actor.do_send(announce);
        }
    }
}

impl<W: Worker> Handler<Drain> for Workers<W> {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, drain: Drain, ctx: &mut Self::Context) -> Self::Result {
        self.draining = true;
        self.sockets.close();
        if let Some(timer) = self.bind_timer.take() {
            ctx.cancel_future(timer);
        }
        let actors: Vec<_> = self.threads.iter().map(|thread| thread.actor.clone()).collect();
        Box::pin(async move {
            tokio::time::sleep(LAST_HANDSHAKES).await;
            let answers = actors.iter().map(|actor| actor.send(drain));
            if timeout(drain.timeout + DRAIN_GRACE, join_all(answers)).await.is_err() {
                tracing::warn!("some workers did not end their requests in time");
            }
        })
    }
}

/// The address of one worker, for tests that kill it.
#[cfg(test)]
#[derive(Message)]
#[rtype(result = "Option<actix::WeakAddr<W>>")]
pub(crate) struct AddressOf<W: Worker> {
    worker: usize,
    kind: std::marker::PhantomData<fn() -> W>,
}

#[cfg(test)]
impl<W: Worker> Handler<AddressOf<W>> for Workers<W> {
    type Result = Option<actix::WeakAddr<W>>;

    fn handle(&mut self, of: AddressOf<W>, _: &mut Self::Context) -> Self::Result {
        self.threads.get(of.worker).map(|thread| thread.actor.downgrade())
    }
}
