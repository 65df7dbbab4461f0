//! Supervision: who watches, who publishes a plan, and who brings a dead actor back.
//!
//! | module | owns |
//! |---|---|
//! | [`files`] | following files and folders |
//! | [`configuration`] | from changes to plans: batching, translating off the workers, publishing what differs |
//! | [`kubernetes`] | following the API server, and writing to it |
//! | [`workers`] | the worker threads, one listener actor each, and their restart |
//! | [`sockets`] | the listening sockets, which outlive every actor |
//! | [`life`] | restart with a growing pause |
//! | [`shutdown`] | signals and the drain |
//! | [`panics`] | the log of where a panic was |
//!
//! It must not know how a request is served, nor what a configuration means.

pub mod configuration;
pub mod files;
pub mod kubernetes;
pub mod life;
pub mod panics;

pub mod ports;
pub mod shutdown;
pub mod sockets;
pub mod workers;

pub use configuration::{Changed, ConfigSupervisor, Configuration, Effect};
pub use files::{FileChange, FileEvents, FileWatch};

pub use ports::{PortMap, PortMapping};
pub use workers::{Publish, Worker, Workers};
