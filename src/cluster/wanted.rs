//! Which Secrets and ConfigMaps are watched by name: those that the configuration names, and no other.

use std::collections::BTreeSet;

use postern_actors::supervisor::kubernetes::resource::Target;
use postern_actors::supervisor::kubernetes::watches::Numbered;
use tokio::sync::watch;

use super::kinds;
use super::state::ClusterState;
use crate::resources::ObjectRef;

/// What is watched as of now beside what is fixed, and whoever does it.
#[derive(Debug)]
pub(super) struct Wanted {
    targets: watch::Sender<Numbered>,
    /// Watched whatever is named.
    always: BTreeSet<Target>,
    /// Of the last one that was not watched before.
    number: u64,
}

impl Wanted {
    /// Nothing by name yet. What is watched always can be asked to be listed again.
    pub(super) fn new(always: impl IntoIterator<Item = Target>) -> (Self, watch::Receiver<Numbered>) {
        let always: BTreeSet<_> = always.into_iter().collect();
        let (targets, following) = watch::channel(always.iter().map(|target| (target.clone(), 0)).collect());
        (Self { targets, always, number: 0 }, following)
    }

    /// Has a target listed again, and waits for that. What was told of it stays until then.
    pub(super) fn list_again(&mut self, target: &Target, state: &mut ClusterState) {
        state.expect(target.clone());
        self.number += 1;
        self.targets.send_modify(|targets| {
            targets.insert(target.clone(), self.number);
        });
    }

    /// From now on these are watched. What was not watched before is not known yet.
    pub(super) fn set<'a>(&mut self, references: impl IntoIterator<Item = &'a ObjectRef>, state: &mut ClusterState) {
        let wanted: BTreeSet<_> = references.into_iter().map(target).chain(self.always.iter().cloned()).collect();
        let before = self.targets.borrow().clone();
        if wanted.iter().eq(before.keys()) {
            return;
        }
        before.keys().filter(|target| !wanted.contains(*target)).for_each(|target| state.forget(target));
        let now = wanted.into_iter().map(|target| {
            let number = before.get(&target).copied().unwrap_or_else(|| {
                state.expect(target.clone());
                self.number += 1;
                self.number
            });
            (target, number)
        });
        let now = now.collect();
        self.targets.send_replace(now);
    }
}

/// An object by its name.
pub(super) fn target(reference: &ObjectRef) -> Target {
    let ObjectRef { kind, name } = reference;
    Target::named(kinds::resource(*kind), Some(&name.namespace), &name.name)
}
