//! The composition of a running gateway on files: which actor is told by which.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use actix::{Actor as _, Addr, Recipient};
use postern_actors::listener::{ListenerActor, WorkerSettings};
use postern_actors::supervisor::configuration::{Changed, Outlets};
use postern_actors::supervisor::life::keep;
use postern_actors::supervisor::shutdown::{self, DrainSettings, Signals};
use postern_actors::supervisor::sockets::Sockets;
use postern_actors::supervisor::{ConfigSupervisor, FileEvents, FileWatch, PortMap, Workers};
use tokio::sync::watch;

use super::configuration::FileConfiguration;
use super::console::{Console, Served, Voice};
use crate::translate::Settings;

pub use super::console::Pages;

/// What a gateway on files needs to know.
pub struct ServeSettings {
    /// Files and folders.
    pub paths: Vec<PathBuf>,
    /// Text that never changes: standard input.
    pub fixed: Vec<(PathBuf, Arc<str>)>,
    /// How it is translated.
    pub translation: Settings,
    /// Worker threads.
    pub workers: usize,
    /// `None` is all addresses.
    pub bind_address: Option<IpAddr>,
    /// Where ports are bound.
    pub ports: PortMap,
    /// Where the pages are asked to be; port 0 is any free one.
    pub pages: Pages,
    /// How it is told.
    pub voice: Voice,
    /// What is told under the banner in place of a command to try; it is given the port of the first listener.
    pub closing: Option<String>,
}

/// A gateway that runs.
pub struct Running {
    workers: Addr<Workers<ListenerActor>>,
    /// Where its pages are.
    pub pages: Pages,
    /// What is served.
    pub served: watch::Receiver<Option<Served>>,
}

