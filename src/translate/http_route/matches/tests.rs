use super::*;

/// Matches and the fields of their problems.
fn built(json: &str) -> (Vec<Match>, Vec<String>) {
    let written: Vec<HttpRouteMatch> = serde_json::from_str(json).unwrap();
    let mut problems = Vec::new();
    let matches = build(&written, "r", &mut Patterns::default(), &mut problems);
    assert!(problems.iter().all(|problem| problem.code == reason::UNSUPPORTED_VALUE));
    (matches, problems.into_iter().map(|problem| problem.field).collect())
}

fn path_takes(path: &PathMatch, request: &str) -> bool {
    match path {
        PathMatch::Exact(path) | PathMatch::Prefix(path) => **path == *request,
        PathMatch::Regex(regex) => regex.is_match(request),
    }
}

#[test]
fn no_match_is_the_prefix_of_everything() {
    for json in ["[]", "[{}]"] {
        let (matches, problems) = built(json);
        assert!(matches!(&matches[..], [Match { path: PathMatch::Prefix(path), .. }] if &**path == "/"), "{matches:?}");
        assert!(problems.is_empty());
    }
}

#[test]
fn only_the_first_entry_of_a_name_counts() {
    let (matches, problems) = built(
        r#"[{"headers": [{"name": "Color", "value": "red"}, {"name": "color", "value": "blue"}],
             "queryParams": [{"name": "a", "value": "1"}, {"name": "a", "value": "2"}, {"name": "A", "value": "3"}]}]"#,
    );
    assert!(problems.is_empty());
    assert_eq!(matches[0].headers, [("color".into(), ValueMatch::Exact("red".into()))]);
    let names: Vec<_> = matches[0].query.iter().map(|(name, _)| &**name).collect();
    assert_eq!(names, ["a", "A"], "names of parameters have a case");
}

#[test]
fn a_path_that_cannot_be_read_takes_more_rather_than_less() {
    for (json, field, taken) in [
        (r#"[{"path": {"type": "RegularExpression", "value": "/v[0-9"}}]"#, "r.matches[0].path.value", "/v1/users"),
        (r#"[{"path": {"type": "Glob", "value": "/v*"}}]"#, "r.matches[0].path.type", "/v1/users"),
        (r#"[{"path": {"type": "Exact", "value": "admin"}}]"#, "r.matches[0].path.value", "/admin"),
        (r#"[{"path": {"type": "PathPrefix", "value": "admin"}}]"#, "r.matches[0].path.value", "/admin"),
    ] {
        let (matches, problems) = built(json);
        assert_eq!(problems, [field]);
        assert!(path_takes(&matches[0].path, taken), "{json}");
    }
}

#[test]
fn a_value_that_cannot_be_read_still_asks_for_its_name() {
    let (matches, problems) = built(
        r#"[{"headers": [{"name": "a", "type": "RegularExpression", "value": "("}, {"name": "b", "type": "Prefix", "value": "x"}],
             "queryParams": [{"name": "q", "type": "RegularExpression", "value": "["}]}]"#,
    );
    assert_eq!(
        problems,
        ["r.matches[0].headers[0].value", "r.matches[0].headers[1].type", "r.matches[0].queryParams[0].value"]
    );
    let [Match { headers, query, .. }] = &matches[..] else { panic!("{matches:?}") };
    for (_, value) in headers.iter().chain(query) {
        assert!(matches!(value, ValueMatch::Regex(regex) if regex.is_match("whatever") && regex.is_match("")));
    }
    assert_eq!((headers.len(), query.len()), (2, 1));
}

#[test]
fn unknown_methods_and_impossible_names_are_told() {
    let (matches, problems) = built(r#"[{"method": "BREW", "headers": [{"name": "a b", "value": "x"}]}]"#);
    assert_eq!(problems, ["r.matches[0].method", "r.matches[0].headers[0].name"]);
    assert_eq!(matches[0].method.as_deref(), Some("BREW"), "no other method's requests are taken");
    assert!(matches[0].headers.is_empty());
}

#[test]
fn a_prefix_is_replaced_only_where_there_is_one() {
    let prefix = |json: &str| only_prefix(&serde_json::from_str::<Vec<HttpRouteMatch>>(json).unwrap());
    assert_eq!(prefix("[]").as_deref(), Some("/"));
    assert_eq!(prefix(r#"[{"path": {"value": "/a"}}]"#).as_deref(), Some("/a"));
    assert_eq!(prefix(r#"[{"path": {"type": "Exact", "value": "/a"}}]"#), None);
    assert_eq!(prefix(r#"[{"path": {"value": "/a"}}, {"path": {"value": "/b"}}]"#), None);
}
