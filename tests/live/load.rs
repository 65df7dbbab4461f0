//! Clients that ask all the time while a configuration goes from one state to the next.

use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// The longest that anything is waited for.
pub const PATIENCE: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(1);

/// Knows which states of the configuration may be served, and how far each client has got. States are counted from 0.
pub struct Load {
    begun: AtomicUsize,
    applied: AtomicUsize,
    over: AtomicBool,
    turns: Vec<AtomicUsize>,
}

impl Load {
    /// For this many clients.
    pub fn new(clients: usize) -> Self {
        let turns = (0..clients).map(|_| AtomicUsize::new(0)).collect();
        Self { begun: AtomicUsize::new(0), applied: AtomicUsize::new(0), over: AtomicBool::new(false), turns }
    }

    /// Is one of the clients: takes one turn after another until the load is over. A failure ends the load for all.
    pub fn client(&self, number: usize, mut turn: impl FnMut()) {
        let _end = EndOnFailure(self);
        while !self.over.load(Ordering::SeqCst) {
            turn();
            self.turns[number].fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Makes a request, and says which states were valid at some time between its beginning and its end.
    pub fn request<T>(&self, request: impl FnOnce() -> T) -> (T, RangeInclusive<usize>) {
        let first = self.applied.load(Ordering::SeqCst);
        let result = request();
        (result, first..=self.begun.load(Ordering::SeqCst))
    }

    /// Goes on to the next state: `apply` is given its number, and returns when every worker serves it.
    pub fn change(&self, apply: impl FnOnce(usize)) {
        let next = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
        apply(next);
        self.applied.store(next, Ordering::SeqCst);
    }

    /// Waits until every client has made a request from its beginning to its end.
    pub fn wait_for_all(&self) {
        let before: Vec<_> = self.turns.iter().map(|turns| turns.load(Ordering::SeqCst)).collect();
        let deadline = Instant::now() + PATIENCE;
        // The first turn that ends may have begun before.
        while self.turns.iter().zip(&before).any(|(now, before)| now.load(Ordering::SeqCst) < before + 2) {
            assert!(!self.over.load(Ordering::SeqCst), "a client has failed");
            assert!(Instant::now() < deadline, "a client makes no progress");
            std::thread::sleep(PAUSE);
        }
    }

    /// Runs what happens meanwhile, and then ends the load. Returns the number of turns that were made by then.
    pub fn during(&self, meanwhile: impl FnOnce()) -> usize {
        let end = EndOnFailure(self);
        self.wait_for_all();
        meanwhile();
        self.wait_for_all();
        drop(end);
        self.over.store(true, Ordering::SeqCst);
        self.turns.iter().map(|turns| turns.load(Ordering::SeqCst)).sum()
    }
}

/// Lets nobody wait for a thread that has panicked.
struct EndOnFailure<'a>(&'a Load);

impl Drop for EndOnFailure<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.over.store(true, Ordering::SeqCst);
        }
    }
}
