//! Routes that name a host and do not get its requests, since they are not attached: for whoever asks where a request stays.

use super::hostname::{intersect, normalized};
use crate::resources::http_route::ParentRef;
use crate::resources::{NamespacedName, Snapshot};
use crate::status::Verdicts;
use crate::status::condition::ACCEPTED;

/// A route under a parentRef that does not take it.
#[derive(Debug, PartialEq)]
pub(crate) struct Unattached<'a> {
    /// The HTTPRoute.
    pub(crate) route: &'a NamespacedName,
    /// The parentRef; `None` where it has none that names a Gateway of ours.
    pub(crate) parent: Option<&'a ParentRef>,
    /// The reason of its condition `Accepted`.
    pub(crate) reason: &'a str,
    /// The message of the condition.
    pub(crate) message: &'a str,
}

/// Those whose hostnames take a host. One without hostnames takes every host, and is told only where it refers to us.
pub(crate) fn unattached<'a>(snapshot: &'a Snapshot, verdicts: &'a Verdicts, host: &str) -> Vec<Unattached<'a>> {
    let mut found = Vec::new();
    for (name, route) in &snapshot.http_routes {
        let hostnames = &route.spec.hostnames;
        let takes = |hostname: &String| intersect(normalized(Some(hostname)).as_deref(), Some(host));
        if !hostnames.is_empty() && !hostnames.iter().any(takes) {
            continue;
        }
        match verdicts.http_routes.get(name) {
            Some(verdict) => {
                for parent in &verdict.parents {
                    let refused = parent.conditions.iter().find(|known| known.kind == ACCEPTED && !known.status);
                    found.extend(refused.map(|condition| Unattached {
                        route: name,
                        parent: Some(&parent.parent_ref),
                        reason: condition.reason,
                        message: &condition.message,
                    }));
                }
            }
            None if hostnames.is_empty() => {}
            None => found.push(Unattached {
                route: name,
                parent: None,
                reason: "NoParent",
                message: "none of its parentRefs is a Gateway of ours",
            }),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::status::{Condition, ParentVerdict, RouteVerdict};

    #[test]
    fn only_routes_that_take_the_host_and_are_refused_are_told() {
        let mut snapshot = Snapshot::default();
        let mut verdicts = Verdicts::default();
        for (name, hostnames, accepted) in [
            ("attached", json!(["app.test"]), Some(true)),
            ("elsewhere", json!(["other.test"]), Some(false)),
            ("every-host", json!([]), Some(false)),
            ("foreign", json!(["APP.test"]), None),
            ("foreign-every-host", json!([]), None),
            ("wildcard", json!(["x.test", "*.test"]), Some(false)),
        ] {
            let parent = json!({"name": "web"});
            let route = json!({"metadata": {"namespace": "a", "name": name}, "spec": {"hostnames": hostnames}});
            let key = NamespacedName::new("a", name);
            snapshot.http_routes.insert(key.clone(), Arc::new(serde_json::from_value(route).unwrap()));
            let condition = |accepted: bool| Condition {
                status: accepted,
                ..Condition::no(ACCEPTED, "NotAllowedByListeners", "not from here", 1)
            };
            verdicts.http_routes.extend(accepted.map(|accepted| {
                let parent_ref = serde_json::from_value(parent).unwrap();
                (
                    key,
                    RouteVerdict { parents: vec![ParentVerdict { parent_ref, conditions: vec![condition(accepted)] }] },
                )
            }));
        }
        let told = unattached(&snapshot, &verdicts, "app.test");
        let names: Vec<_> = told.iter().map(|one| (&*one.route.name, one.parent.is_some(), one.reason)).collect();
        let refused = "NotAllowedByListeners";
        assert_eq!(names, [("every-host", true, refused), ("foreign", false, "NoParent"), ("wildcard", true, refused)]);
    }
}
