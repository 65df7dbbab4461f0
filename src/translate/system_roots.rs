//! What `wellKnownCACertificates: System` stands for, Gateway by Gateway: the system's roots, or the ConfigMap that a Gateway
//! puts in their place. One that cannot be used is never a reason to fall back to the system's.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use postern_actors::plan::identity::SystemRoots;
use postern_actors::upstream::system_roots;

use super::Settings;
use crate::resources::{Kind, NamespacedName, ObjectRef, Snapshot};

/// The ConfigMap that takes the place of the system's roots.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct SystemBundle {
    /// In the Gateway's namespace.
    pub(crate) config_map: NamespacedName,
    /// The key that holds the certificates, as PEM.
    pub(crate) key: String,
}

impl SystemBundle {
    /// Its ConfigMap.
    pub(super) fn reference(&self) -> ObjectRef {
        ObjectRef { kind: Kind::ConfigMap, name: self.config_map.clone() }
    }
}

/// What Gateways put in the place of the system's roots, or why it is not known.
pub(crate) type Bundles = BTreeMap<NamespacedName, Result<SystemBundle, Arc<str>>>;

type Content = Result<Arc<SystemRoots>, Arc<str>>;

/// Reads each bundle once, and none for which nobody asks.
pub(super) struct Roots<'a> {
    snapshot: &'a Snapshot,
    bundles: &'a Bundles,
    system: Content,
    read: HashMap<&'a SystemBundle, Content>,
}

impl<'a> Roots<'a> {
    pub(super) fn new(snapshot: &'a Snapshot, settings: &Settings, bundles: &'a Bundles) -> Self {
        let system = settings.system_roots.clone().map_err(Arc::from);
        Self { snapshot, bundles, system, read: HashMap::new() }
    }

    /// The bundle of a Gateway, if it has one.
    pub(super) fn bundle(&self, gateway: &NamespacedName) -> Option<&'a SystemBundle> {
        self.bundles.get(gateway)?.as_ref().ok()
    }

    /// What a Gateway takes for the system's roots, or why it cannot be used: a text that names the ConfigMap and the key.
    pub(super) fn of(&mut self, gateway: &NamespacedName) -> Content {
        match self.bundles.get(gateway) {
            None => self.system.clone(),
            Some(Err(why)) => Err(Arc::clone(why)),
            Some(Ok(bundle)) => {
                let snapshot = self.snapshot;
                self.read.entry(bundle).or_insert_with(|| read(snapshot, bundle)).clone()
            }
        }
    }
}

fn read(snapshot: &Snapshot, bundle: &SystemBundle) -> Content {
    let SystemBundle { config_map, key } = bundle;
    let origin = format!("ConfigMap {config_map}, key {key}");
    let Some(object) = snapshot.config_maps.get(config_map) else {
        return Err(format!("{origin}: the ConfigMap does not exist").into());
    };
    let Some(text) = object.data.get(key) else {
        let keys: Vec<_> = object.data.keys().map(String::as_str).collect();
        let keys = if keys.is_empty() { "it is empty".into() } else { format!("its keys are {}", keys.join(", ")) };
        return Err(format!("{origin}: the ConfigMap has no such key: {keys}").into());
    };
    system_roots::parse(origin, text.as_bytes()).map(Arc::new).map_err(Arc::from)
}
