//! Processes that end when the run ends, however it ends: each is ended by its own id, and the kernel ends it if this
//! program dies without a word.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::tools;

/// How long a process gets to end after SIGTERM.
const PATIENCE: Duration = Duration::from_secs(5);

/// What was started and not yet waited for, so that an id here belongs to no other process.
static RUNNING: Mutex<Vec<Pid>> = Mutex::new(Vec::new());

fn running() -> MutexGuard<'static, Vec<Pid>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `program`, on `core` only, and ended with the thread that starts it.
pub(crate) fn pinned(core: usize, program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("taskset");
    command.arg("-c").arg(core.to_string()).args(["setpriv", "--pdeathsig", "TERM", "--"]).arg(program);
    command.env("PATH", tools::path());
    command
}

/// A process in the background; it is ended when this is dropped.
#[derive(Debug)]
pub(crate) struct Process {
    name: String,
    child: Child,
    output: PathBuf,
}

impl Process {
    /// Starts `command`, with its standard error in `folder` and, unless `command` says otherwise, its standard output nowhere.
    pub(crate) fn start(name: &str, mut command: Command, folder: &Path) -> anyhow::Result<Self> {
        let output = folder.join(format!("{name}.stderr"));
        command.stdin(Stdio::null()).stderr(File::create(&output)?);
        let mut running = running();
        let child = command.spawn().with_context(|| format!("starting {name}"))?;
        running.push(Pid::from_child(&child));
        Ok(Self { name: name.to_owned(), child, output })
    }

    /// The process's id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// An error with its last words, if the process has ended.
    pub(crate) fn check(&mut self) -> anyhow::Result<()> {
        if let Some(status) = self.child.try_wait()? {
            forget(&self.child);
            bail!("{} has ended ({status}): {}", self.name, self.last_words());
        }
        Ok(())
    }

    /// Waits until it ends by itself.
    pub(crate) fn wait(mut self) -> anyhow::Result<ExitStatus> {
        let status = self.child.wait().with_context(|| format!("waiting for {}", self.name))?;
        forget(&self.child);
        Ok(status)
    }

    /// The last lines that it wrote to standard error.
    pub(crate) fn last_words(&self) -> String {
        let text = fs::read_to_string(&self.output).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(5)..].join(" | ")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let pid = Pid::from_child(&self.child);
        if !running().contains(&pid) {
            return;
        }
        let _ = kill_process(pid, Signal::TERM);
        let deadline = Instant::now() + PATIENCE;
        while matches!(self.child.try_wait(), Ok(None)) {
            if Instant::now() > deadline {
                let _ = kill_process(pid, Signal::KILL);
                let _ = self.child.wait();
                break;
            }
            thread::sleep(Duration::from_millis(5));
        }
        forget(&self.child);
    }
}

/// To be called only when the process has been waited for.
fn forget(child: &Child) {
    let pid = Pid::from_child(child);
    running().retain(|other| *other != pid);
}

/// Runs `command` to its end and gives what it wrote to standard output; an error if it fails.
pub(crate) fn output_of(name: &str, mut command: Command, folder: &Path) -> anyhow::Result<String> {
    let path = folder.join(format!("{name}.stdout"));
    command.stdout(File::create(&path)?);
    let process = Process::start(name, command, folder)?;
    let errors = process.output.clone();
    let status = process.wait()?;
    let output = fs::read_to_string(&path).with_context(|| format!("the output of {name}"))?;
    if !status.success() {
        bail!("{name} failed ({status}): {} {}", output.trim(), fs::read_to_string(errors).unwrap_or_default().trim());
    }
    Ok(output)
}

/// On SIGINT and SIGTERM: ends every process, removes `folder`, and exits.
pub(crate) fn end_with_signals(folder: PathBuf) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (installed, ready) = std::sync::mpsc::channel();
    thread::Builder::new().name("signals".into()).spawn(move || {
        runtime.block_on(async {
            use tokio::signal::unix::{SignalKind, signal};
            let signals = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
            let (Ok(mut interrupt), Ok(mut terminate)) = signals else { return };
            let _ = installed.send(());
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            end_everything(&folder);
        });
    })?;
    ready.recv().context("watching for signals")
}

fn end_everything(folder: &Path) -> ! {
    // The lock is kept until the process is gone: nothing is started any more.
    let running = running();
    for pid in running.iter() {
        let _ = kill_process(*pid, Signal::TERM);
    }
    let deadline = Instant::now() + PATIENCE;
    while running.iter().any(|pid| !is_gone(*pid)) && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(5));
    }
    for pid in running.iter().filter(|pid| !is_gone(**pid)) {
        let _ = kill_process(*pid, Signal::KILL);
    }
    let _ = fs::remove_dir_all(folder);
    eprintln!("postern-bench: interrupted");
    std::process::exit(130)
}

/// Whether a child has ended; it stays a zombie as long as nobody waits for it.
fn is_gone(pid: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
    crate::sample::state(&stat).is_none_or(|state| state == 'Z')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleeping(folder: &Path) -> Process {
        let mut command = Command::new("sleep");
        command.arg("1000");
        Process::start("sleep", command, folder).unwrap()
    }

    #[test]
    fn a_dropped_process_has_ended() {
        let folder = tempfile::tempdir().unwrap();
        let process = sleeping(folder.path());
        let pid = Pid::from_child(&process.child);
        assert!(!is_gone(pid) && running().contains(&pid));
        drop(process);
        assert!(is_gone(pid) && !running().contains(&pid));
    }

    #[test]
    fn a_process_that_ended_by_itself_is_an_error_with_its_last_words() {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "echo no such luck >&2; exit 3"]);
        let mut process = Process::start("sh", command, folder.path()).unwrap();
        let deadline = Instant::now() + PATIENCE;
        let error = loop {
            match process.check() {
                Err(error) => break error.to_string(),
                Ok(()) => assert!(Instant::now() < deadline, "it does not end"),
            }
        };
        assert!(error.contains("no such luck") && error.contains('3'), "{error}");
    }

    #[test]
    fn the_output_of_a_command_that_fails_is_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        let run = |script: &str| {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            output_of("sh", command, folder.path())
        };
        assert_eq!(run("echo well").unwrap(), "well\n");
        assert!(run("echo well; exit 1").is_err());
    }
}
