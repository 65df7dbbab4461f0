//! One timer for everything that is waited for with a set of buffers. A timer costs most when it is set to an earlier time
//! and when it is made; so this one is made once, and when what it was set for is over, it is left as it is: it asks again
//! when it goes off. A warm connection pays for a look at the clock, no more.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// Further away than anybody waits.
const FAR: Duration = Duration::from_hours(24 * 365);

/// A timer that is used again and again.
#[derive(Debug, Default)]
pub(super) struct Alarm(Option<Pin<Box<Sleep>>>);

impl Alarm {
    /// Ready when `due` has passed.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, due: Instant) -> Poll<()> {
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep_until(due)));
        if sleep.deadline() > due {
            sleep.as_mut().reset(due);
        }
        loop {
            ready!(sleep.as_mut().poll(cx));
            if due <= Instant::now() {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(due);
        }
    }

    /// What comes of `future`, or `None` if it is not done within `limit` from when it first has to wait.
    pub(super) async fn within<F: Future>(&mut self, limit: Duration, future: F) -> Option<F::Output> {
        let mut future = pin!(future);
        let mut due = None;
        poll_fn(|cx| {
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                return Poll::Ready(Some(output));
            }
            let due = *due.get_or_insert_with(|| after(Instant::now(), limit));
            self.poll(cx, due).map(|()| None)
        })
        .await
    }
}

/// The end of `limit` from `since` on; a limit may be as long as its type permits.
pub(super) fn after(since: Instant, limit: Duration) -> Instant {
    since.checked_add(limit).unwrap_or_else(|| since + FAR)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn rings(alarm: &mut Alarm, due: Instant) -> Instant {
        poll_fn(|cx| alarm.poll(cx, due)).await;
        Instant::now()
    }

    #[tokio::test(start_paused = true)]
    async fn it_rings_when_it_is_due_whatever_it_was_set_for_before() {
        let begin = Instant::now();
        let mut alarm = Alarm::default();
        // Set for one time and given up, then for another one: earlier, later, the same, and one that is over.
        for (given_up, due) in [(6, 5), (7, 9), (10, 10), (12, 3)] {
            let [given_up, due] = [given_up, due].map(|seconds| begin + Duration::from_secs(seconds));
            assert!(futures_util::poll!(pin!(rings(&mut alarm, given_up))).is_pending());
            let expected = due.max(Instant::now());
            assert_eq!(rings(&mut alarm, due).await, expected);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_done_in_time_is_not_cut() {
        let mut alarm = Alarm::default();
        let second = Duration::from_secs(1);
        assert_eq!(alarm.within(second, std::future::ready(1)).await, Some(1));
        assert_eq!(alarm.within(second, tokio::time::sleep(second / 2)).await, Some(()));
        let begin = Instant::now();
        assert_eq!(alarm.within(second, std::future::pending::<()>()).await, None);
        assert_eq!(begin.elapsed(), second);
        assert_eq!(alarm.within(Duration::MAX, tokio::time::sleep(second)).await, Some(()));
    }
}
