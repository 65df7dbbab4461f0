//! The access log: one line a request, written by a thread of its own.
//!
//! A worker writes its lines into a buffer that only the writer shares with it, and only to take it away whole: in the
//! steady state a line costs neither an allocation nor a system call. When nobody reads the log, lines are dropped and
//! counted, and no request waits.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::Thread;
use std::time::Duration;

use prometheus::IntCounter;

use super::record::RequestRecord;
use line::Lines;

mod address;
mod field;
mod line;
mod text;
mod time;
mod tls;

#[cfg(test)]
mod tests;

/// How a line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// `key=value`
    Text,
    /// A JSON object.
    Json,
}

/// A worker's lines may take so many bytes before they are dropped.
const LIMIT: usize = 1 << 20;

/// How long lines are gathered before they are written.
const GATHER: Duration = Duration::from_millis(10);

/// How long the end of the log is waited for. Output that nobody reads must not keep the process from ending.
const PATIENCE: Duration = Duration::from_secs(2);

/// The log of all workers.
#[derive(Debug)]
pub(super) struct AccessLog {
    format: LogFormat,
    shared: Arc<Shared>,
    /// `None` if no thread could be started, or the log is closed.
    writer: Mutex<Option<Writer>>,
}

#[derive(Debug)]
struct Writer {
    thread: Thread,
    /// Disconnected when the thread ends.
    ended: Receiver<()>,
}

#[derive(Debug)]
struct Shared {
    buffers: Mutex<Vec<Arc<Mutex<Vec<u8>>>>>,
    closing: AtomicBool,
    dropped: IntCounter,
}

/// One worker's end of it.
#[derive(Debug)]
pub(super) struct Sink {
    lines: Lines,
    buffer: Arc<Mutex<Vec<u8>>>,
    writer: Option<Thread>,
    dropped: IntCounter,
}

impl AccessLog {
    pub(super) fn start(format: LogFormat, output: Box<dyn Write + Send>, dropped: IntCounter) -> Self {
        let shared = Arc::new(Shared { buffers: Mutex::default(), closing: AtomicBool::new(false), dropped });
        let (ends, ended) = std::sync::mpsc::channel();
        let run = {
            let shared = shared.clone();
            move || {
                let _ends: Sender<()> = ends;
                shared.run(output);
            }
        };
        let writer = match std::thread::Builder::new().name("access-log".into()).spawn(run) {
            Ok(handle) => Some(Writer { thread: handle.thread().clone(), ended }),
            Err(error) => {
                tracing::error!(%error, "no thread for the access log; its lines are dropped");
                None
            }
        };
        Self { format, shared, writer: Mutex::new(writer) }
    }

    pub(super) fn sink(&self) -> Sink {
        let buffer = Arc::new(Mutex::new(Vec::new()));
        lock(&self.shared.buffers).push(buffer.clone());
        let writer = lock(&self.writer).as_ref().map(|writer| writer.thread.clone());
        Sink { lines: Lines::new(self.format), buffer, writer, dropped: self.shared.dropped.clone() }
    }

    /// Returns when every line is written, or nobody takes them any more. Later lines are lost.
    pub(super) fn close(&self) {
        let Some(writer) = lock(&self.writer).take() else { return };
        self.shared.closing.store(true, Ordering::Release);
        writer.thread.unpark();
        if writer.ended.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            tracing::warn!("the access log could not be written to its end");
        }
    }
}

impl Drop for AccessLog {
    fn drop(&mut self) {
        self.close();
    }
}

impl Sink {
    /// The part of a line that [`write`](Self::write) takes for all requests of one class.
    pub(super) fn way(&self, record: &RequestRecord<'_>) -> Box<[u8]> {
        self.lines.way(record)
    }

    pub(super) fn write(&mut self, record: &RequestRecord<'_>, way: &[u8]) {
        let time = jiff::Timestamp::now();
        let mut buffer = lock(&self.buffer);
        let Some(writer) = self.writer.as_ref().filter(|_| buffer.len() < LIMIT) else {
            self.dropped.inc();
            return;
        };
        let wakes = buffer.is_empty();
        self.lines.write(&mut buffer, record, way, time);
        drop(buffer);
        if wakes {
            writer.unpark();
        }
    }
}

impl Shared {
    fn run(&self, mut output: Box<dyn Write + Send>) {
        let mut taken = Vec::new();
        loop {
            let closing = self.closing.load(Ordering::Acquire);
            let mut wrote = false;
            for buffer in self.current() {
                taken.clear();
                std::mem::swap(&mut taken, &mut *lock(&buffer));
                if taken.is_empty() {
                    continue;
                }
                wrote = true;
                if output.write_all(&taken).is_err() {
                    self.dropped.inc_by(taken.split_inclusive(|byte| *byte == b'\n').count() as u64);
                }
            }
            if wrote {
                // What cannot be flushed shows as an error of the next write.
                let _ = output.flush();
            }
            if closing {
                return;
            }
            if wrote {
                std::thread::sleep(GATHER);
            } else {
                std::thread::park();
            }
        }
    }

    /// The buffers, without those whose worker is gone and has left nothing.
    fn current(&self) -> Vec<Arc<Mutex<Vec<u8>>>> {
        let mut buffers = lock(&self.buffers);
        buffers.retain(|buffer| Arc::strong_count(buffer) > 1 || !lock(buffer).is_empty());
        buffers.clone()
    }
}

/// A panic elsewhere leaves text as good as it was.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
