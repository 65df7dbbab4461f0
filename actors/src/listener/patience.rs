//! How long an exchange may stand still, and who is to blame if it does: the client while it is waited for, and else the
//! backend. It must not know what an exchange is made of.

use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Instant;

use super::alarm::{Alarm, after};
use super::settings::WorkerSettings;
use crate::outcome::Reason;
use crate::plan::rule::Timeouts;

/// The nearer of a rule's time-outs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Deadline {
    pub(super) at: Instant,
    pub(super) reason: Reason,
}

impl Deadline {
    /// For an attempt that begins now, of a request that began at `began`.
    pub(super) fn of(timeouts: Timeouts, began: Instant) -> Option<Self> {
        let limited = |limit: Option<Duration>| limit.filter(|limit| !limit.is_zero());
        let request =
            limited(timeouts.request).map(|limit| Self { at: after(began, limit), reason: Reason::RequestTimeout });
        let attempt = limited(timeouts.backend_request)
            .map(|limit| Self { at: after(Instant::now(), limit), reason: Reason::BackendRequestTimeout });
        request.into_iter().chain(attempt).min_by_key(|deadline| deadline.at)
    }
}

/// Whom an exchange waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Party {
    /// The client, which sends nothing of its body or takes nothing of the response.
    Client,
    /// The backend, which has the request and has not answered.
    Answer,
    /// The backend, which takes nothing of the request or sends nothing of its body.
    Backend,
}

/// The limits of an exchange.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    client: Duration,
    /// None where the rule has a time-out of its own.
    answer: Option<Duration>,
    backend: Duration,
    deadline: Option<Deadline>,
}

impl Patience {
    pub(super) fn new(settings: &WorkerSettings, timeouts: Timeouts, deadline: Option<Deadline>) -> Self {
        Self {
            client: settings.body_timeout,
            answer: Some(settings.response_timeout).filter(|_| timeouts == Timeouts::default()),
            backend: settings.response_body_timeout,
            deadline,
        }
    }

    fn limit(&self, party: Party) -> (Option<Duration>, Reason) {
        match party {
            Party::Client => (Some(self.client), Reason::BodyTimeout),
            Party::Answer => (self.answer, Reason::ResponseTimeout),
            Party::Backend => (Some(self.backend), Reason::UpstreamTimeout),
        }
    }
}

/// Looks at an exchange whenever it has to wait.
#[derive(Debug)]
pub(super) struct Watch<'a> {
    alarm: &'a mut Alarm,
    patience: Patience,
    /// When it was first seen to wait after something had moved.
    since: Option<Instant>,
}

impl<'a> Watch<'a> {
    pub(super) fn new(alarm: &'a mut Alarm, patience: Patience) -> Self {
        Self { alarm, patience, since: None }
    }

    /// The exchange waits for `party`; `moved` says whether anything has moved since this was called last. Ready when the
    /// time is over, with the word for it.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, moved: bool, party: Party) -> Poll<Reason> {
        let since = match self.since {
            Some(since) if !moved => since,
            _ => *self.since.insert(Instant::now()),
        };
        let (limit, reason) = self.patience.limit(party);
        let stalled = limit.map(|limit| Deadline { at: after(since, limit), reason });
        let next = stalled.into_iter().chain(self.patience.deadline).min_by_key(|deadline| deadline.at);
        next.map_or(Poll::Pending, |next| self.alarm.poll(cx, next.at).map(|()| next.reason))
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn settings() -> WorkerSettings {
        WorkerSettings {
            body_timeout: 3 * SECOND,
            response_timeout: 5 * SECOND,
            response_body_timeout: 7 * SECOND,
            ..WorkerSettings::default()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn each_party_has_its_limit_from_when_something_moved_last() {
        let mut alarm = Alarm::default();
        let mut watch = Watch::new(&mut alarm, Patience::new(&settings(), Timeouts::default(), None));
        for (party, seconds, reason) in [
            (Party::Client, 3, Reason::BodyTimeout),
            (Party::Answer, 5, Reason::ResponseTimeout),
            (Party::Backend, 7, Reason::UpstreamTimeout),
            (Party::Client, 3, Reason::BodyTimeout),
        ] {
            let begin = Instant::now();
            let mut moved = true;
            let given = poll_fn(|cx| watch.poll(cx, std::mem::take(&mut moved), party)).await;
            assert_eq!((given, begin.elapsed()), (reason, seconds * SECOND), "{party:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_rule_may_have_no_limit_at_all() {
        let timeouts = Timeouts { request: Some(Duration::ZERO), backend_request: None };
        assert_eq!(Deadline::of(timeouts, Instant::now()), None);
        let mut alarm = Alarm::default();
        let mut watch = Watch::new(&mut alarm, Patience::new(&settings(), timeouts, None));
        let given = poll_fn(|cx| watch.poll(cx, false, Party::Answer));
        assert!(tokio::time::timeout(1000 * SECOND, given).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_rule_has_its_own_way_with_answers_and_never_with_bodies() {
        let (request, backend_request) = (Some(20 * SECOND), Some(10 * SECOND));
        let timeouts = Timeouts { request, backend_request };
        let began = Instant::now();
        tokio::time::sleep(12 * SECOND).await;
        let deadline = Deadline::of(timeouts, began);
        assert_eq!(deadline, Some(Deadline { at: began + 20 * SECOND, reason: Reason::RequestTimeout }));
        let mut alarm = Alarm::default();
        let mut watch = Watch::new(&mut alarm, Patience::new(&settings(), timeouts, deadline));
        assert_eq!(poll_fn(|cx| watch.poll(cx, false, Party::Answer)).await, Reason::RequestTimeout);
        let deadline = Deadline::of(Timeouts { request: None, backend_request }, began);
        let mut watch = Watch::new(&mut alarm, Patience::new(&settings(), timeouts, deadline));
        assert_eq!(poll_fn(|cx| watch.poll(cx, false, Party::Client)).await, Reason::BodyTimeout);
    }
}
