//! Following files and folders. Events of the system's watcher only say that it is time to look; what changed is found
//! by looking (see [`tracker`]), which a slow rescan does as well, where a watcher sees nothing.
//!
//! All of the IO is done on blocking threads.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix::{Actor, ActorContext as _, ActorFutureExt as _, AsyncContext as _, Context, Handler, Message, Recipient};
use actix::{Addr, WrapFuture as _};
use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};

use super::configuration::Changed;

pub mod listing;
pub mod tracker;

#[cfg(test)]
mod tests;

use listing::FileId;
use tracker::{Pass, Tracker};

/// Files that came, changed or went.
#[derive(Debug, Default)]
pub struct FileEvents {
    /// These are all of the files: any other that was told before is gone.
    pub whole: bool,
    /// In order of their paths.
    pub changes: Vec<FileChange>,
}

/// What became of one file.
#[derive(Debug)]
pub struct FileChange {
    /// As it was found under the path that was asked for.
    pub path: PathBuf,
    /// Its text, or why it cannot be read; `None` if it is gone.
    pub contents: Option<io::Result<String>>,
}

/// Reads every file under the paths once.
pub fn read_once(paths: &[PathBuf]) -> FileEvents {
    let mut tracker = Tracker::new(paths.to_vec());
    FileEvents { whole: true, changes: tracker.pass(std::time::Instant::now()).changes }
}

/// Follows files and folders, and tells first all of them, then what changes.
pub struct FileWatch {
    paths: Vec<PathBuf>,
    fixed: Vec<(PathBuf, Arc<str>)>,
    rescan: Duration,
    sink: Recipient<Changed<FileEvents>>,
    /// `None` while a pass is under way.
    tracker: Option<Tracker>,
    first: bool,
    again: bool,
    timer: Option<actix::SpawnHandle>,
    watcher: Option<RecommendedWatcher>,
    watched: BTreeMap<PathBuf, FileId>,
    stirred: Arc<AtomicBool>,
}

impl FileWatch {
    /// How long after an event to look: what comes together is seen together.
    const AFTER_EVENT: Duration = Duration::from_millis(10);
    /// The default of how often to look without an event.
    pub const RESCAN: Duration = Duration::from_secs(5);

    /// Follows `paths`; `fixed` is told as well and never changes (standard input).
    pub fn new(paths: Vec<PathBuf>, fixed: Vec<(PathBuf, Arc<str>)>, sink: Recipient<Changed<FileEvents>>) -> Self {
        Self {
            tracker: Some(Tracker::new(paths.clone())),
            paths,
            fixed,
            rescan: Self::RESCAN,
            sink,
            first: true,
            again: false,
            timer: None,
            watcher: None,
            watched: BTreeMap::new(),
            stirred: Arc::default(),
        }
    }

    /// Looks this often without an event.
    #[must_use]
    pub fn rescan_every(mut self, rescan: Duration) -> Self {
        self.rescan = rescan;
        self
    }

    fn look(&mut self, ctx: &mut Context<Self>) {
        if let Some(timer) = self.timer.take() {
            ctx.cancel_future(timer);
        }
        let Some(mut tracker) = self.tracker.take() else {
            self.again = true;
            return;
        };
        self.stirred.store(false, Ordering::SeqCst);
        let work = tokio::task::spawn_blocking(move || {
            let pass = tracker.pass(std::time::Instant::now());
            (tracker, pass)
        });
        ctx.spawn(work.into_actor(self).map(|outcome, actor, ctx| match outcome {
            Ok((tracker, pass)) => {
                actor.tracker = Some(tracker);
                actor.looked(pass, ctx);
            }
            Err(error) => {
                tracing::error!(%error, "looking at the files failed by a fault of ours");
                ctx.stop();
            }
        }));
    }

    fn looked(&mut self, pass: Pass, ctx: &mut Context<Self>) {
        let whole = std::mem::take(&mut self.first);
        if whole || !pass.changes.is_empty() {
            let mut changes = pass.changes;
            if whole {
                changes.extend(
                    self.fixed
                        .iter()
                        .map(|(path, text)| FileChange { path: path.clone(), contents: Some(Ok(text.to_string())) }),
                );
            }
            self.sink.do_send(Changed(FileEvents { whole, changes }));
        }
        if pass.watch != self.watched {
            self.watch(pass.watch, ctx);
        } else if std::mem::take(&mut self.again) {
            self.look(ctx);
        } else if let Some(pause) = pass.again {
            self.look_in(pause, ctx);
        }
    }

    fn look_in(&mut self, pause: Duration, ctx: &mut Context<Self>) {
        if self.timer.is_none() {
            self.timer = Some(ctx.run_later(pause, |actor, ctx| {
                actor.timer = None;
                actor.look(ctx);
            }));
        }
    }

    /// Watches these folders, and looks again: what happened until now was not seen.
    fn watch(&mut self, folders: BTreeMap<PathBuf, FileId>, ctx: &mut Context<Self>) {
        self.watched.clone_from(&folders);
        let files: Vec<_> = self.paths.clone();
        let (address, stirred) = (ctx.address(), self.stirred.clone());
        let old = self.watcher.take();
        let work = tokio::task::spawn_blocking(move || {
            drop(old);
            watcher(folders.keys(), &files, address, stirred)
        });
        ctx.spawn(work.into_actor(self).map(|watcher, actor, ctx| {
            match watcher {
                Ok(Ok(watcher)) => actor.watcher = Some(watcher),
                Ok(Err(error)) => {
                    let seconds = actor.rescan.as_secs_f64();
                    tracing::warn!(%error, "no watching; the files are looked at every {seconds} seconds");
                }
                Err(error) => tracing::error!(%error, "watching failed by a fault of ours"),
            }
            actor.look(ctx);
        }));
    }
}

fn watcher<'a>(
    folders: impl Iterator<Item = &'a PathBuf>,
    roots: &[PathBuf],
    address: Addr<FileWatch>,
    stirred: Arc<AtomicBool>,
) -> notify::Result<RecommendedWatcher> {
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        if event.is_ok_and(|event| !matters(event.kind)) {
            return;
        }
        if !stirred.swap(true, Ordering::SeqCst) {
            address.do_send(Stirred);
        }
    })?;
    for folder in folders {
        let mode = if roots.iter().any(|root| root == folder) {
            RecursiveMode::Recursive
        } else {
            RecursiveMode::NonRecursive
        };
        watcher.watch(folder, mode)?;
    }
    Ok(watcher)
}

/// Reading a file is an event too, and would never end.
fn matters(kind: EventKind) -> bool {
    !matches!(kind, EventKind::Access(access) if access != AccessKind::Close(AccessMode::Write))
}

/// The folder of a file that was asked for by itself.
fn folder_of(file: &Path) -> PathBuf {
    match file.parent() {
        Some(parent) if parent != Path::new("") => parent.to_path_buf(),
        _ => PathBuf::from("."),
    }
}

/// The watcher saw something.
#[derive(Message)]
#[rtype(result = "()")]
struct Stirred;

impl Handler<Stirred> for FileWatch {
    type Result = ();

    fn handle(&mut self, _: Stirred, ctx: &mut Self::Context) {
        if let Some(timer) = self.timer.take() {
            ctx.cancel_future(timer);
        }
        self.look_in(Self::AFTER_EVENT, ctx);
    }
}

impl Actor for FileWatch {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.look(ctx);
        ctx.run_interval(self.rescan, |actor, ctx| {
            if actor.sink.connected() {
                actor.look(ctx);
            } else {
                ctx.stop();
            }
        });
    }
}
