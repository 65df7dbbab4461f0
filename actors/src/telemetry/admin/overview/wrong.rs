//! What is wrong, and what to do about it.

use std::collections::BTreeSet;

use maud::{Markup, PreEscaped, html};

use super::named;
use super::routes::Route;
use crate::plan::BackendId;
use crate::telemetry::Problem;
use crate::telemetry::admin::filter::FAILING;
use crate::telemetry::admin::health::Health;
use crate::telemetry::admin::survey::Surveyed;
use crate::telemetry::admin::words::counted;

/// So many matches are told of that lead to a backend.
const ASKED_BY: usize = 3;

/// So many backends are told of; `/tls` has all of them.
const TOLD: usize = 20;

/// Of backends in order of their health, the certificates of listeners that end, and what is wrong with the configuration.
pub(super) fn list(
    backends: &[Surveyed<'_>],
    routes: &[Route<'_>],
    ending: &[(Health, String)],
    problems: &[Problem],
) -> Markup {
    let count = |health| backends.iter().filter(|surveyed| surveyed.health == health).count();
    let (bad, warned) = (count(Health::Bad), count(Health::Warn));
    let unusable = routes.iter().filter(|route| route.health == Health::Bad).count();
    html! {
        section.wrong aria-labelledby="wrong" {
            h2 #wrong { "What is wrong" }
            @if bad + warned + unusable + ending.len() + problems.len() == 0 { p { (Health::Good.says("Nothing that this process knows of.")) } }
            @if bad > 0 { p { (Health::Bad.says(format!("Failing: {}", counted(bad as u64, "backend")))) "." } }
            @if warned > 0 { p { (Health::Warn.says(format!("To be looked at: {}", counted(warned as u64, "backend")))) "." } }
            @if unusable > 0 {
                p {
                    (Health::Bad.says(format!("{} cannot be served as configured", counted(unusable as u64, "match"))))
                    " and get 500: they come first among " a href="#routes" { "the routes" } "."
                }
            }
            @for (health, words) in ending.iter().take(TOLD) { p { (health.says(words)) } }
            @for surveyed in backends.iter().take(bad + warned).take(TOLD) { (trouble(surveyed, routes)) }
            @if bad + warned > TOLD {
                @if bad > 0 {
                    p { a href={ "/tls?result=" (FAILING) } { "All " (counted(bad as u64, "backend")) " that fail" } }
                } @else {
                    p { a href="/tls" { "All backends" } }
                }
            }
            @if !problems.is_empty() { (of_configuration(problems)) }
        }
    }
}

/// The errors first.
fn of_configuration(problems: &[Problem]) -> Markup {
    let told = [true, false].into_iter().flat_map(|errors| problems.iter().filter(move |one| one.is_error == errors));
    html! {
        h3 #configuration { "In the configuration" }
        @for problem in told.take(TOLD) {
            @let (health, word) = if problem.is_error { (Health::Bad, "error") } else { (Health::Warn, "warning") };
            article class={ "problem " (health.class()) } {
                p { (health.says(word)) " " strong { (problem.subject) } }
                p.cause { (problem.message) }
                @if !problem.hint.is_empty() { p.remedy { strong { "What to do: " } (problem.hint) } }
            }
        }
        @if problems.len() > TOLD { p { (counted((problems.len() - TOLD) as u64, "more problem")) " are in the log." } }
    }
}

fn trouble(surveyed: &Surveyed<'_>, routes: &[Route<'_>]) -> Markup {
    let id = &surveyed.backend.id;
    let fails = surveyed.failure().is_some() || surveyed.health == Health::Bad;
    let link = surveyed.is_secured().then(|| format!("/tls#{}", surveyed.anchor()));
    html! {
        article class={ "trouble " (surveyed.health.class()) } data-backend=(id) data-result=(surveyed.word()) {
            h3 {
                (surveyed.health.says(surveyed.word())) " "
                (named(id, link.as_deref())) " " span.gateway { "Gateway " (id.gateway) }
            }
            @for (_, trouble) in &surveyed.troubles { p { (trouble) } }
            @if let Some(policy) = surveyed.policy() { p { "BackendTLSPolicy " (policy) } }
            (asked_by(id, routes))
            @if fails {
                p { (surveyed.meaning()) }
                p.cause { (surveyed.cause()) }
                p.remedy { strong { "What to do: " } (surveyed.remedy()) }
            }
        }
    }
}

/// Whose requests it concerns.
fn asked_by(id: &BackendId, routes: &[Route<'_>]) -> Markup {
    // What two listeners take alike is told once.
    let routes: BTreeSet<_> =
        routes.iter().filter(|route| route.leads_to(id)).map(|route| route.describe().into_string()).collect();
    html! {
        @if !routes.is_empty() {
            p {
                "Concerns "
                @for (at, route) in routes.iter().take(ASKED_BY).enumerate() {
                    @if at > 0 { ", " }
                    (PreEscaped(route))
                }
                @if routes.len() > ASKED_BY { ", and " (counted((routes.len() - ASKED_BY) as u64, "more match")) }
                "."
            }
        }
    }
}
