//! Before a backend is spoken to in plaintext, the policies are listed once more.
//!
//! Each kind has a watch of its own, and none waits for another: a route can be told before the policy that was made before
//! it, by a moment, or for as long as a dead connection goes unnoticed. A list that begins after the route was told holds every
//! policy that was there before the route. What else is told meanwhile is kept back, so that the list answers for all of it.

use std::collections::{BTreeMap, BTreeSet};

use postern_actors::plan::{BackendId, Plan, Tls};
use postern_actors::supervisor::kubernetes::resource::{Scope, Target};
use postern_actors::supervisor::kubernetes::watch::{Event, Watched};

use super::kinds;
use super::state::name_of;
use crate::resources::{Kind, NamespacedName};

/// The watch of the policies.
pub(super) fn policies() -> Target {
    Target::all(kinds::resource(Kind::BackendTlsPolicy))
}

/// Which backends may be spoken to in plaintext.
#[derive(Debug, Default)]
pub(super) struct Plaintext {
    confirmed: BTreeSet<BackendId>,
    /// A list was asked for, and has not come.
    asked: bool,
    /// What was told since; of each object the last, and before them (`None`) of each watch the last list.
    kept_back: BTreeMap<(Target, Option<NamespacedName>), Event>,
}

impl Plaintext {
    /// What is to be taken over now, if anything.
    pub(super) fn admit(&mut self, watched: Watched) -> Option<Watched> {
        let Watched { target, event } = watched;
        // Addresses decide nothing, objects by name and the policies themselves are waited for.
        let passes = target == policies()
            || target.resource == kinds::resource(Kind::EndpointSlice)
            || matches!(target.scope, Scope::Named { .. });
        if !self.asked || passes {
            return Some(Watched { target, event });
        }
        let object = match &event {
            Event::Applied(object) | Event::Deleted(object) => name_of(object),
            Event::Listed(_) | Event::Absent | Event::Unavailable(_) => {
                self.kept_back.retain(|(other, _), _| *other != target);
                None
            }
        };
        self.kept_back.insert((target, object), event);
        None
    }

    /// Whether every plaintext backend of a plan is one that no policy selected when it was looked. If not, a list has to be
    /// asked for. To be called when what was asked for has come.
    pub(super) fn confirms(&mut self, plan: &Plan) -> bool {
        let plain = plan.backends.iter().filter(|(_, backend)| backend.tls == Tls::Plaintext).map(|(id, _)| id.clone());
        let plain: BTreeSet<_> = plain.collect();
        if !self.asked && !plain.is_subset(&self.confirmed) {
            self.asked = true;
            return false;
        }
        self.asked = false;
        self.confirmed = plain;
        true
    }

    /// A list was asked for, whatever it is that has to be confirmed.
    pub(super) fn ask(&mut self) {
        self.asked = true;
    }

    /// What was kept back, once the answer has come.
    pub(super) fn release(&mut self) -> impl Iterator<Item = Watched> + use<> {
        let kept_back = std::mem::take(&mut self.kept_back);
        kept_back.into_iter().map(|((target, _), event)| Watched { target, event })
    }
}
