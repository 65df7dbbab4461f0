//! What a watch tells, and whom.

use actix::Recipient;
use serde_json::Value;

use super::super::resource::Target;
use crate::supervisor::configuration::Changed;

/// A watch tells something.
#[derive(Debug)]
pub struct Watched {
    /// Which watch.
    pub target: Target,
    /// What.
    pub event: Event,
}

/// What a watch tells.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// These are all of the objects; any other that was told before is gone.
    Listed(Vec<Value>),
    /// An object came or changed.
    Applied(Value),
    /// An object is gone.
    Deleted(Value),
    /// The API server does not serve the kind. It is looked for again.
    Absent,
    /// It could not be listed, and never was; it is tried again. Of an object by name only where it may not be read.
    Unavailable(String),
}

/// Whoever is told.
pub trait Told {
    /// Takes what a watch tells.
    fn tell(&self, watched: Watched);
    /// Whether anybody is there.
    fn connected(&self) -> bool;
}

impl<T: From<Watched> + Send + 'static> Told for Recipient<Changed<T>> {
    fn tell(&self, watched: Watched) {
        self.do_send(Changed(watched.into()));
    }

    fn connected(&self) -> bool {
        Self::connected(self)
    }
}
