//! The log of panics: where, and what it said. Who contains them knows what they cost; only a hook knows where they were.

use std::backtrace::{Backtrace, BacktraceStatus};

/// From now on every panic of the process is a line of the log, with a backtrace where `RUST_BACKTRACE` asks for one.
pub fn log() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let message = panic.payload_as_str().unwrap_or("it says nothing");
        let backtrace = Backtrace::capture();
        let thread = std::thread::current();
        let thread = thread.name().unwrap_or_default();
        if backtrace.status() == BacktraceStatus::Captured {
            tracing::error!(place, thread, %backtrace, "a panic: {message}");
        } else {
            tracing::error!(place, thread, "a panic: {message}");
        }
    }));
}
