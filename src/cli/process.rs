//! The options of every command that serves: threads, pages, log, drain, and the data plane.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;
use postern_actors::supervisor::shutdown::DrainSettings;

use super::console::Voice;
use super::data_plane::DataPlane;
use super::log::{Level, LogFormat};
use super::quantity::seconds;
use super::serve::{Pages, ServeSettings};
use super::{descriptors, run::cores};

/// Where the pages are.
#[derive(Debug, Args)]
pub(super) struct PageArguments {
    /// Where the admin pages are
    #[arg(long = "admin-address", value_name = "ADDR", default_value = "127.0.0.1:15000")]
    admin: SocketAddr,
    /// Where /metrics is
    #[arg(long = "metrics-address", value_name = "ADDR", default_value = "0.0.0.0:15020")]
    metrics: SocketAddr,
    /// Where /healthz/ready is
    #[arg(long = "ready-address", value_name = "ADDR", default_value = "0.0.0.0:15021")]
    ready: SocketAddr,
}

impl From<&PageArguments> for Pages {
    fn from(arguments: &PageArguments) -> Self {
        Self { admin: arguments.admin, metrics: arguments.metrics, ready: arguments.ready }
    }
}

/// The options of a process that serves requests.
#[derive(Debug, Args)]
pub(super) struct Process {
    /// Worker threads [default: the cores it may use]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    workers: Option<u16>,
    #[command(flatten)]
    pages: PageArguments,
    /// How log lines look
    #[arg(long, value_enum, value_name = "FORMAT", env = "LOG_FORMAT", hide_env_values = true, default_value_t = LogFormat::Text)]
    pub(super) log_format: LogFormat,
    /// From not ready to no longer accepting
    #[arg(long, value_name = "SEC", default_value = "0", value_parser = seconds)]
    drain_delay: Duration,
    /// What requests get to end
    #[arg(long, value_name = "SEC", default_value = "30", value_parser = seconds)]
    drain_timeout: Duration,
    #[command(flatten)]
    data_plane: DataPlane,
}

impl Process {
    /// All of them; listeners are bound to their own ports on all addresses.
    pub(super) fn settings(&self, voice: Voice, level: Level) -> ServeSettings {
        let workers = self.workers.map_or_else(cores, usize::from);
        ServeSettings {
            workers,
            worker: self.data_plane.settings(workers, descriptors::raise()),
            bind_address: None,
            ports: [].into_iter().collect(),
            pages: (&self.pages).into(),
            voice,
            access_log: self.data_plane.logs_requests().then(|| self.log_format.into()),
            log_level: Some(Box::new(level)),
            closing: None,
        }
    }

    /// How it ends.
    pub(super) fn drain(&self) -> DrainSettings {
        DrainSettings { delay: self.drain_delay, timeout: self.drain_timeout }
    }
}
