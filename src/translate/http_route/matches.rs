//! `matches[]` of a rule.
//!
//! A match that cannot be built (an expression that does not compile, a type that is unknown) must not vanish: its requests
//! would fall through to a broader route, and reach a backend for which nobody meant them. So it is replaced by one that
//! takes at least as much, in the same place of the order, and its rule answers 500. The price is that a broken expression
//! may answer 500 for more than it meant, within its route's own hostnames: an error that is seen, rather than one that is
//! not.

use http::header::HeaderName;
use postern_actors::plan::matching::{Match, PathMatch, ValueMatch};

use super::patterns::{Patterns, anything};
use crate::resources::http_route::{HttpPathMatch, HttpRouteMatch, HttpValueMatch};
use crate::status::reason;
use crate::translate::findings::Problem;

/// HTTPMethod's values.
const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];

/// Builds the matches of a rule; none is the prefix `/` (HTTPRouteRule.matches). What stands in for a match that cannot be
/// built comes with a problem.
pub(super) fn build(
    written: &[HttpRouteMatch],
    field: &str,
    patterns: &mut Patterns,
    problems: &mut Vec<Problem>,
) -> Vec<Match> {
    if written.is_empty() {
        return vec![build_one(&HttpRouteMatch::default(), field, patterns, problems)];
    }
    let numbered = written.iter().enumerate();
    numbered.map(|(index, one)| build_one(one, &format!("{field}.matches[{index}]"), patterns, problems)).collect()
}

fn build_one(written: &HttpRouteMatch, field: &str, patterns: &mut Patterns, problems: &mut Vec<Problem>) -> Match {
    let path = path(&written.path, &format!("{field}.path"), patterns, problems);
    let method = written.method.as_deref().map(|method| {
        if !METHODS.contains(&method) {
            let hint = format!("use one of {}", METHODS.join(", "));
            problems.push(unsupported(format!("{field}.method"), format!("method {method} is not supported"), &hint));
        }
        method.into()
    });
    let mut headers: Vec<(std::sync::Arc<str>, ValueMatch)> = Vec::new();
    for (index, header) in written.headers.iter().enumerate() {
        let field = format!("{field}.headers[{index}]");
        let Ok(name) = HeaderName::from_bytes(header.name.as_bytes()) else {
            let message = format!("{:?} is not the name of a header", header.name);
            problems.push(unsupported(format!("{field}.name"), message, "correct the name"));
            continue;
        };
        // "only the first entry with an equivalent name MUST be considered for a match" (HTTPHeaderMatch.name)
        if !headers.iter().any(|(known, _)| &**known == name.as_str()) {
            headers.push((name.as_str().into(), value(header, &field, patterns, problems)));
        }
    }
    let mut query: Vec<(std::sync::Arc<str>, ValueMatch)> = Vec::new();
    for (index, parameter) in written.query_params.iter().enumerate() {
        if !query.iter().any(|(known, _)| **known == *parameter.name) {
            let field = format!("{field}.queryParams[{index}]");
            query.push((parameter.name.as_str().into(), value(parameter, &field, patterns, problems)));
        }
    }
    Match { path, method, headers, query }
}

/// The prefix that `ReplacePrefixMatch` replaces: "ReplacePrefixMatch is only compatible with a `PathPrefix`
/// HTTPRouteMatch" (HTTPPathModifier), and with exactly one.
pub(super) fn only_prefix(written: &[HttpRouteMatch]) -> Option<String> {
    match written {
        [] => Some("/".into()),
        [one] if one.path.kind == "PathPrefix" => Some(one.path.value.clone()),
        _ => None,
    }
}

fn path(written: &HttpPathMatch, field: &str, patterns: &mut Patterns, problems: &mut Vec<Problem>) -> PathMatch {
    let mut absolute = || -> std::sync::Arc<str> {
        if written.value.starts_with('/') {
            return written.value.as_str().into();
        }
        let message = format!("path {:?} does not begin with /", written.value);
        problems.push(unsupported(format!("{field}.value"), message, "begin it with /"));
        format!("/{}", written.value).into()
    };
    match written.kind.as_str() {
        "Exact" => PathMatch::Exact(absolute()),
        "PathPrefix" => PathMatch::Prefix(absolute()),
        "RegularExpression" => PathMatch::Regex(patterns.anchored(&written.value).unwrap_or_else(|error| {
            problems.push(broken(format!("{field}.value"), &written.value, &error));
            patterns.covering(&written.value)
        })),
        other => {
            problems.push(unsupported(
                format!("{field}.type"),
                format!("path type {other} is not supported"),
                "use Exact, PathPrefix or RegularExpression",
            ));
            PathMatch::Regex(anything())
        }
    }
}

fn value(written: &HttpValueMatch, field: &str, patterns: &mut Patterns, problems: &mut Vec<Problem>) -> ValueMatch {
    match written.kind.as_str() {
        "Exact" => ValueMatch::Exact(written.value.as_str().into()),
        "RegularExpression" => ValueMatch::Regex(patterns.anchored(&written.value).unwrap_or_else(|error| {
            problems.push(broken(format!("{field}.value"), &written.value, &error));
            anything()
        })),
        other => {
            problems.push(unsupported(
                format!("{field}.type"),
                format!("type {other} is not supported"),
                "use Exact or RegularExpression",
            ));
            ValueMatch::Regex(anything())
        }
    }
}

fn broken(field: String, pattern: &str, error: &str) -> Problem {
    let message = format!("regular expression {pattern:?} is invalid: {error}");
    unsupported(field, message, "the syntax is that of RE2 (docs.rs/regex); it has to match the whole value")
}

fn unsupported(field: String, message: String, hint: &str) -> Problem {
    Problem::new(reason::UNSUPPORTED_VALUE, field, message, hint)
}

#[cfg(test)]
mod tests;
