//! An object that is named and is not there: why it is not, and what was probably meant. It must not know who names it.

use crate::resources::snapshot::Store;
use crate::resources::suggest::closest;
use crate::resources::{Kind, NamespacedName, ObjectRef, Snapshot};
use crate::translate::work;

/// More names than this are not compared with one that is not there: cost stays proportional to the input.
const COMPARED: usize = 100;

/// An object that is not there.
#[derive(Debug)]
pub(crate) struct Absent {
    object: ObjectRef,
    why: Why,
}

#[derive(Debug)]
enum Why {
    /// It is written, and refused.
    Refused,
    /// One of a similar name is in its namespace.
    Near(NamespacedName),
    /// One of its name is in another namespace.
    Elsewhere(NamespacedName),
    Unknown,
}

impl Absent {
    /// Looks for what was meant by a name that `store` does not hold.
    pub(crate) fn of<T>(snapshot: &Snapshot, store: &Store<T>, kind: Kind, name: &NamespacedName) -> Self {
        let object = ObjectRef { kind, name: name.clone() };
        let near = || closest(&name.name, beside(store, name).map(|other| &*other.name));
        let elsewhere = || namesakes(store, name).next();
        let why = if snapshot.refused.contains(&object) {
            Why::Refused
        } else if let Some(near) = near() {
            Why::Near(NamespacedName::new(name.namespace.clone(), near))
        } else {
            elsewhere().map_or(Why::Unknown, |other| Why::Elsewhere(other.clone()))
        };
        Self { object, why }
    }

    /// What is wrong.
    pub(crate) fn cause(&self) -> String {
        let object = &self.object;
        match self.why {
            Why::Refused => format!("{object} is refused, so it counts as not there"),
            Why::Near(_) | Why::Elsewhere(_) | Why::Unknown => format!("{object} does not exist"),
        }
    }

    /// One of a similar name in its namespace, if that was probably meant.
    pub(crate) fn near(&self) -> Option<&NamespacedName> {
        match &self.why {
            Why::Near(near) => Some(near),
            Why::Refused | Why::Elsewhere(_) | Why::Unknown => None,
        }
    }

    /// What would mend it. `elsewhere` says what to do with one of the same name in another namespace, `unknown` what to do
    /// where nothing like it is there.
    pub(crate) fn hint(&self, elsewhere: impl FnOnce(&NamespacedName) -> String, unknown: &str) -> String {
        match &self.why {
            Why::Refused => format!("mend {} first", self.object),
            Why::Near(near) => format!("did you mean `{}`?", near.name),
            Why::Elsewhere(other) => format!("there is a {} {other}: {}", self.object.kind, elsewhere(other)),
            Why::Unknown => unknown.to_owned(),
        }
    }
}

/// The names that are in the namespace of another one.
pub(crate) fn beside<'s, T>(
    store: &'s Store<T>,
    name: &'s NamespacedName,
) -> impl Iterator<Item = &'s NamespacedName> + use<'s, T> {
    let from = NamespacedName::new(name.namespace.clone(), "");
    let there = store.range(from..).map(|(other, _)| other);
    there.take_while(|other| other.namespace == name.namespace).take(COMPARED).inspect(|_| work::steps(1))
}

/// Those of the same name in other namespaces.
pub(crate) fn namesakes<'s, T>(
    store: &'s Store<T>,
    name: &'s NamespacedName,
) -> impl Iterator<Item = &'s NamespacedName> + use<'s, T> {
    let others = store.keys().take(COMPARED).inspect(|_| work::steps(1));
    others.filter(|other| other.name == name.name && other.namespace != name.namespace)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_meant_is_looked_for_from_near_to_far() {
        let mut snapshot = Snapshot::default();
        for (namespace, name) in [("a", "shop"), ("b", "ca"), ("b", "shops")] {
            let object = serde_json::from_value(json!({"metadata": {"name": name, "namespace": namespace}})).unwrap();
            snapshot.config_maps.insert(NamespacedName::new(namespace, name), Arc::new(object));
        }
        let refused = ObjectRef { kind: Kind::ConfigMap, name: NamespacedName::new("a", "bad") };
        snapshot.refused.insert(refused);
        for (name, cause, hint) in [
            ("bad", "ConfigMap a/bad is refused, so it counts as not there", "mend ConfigMap a/bad first"),
            ("shops", "ConfigMap a/shops does not exist", "did you mean `shop`?"),
            ("ca", "ConfigMap a/ca does not exist", "there is a ConfigMap b/ca: move it"),
            ("nothing", "ConfigMap a/nothing does not exist", "create it"),
        ] {
            let name = NamespacedName::new("a", name);
            let absent = Absent::of(&snapshot, &snapshot.config_maps, Kind::ConfigMap, &name);
            assert_eq!(absent.cause(), cause);
            let told = absent.hint(|_| "move it".into(), "create it");
            assert!(told.starts_with(hint), "{told}");
        }
    }
}
