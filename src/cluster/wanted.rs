//! Which Secrets and ConfigMaps are watched by name: those that the configuration names, and no other.

use std::collections::BTreeSet;

use postern_actors::supervisor::kubernetes::resource::Target;
use postern_actors::supervisor::kubernetes::watches::Numbered;
use tokio::sync::watch;

use super::kinds;
use super::state::ClusterState;
use crate::resources::ObjectRef;

/// What is watched by name as of now, and whoever does it.
#[derive(Debug)]
pub(super) struct Wanted {
    targets: watch::Sender<Numbered>,
    /// Of the last one that was not watched before.
    number: u64,
}

impl Wanted {
    /// Nothing yet.
    pub(super) fn new() -> (Self, watch::Receiver<Numbered>) {
        let (targets, following) = watch::channel(Numbered::new());
        (Self { targets, number: 0 }, following)
    }

    /// From now on these are watched. What was not watched before is not known yet.
    pub(super) fn set<'a>(&mut self, references: impl IntoIterator<Item = &'a ObjectRef>, state: &mut ClusterState) {
        let wanted: BTreeSet<_> = references.into_iter().map(target).collect();
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

fn target(reference: &ObjectRef) -> Target {
    let ObjectRef { kind, name } = reference;
    Target::named(kinds::resource(*kind), Some(&name.namespace), &name.name)
}
