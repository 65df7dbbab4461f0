//! How much work a client may make without anything coming of it. Frames that cost us more than they cost the client (PING,
//! SETTINGS, empty DATA, WINDOW_UPDATE, RST_STREAM, whatever kind) take from an allowance, and what a client does with us in
//! earnest gives back to it. A client that uses it up is told ENHANCE_YOUR_CALM (RFC 9113 section 10.5).
//!
//! `h2` itself bounds CONTINUATION frames (CVE-2024-27316), resets of streams that nobody has looked at yet, and resets that
//! a client provokes by breaking the rules (CVE-2025-8671).

use std::cell::Cell;

use tokio::time::Instant;

use super::frames::Frame;

/// DATA frames below this size cost more memory than the window that they take.
const SMALL: usize = 64;
/// Small DATA frames of all streams that may wait to be read: each takes about a quarter of a kilobyte.
pub(super) const MAX_UNREAD: u32 = 16 * 1024;
/// Frames without use, at once and for each second. A ping, a window or a setting now and then is nothing to these.
const FRAMES: f64 = 10_000.0;
const FRAMES_A_SECOND: f64 = 100.0;
/// What a request that was answered gives back: its HEADERS, and a few frames around it.
const ANSWERED: f64 = 8.0;
/// Bytes that we send for each frame that it takes to ask for them.
const WRITTEN: f64 = 32.0;
/// Requests that may be given up for each second, beside those at once.
const RESETS_A_SECOND: f64 = 10.0;

/// The allowance of one connection.
#[derive(Debug)]
pub(super) struct Calm {
    frames: Allowance,
    resets: Allowance,
    unread: Cell<u32>,
    lost: Cell<Option<&'static str>>,
}

impl Calm {
    /// `resets` is how many requests may be given up in a row.
    pub(super) fn new(resets: usize) -> Self {
        Self {
            frames: Allowance::new(FRAMES, FRAMES_A_SECOND),
            resets: Allowance::new(resets as f64, RESETS_A_SECOND),
            unread: Cell::new(0),
            lost: Cell::new(None),
        }
    }

    /// What the client has too much of, once it has.
    pub(super) fn lost(&self) -> Option<&'static str> {
        self.lost.get()
    }

    /// A frame has come in.
    pub(super) fn received(&self, frame: Frame) {
        let small = frame.length < SMALL || frame.is_padded();
        match frame.kind {
            Frame::DATA if small => {
                self.unread.set(self.unread.get() + 1);
                if self.unread.get() > MAX_UNREAD {
                    self.lost.set(Some("small DATA frames"));
                }
            }
            Frame::DATA => return,
            Frame::RESET if !self.resets.take() => self.lost.set(Some("resets")),
            _ => {}
        }
        if !self.frames.take() {
            self.lost.set(Some("frames"));
        }
    }

    /// A DATA frame with this much data has been read by the one for whom it is.
    pub(super) fn read(&self, data: usize) {
        if data < SMALL {
            self.unread.set(self.unread.get().saturating_sub(1));
        }
        if data > 0 && data < SMALL {
            self.frames.give(1.0);
        }
    }

    /// Bytes have been written to the client.
    pub(super) fn wrote(&self, bytes: usize) {
        self.frames.give(bytes as f64 / WRITTEN);
    }

    /// A response has been sent whole.
    pub(super) fn answered(&self) {
        self.frames.give(ANSWERED);
        self.resets.give(1.0);
    }

    /// No stream is open: what was never read is gone.
    pub(super) fn rest(&self) {
        self.unread.set(0);
    }
}

/// A bucket of tokens that fills up with time. The clock is looked at only when it is empty.
#[derive(Debug)]
struct Allowance {
    full: f64,
    a_second: f64,
    left: Cell<f64>,
    filled: Cell<Instant>,
}

impl Allowance {
    fn new(full: f64, a_second: f64) -> Self {
        Self { full, a_second, left: Cell::new(full), filled: Cell::new(Instant::now()) }
    }

    /// Takes one. False if there is none.
    fn take(&self) -> bool {
        if self.left.get() < 1.0 {
            let now = Instant::now();
            let passed = now.duration_since(self.filled.replace(now));
            self.give(passed.as_secs_f64() * self.a_second);
        }
        let enough = self.left.get() >= 1.0;
        if enough {
            self.left.set(self.left.get() - 1.0);
        }
        enough
    }

    fn give(&self, tokens: f64) {
        self.left.set((self.left.get() + tokens).min(self.full));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const PING: Frame = Frame { kind: 6, flags: 0, length: 8 };
    const EMPTY: Frame = Frame { kind: Frame::DATA, flags: 0, length: 0 };
    const RESET: Frame = Frame { kind: Frame::RESET, flags: 0, length: 4 };

    /// How many of these a new connection may send.
    fn bearable(frame: Frame, also: impl Fn(&Calm)) -> usize {
        let calm = Calm::new(100);
        (0..100_000)
            .find(|_| {
                calm.received(frame);
                also(&calm);
                calm.lost().is_some()
            })
            .unwrap_or(usize::MAX)
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_ends() {
        for (kind, flags, length, most) in [
            (2, 0, 5, 10_000),
            (4, 0, 0, 10_000),
            (6, 0, 8, 10_000),
            (8, 0, 4, 10_000),
            (9, 0, 0, 10_000),
            (99, 0, 0, 10_000),
            (Frame::DATA, 0, 0, 10_000),
            (Frame::DATA, 0, 1, 10_000),
            (Frame::DATA, 8, 16_384, 10_000),
            (Frame::RESET, 0, 4, 100),
        ] {
            assert_eq!(
                bearable(Frame { kind, flags, length }, |_| {}),
                most,
                "kind {kind}, flags {flags}, {length} bytes"
            );
        }
        // Nothing that is read is still nothing, and the answers to pings earn no pings.
        assert_eq!(bearable(EMPTY, |calm| calm.read(0)), 10_000);
        assert!(bearable(PING, |calm| calm.wrote(17)) < 25_000);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_of_use_is_no_flood() {
        assert_eq!(bearable(Frame { kind: Frame::DATA, flags: 0, length: 1000 }, |_| {}), usize::MAX);
        assert_eq!(bearable(Frame { length: 1, ..EMPTY }, |calm| calm.read(1)), usize::MAX);
        assert_eq!(bearable(RESET, Calm::answered), usize::MAX);
        assert_eq!(bearable(Frame { kind: 8, flags: 0, length: 4 }, |calm| calm.wrote(4096)), usize::MAX);
    }

    #[tokio::test(start_paused = true)]
    async fn data_that_nobody_reads_is_not_paid_for_by_other_streams() {
        let lost = bearable(EMPTY, |calm| {
            calm.read(10_000);
            calm.wrote(10_000);
            calm.answered();
        });
        assert_eq!(lost, MAX_UNREAD as usize);
    }

    #[tokio::test(start_paused = true)]
    async fn time_gives_back() {
        let calm = Calm::new(100);
        for _ in 0..100 {
            calm.received(RESET);
        }
        tokio::time::advance(Duration::from_secs(1)).await;
        for _ in 0..10 {
            calm.received(RESET);
        }
        assert_eq!(calm.lost(), None);
        calm.received(RESET);
        assert_eq!(calm.lost(), Some("resets"));
    }
}
