//! From changes to plans. Changes are taken in batches, translated on a blocking thread (never on a worker), and
//! published only where they differ from what is served.
//!
//! What a configuration means comes in through [`Configuration`]; where changes come from (files, an API server) is a
//! source that is started with the actor and again when it dies.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix::WrapFuture as _;
use actix::{Actor, ActorContext as _, ActorFutureExt as _, AsyncContext as _, Context, Handler, Message, Recipient};
use tokio::time::Instant;

use super::workers::Publish;
use crate::listener::message::EndpointsChanged;
use crate::plan::{Endpoints, Plan, ServicePort};

#[cfg(test)]
mod tests;

/// How far a change reaches. The greater one of a batch counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// Nothing that a translation reads.
    Nothing,
    /// Addresses only: nothing is translated again.
    Endpoints,
    /// Anything else.
    Everything,
}

/// The state of a configuration and what it means. Always called on a thread where it may take its time.
pub trait Configuration: Send + 'static {
    /// What a source tells.
    type Change: Send + Unpin + 'static;
    /// What is said of a translation, for whoever shows or writes it.
    type Report: Send + 'static;

    /// Takes a change in.
    fn change(&mut self, change: Self::Change) -> Effect;
    /// Translates the state as of now, or says what it waits for: then what is served stays.
    fn translate(&mut self) -> Result<(Plan, Endpoints, Self::Report), Pending>;
    /// The endpoints of these Service ports as of now.
    fn endpoints(&mut self, ports: &mut dyn Iterator<Item = &ServicePort>) -> Endpoints;
}

/// There is no whole state yet, for example since a kind could not be listed. A change will end it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pending;

/// A source tells a change.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Changed<T: Send + 'static>(pub T);

/// A translation has ended.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Translated<R: Send + 'static> {
    /// What is said of it.
    pub report: R,
    /// The plan that is served now.
    pub plan: Arc<Plan>,
    /// Whether that is another one than before.
    pub published: bool,
    /// How long it took.
    pub took: Duration,
}

/// Starts a source, which tells the recipient and ends when nobody is behind it.
pub type Source<T> = Arc<dyn Fn(Recipient<Changed<T>>)>;

/// Where the supervisor tells what it made.
pub struct Outlets<R: Send + 'static> {
    /// Takes plans.
    pub plans: Recipient<Publish>,
    /// Takes changes of addresses.
    pub endpoints: Recipient<EndpointsChanged>,
    /// Takes reports.
    pub reports: Recipient<Translated<R>>,
}

impl<R: Send + 'static> Clone for Outlets<R> {
    fn clone(&self) -> Self {
        let Self { plans, endpoints, reports } = self;
        Self { plans: plans.clone(), endpoints: endpoints.clone(), reports: reports.clone() }
    }
}

/// Turns changes into plans: the first at once, then at most one batch every [`Self::PACE`].
pub struct ConfigSupervisor<C: Configuration> {
    /// Kept by whoever restarts the actor, so that the last good state outlives it.
    configuration: Arc<Mutex<C>>,
    sources: Vec<Source<C::Change>>,
    outlets: Outlets<C::Report>,
    served: Option<(Arc<Plan>, Arc<Endpoints>)>,
    waiting: Vec<C::Change>,
    /// When the first of those that wait was told.
    since: Option<Instant>,
    refresh: bool,
    busy: bool,
    timer: bool,
    last_batch: Option<Instant>,
}

/// What a batch came to.
enum Batch<R> {
    Nothing,
    Pending,
    Endpoints(Endpoints),
    Translated { plan: Arc<Plan>, differs: bool, endpoints: Endpoints, report: R, took: Duration },
}

impl<C: Configuration> ConfigSupervisor<C> {
    /// The least time from one batch to the next.
    pub const PACE: Duration = Duration::from_millis(50);
    /// Everything is translated again this often, since certificates expire without a change.
    pub const REFRESH: Duration = Duration::from_mins(15);

    /// An actor over a state that others may have used before it.
    pub fn new(configuration: Arc<Mutex<C>>, sources: Vec<Source<C::Change>>, outlets: Outlets<C::Report>) -> Self {
        Self {
            configuration,
            sources,
            outlets,
            served: None,
            waiting: Vec::new(),
            since: None,
            refresh: false,
            busy: false,
            timer: false,
            last_batch: None,
        }
    }

    fn schedule(&mut self, ctx: &mut Context<Self>) {
        if self.busy || self.timer || (self.waiting.is_empty() && !self.refresh) {
            return;
        }
        let pause = self.last_batch.map_or(Duration::ZERO, |last| Self::PACE.saturating_sub(last.elapsed()));
        if pause.is_zero() {
            self.begin(ctx);
        } else {
            self.timer = true;
            ctx.run_later(pause, |actor, ctx| {
                actor.timer = false;
                actor.begin(ctx);
            });
        }
    }

    fn begin(&mut self, ctx: &mut Context<Self>) {
        self.busy = true;
        self.last_batch = Some(Instant::now());
        let configuration = self.configuration.clone();
        let changes = std::mem::take(&mut self.waiting);
        let since = self.since.take().unwrap_or_else(Instant::now);
        let refresh = std::mem::take(&mut self.refresh);
        let served = self.served.clone();
        let work = tokio::task::spawn_blocking(move || work(&configuration, changes, refresh, served));
        ctx.spawn(work.into_actor(self).map(move |outcome, actor, ctx| {
            actor.busy = false;
            match outcome {
                Ok(batch) => {
                    actor.finish(batch, since);
                    actor.schedule(ctx);
                }
                Err(panic) => {
                    tracing::error!(error = %panic, "a translation failed by a fault of ours; the last plan stays");
                    // Changes may be lost: the next life begins with sources that tell everything again.
                    ctx.stop();
                }
            }
        }));
    }

    fn finish(&mut self, batch: Batch<C::Report>, since: Instant) {
        match batch {
            // What says nothing keeps nobody waiting who says something next.
            Batch::Nothing | Batch::Pending => self.last_batch = None,
            Batch::Endpoints(endpoints) => self.tell_endpoints(&endpoints),
            Batch::Translated { plan, differs, endpoints, report, took } => {
                if differs {
                    let endpoints = Arc::new(endpoints);
                    self.served = Some((plan.clone(), endpoints.clone()));
                    self.outlets.plans.do_send(Publish { plan: plan.clone(), endpoints, since });
                } else {
                    self.tell_endpoints(&endpoints);
                }
                self.outlets.reports.do_send(Translated { report, plan, published: differs, took });
            }
        }
    }

    /// Tells what differs. A port that is no longer there is told as one without endpoints.
    fn tell_endpoints(&mut self, now: &Endpoints) {
        let Some((_, served)) = &mut self.served else { return };
        let gone = served.keys().filter(|port| !now.contains_key(*port)).map(|port| (port.clone(), [].into()));
        let news: Endpoints = now
            .iter()
            .filter(|(port, endpoints)| served.get(*port) != Some(*endpoints))
            .map(|(port, endpoints)| (port.clone(), endpoints.clone()))
            .chain(gone)
            .collect();
        if news.is_empty() {
            return;
        }
        let served = Arc::make_mut(served);
        for (service, endpoints) in news {
            served.insert(service.clone(), endpoints.clone());
            self.outlets.endpoints.do_send(EndpointsChanged { service, endpoints });
        }
    }
}

fn work<C: Configuration>(
    configuration: &Mutex<C>,
    changes: Vec<C::Change>,
    refresh: bool,
    served: Option<(Arc<Plan>, Arc<Endpoints>)>,
) -> Batch<C::Report> {
    let mut configuration = configuration.lock().unwrap_or_else(PoisonError::into_inner);
    let begun = std::time::Instant::now();
    let effect = changes.into_iter().map(|change| configuration.change(change)).max().unwrap_or(Effect::Nothing);
    match (effect, served) {
        (Effect::Nothing, Some(_)) if !refresh => Batch::Nothing,
        (Effect::Endpoints, Some((_, endpoints))) if !refresh => {
            Batch::Endpoints(configuration.endpoints(&mut endpoints.keys()))
        }
        (_, served) => {
            let Ok((plan, endpoints, report)) = configuration.translate() else {
                // Addresses go on, whatever is waited for.
                return served
                    .map_or(Batch::Pending, |(_, known)| Batch::Endpoints(configuration.endpoints(&mut known.keys())));
            };
            let (plan, differs) = match served {
                Some((served, _)) if *served == plan => (served, false),
                _ => (Arc::new(plan), true),
            };
            Batch::Translated { plan, differs, endpoints, report, took: begun.elapsed() }
        }
    }
}

impl<C: Configuration> Actor for ConfigSupervisor<C> {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        for source in &self.sources {
            source(ctx.address().recipient());
        }
        ctx.run_interval(Self::REFRESH, |actor, ctx| {
            actor.refresh = actor.served.is_some();
            actor.schedule(ctx);
        });
    }
}

impl<C: Configuration> Handler<Changed<C::Change>> for ConfigSupervisor<C> {
    type Result = ();

    fn handle(&mut self, Changed(change): Changed<C::Change>, ctx: &mut Self::Context) {
        self.waiting.push(change);
        self.since.get_or_insert_with(Instant::now);
        self.schedule(ctx);
    }
}
