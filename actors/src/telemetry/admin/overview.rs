//! `/`: how the process stands. What is wrong comes first; then what it serves.

use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use jiff::Timestamp;
use maud::{Markup, html};

use super::filter::{Filter, Listing};
use super::health::{Health, none};
use super::layout;
use super::survey::{Surveyed, survey};
use super::words;
use crate::plan::BackendId;
use crate::plan::backend::Tls;
use crate::telemetry::Status;

mod gateways;
mod routes;
mod standing;
mod wrong;

pub(super) async fn get(status: Data<Status>, filter: Query<Filter>) -> HttpResponse {
    let now = Timestamp::now();
    let content = if layout::is_controller(&status) {
        html! {
            (standing::controller(&status, now))
            p { "A controller provisions Gateways and writes statuses. It serves no traffic: what a Gateway serves, and how "
                "its backends answer, is on the admin pages of that Gateway's proxies." }
        }
    } else {
        proxy(&status, &filter, now)
    };
    layout::page(&status, "/", "Overview", &content)
}

fn proxy(status: &Status, filter: &Filter, now: Timestamp) -> Markup {
    let (plan, endpoints) = (status.plan(), status.endpoints());
    let backends = survey(&plan, &endpoints, status.telemetry.observations(), now);
    let failing = backends.iter().filter(|surveyed| surveyed.is_failing());
    let failing = failing.map(|surveyed| (&surveyed.backend.id, surveyed.word())).collect();
    let routes = routes::of(&plan, &failing);
    let problems = status.telemetry.problems();
    let wrong = wrong::list(&backends, &routes, &gateways::ending(&plan, now), &problems);
    let all = backends.len();
    let shown = backends.into_iter().filter(|surveyed| filter.takes(|| surveyed.text())).collect();
    html! {
        (standing::proxy(status, &plan, now))
        (wrong)
        (gateways::list(&plan, now))
        section aria-labelledby="serves" {
            h2 #serves { "Backends and routes" }
            form.filter method="get" action="/" { (filter.field()) " " button { "Filter" } }
            (table(&Listing::new(shown, all), filter, now))
            (routes::list(routes, &failing, filter))
        }
    }
}

fn table(backends: &Listing<Surveyed<'_>>, filter: &Filter, now: Timestamp) -> Markup {
    let rows = backends.shown.iter().map(|surveyed| {
        let id = &surveyed.backend.id;
        let addresses = surveyed.addresses.map(|addresses| words::counted(addresses as u64, "ready endpoint"));
        let link = surveyed.is_secured().then(|| format!("/tls{}#{}", filter.link(), surveyed.anchor()));
        [
            named(id, link.as_deref()),
            html! { (id.gateway) },
            html! { (surveyed.source()) ", " (addresses.as_deref().unwrap_or("resolved when it is dialled")) },
            surveyed.policy().map_or_else(none, |policy| html! { (policy) }),
            tls(surveyed, now),
        ]
    });
    html! {
        h3 #backends { "Backends" }
        (backends.note("backend"))
        @if !backends.shown.is_empty() {
            (layout::table("Backends", ["Backend", "Gateway", "Endpoints", "Policy", "TLS"], rows))
        }
    }
}

/// A backend, with a link to its place on `/tls` if it has one.
fn named(id: &BackendId, link: Option<&str>) -> Markup {
    html! { @if let Some(link) = link { a href=(link) { (id) } } @else { (id) } }
}

fn tls(surveyed: &Surveyed<'_>, now: Timestamp) -> Markup {
    let word = surveyed.word();
    match (&surveyed.backend.tls, &surveyed.last) {
        (Tls::Plaintext, _) if surveyed.backend.near_miss.is_some() => {
            Health::Warn.says("plaintext: a policy nearly selects it")
        }
        (Tls::Plaintext, _) => html! { "plaintext: no policy selects it" },
        (Tls::Poisoned(poison), _) => Health::Bad.says(html! { (word) ": " (poison.message) }),
        (Tls::Originate { identity, .. }, None) => html! { "SNI " (identity.sni) ", not reached yet" },
        (Tls::Originate { .. }, Some(last)) => html! {
            (surveyed.health.says(word)) ", "
            (words::away(surveyed.failure().map_or(last.time, |failure| failure.time).as_second(), now))
        },
    }
}
