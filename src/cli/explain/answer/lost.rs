//! Why a match did not take the request, in a word and in words.

use postern_actors::plan::Rule;
use postern_actors::plan::explain::{Lost, Near};
use postern_actors::plan::matching::{Criterion, Match, PathMatch, Unmet, ValueMatch};

use super::{Loser, NamedMatch};

impl Loser {
    /// `path` is that of the request.
    pub(super) fn new(near: &Near<'_>, taken: Option<&Rule>, path: &str) -> Self {
        let (lost, by, message) = match &near.lost {
            Lost::Unmet(unmet) => {
                let told: Vec<_> = unmet.iter().map(|unmet| unmet_condition(unmet, near.condition, path)).collect();
                let by = told.first().map_or("", |(by, _)| *by);
                ("unmet", by, told.into_iter().map(|(_, message)| message).collect::<Vec<_>>().join("; "))
            }
            Lost::LessSpecificHostname => {
                ("precedence", "hostname", "would match; a more specific hostname comes first".to_owned())
            }
            Lost::ComesLater(criterion) => {
                let same_route = taken.is_some_and(|taken| taken.route == near.rule.route);
                let (by, first) = precedence(*criterion, same_route);
                ("precedence", by, format!("would match; {first} first"))
            }
        };
        Self { of: NamedMatch::new(near.rule, near.hostname.as_deref(), near.condition), lost, by, message }
    }
}

/// Why a path is not taken, where that may surprise.
fn unmet_path(wanted: &PathMatch, path: &str) -> String {
    let begins = |prefix: &str| path.get(..prefix.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(prefix));
    match wanted {
        PathMatch::Prefix(prefix) if path.starts_with(&**prefix) => {
            format!("the path does not match: a prefix takes whole segments, so {prefix} and {prefix}/... alone")
        }
        PathMatch::Exact(exact) if exact.eq_ignore_ascii_case(path) => {
            "the path does not match: case counts".to_owned()
        }
        PathMatch::Prefix(prefix) if begins(prefix) => "the path does not match: case counts".to_owned(),
        PathMatch::Exact(exact) if exact.trim_end_matches('/') == path.trim_end_matches('/') => {
            "the path does not match: it has to be exactly this, with or without the slash at the end".to_owned()
        }
        PathMatch::Exact(_) | PathMatch::Prefix(_) | PathMatch::Regex(_) => "the path does not match".to_owned(),
    }
}

fn unmet_condition(unmet: &Unmet<'_>, condition: &Match, path: &str) -> (&'static str, String) {
    let value = |what: &str, name: &str, wanted: &ValueMatch, found: Option<&[u8]>| {
        let wanted = match wanted {
            ValueMatch::Exact(value) => format!("not {value}"),
            ValueMatch::Regex(regex) => format!("which does not match {}", regex.as_str()),
        };
        found.map_or_else(
            || format!("{what} {name} is not there"),
            |found| format!("{what} {name} is {}, {wanted}", String::from_utf8_lossy(found)),
        )
    };
    match unmet {
        Unmet::Path => ("path", unmet_path(&condition.path, path)),
        Unmet::Method => ("method", format!("the method is not {}", condition.method.as_deref().unwrap_or_default())),
        Unmet::Header { name, wanted, found } => ("header", value("header", name, wanted, found.as_deref())),
        Unmet::Query { name, wanted, found } => ("query", value("query parameter", name, wanted, found.as_deref())),
    }
}

fn precedence(criterion: Criterion, same_route: bool) -> (&'static str, &'static str) {
    match criterion {
        Criterion::PathType => ("path_type", "an exact path comes before an expression, and that before a prefix:"),
        Criterion::PathLength => ("path_length", "the longer path comes"),
        Criterion::Method => ("method", "one that names a method comes"),
        Criterion::Headers => ("headers", "one with more headers comes"),
        Criterion::Query => ("query", "one with more query parameters comes"),
        Criterion::Order if same_route => ("order", "what the route says earlier comes"),
        Criterion::Order => ("order", "the older route comes, or else by its name,"),
    }
}
