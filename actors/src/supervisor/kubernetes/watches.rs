//! Which watches there are: some from the start, others as long as they are wanted. Each one is kept alive.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor as _, Recipient};
use kube::Client;
use tokio::sync::oneshot;
use tokio::sync::watch::Receiver;
use tokio::time::{Instant, interval, sleep};

use super::super::configuration::{Changed, Source};
use super::super::life::Backoff;
use super::resource::Target;
use super::watch::{End, Pace, Told, WatchSupervisor, Watched};
use crate::telemetry::Telemetry;

#[cfg(test)]
mod tests;

/// How often it is looked whether anybody is still told.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What the watches of one source share.
#[derive(Clone)]
struct Common {
    client: Client,
    pace: Pace,
    telemetry: Arc<Telemetry>,
    sink: Rc<dyn Told>,
}

/// A watch that is kept until this is dropped.
struct Kept {
    _wanted: oneshot::Sender<()>,
}

/// What is watched for as long as it is in here. A target with another number is watched anew, and so listed again.
pub type Numbered = BTreeMap<Target, u64>;

/// A source that watches `fixed`, and of the rest whatever `wanted` holds as of now.
pub fn source<T: From<Watched> + Send + 'static>(
    client: Client,
    pace: Pace,
    telemetry: Arc<Telemetry>,
    fixed: Vec<Target>,
    wanted: Receiver<Numbered>,
) -> Source<T> {
    Arc::new(move |sink: Recipient<Changed<T>>| {
        let common = Common { client: client.clone(), pace, telemetry: telemetry.clone(), sink: Rc::new(sink) };
        actix_rt::spawn(run(common, fixed.clone(), wanted.clone()));
    })
}

/// Ends, and with it every watch, when nobody is told any more.
async fn run(common: Common, fixed: Vec<Target>, mut wanted: Receiver<Numbered>) {
    let _fixed: Vec<_> = fixed.into_iter().map(|target| begin(&common, target)).collect();
    let mut kept: BTreeMap<Target, (u64, Kept)> = BTreeMap::new();
    let mut look = interval(LOOK_EVERY);
    wanted.mark_changed();
    while common.sink.connected() {
        tokio::select! {
            _ = look.tick() => {}
            changed = wanted.changed() => {
                if changed.is_err() {
                    return;
                }
                let now = wanted.borrow_and_update().clone();
                reconcile(&common, &mut kept, now);
            }
        }
    }
}

fn reconcile(common: &Common, kept: &mut BTreeMap<Target, (u64, Kept)>, now: Numbered) {
    kept.retain(|target, (number, _)| now.get(target) == Some(number));
    for (target, number) in now {
        kept.entry(target).or_insert_with_key(|target| (number, begin(common, target.clone())));
    }
}

fn begin(common: &Common, target: Target) -> Kept {
    let (wanted, unwanted) = oneshot::channel();
    actix_rt::spawn(keep(common.clone(), target, unwanted));
    Kept { _wanted: wanted }
}

/// Keeps one watch alive until nobody wants it.
async fn keep(common: Common, target: Target, mut unwanted: oneshot::Receiver<()>) {
    let mut backoff = Backoff::default();
    loop {
        let begun = Instant::now();
        let (alive, dead) = oneshot::channel();
        let Common { client, pace, telemetry, sink } = common.clone();
        let actor = WatchSupervisor::new(client, target.clone(), pace, telemetry, sink, alive).start();
        tokio::select! {
            _ = &mut unwanted => {
                actor.do_send(End);
                return;
            }
            _ = dead => {}
        }
        let pause = backoff.after(begun.elapsed());
        tracing::error!(watch = %target, pause_ms = pause.as_millis(), "a watch died; it is started again");
        sleep(pause).await;
    }
}
