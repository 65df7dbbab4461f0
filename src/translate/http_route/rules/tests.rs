use postern_actors::plan::filter::PathRewrite;
use serde_json::{Value, json};

use super::*;
use crate::translate::grants::Grants;
use crate::translate::http_route::patterns::Patterns;

fn draft(rule: Value) -> RuleDraft {
    read(rule, true)
}

fn read(rule: Value, experimental: bool) -> RuleDraft {
    let rule: HttpRouteRule = serde_json::from_value(rule).unwrap();
    let (grants, patterns) = (Grants::default(), Patterns::default());
    RuleDraft::read(3, &rule, "default", &mut Reader { grants: &grants, experimental, patterns })
}

fn made(rule: Value) -> Rule {
    let gateway = NamespacedName::new("default", "gateway");
    draft(rule).make(&"default/route".into(), &gateway, &ResolvedBackends::default(), &mut BTreeMap::new())
}

fn fields(rule: Value) -> Vec<String> {
    draft(rule).problems.into_iter().map(|problem| problem.field).collect()
}

fn rewrite(hostname: Option<&str>, full_path: Option<&str>) -> Value {
    let path = full_path.map(|path| json!({"type": "ReplaceFullPath", "replaceFullPath": path}));
    json!({"type": "URLRewrite", "urlRewrite": {"hostname": hostname, "path": path}})
}

#[test]
fn a_rule_that_leads_nowhere_answers_500_and_is_valid() {
    for rule in
        [json!({}), json!({"backendRefs": []}), json!({"backendRefs": [{"name": "a", "port": 80, "weight": 0}]})]
    {
        assert!(draft(rule.clone()).problems.is_empty());
        let rule = made(rule);
        assert!(matches!(&rule.action, Action::Fail(poison) if poison.reason == Reason::BackendInvalid), "{rule:?}");
    }
}

#[test]
fn what_is_not_supported_makes_the_whole_rule_answer_500() {
    let backends = json!([{"name": "a", "port": 80}]);
    for (rule, field) in [
        (json!({"retry": {"attempts": 1}, "backendRefs": backends}), "spec.rules[3].retry"),
        (json!({"sessionPersistence": {}, "backendRefs": backends}), "spec.rules[3].sessionPersistence"),
        (json!({"filters": [{"type": "RequestMirror"}], "backendRefs": backends}), "spec.rules[3].filters[0].type"),
        (
            json!({"backendRefs": [{"name": "a", "port": 80, "filters": [{"type": "ExtensionRef"}]}]}),
            "spec.rules[3].backendRefs[0].filters[0].type",
        ),
        (json!({"backendRefs": [{"name": "a", "port": 80, "weight": -1}]}), "spec.rules[3].backendRefs[0].weight"),
        (json!({"timeouts": {"request": "soon"}, "backendRefs": backends}), "spec.rules[3].timeouts.request"),
        (
            json!({"filters": [{"type": "RequestRedirect", "requestRedirect": {}}], "backendRefs": backends}),
            "spec.rules[3].backendRefs",
        ),
    ] {
        assert_eq!(fields(rule.clone()), [field]);
        let rule = made(rule);
        assert!(matches!(&rule.action, Action::Fail(poison) if poison.reason == Reason::RouteUnsupported), "{rule:?}");
    }
    assert_eq!(fields(json!({"retry": null, "sessionPersistence": null})), [""; 0]);
}

#[test]
fn a_reference_that_is_not_known_gets_500_for_its_share() {
    let rule = made(json!({"backendRefs": [{"name": "a", "port": 80, "weight": 3}, {"kind": "Lamp", "name": "b"}]}));
    let Action::Forward(backends) = rule.action else { panic!("{rule:?}") };
    let weights: Vec<_> =
        backends.iter().map(|backend| (backend.weight, matches!(backend.target, Target::Unusable(_)))).collect();
    assert_eq!(weights, [(3, true), (1, true)]);
}

#[test]
fn rewrites_of_a_reference_count_before_those_of_the_rule() {
    let rule = made(json!({
        "filters": [rewrite(Some("rule.example"), Some("/rule"))],
        "backendRefs": [
            {"name": "a", "port": 80, "filters": [rewrite(Some("own.example"), None)]},
            {"name": "b", "port": 80, "filters": [rewrite(None, Some("/own"))]},
            {"name": "c", "port": 80},
        ],
    }));
    assert_eq!(rule.filters.rewrite, None, "the rule's own has gone down");
    let Action::Forward(backends) = rule.action else { panic!() };
    let told: Vec<_> = backends
        .iter()
        .map(|backend| {
            let rewrite = backend.filters.rewrite.clone().unwrap();
            let Some(PathRewrite::Full(path)) = rewrite.path else { panic!() };
            (rewrite.hostname.unwrap().to_str().unwrap().to_owned(), path)
        })
        .collect();
    let expected = [("own.example", "/rule"), ("rule.example", "/own"), ("rule.example", "/rule")];
    assert_eq!(told, expected.map(|(host, path)| (host.to_owned(), path.to_owned())));
}

#[test]
fn a_rewrite_stays_on_the_rule_where_no_reference_has_its_own() {
    let rule =
        made(json!({"filters": [rewrite(Some("rule.example"), None)], "backendRefs": [{"name": "a", "port": 80}]}));
    assert!(rule.filters.rewrite.is_some());
    let Action::Forward(backends) = rule.action else { panic!() };
    assert!(backends.iter().all(|backend| backend.filters.rewrite.is_none()));
}

#[test]
fn fields_of_the_experimental_channel_are_read_only_where_they_are_asked_for() {
    let rule = json!({"retry": {"attempts": 1}, "sessionPersistence": {}, "backendRefs": [{"name": "a", "port": 80}]});
    let draft = read(rule, false);
    assert!(draft.problems.is_empty());
    let unread: Vec<_> = draft.unread.iter().map(|problem| (problem.code, problem.field.as_str())).collect();
    assert_eq!(
        unread,
        [("ExperimentalField", "spec.rules[3].retry"), ("ExperimentalField", "spec.rules[3].sessionPersistence")]
    );
}

#[test]
fn a_filter_that_guards_is_never_passed_over() {
    let filter = json!({"type": "ExternalAuth", "externalAuth": {"protocol": "HTTP"}});
    let rule = json!({"filters": [filter], "backendRefs": [{"name": "a", "port": 80}]});
    let draft = read(rule, false);
    assert_eq!(draft.problems[0].field, "spec.rules[3].filters[0].type");
}
