//! Restart of what died: an actor that panics is gone (its runtime catches the panic and drops it), so whoever keeps it
//! sees its address close and starts another, with a pause that grows while it dies young.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;

use actix::{Actor, Addr};
use tokio::time::{Instant, sleep};

/// How often an address is looked at.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The pause before the next start: 20 ms at first, twice that after each early death, 5 s at the most.
#[derive(Debug, Default)]
pub struct Backoff {
    early_deaths: u32,
}

impl Backoff {
    const FIRST: Duration = Duration::from_millis(20);
    const LONGEST: Duration = Duration::from_secs(5);
    /// Who lived this long did not die early.
    const GROWN_UP: Duration = Duration::from_secs(30);

    /// The pause after something that lived for `age`.
    pub fn after(&mut self, age: Duration) -> Duration {
        if age >= Self::GROWN_UP {
            self.early_deaths = 0;
        }
        let pause = Self::FIRST.saturating_mul(2u32.saturating_pow(self.early_deaths)).min(Self::LONGEST);
        self.early_deaths = self.early_deaths.saturating_add(1);
        pause
    }
}

/// Between a half and the whole of a pause, so that many do not come back at once.
pub(crate) fn jittered(pause: Duration) -> Duration {
    let random = RandomState::new().build_hasher().finish() % 1000;
    pause.mul_f64(0.5 + random as f64 / 2000.0)
}

/// Keeps an actor alive: starts it, and again whenever it dies, for as long as `wanted` says so.
pub async fn keep<A: Actor>(name: &'static str, mut start: impl FnMut() -> Addr<A>, wanted: impl Fn() -> bool) {
    let mut backoff = Backoff::default();
    while wanted() {
        let begun = Instant::now();
        let actor = start();
        while actor.connected() {
            sleep(LOOK_EVERY).await;
            if !wanted() {
                return;
            }
        }
        let pause = backoff.after(begun.elapsed());
        tracing::error!(actor = name, pause_ms = pause.as_millis(), "an actor died; it is started again");
        sleep(pause).await;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::rc::Rc;

    use actix::{Context, Handler, Message};

    use super::*;

    #[test]
    fn pauses_grow_to_a_limit_and_a_long_life_resets_them() {
        let mut backoff = Backoff::default();
        let young = Duration::from_secs(1);
        let pauses: Vec<_> = (0..10).map(|_| backoff.after(young).as_millis()).collect();
        assert_eq!(pauses, [20, 40, 80, 160, 320, 640, 1280, 2560, 5000, 5000]);
        assert_eq!(backoff.after(Duration::from_mins(1)).as_millis(), 20);
    }

    struct Mortal;

    impl Actor for Mortal {
        type Context = Context<Self>;
    }

    #[derive(Message)]
    #[rtype(result = "()")]
    struct Die;

    impl Handler<Die> for Mortal {
        type Result = ();
        fn handle(&mut self, _: Die, _: &mut Self::Context) {
            panic!("as the test asks");
        }
    }

    #[actix::test]
    async fn an_actor_that_panics_is_started_again_until_nobody_wants_it() {
        let starts = Rc::new(RefCell::new(Vec::new()));
        let wanted = Rc::new(Cell::new(true));
        let keeper = actix::spawn({
            let (starts, wanted) = (starts.clone(), wanted.clone());
            async move {
                let start = || {
                    let actor = Mortal.start();
                    starts.borrow_mut().push(actor.clone());
                    actor
                };
                keep("mortal", start, || wanted.get()).await;
            }
        });
        for life in 1..=3 {
            while starts.borrow().len() < life {
                sleep(Duration::from_millis(5)).await;
            }
            starts.borrow()[life - 1].do_send(Die);
        }
        while starts.borrow().len() < 4 {
            sleep(Duration::from_millis(5)).await;
        }
        wanted.set(false);
        keeper.await.expect("the keeper ends");
        assert!(starts.borrow()[3].connected(), "the last one was left alone");
    }
}
