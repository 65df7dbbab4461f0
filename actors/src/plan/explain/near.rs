//! The matches for a host that did not take a request, the nearest first, each with the reason.

use std::borrow::Cow;
use std::cmp::Reverse;

use crate::plan::Listener;
use crate::plan::matching::{Criterion, Match, PathMatch, RequestParts, RuleTable, Unmet};
use crate::plan::rule::Rule;

/// The nearest of the matches that lost.
#[derive(Debug, Default)]
pub struct Nearest<'p> {
    /// The nearest first.
    pub matches: Vec<Near<'p>>,
    /// How many more there are.
    pub left_out: usize,
}

/// A match that lost.
#[derive(Debug)]
pub struct Near<'p> {
    /// The hostname of the route; `None` takes every host.
    pub hostname: Option<Cow<'p, str>>,
    /// The match.
    pub condition: &'p Match,
    /// Its rule.
    pub rule: &'p Rule,
    /// Why.
    pub lost: Lost<'p>,
}

/// Why a match did not take a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Lost<'p> {
    /// Its conditions that the request does not meet, by path, method, headers and query; never empty.
    Unmet(Vec<Unmet<'p>>),
    /// It would take the request; the one that took it has a more specific hostname.
    LessSpecificHostname,
    /// It would take the request; the one that took it comes first by this.
    ComesLater(Criterion),
}

/// The rules of a listener for a host.
pub(super) struct Hosts<'p> {
    /// By the hostnames that take it, the most specific first.
    tables: Vec<(Option<Cow<'p, str>>, &'p RuleTable)>,
    /// The hostnames that do not take it.
    pub(super) others: Vec<Cow<'p, str>>,
}

impl<'p> Hosts<'p> {
    pub(super) fn new(listener: &'p Listener, host: &str) -> Self {
        let mut named: Vec<_> = listener.routes.iter().collect();
        let take = |table: &RuleTable| named.iter().position(|(_, other)| std::ptr::eq(*other, table));
        let taking: Vec<_> = listener.routes.candidates(host).filter_map(take).collect();
        let tables = taking.iter().map(|place| (named[*place].0.take(), named[*place].1)).collect();
        Self { tables, others: named.into_iter().filter_map(|(hostname, _)| hostname).collect() }
    }

    /// The hostname under which a match stands.
    pub(super) fn hostname_of(&self, condition: &Match) -> Option<Cow<'p, str>> {
        let (hostname, _) = &self.tables[self.place_of(condition)?];
        hostname.clone()
    }

    fn place_of(&self, condition: &Match) -> Option<usize> {
        self.tables.iter().position(|(_, table)| table.rules().any(|(other, _)| std::ptr::eq(other, condition)))
    }

    /// Every match but the one that took the request, or as many of the nearest as are wanted.
    pub(super) fn nearest(&self, request: &impl RequestParts, taken: Option<&Match>, wanted: usize) -> Nearest<'p> {
        let place = taken.and_then(|taken| self.place_of(taken));
        let mut matches = Vec::new();
        for (at, (hostname, table)) in self.tables.iter().enumerate() {
            for (condition, rule) in table.rules() {
                let unmet = condition.unmet(request);
                let lost = match taken {
                    _ if !unmet.is_empty() => Lost::Unmet(unmet),
                    Some(taken) if std::ptr::eq(taken, condition) => continue,
                    Some(taken) if place == Some(at) => Lost::ComesLater(taken.stands_over(condition)),
                    _ => Lost::LessSpecificHostname,
                };
                matches.push(Near { hostname: hostname.clone(), condition, rule, lost });
            }
        }
        matches.sort_by_cached_key(|near| near.distance(request.path()));
        let left_out = matches.len().saturating_sub(wanted);
        matches.truncate(wanted);
        Nearest { matches, left_out }
    }
}

impl Near<'_> {
    /// How near it was: the more of its conditions were met, and the more of its path, the nearer.
    fn distance(&self, path: &str) -> (u8, Reverse<usize>) {
        let unmet = match &self.lost {
            Lost::ComesLater(_) => return (0, Reverse(0)),
            Lost::LessSpecificHostname => return (1, Reverse(0)),
            Lost::Unmet(unmet) => unmet.first(),
        };
        match unmet {
            Some(Unmet::Query { .. }) | None => (2, Reverse(0)),
            Some(Unmet::Header { .. }) => (3, Reverse(0)),
            Some(Unmet::Method) => (4, Reverse(0)),
            Some(Unmet::Path) => {
                let wanted = match &self.condition.path {
                    PathMatch::Exact(path) | PathMatch::Prefix(path) => path,
                    PathMatch::Regex(_) => "",
                };
                (5, Reverse(wanted.bytes().zip(path.bytes()).take_while(|(one, other)| one == other).count()))
            }
        }
    }
}
