//! Whether the process is ready, in sync, and in touch.

use std::collections::BTreeSet;

use jiff::Timestamp;
use maud::{Markup, html};

use crate::plan::Plan;
use crate::telemetry::admin::health::Health;
use crate::telemetry::admin::{layout, words};
use crate::telemetry::{OutOfTouch, Status};

/// Of a process that serves requests.
pub(super) fn proxy(status: &Status, plan: &Plan, now: Timestamp) -> Markup {
    let mut facts = vec![("Readiness", readiness(status)), ("Configuration", configuration(status, plan, now))];
    facts.extend(contact(status, now).map(|contact| ("Kubernetes", contact)));
    standing(facts)
}

/// Of a controller.
pub(super) fn controller(status: &Status, now: Timestamp) -> Markup {
    let leads = match status.telemetry.is_leader() {
        Some(true) => Health::Good.says("leader: this replica writes"),
        _ => Health::Unknown.says("not the leader: another replica writes"),
    };
    let mut facts = vec![("Controller", leads), ("Readiness", readiness(status))];
    facts.extend(contact(status, now).map(|contact| ("Kubernetes", contact)));
    standing(facts)
}

fn standing(facts: Vec<(&str, Markup)>) -> Markup {
    html! { section.standing aria-label="How it stands" { (layout::facts(facts)) } }
}

fn readiness(status: &Status) -> Markup {
    let waits_for = status.readiness.waits_for();
    if waits_for.is_empty() {
        return Health::Good.says("ready");
    }
    Health::Bad.says(format!("not ready: {}", waits_for.join(", ")))
}

fn configuration(status: &Status, plan: &Plan, now: Timestamp) -> Markup {
    let gateways: BTreeSet<_> = plan.ports.iter().map(|port| &port.gateway).collect();
    let behind: Vec<_> = gateways
        .into_iter()
        .filter(|name| status.telemetry.is_in_sync(name) == Some(false))
        .map(|name| &**name)
        .collect();
    let applied = status.telemetry.config_last_success().and_then(|at| Timestamp::from_second(at as i64).ok());
    match applied {
        _ if !behind.is_empty() => html! {
            (Health::Bad.says(format!("not in sync: not every worker serves the newest of {}", behind.join(", "))))
            @if let Some(applied) = applied { ", the last that all served is of " (words::moment(applied, now)) }
        },
        Some(applied) => html! { (Health::Good.says("in sync")) " since " (words::moment(applied, now)) },
        None => Health::Unknown.says("none was applied yet"),
    }
}

/// Nothing in a process that does not watch Kubernetes.
fn contact(status: &Status, now: Timestamp) -> Option<Markup> {
    match status.contact.out_of_touch() {
        Some(OutOfTouch { since, causes }) => Some(html! {
            (Health::Bad.says("out of touch with Kubernetes"))
            " since "
            @if let Ok(since) = Timestamp::try_from(since) { (words::moment(since, now)) } @else { "ever" }
            "; what was known last is served on."
            ul { @for cause in causes { li { (cause) } } }
        }),
        None => status.contact.is_watching().then(|| Health::Good.says("in touch with Kubernetes")),
    }
}
