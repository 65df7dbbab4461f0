//! A cluster that is read once, for a command that follows nothing: what has to be read, round by round, until a translation
//! names nothing new.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use postern_actors::supervisor::kubernetes::resource::{Scope, Target};
use postern_actors::supervisor::kubernetes::watch::{Event, Watched};

use super::kinds;
use super::state::ClusterState;
use super::wanted;
use crate::resources::Snapshot;
use crate::translate::{Settings, Translation, translate};

#[cfg(test)]
mod tests;

/// A cluster as far as it was read.
#[derive(Debug)]
pub struct Once {
    settings: Settings,
    state: ClusterState,
    asked: BTreeSet<Target>,
    unread: Vec<String>,
}

/// What comes next.
#[derive(Debug)]
pub enum Next {
    /// Each of these has to be read, and [taken over](Once::take).
    Read(Vec<Target>),
    /// Nothing: this is what it comes to.
    Whole(Box<Translation>),
}

/// A kind that a proxy cannot do without could not be listed, and so could others.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{first}{}", if *.others == 0 { String::new() } else { format!(" (nor can {others} other kinds)") })]
pub struct CannotList {
    /// The first, and why.
    pub first: String,
    /// How many others.
    pub others: usize,
}

impl Once {
    /// Nothing is read yet. `settings` are those of a proxy; without a Gateway among them, all Gateways are read and planned.
    pub fn new(settings: Settings) -> Self {
        let state = ClusterState::new(kinds::of_proxy(), Duration::ZERO);
        Self { settings, state, asked: BTreeSet::new(), unread: Vec::new() }
    }

    /// What has to be read next. To be called when everything that was asked for before was taken over.
    pub fn next(&mut self, now: jiff::Timestamp) -> Result<Next, CannotList> {
        if self.asked.is_empty() {
            return Ok(self.read(kinds::of_proxy()));
        }
        let mut waits_for = self.state.waits_for(Instant::now()).into_iter();
        if let Some(first) = waits_for.next() {
            return Err(CannotList { first, others: waits_for.len() });
        }
        let translation = translate(self.state.snapshot(), &self.settings, now);
        let planned = translation.references.iter().filter(|(gateway, _)| self.settings.plans(gateway));
        let named: BTreeSet<_> = planned.flat_map(|(_, references)| references).map(wanted::target).collect();
        let new: Vec<_> = named.difference(&self.asked).cloned().collect();
        if new.is_empty() {
            return Ok(Next::Whole(Box::new(translation)));
        }
        for target in &new {
            self.state.expect(target.clone());
        }
        Ok(self.read(new))
    }

    fn read(&mut self, targets: Vec<Target>) -> Next {
        self.asked.extend(targets.iter().cloned());
        Next::Read(targets)
    }

    /// Takes over what was read.
    pub fn take(&mut self, watched: Watched) {
        let Watched { target, event } = &watched;
        if let (Event::Unavailable(cause), Scope::Named { .. }) = (event, &target.scope) {
            self.unread.push(format!("{target} cannot be read, and counts as not there: {cause}"));
        }
        self.state.take(watched);
    }

    /// Every object that was read.
    pub fn snapshot(&self) -> &Snapshot {
        self.state.snapshot()
    }

    /// What is named, or there, and could not be read; a line each.
    pub fn unread(&self) -> impl Iterator<Item = String> {
        let refused = self.state.refused().iter().map(|(object, why)| format!("{object} cannot be read: {why}"));
        self.unread.iter().cloned().chain(refused)
    }
}
