//! Why a match did not take the request, in a word and in words.

use postern_actors::plan::Rule;
use postern_actors::plan::explain::{Lost, Near};
use postern_actors::plan::matching::{Criterion, Match, Unmet, ValueMatch};

use super::{Loser, NamedMatch};

impl Loser {
    pub(super) fn new(near: &Near<'_>, taken: Option<&Rule>) -> Self {
        let (lost, by, message) = match &near.lost {
            Lost::Unmet(unmet) => {
                let (by, message) = unmet_condition(unmet, near.condition);
                ("unmet", by, message)
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

fn unmet_condition(unmet: &Unmet<'_>, condition: &Match) -> (&'static str, String) {
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
        Unmet::Path => ("path", "the path does not match".to_owned()),
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
