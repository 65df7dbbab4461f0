//! The proxies that are compared. Each writes its own configuration for the same task, and runs one worker.

use std::fmt;
use std::fs;
use std::net::SocketAddr;
use std::ops::{Index, IndexMut};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use crate::certificates::{self, Certificates};
use crate::port::free_address;
use crate::process::Process;
use crate::request;
use crate::sample;

pub(crate) mod haproxy;
pub(crate) mod nginx;
pub(crate) mod postern;
pub(crate) mod routes;

/// How long a proxy gets until it answers.
const PATIENCE: Duration = Duration::from_mins(1);

/// One of the three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Debian's nginx.
    Nginx,
    /// Debian's HAProxy.
    Haproxy,
    /// This project.
    Postern,
}

impl Kind {
    /// In the order of the rounds.
    pub(crate) const ALL: [Self; 3] = [Self::Nginx, Self::Haproxy, Self::Postern];
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nginx => "nginx",
            Self::Haproxy => "HAProxy",
            Self::Postern => "Postern",
        })
    }
}

/// Something of each proxy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PerProxy<T>([T; 3]);

impl<T> PerProxy<T> {
    /// Makes one for each.
    pub(crate) fn of(make: impl FnMut(Kind) -> T) -> Self {
        Self(Kind::ALL.map(make))
    }

    /// Makes one for each, or fails with the first error.
    pub(crate) fn try_of(mut make: impl FnMut(Kind) -> anyhow::Result<T>) -> anyhow::Result<Self> {
        let [nginx, haproxy, postern] = Kind::ALL;
        Ok(Self([make(nginx)?, make(haproxy)?, make(postern)?]))
    }
}

impl<T> Index<Kind> for PerProxy<T> {
    type Output = T;

    fn index(&self, kind: Kind) -> &T {
        &self.0[kind as usize]
    }
}

impl<T> IndexMut<Kind> for PerProxy<T> {
    fn index_mut(&mut self, kind: Kind) -> &mut T {
        &mut self.0[kind as usize]
    }
}

/// What all three are asked to do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Task<'a> {
    /// Where the backend listens.
    pub(crate) backend: SocketAddr,
    /// As how many backends, each with a policy, Postern knows it: the routes take them in turn.
    pub(crate) backends: usize,
    /// The authority to verify it with, and the pair for the front.
    pub(crate) certificates: &'a Certificates,
    /// Whether sessions with the backend may be resumed.
    pub(crate) resumption: bool,
    /// How many routes there are (see [`routes`]); 1 takes every request.
    pub(crate) routes: usize,
    /// Whether there is an HTTPS listener that offers HTTP/2 as well.
    pub(crate) tls_in_front: bool,
    /// Whether each request is logged, to a file.
    pub(crate) access_log: bool,
    /// Whether nginx and HAProxy set the `X-Forwarded-*` and `X-Request-Id` fields that Postern always sets.
    pub(crate) forwarded: bool,
}

/// Where a proxy listens and keeps its files.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// Its plaintext listener.
    pub(crate) plain: SocketAddr,
    /// Its HTTPS listener, if the task has one.
    pub(crate) tls: SocketAddr,
    /// Its metrics, if it is Postern.
    pub(crate) metrics: SocketAddr,
    /// Its own folder.
    pub(crate) folder: PathBuf,
}

impl Place {
    fn write(&self, name: &str, text: impl AsRef<[u8]>) -> anyhow::Result<PathBuf> {
        let path = self.folder.join(name);
        fs::write(&path, text).with_context(|| path.display().to_string())?;
        Ok(path)
    }
}

/// A proxy that runs and answers.
#[derive(Debug)]
pub(crate) struct Proxy {
    /// Which of the three.
    pub(crate) kind: Kind,
    /// Where it listens.
    pub(crate) place: Place,
    /// The process that serves: of nginx its worker.
    pub(crate) worker: u32,
    process: Process,
}

impl Proxy {
    /// Starts it, and waits until it answers a request with the backend's file.
    pub(crate) fn start(
        kind: Kind,
        task: &Task<'_>,
        core: usize,
        postern: &Path,
        folder: &Path,
    ) -> anyhow::Result<Self> {
        let folder = folder.join(kind.to_string().to_lowercase());
        fs::create_dir_all(&folder)?;
        let place = Place { plain: free_address()?, tls: free_address()?, metrics: free_address()?, folder };
        let command: Command = match kind {
            Kind::Nginx => nginx::command(task, &place, core)?,
            Kind::Haproxy => haproxy::command(task, &place, core)?,
            Kind::Postern => postern::command(task, &place, core, postern)?,
        };
        let process = Process::start(&kind.to_string(), command, &place.folder)?;
        let mut proxy = Self { kind, worker: process.id(), place, process };
        proxy.wait_until_ready(task)?;
        if kind == Kind::Nginx {
            let workers = sample::children(proxy.worker)?;
            let [worker] = workers[..] else { bail!("nginx has the workers {workers:?}, not one") };
            proxy.worker = worker;
        }
        Ok(proxy)
    }

    fn wait_until_ready(&mut self, task: &Task<'_>) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        let (host, path) = routes::request(task.routes, task.routes - 1);
        loop {
            self.check()?;
            let answer = request::get(self.place.plain, &host, &path);
            match answer {
                Ok(response) if response.status == 200 => return Ok(()),
                _ if Instant::now() < deadline => thread::sleep(Duration::from_millis(20)),
                Ok(response) => bail!("{} is not ready: it answers {}", self.kind, response.status),
                Err(error) => return Err(error.context(format!("{} is not ready", self.kind))),
            }
        }
    }

    /// An error if it has ended.
    pub(crate) fn check(&mut self) -> anyhow::Result<()> {
        self.process.check()
    }

    /// A path at its plaintext listener.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.place.plain)
    }

    /// One request for a file, on a connection of its own.
    pub(crate) fn get(&self, path: &str) -> anyhow::Result<request::Response> {
        request::get(self.place.plain, certificates::FRONT, path)
    }
}
