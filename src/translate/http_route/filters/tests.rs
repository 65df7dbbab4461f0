use postern_actors::plan::filter::PathRewrite;

use super::*;

fn built_at(json: &str, place: Place, prefix: Option<&str>) -> (Built, Vec<String>) {
    let written: Vec<HttpRouteFilter> = serde_json::from_str(json).unwrap();
    let mut problems = Vec::new();
    let built = build(&written, place, prefix, "r", &mut problems);
    assert!(problems.iter().all(|problem| problem.code == reason::UNSUPPORTED_VALUE));
    (built, problems.into_iter().map(|problem| problem.field).collect())
}

fn built(json: &str) -> (Built, Vec<String>) {
    built_at(json, Place::Rule, Some("/api"))
}

#[test]
fn a_rewrite_has_hostname_and_path() {
    let (built, problems) = built(
        r#"[{"type": "URLRewrite", "urlRewrite": {"hostname": "a.example",
             "path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/v1"}}}]"#,
    );
    assert!(problems.is_empty());
    let path = PathRewrite::Prefix { matched: "/api".into(), replacement: "/v1".into() };
    let rewrite = Rewrite { hostname: Some(HeaderValue::from_static("a.example")), path: Some(path) };
    assert_eq!(built.filters.rewrite, Some(rewrite));
}

#[test]
fn a_rewritten_hostname_counts_before_a_host_header_that_is_set() {
    let host = r#"{"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": [{"name": "Host", "value": "set.example"}]}}"#;
    let rewrite = r#"{"type": "URLRewrite", "urlRewrite": {"hostname": "rewritten.example"}}"#;
    for (json, expected) in [
        (format!("[{host}]"), "set.example"),
        (format!("[{host}, {rewrite}]"), "rewritten.example"),
        (format!("[{rewrite}, {host}]"), "rewritten.example"),
    ] {
        let (built, problems) = built(&json);
        assert!(problems.is_empty());
        assert_eq!(built.filters.rewrite.unwrap().hostname.unwrap(), expected, "{json}");
    }
}

#[test]
fn a_redirect_says_what_changes() {
    let (plain, problems) = built(r#"[{"type": "RequestRedirect", "requestRedirect": {}}]"#);
    assert!(problems.is_empty());
    let expected = Redirect { scheme: None, hostname: None, port: None, path: None, status: StatusCode::FOUND };
    assert_eq!(plain.redirect, Some(expected));
    let (full, _) = built(
        r#"[{"type": "RequestRedirect", "requestRedirect": {"scheme": "https", "hostname": "a.example", "port": 8443,
             "statusCode": 308, "path": {"type": "ReplaceFullPath", "replaceFullPath": "/b"}}}]"#,
    );
    let expected = Redirect {
        scheme: Some(Protocol::Https),
        hostname: Some("a.example".into()),
        port: Some(8443),
        path: Some(PathRewrite::Full("/b".into())),
        status: StatusCode::PERMANENT_REDIRECT,
    };
    assert_eq!(full.redirect, Some(expected));
}

#[test]
fn whatever_cannot_be_carried_out_is_told_with_its_field() {
    let redirect = |body: &str| format!(r#"[{{"type": "RequestRedirect", "requestRedirect": {body}}}]"#);
    let rewrite = |body: &str| format!(r#"[{{"type": "URLRewrite", "urlRewrite": {body}}}]"#);
    for (json, field) in [
        (r#"[{"type": "RequestMirror"}]"#.to_owned(), "r.filters[0].type"),
        (r#"[{"type": "CORS"}]"#.to_owned(), "r.filters[0].type"),
        (r#"[{"type": "ExtensionRef"}]"#.to_owned(), "r.filters[0].type"),
        (r#"[{"type": ""}]"#.to_owned(), "r.filters[0].type"),
        (r#"[{"type": "URLRewrite"}]"#.to_owned(), "r.filters[0]"),
        (r#"[{"type": "URLRewrite", "urlRewrite": {}, "requestRedirect": {}}]"#.to_owned(), "r.filters[0]"),
        (r#"[{"type": "RequestHeaderModifier", "responseHeaderModifier": {}}]"#.to_owned(), "r.filters[0]"),
        (redirect(r#"{"scheme": "gopher"}"#), "r.filters[0].requestRedirect.scheme"),
        (redirect(r#"{"hostname": "a/b"}"#), "r.filters[0].requestRedirect.hostname"),
        (redirect(r#"{"port": 0}"#), "r.filters[0].requestRedirect.port"),
        (redirect(r#"{"statusCode": 200}"#), "r.filters[0].requestRedirect.statusCode"),
        (redirect(r#"{"path": {"type": "ReplaceAll"}}"#), "r.filters[0].requestRedirect.path.type"),
        (rewrite(r#"{"hostname": "a:80"}"#), "r.filters[0].urlRewrite.hostname"),
        (rewrite(r#"{"hostname": ""}"#), "r.filters[0].urlRewrite.hostname"),
        (rewrite(r#"{"path": {"type": "ReplaceFullPath"}}"#), "r.filters[0].urlRewrite.path"),
        (
            rewrite(r#"{"path": {"type": "ReplaceFullPath", "replaceFullPath": "/a b"}}"#),
            "r.filters[0].urlRewrite.path.replaceFullPath",
        ),
        (
            rewrite(r#"{"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/a?b"}}"#),
            "r.filters[0].urlRewrite.path.replacePrefixMatch",
        ),
    ] {
        assert_eq!(built(&json).1, [field], "{json}");
    }
}

#[test]
fn filters_that_exclude_each_other_or_are_repeated_are_told() {
    let both = r#"[{"type": "RequestRedirect", "requestRedirect": {}}, {"type": "URLRewrite", "urlRewrite": {}}]"#;
    assert_eq!(built(both).1, ["r.filters"]);
    let twice = r#"[{"type": "URLRewrite", "urlRewrite": {}}, {"type": "URLRewrite", "urlRewrite": {}}]"#;
    assert_eq!(built(twice).1, ["r.filters[1].type"]);
}

#[test]
fn a_prefix_can_be_replaced_only_where_one_is_matched() {
    let json = r#"[{"type": "URLRewrite", "urlRewrite": {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/x"}}}]"#;
    assert_eq!(built_at(json, Place::Rule, None).1, ["r.filters[0].urlRewrite.path.type"]);
}

#[test]
fn a_backend_ref_does_not_redirect() {
    let json = r#"[{"type": "RequestRedirect", "requestRedirect": {}}]"#;
    let (built, problems) = built_at(json, Place::BackendRef, Some("/"));
    assert_eq!((built.redirect, problems), (None, vec!["r.filters[0].type".to_owned()]));
}
