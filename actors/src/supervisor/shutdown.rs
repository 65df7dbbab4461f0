//! The end: on SIGTERM or SIGINT the process says that it is not ready and ends each connection with its next response,
//! waits for that to be noticed, lets requests end, and exits with 0. A second signal ends it at once.

use std::time::Duration;

use actix::Recipient;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::listener::message::{AnnounceDrain, Drain};

/// How a drain goes.
#[derive(Debug, Clone, Copy)]
pub struct DrainSettings {
    /// From not ready to the end of accepting: time for load balancers to look elsewhere.
    pub delay: Duration,
    /// What requests get to end.
    pub timeout: Duration,
}

/// The signals that end the process.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Takes them over from now on.
    pub fn install() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for the next one.
    pub async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// Drains: `true` when all is done, `false` when a second signal came first.
pub async fn drain(
    signals: &mut Signals,
    settings: DrainSettings,
    not_ready: impl FnOnce(),
    announce: Recipient<AnnounceDrain>,
    workers: Recipient<Drain>,
) -> bool {
    not_ready();
    announce.do_send(AnnounceDrain);
    let orderly = async {
        if !settings.delay.is_zero() {
            tracing::info!(seconds = settings.delay.as_secs_f64(), "not ready any more; still taking requests");
            tokio::time::sleep(settings.delay).await;
        }
        if workers.send(Drain { timeout: settings.timeout }).await.is_err() {
            tracing::warn!("the workers are gone; nothing to drain");
        }
    };
    tokio::select! {
        () = orderly => true,
        signal = signals.next() => {
            tracing::warn!(signal, "a second signal: requests are cut");
            false
        }
    }
}
