//! The translation as a whole: properties over arbitrary Snapshots, and its cost. What it says of given objects is pinned by
//! the goldens in `tests/translate/`.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::*;
use crate::resources::Object;
use crate::resources::snapshot::Store;

mod cluster;
mod odd_objects;
mod properties;
mod scale;

fn settings(shared_address: bool) -> Settings {
    let roots = Ok(Arc::new(SystemRoots { origin: "test".into(), certificates: Vec::new() }));
    Settings { shared_address, ..Settings::of_files("postern.dev/gateway-controller", ["postern"], roots) }
}

fn now() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

/// Puts an object into a store; one that does not parse is left out, as it is where objects are read.
fn put<T: Object>(store: &mut Store<T>, object: Value) {
    if let Ok(object) = serde_json::from_value::<T>(object) {
        store.insert(object.metadata().key(), Arc::new(object));
    }
}

/// How often each (route, rule) stands in each table of the plan.
fn places(plan: &Plan) -> BTreeMap<(String, usize), Vec<usize>> {
    let mut places: BTreeMap<(String, usize), Vec<usize>> = BTreeMap::new();
    for listener in plan.ports.iter().flat_map(|port| port.listeners.values()) {
        for table in listener.routes.values() {
            let mut here: BTreeMap<(String, usize), usize> = BTreeMap::new();
            for (_, rule) in table.rules() {
                *here.entry((rule.route.to_string(), rule.index)).or_default() += 1;
            }
            for (rule, times) in here {
                places.entry(rule).or_default().push(times);
            }
        }
    }
    places
}
