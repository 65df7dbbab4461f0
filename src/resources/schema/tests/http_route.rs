//! HTTPRoute: a valid one, less or more one thing.

use super::*;

pub(super) const ROUTE: &str = "
metadata: {name: r, labels: {app: nginx}}
spec:
  parentRefs:
  - {name: gw, namespace: infra}
  hostnames: [example.com]
  rules:
  - name: one
    matches:
    - path: {type: PathPrefix, value: /a}
      headers: [{name: x-a, value: b}]
    filters:
    - type: URLRewrite
      urlRewrite: {hostname: a.example.com, path: {type: ReplacePrefixMatch, replacePrefixMatch: /}}
    - type: RequestMirror
      requestMirror: {backendRef: {name: mirror, port: 80}, fraction: {numerator: 1, denominator: 2}}
    - type: CORS
      cors: {allowOrigins: ['*'], allowMethods: [GET], allowHeaders: [x-a]}
    backendRefs:
    - {name: a, port: 80, weight: 1}
    timeouts: {request: 10s, backendRequest: 1s500ms}
    sessionPersistence: {type: Cookie, cookieConfig: {lifetimeType: Session}}
  - name: two
    filters:
    - type: RequestRedirect
      requestRedirect: {scheme: https, statusCode: 301}
";

#[test]
fn http_route_matches_and_rules() {
    let route = |from: &str, to: &str, expected: &[&str]| breaks(Kind::HttpRoute, ROUTE, from, to, expected);
    route(
        "hostnames: [example.com]",
        "hostnames: ['a.*.com']",
        &[
            "spec.hostnames[0]: must be a DNS name of lower-case letters, digits, `-` and `.`, whose first label may be `*` \
         (\"a.*.com\")",
        ],
    );
    for (value, message) in [
        ("a", "must begin with `/` when type is PathPrefix (\"a\")"),
        ("//a", "must not contain `//` when type is PathPrefix (\"//a\")"),
        ("/./a", "must not contain `/./` when type is PathPrefix (\"/./a\")"),
        ("/../a", "must not contain `/../` when type is PathPrefix (\"/../a\")"),
        ("/%2fa", "must not contain `%2f` when type is PathPrefix (\"/%2fa\")"),
        ("/%2Fa", "must not contain `%2F` when type is PathPrefix (\"/%2Fa\")"),
        ("/a#b", "must not contain `#` when type is PathPrefix (\"/a#b\")"),
        ("/a/..", "must not end with `/..` when type is PathPrefix (\"/a/..\")"),
        ("/a/.", "must not end with `/.` when type is PathPrefix (\"/a/.\")"),
        ("/a?b", "must hold only characters of a URI's path (\"/a?b\")"),
        ("/a%2", "must hold only characters of a URI's path (\"/a%2\")"),
        ("/é", "must hold only characters of a URI's path (\"/é\")"),
    ] {
        let expected = format!("spec.rules[0].matches[0].path.value: {message}");
        route("value: /a}", &format!("value: '{value}'}}"), &[&expected]);
    }
    route(
        "type: PathPrefix",
        "type: Regex",
        &[
            "spec.rules[0].matches[0].path.type: must be one of Exact, PathPrefix, RegularExpression (\"Regex\")",
            "spec.rules[0].filters[0].urlRewrite.path: replacePrefixMatch needs exactly one match in the rule, of type PathPrefix",
        ],
    );
    route(
        "{name: x-a, value: b}",
        "{name: x-a, value: b}, {name: x-a, value: c}",
        &["spec.rules[0].matches[0].headers[1]: has the same name as item 0 (\"x-a\")"],
    );
    route(
        "headers: [{name: x-a, value: b}]",
        "method: get",
        &[
            "spec.rules[0].matches[0].method: must be one of GET, HEAD, POST, PUT, DELETE, CONNECT, OPTIONS, TRACE, PATCH \
         (\"get\")",
        ],
    );
    route("name: two", "name: one", &["spec.rules[1].name: is the same as that of rule 0"]);
    route(
        "backendRequest: 1s500ms",
        "backendRequest: 10s1ms",
        &["spec.rules[0].timeouts.backendRequest: must not be longer than the request timeout"],
    );
    route(
        "request: 10s",
        "request: 10 s",
        &["spec.rules[0].timeouts.request: must be a duration such as `10s` or `1m30s` (GEP-2257) (\"10 s\")"],
    );
    route(
        "lifetimeType: Session",
        "lifetimeType: Permanent",
        &[
            "spec.rules[0].sessionPersistence: absoluteTimeout must be specified when cookieConfig.lifetimeType is Permanent",
        ],
    );
    route(
        "type: Cookie",
        "type: Header",
        &["spec.rules[0].sessionPersistence.cookieConfig: must not be specified when type is not Cookie"],
    );
    route("name: a, port: 80", "name: a", &["spec.rules[0].backendRefs[0]: must have port for a Service reference"]);
    route(
        "weight: 1}",
        "weight: 1000001}",
        &["spec.rules[0].backendRefs[0].weight: must be between 0 and 1000000 (1000001)"],
    );
    let zero_is_no_limit = ROUTE.replace("request: 10s", "request: 0s");
    assert_eq!(violations(Kind::HttpRoute, &zero_is_no_limit), [] as [String; 0]);
    let expression = ROUTE.replace("value: /a}", "value: /a}\n    - path: {type: RegularExpression, value: '//[a#]'}");
    assert_eq!(
        violations(Kind::HttpRoute, &expression),
        [
            "spec.rules[0].filters[0].urlRewrite.path: replacePrefixMatch needs exactly one match in the rule, of type PathPrefix",
        ]
    );
}

#[test]
fn http_route_counts_matches_of_all_rules() {
    let rule = |matches: usize| format!("  - matches: [{}]\n", vec!["{}"; matches].join(", "));
    let route = |matches: &[usize]| {
        let rules: String = matches.iter().map(|count| rule(*count)).collect();
        violations(Kind::HttpRoute, &format!("metadata: {{name: r}}\nspec:\n  rules:\n{rules}"))
    };
    assert_eq!(route(&[64, 64]), [] as [String; 0]);
    assert_eq!(route(&[64, 64, 1]), ["spec.rules: must have at most 128 matches in all rules together, have 129"]);
    assert_eq!(route(&[65]), ["spec.rules[0].matches: must have at most 64 items, has 65"]);
    assert_eq!(route(&[1; 17]), ["spec.rules: must have at most 16 items, has 17"]);
}

#[test]
fn http_route_parents_are_told_apart() {
    let parents = |refs: &str, expected: &[&str]| {
        breaks(Kind::HttpRoute, ROUTE, "- {name: gw, namespace: infra}", refs, expected);
    };
    parents(
        "- {name: gw}\n  - {name: gw}",
        &["spec.parentRefs[1]: sectionName or port must be unique when the same parent is referenced more than once"],
    );
    parents(
        "- {name: gw, sectionName: a, port: 80}\n  - {name: gw, kind: Gateway, sectionName: a, port: 80}",
        &["spec.parentRefs[1]: sectionName or port must be unique when the same parent is referenced more than once"],
    );
    parents(
        "- {name: gw}\n  - {name: gw, sectionName: a}",
        &[
            "spec.parentRefs[1]: sectionName or port must be specified in every entry when the same parent is referenced more \
         than once",
        ],
    );
    let distinct = "- {name: gw, sectionName: a}\n  - {name: gw, sectionName: b}\n  - {name: gw, namespace: x}";
    let route = ROUTE.replace("- {name: gw, namespace: infra}", distinct);
    assert_eq!(violations(Kind::HttpRoute, &route), [] as [String; 0]);
}

#[test]
fn http_route_filters() {
    let route = |from: &str, to: &str, expected: &[&str]| breaks(Kind::HttpRoute, ROUTE, from, to, expected);
    let rewrite = "    - type: URLRewrite\n      urlRewrite: {hostname: a.example.com, path: {type: ReplacePrefixMatch, \
                   replacePrefixMatch: /}}\n";
    route(
        rewrite,
        "    - {type: URLRewrite}\n",
        &["spec.rules[0].filters[0]: must contain urlRewrite when type is URLRewrite"],
    );
    route(
        rewrite,
        "    - {type: RequestHeaderModifier, urlRewrite: {}}\n",
        &[
            "spec.rules[0].filters[0]: must contain requestHeaderModifier when type is RequestHeaderModifier",
            "spec.rules[0].filters[0]: must not contain urlRewrite when type is not URLRewrite",
        ],
    );
    route(rewrite, &rewrite.repeat(2), &["spec.rules[0].filters[1]: a URLRewrite filter must not be repeated"]);
    route(
        rewrite,
        &format!("{rewrite}    - {{type: RequestRedirect, requestRedirect: {{}}}}\n"),
        &[
            "spec.rules[0].filters: must not contain both a RequestRedirect and a URLRewrite filter",
            "spec.rules[0].filters[1]: a RequestRedirect filter must not be used together with backendRefs",
        ],
    );
    route(
        "replacePrefixMatch: /}",
        "replaceFullPath: /}",
        &[
            "spec.rules[0].filters[0].urlRewrite.path: type must be ReplaceFullPath when replaceFullPath is set",
            "spec.rules[0].filters[0].urlRewrite.path: must contain replacePrefixMatch when type is ReplacePrefixMatch",
        ],
    );
    route(
        "hostname: a.example.com",
        "hostname: '*.example.com'",
        &[
            "spec.rules[0].filters[0].urlRewrite.hostname: must be a DNS name of lower-case letters, digits, `-` and `.`, without \
         a wildcard (\"*.example.com\")",
        ],
    );
    route(
        "numerator: 1",
        "numerator: 3",
        &["spec.rules[0].filters[1].requestMirror.fraction: numerator must not be greater than denominator"],
    );
    route(
        "fraction: ",
        "percent: 5, fraction: ",
        &["spec.rules[0].filters[1].requestMirror: must not contain both percent and fraction"],
    );
    route(
        "name: mirror, port: 80",
        "name: mirror",
        &["spec.rules[0].filters[1].requestMirror.backendRef: must have port for a Service reference"],
    );
    for (from, to, field) in [
        ("allowOrigins: ['*']", "allowOrigins: ['*', 'https://a.b']", "allowOrigins"),
        ("allowMethods: [GET]", "allowMethods: [GET, '*']", "allowMethods"),
        ("allowHeaders: [x-a]", "allowHeaders: ['*', x-a]", "allowHeaders"),
    ] {
        let expected = format!("spec.rules[0].filters[2].cors.{field}: must not contain `*` beside other values");
        route(from, to, &[&expected]);
    }
    route(
        "allowMethods: [GET]",
        "allowMethods: [GET, GET]",
        &["spec.rules[0].filters[2].cors.allowMethods[1]: is the same as item 0"],
    );
    route(
        "statusCode: 301",
        "statusCode: 300",
        &["spec.rules[1].filters[0].requestRedirect.statusCode: must be one of 301, 302, 303, 307, 308 (300)"],
    );
    route(
        "type: CORS\n",
        "type: Cors\n",
        &[
            "spec.rules[0].filters[2].type: must be one of RequestHeaderModifier, ResponseHeaderModifier, RequestMirror, \
         RequestRedirect, URLRewrite, ExtensionRef, CORS, ExternalAuth (\"Cors\")",
            "spec.rules[0].filters[2]: must not contain cors when type is not CORS",
        ],
    );
    route(
        "- {name: a, port: 80, weight: 1}",
        "- {name: a, port: 80, filters: [{type: ExtensionRef}]}",
        &["spec.rules[0].backendRefs[0].filters[0]: must contain extensionRef when type is ExtensionRef"],
    );
    let auth = "    - {type: ExternalAuth, externalAuth: {protocol: GRPC, http: {}, backendRef: {name: a, port: 1}}}\n";
    route(
        rewrite,
        auth,
        &[
            "spec.rules[0].filters[0].externalAuth: must contain grpc when protocol is GRPC",
            "spec.rules[0].filters[0].externalAuth: protocol must be HTTP when http is set",
        ],
    );
}
