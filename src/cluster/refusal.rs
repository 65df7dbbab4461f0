//! What the status says of an object that cannot be read as it is: one that was forced past the schema of its CRD, or comes
//! from another version of it. What was known of it stays in effect.

use serde::Deserialize as _;
use serde_json::Value;

use crate::resources::http_route::ParentRef;
use crate::resources::{GATEWAY_GROUP, NamespacedName};
use crate::status::condition::ACCEPTED;
use crate::status::{Condition, ParentVerdict, RouteVerdict, reason};

/// Of a route: under each parentRef that can be read and names a Gateway of ours.
pub(super) fn route(
    name: &NamespacedName,
    live: &Value,
    why: &str,
    is_ours: impl Fn(&NamespacedName) -> bool,
) -> RouteVerdict {
    let references = live["spec"]["parentRefs"].as_array().into_iter().flatten();
    let parents = references
        .filter_map(|reference| ParentRef::deserialize(reference).ok())
        .filter(|reference| {
            let namespace = reference.namespace.as_deref().unwrap_or(&name.namespace);
            let is_gateway = reference.group == GATEWAY_GROUP && reference.kind == "Gateway";
            is_gateway && is_ours(&NamespacedName::new(namespace, reference.name.as_str()))
        })
        .map(|parent_ref| ParentVerdict {
            parent_ref,
            conditions: vec![refused(reason::UNSUPPORTED_VALUE, live, why)],
        });
    RouteVerdict { parents: parents.collect() }
}

/// Of a Gateway or a policy of which an earlier version is in effect.
pub(super) fn earlier(conditions: &mut [Condition], reason: &'static str, live: &Value, why: &str) {
    for condition in conditions.iter_mut().filter(|condition| condition.kind == ACCEPTED) {
        *condition = refused(reason, live, why);
    }
}

fn refused(reason: &'static str, live: &Value, why: &str) -> Condition {
    let generation = live["metadata"]["generation"].as_i64().unwrap_or_default();
    let message = format!("cannot be read, and what was known of it before stays in effect: {why}");
    Condition::no(ACCEPTED, reason, message, generation)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_route_says_so_under_each_gateway_of_ours_that_it_names_legibly() {
        let live = json!({
            "metadata": {"generation": 4},
            "spec": {"parentRefs": [
                {"name": "ours"}, {"name": 7}, {"name": "theirs"}, {"kind": "Service", "name": "ours"},
                {"namespace": "b", "name": "ours", "sectionName": "http"},
            ]},
        });
        let name = NamespacedName::new("a", "r");
        let verdict = route(&name, &live, "spec.rules: is not a list", |gateway| &*gateway.name == "ours");
        let found: Vec<_> = verdict.parents.iter().map(|parent| parent.parent_ref.section_name.as_deref()).collect();
        assert_eq!(found, [None, Some("http")]);
        let condition = &verdict.parents[0].conditions[0];
        assert_eq!((condition.status, condition.observed_generation), (false, 4));
        assert!(condition.message.ends_with("spec.rules: is not a list"), "{}", condition.message);
    }
}
