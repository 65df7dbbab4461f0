use std::sync::Arc;

use super::*;
use crate::resources::{Metadata, Namespace};

fn allowed(json: &str) -> AllowedRoutes {
    serde_json::from_str(json).unwrap()
}

fn snapshot() -> Snapshot {
    let mut snapshot = Snapshot::default();
    let labels =
        BTreeMap::from([("team".to_owned(), "blue".to_owned()), (METADATA_NAME.to_owned(), "forged".to_owned())]);
    let metadata = Metadata { name: "labelled".into(), labels, ..Metadata::default() };
    snapshot.namespaces.insert(metadata.key(), Arc::new(Namespace { metadata }));
    snapshot
}

fn allowed_namespaces(json: &str) -> Vec<&'static str> {
    let allowed = allowed(json);
    ["gateways", "labelled", "absent"]
        .into_iter()
        .filter(|namespace| allows_namespace(&allowed, "gateways", namespace, &snapshot()))
        .collect()
}

#[test]
fn namespaces_are_allowed_as_written() {
    assert_eq!(allowed_namespaces("{}"), ["gateways"], "Same is the default");
    assert_eq!(allowed_namespaces(r#"{"namespaces": {"from": "All"}}"#), ["gateways", "labelled", "absent"]);
    assert_eq!(allowed_namespaces(r#"{"namespaces": {"from": "None"}}"#), [""; 0]);
    assert_eq!(allowed_namespaces(r#"{"namespaces": {"from": "Everyone"}}"#), [""; 0], "unknown allows nobody");
    assert_eq!(allowed_namespaces(r#"{"namespaces": {"from": "Selector"}}"#), [""; 0], "no selector allows nobody");
}

#[test]
fn a_selector_looks_at_the_labels_of_the_namespace() {
    let select = |selector: &str| {
        allowed_namespaces(&format!(r#"{{"namespaces": {{"from": "Selector", "selector": {selector}}}}}"#))
    };
    assert_eq!(select("{}"), ["gateways", "labelled", "absent"], "an empty selector selects all");
    assert_eq!(select(r#"{"matchLabels": {"team": "blue"}}"#), ["labelled"]);
    assert_eq!(select(r#"{"matchLabels": {"kubernetes.io/metadata.name": "absent"}}"#), ["absent"]);
    assert_eq!(select(r#"{"matchLabels": {"kubernetes.io/metadata.name": "forged"}}"#), [""; 0]);
    let expression = |operator: &str, values: &str| {
        select(&format!(r#"{{"matchExpressions": [{{"key": "team", "operator": "{operator}", "values": {values}}}]}}"#))
    };
    assert_eq!(expression("In", r#"["red", "blue"]"#), ["labelled"]);
    assert_eq!(expression("NotIn", r#"["blue"]"#), ["gateways", "absent"]);
    assert_eq!(expression("Exists", "[]"), ["labelled"]);
    assert_eq!(expression("DoesNotExist", "[]"), ["gateways", "absent"]);
    assert_eq!(expression("in", r#"["blue"]"#), [""; 0], "an unknown operator selects nothing");
    assert_eq!(expression("NotIn", "[]"), [""; 0], "nor does one that is misused");
}

#[test]
fn what_is_not_understood_in_a_selector_is_told_with_its_field() {
    let problem = |json: &str| namespaces_problem(&allowed(json), "a").map(|problem| problem.field);
    assert_eq!(problem("{}"), None);
    assert_eq!(problem(r#"{"namespaces": {"from": "Everyone"}}"#).as_deref(), Some("a.namespaces.from"));
    assert_eq!(problem(r#"{"namespaces": {"from": "Selector"}}"#).as_deref(), Some("a.namespaces.selector"));
    assert_eq!(
        problem(
            r#"{"namespaces": {"from": "Selector", "selector": {"matchExpressions": [
                {"key": "a", "operator": "Exists"}, {"key": "b", "operator": "has"}]}}}"#
        )
        .as_deref(),
        Some("a.namespaces.selector.matchExpressions[1]")
    );
}

#[test]
fn unsupported_kinds_are_refused_and_the_others_kept() {
    let told = |json: &str, speaks_http| {
        let (kinds, problem) = kinds(&allowed(json), speaks_http, "a");
        (kinds.into_iter().map(|(_, kind)| kind).collect::<Vec<_>>(), problem.map(|problem| problem.field))
    };
    let http = vec!["HTTPRoute".to_owned()];
    assert_eq!(told("{}", true), (http.clone(), None));
    assert_eq!(told("{}", false), (vec![], None));
    let mixed = r#"{"kinds": [{"kind": "HTTPRoute"}, {"kind": "InvalidRoute"}, {"kind": "HTTPRoute"}]}"#;
    assert_eq!(told(mixed, true), (http, Some("a.kinds[1]".into())));
    let foreign = r#"{"kinds": [{"group": "example.com", "kind": "HTTPRoute"}]}"#;
    assert_eq!(told(foreign, true), (vec![], Some("a.kinds[0]".into())));
}
