//! The matches of all routes, with what answers.

use std::borrow::Cow;
use std::collections::HashMap;

use maud::{Markup, html};

use crate::plan::backend::{Backend, Poison, Tls};
use crate::plan::matching::Match;
use crate::plan::rule::{Action, Target};
use crate::plan::{BackendId, Plan, Rule};
use crate::telemetry::admin::filter::{Filter, Listing};
use crate::telemetry::admin::health::Health;
use crate::telemetry::admin::layout::table;

/// One match of a route on a listener.
pub(super) struct Route<'p> {
    gateway: &'p str,
    listener: &'p str,
    hostname: Cow<'p, str>,
    condition: &'p Match,
    rule: &'p Rule,
    /// Bad: at least a part of its requests gets 500. Warn: it leads to a backend that cannot be reached.
    pub health: Health,
}

impl Route<'_> {
    /// Whether it may send requests to a backend.
    pub(super) fn leads_to(&self, id: &BackendId) -> bool {
        let Action::Forward(backends) = &self.rule.action else { return false };
        backends.iter().any(|reference| matches!(&reference.target, Target::Backend(backend) if backend.id == *id))
    }

    /// What it takes, and whose it is.
    pub(super) fn describe(&self) -> Markup {
        html! { code { (self.hostname) " " (self.condition) } " (" (self.rule.route) " rule " (self.rule.index) ")" }
    }

    fn text(&self) -> String {
        let Self { gateway, listener, hostname, condition, rule, .. } = self;
        let answers = match &rule.action {
            Action::Redirect(_) => "redirect".to_owned(),
            Action::Fail(poison) => poison.reason.to_string(),
            Action::Forward(backends) => backends.iter().map(|reference| answer(&reference.target)).collect(),
        };
        format!("{gateway} {listener} {hostname} {condition} {} {answers}", rule.route)
    }
}

fn poison(target: &Target) -> Option<&Poison> {
    match target {
        Target::Unusable(poison) => Some(poison),
        Target::Backend(backend) => match &backend.tls {
            Tls::Poisoned(poison) => Some(poison),
            Tls::Plaintext | Tls::Originate { .. } => None,
        },
    }
}

fn answer(target: &Target) -> String {
    let backend = match target {
        Target::Backend(backend) => backend.id.to_string(),
        Target::Unusable(_) => String::new(),
    };
    format!("{backend} {} ", poison(target).map_or("", |poison| poison.reason.as_str()))
}

/// The backends whose handshakes fail, with the word.
pub(super) type Failing<'s> = HashMap<&'s BackendId, &'static str>;

fn health(action: &Action, failing: &Failing<'_>) -> Health {
    let backends = match action {
        Action::Redirect(_) => return Health::Good,
        Action::Fail(_) => return Health::Bad,
        Action::Forward(backends) => backends,
    };
    let of_target = |target: &Target| match target {
        _ if poison(target).is_some() => Health::Bad,
        Target::Backend(backend) if failing.contains_key(&backend.id) => Health::Warn,
        _ => Health::Good,
    };
    // Without a backendRef that has a weight there is nothing to forward to.
    backends.iter().map(|reference| of_target(&reference.target)).min().unwrap_or(Health::Bad)
}

/// All of a plan, in the order in which they are tried; those that cannot be served first.
pub(super) fn of<'p>(plan: &'p Plan, failing: &Failing<'_>) -> Vec<Route<'p>> {
    let listeners = plan.ports.iter().flat_map(|port| port.listeners.values().map(move |listener| (port, listener)));
    let mut routes: Vec<_> = listeners
        .flat_map(|(port, listener)| {
            listener.routes.iter().flat_map(move |(hostname, table)| {
                let hostname = hostname.unwrap_or(Cow::Borrowed("*"));
                table.rules().map(move |(condition, rule)| Route {
                    gateway: &port.gateway,
                    listener: &listener.name,
                    hostname: hostname.clone(),
                    condition,
                    rule,
                    health: health(&rule.action, failing),
                })
            })
        })
        .collect();
    routes.sort_by_key(|route| route.health);
    routes
}

/// Those that the filter takes.
pub(super) fn list(routes: Vec<Route<'_>>, failing: &Failing<'_>, filter: &Filter) -> Markup {
    let all = routes.len();
    let taken = routes.into_iter().filter(|route| filter.takes(|| route.text())).collect();
    let routes = Listing::new(taken, all);
    let rows = routes.shown.iter().map(|route| {
        [
            html! { (route.rule.route) " rule " (route.rule.index) },
            html! { (route.hostname) },
            html! { code { (route.condition) } },
            action(route.rule, failing),
            html! { (route.gateway) " " (route.listener) },
        ]
    });
    html! {
        h3 #routes { "Routes" }
        (routes.note("match"))
        @if !routes.shown.is_empty() {
            (table("Matches of routes", ["Route", "Hostname", "Match", "Action", "Listener"], rows))
        }
    }
}

fn action(rule: &Rule, failing: &Failing<'_>) -> Markup {
    match &rule.action {
        Action::Redirect(redirect) => html! { "redirect " (redirect.status.as_u16()) },
        Action::Fail(poison) => unusable(poison),
        Action::Forward(backends) if backends.iter().next().is_none() => {
            Health::Bad.says("500: no backendRef has a weight")
        }
        Action::Forward(backends) => html! {
            ul {
                @for reference in backends.iter() {
                    li {
                        @match &reference.target {
                            Target::Backend(backend) => (leads_to(backend)),
                            Target::Unusable(poison) => (unusable(poison)),
                        }
                        " (weight " (reference.weight) ")"
                        @if let Target::Backend(backend) = &reference.target && let Some(word) = failing.get(&backend.id) {
                            " " (Health::Bad.says(word))
                        }
                    }
                }
            }
        },
    }
}

fn leads_to(backend: &Backend) -> Markup {
    match &backend.tls {
        Tls::Plaintext => html! { (backend.id) " in plaintext" },
        Tls::Originate { .. } => html! { (backend.id) " over TLS" },
        Tls::Poisoned(poison) => html! { (backend.id) " " (unusable(poison)) },
    }
}

fn unusable(poison: &Poison) -> Markup {
    Health::Bad.says(html! { "500 " (poison.reason.as_str()) ": " (poison.message) })
}
