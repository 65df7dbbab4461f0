//! HTTPRoutes: each is read once into a [`RouteDraft`], whatever the number of Gateways and listeners to which it attaches.

use std::sync::Arc;

use super::Settings;
use super::grants::Grants;
use super::hostname;
use crate::resources::http_route::HttpRouteRule;
use crate::resources::{HttpRoute, NamespacedName, Snapshot};

pub(crate) mod attachment;
mod backend_refs;
mod filters;
mod header_edits;
mod matches;
mod path_modifier;
pub(crate) mod patterns;
pub(crate) mod rules;
mod timeouts;
pub(crate) mod verdict;

use patterns::Patterns;
use rules::RuleDraft;

/// A route on the way to the plan: everything that does not depend on a Gateway.
#[derive(Debug)]
pub(crate) struct RouteDraft<'a> {
    /// As written.
    pub(crate) route: &'a HttpRoute,
    /// Namespace and name.
    pub(crate) key: NamespacedName,
    /// `namespace/name`, as the plan has it.
    pub(crate) label: Arc<str>,
    /// In lower case, each once; never empty: `None` alone takes every host.
    pub(crate) hostnames: Vec<Option<Arc<str>>>,
    /// In their order.
    pub(crate) rules: Vec<RuleDraft>,
}

impl RouteDraft<'_> {
    /// Whether any rule can be carried out: "A Route MUST be considered "Accepted" if at least one of the Route's rules is
    /// implemented by the Gateway." (RouteParentStatus.conditions)
    pub(crate) fn has_valid_rule(&self) -> bool {
        self.rules.iter().any(|rule| rule.problems.is_empty())
    }
}

/// Reads every route, in the order of precedence: the older first, then by name (HTTPRouteRule.matches).
pub(crate) fn draft_all<'a>(snapshot: &'a Snapshot, settings: &Settings, grants: &Grants) -> Vec<RouteDraft<'a>> {
    let mut routes: Vec<_> = snapshot.http_routes.iter().collect();
    routes.sort_by_cached_key(|(_, route)| route.metadata.precedence());
    let mut reader = Reader { grants, experimental: settings.experimental, patterns: Patterns::default() };
    routes.into_iter().map(|(key, route)| draft(key, route, &mut reader)).collect()
}

/// What rules are read with.
struct Reader<'g> {
    grants: &'g Grants,
    /// Whether fields of the experimental channel are read.
    experimental: bool,
    patterns: Patterns,
}

fn draft<'a>(key: &NamespacedName, route: &'a HttpRoute, reader: &mut Reader<'_>) -> RouteDraft<'a> {
    let mut hostnames: Vec<Option<Arc<str>>> = Vec::new();
    for written in &route.spec.hostnames {
        let hostname = hostname::normalized(Some(written));
        if !hostnames.contains(&hostname) {
            hostnames.push(hostname);
        }
    }
    if hostnames.is_empty() {
        hostnames.push(None);
    }
    let namespace = route.metadata.namespace.as_str();
    let rules = match &route.spec.rules {
        Some(rules) => {
            let rules = rules.iter().enumerate();
            rules.map(|(index, rule)| RuleDraft::read(index, rule, namespace, reader)).collect()
        }
        None => vec![RuleDraft::read(0, &HttpRouteRule::default(), namespace, reader)],
    };
    RouteDraft { route, key: key.clone(), label: key.to_string().into(), hostnames, rules }
}
