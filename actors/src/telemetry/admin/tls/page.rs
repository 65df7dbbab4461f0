//! The page as a whole: how many stand how, the filter, the backends.

use std::collections::BTreeSet;

use jiff::Timestamp;
use maud::{Markup, html};

use super::{backend, is_wanted};
use crate::telemetry::admin::filter::{FAILING, Filter, Listing};
use crate::telemetry::admin::health::Health;
use crate::telemetry::admin::layout;
use crate::telemetry::admin::survey::Surveyed;
use crate::telemetry::admin::words::grouped;

pub(super) fn page(backends: Vec<Surveyed<'_>>, filter: &Filter, now: Timestamp) -> Markup {
    let (secured, plaintext): (Vec<_>, Vec<_>) = backends.into_iter().partition(Surveyed::is_secured);
    let words: BTreeSet<_> = secured.iter().map(Surveyed::word).collect();
    let (summary, all) = (summary(&secured), (secured.len(), plaintext.len()));
    let wanted = |backends: Vec<_>, all| {
        Listing::new(backends.into_iter().filter(|surveyed| is_wanted(surveyed, filter)).collect(), all)
    };
    let (secured, plaintext) = (wanted(secured, all.0), wanted(plaintext, all.1));
    html! {
        (summary)
        form.filter method="get" action="/tls" {
            (filter.field()) " "
            label {
                span { "Result" } " "
                select name="result" {
                    option value="" { "any" }
                    option value=(FAILING) selected[filter.result == FAILING] { "every failure" }
                    @for word in words { option value=(word) selected[filter.result == word] { (word) } }
                }
            }
            " " button { "Filter" }
        }
        section aria-labelledby="secured" {
            h2 #secured { "Backends that a policy selects" }
            (secured.note("backend"))
            @for surveyed in &secured.shown { (backend::article(surveyed, now)) }
        }
        section aria-labelledby="plaintext" {
            h2 #plaintext { "Backends in plaintext" }
            (plaintext.note("backend"))
            @if !plaintext.shown.is_empty() { (in_plaintext(&plaintext)) }
        }
    }
}

fn summary(secured: &[Surveyed<'_>]) -> Markup {
    let said = [
        (Health::Bad, "failing"),
        (Health::Warn, "to be looked at"),
        (Health::Good, "good"),
        (Health::Unknown, "not tried yet"),
    ];
    let count = |health| secured.iter().filter(|surveyed| surveyed.health == health).count();
    html! {
        ul.summary {
            @for (health, words) in said {
                @let count = count(health);
                li {
                    @let sign = if count == 0 { Health::Unknown } else { health };
                    (sign.says(format!("{} {words}", grouped(count as u64))))
                }
            }
        }
    }
}

fn in_plaintext(plaintext: &Listing<Surveyed<'_>>) -> Markup {
    let rows = plaintext.shown.iter().map(|surveyed| {
        let id = &surveyed.backend.id;
        let near = surveyed.backend.near_miss.as_ref();
        let policy = near.map_or_else(|| html! { "none" }, |near| Health::Warn.says(near.to_string()));
        [html! { (id) }, html! { (id.gateway) }, html! { (surveyed.source()) }, policy]
    });
    layout::table("No policy selects these", ["Backend", "Gateway", "Endpoints", "Policy"], rows)
}
