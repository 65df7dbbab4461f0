//! `/pools`: the connections to each backend, by worker.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use maud::{Markup, html};

use super::filter::{Filter, Listing};
use super::health::Health;
use super::layout;
use super::words::grouped;
use crate::plan::backend::Tls;
use crate::plan::{BackendId, Plan};
use crate::telemetry::{PoolLevels, Status};

/// The connections to one backend.
struct Pool<'p> {
    id: &'p BackendId,
    /// Of each worker.
    workers: Vec<PoolLevels>,
}

impl Pool<'_> {
    fn sum(&self) -> PoolLevels {
        self.workers.iter().fold(PoolLevels::default(), |sum, worker| sum + *worker)
    }

    /// How much of its limit the worker has taken that has taken most.
    fn taken(&self) -> u64 {
        self.workers.iter().map(|worker| percent(*worker)).max().unwrap_or(0)
    }
}

fn percent(levels: PoolLevels) -> u64 {
    (levels.sum() * 100).checked_div(levels.limit).unwrap_or(0)
}

pub(super) async fn get(status: Data<Status>, filter: Query<Filter>) -> HttpResponse {
    let plan = status.plan();
    let mut pools = pools(&status, &plan);
    let all = pools.len();
    pools.retain(|pool| filter.takes(|| format!("{} {}", pool.id.gateway, pool.id)));
    pools.sort_by_key(|pool| std::cmp::Reverse((pool.taken(), pool.sum().sum())));
    let pools = Listing::new(pools, all);
    let content = html! {
        p {
            "A worker keeps its own connections to each backend. A request that finds all of its worker's in use, and their limit "
            "reached, waits, and then gets 503."
        }
        form.filter method="get" action="/pools" { (filter.field()) " " button { "Filter" } }
        (pools.note("backend"))
        @if !pools.shown.is_empty() { (table(&pools.shown)) }
    };
    layout::page(&status, "/pools", "Pools", &content)
}

/// Those of the backends to which there may be connections: none where a policy cannot be used.
fn pools<'p>(status: &Status, plan: &'p Plan) -> Vec<Pool<'p>> {
    let workers = status.telemetry.pools();
    let levels = |worker: &BTreeMap<BackendId, PoolLevels>, id| worker.get(id).copied().unwrap_or_default();
    let of_workers = |id| workers.iter().map(|worker| levels(worker, id)).collect();
    let reached = plan.backends.values().filter(|backend| !matches!(backend.tls, Tls::Poisoned(_)));
    reached.map(|backend| Pool { id: &backend.id, workers: of_workers(&backend.id) }).collect()
}

/// A row a backend, and below it one for each worker that has connections to it.
fn table(pools: &[Pool<'_>]) -> Markup {
    let rows = pools.iter().flat_map(|pool| {
        let whole = html! { strong { (pool.id) } " " span.gateway { "Gateway " (pool.id.gateway) } };
        let all = row(whole, html! { "all" }, pool.sum());
        let workers = pool.workers.iter().enumerate().filter(|(_, levels)| levels.sum() > 0);
        let workers =
            workers.map(|(at, levels)| row(html! { span.again { (pool.id) } }, html! { "worker " (at) }, *levels));
        std::iter::once(all).chain(workers).collect::<Vec<_>>()
    });
    layout::table("Connections", ["Backend", "Worker", "Active", "Idle", "Connecting", "Limit"], rows)
}

fn row(backend: Markup, worker: Markup, levels: PoolLevels) -> [Markup; 6] {
    let number = |count| html! { (grouped(count)) };
    [backend, worker, number(levels.active), number(levels.idle), number(levels.connecting), limit(levels)]
}

fn limit(levels: PoolLevels) -> Markup {
    if levels.limit == 0 {
        return Health::Unknown.says("no endpoint is known");
    }
    let percent = percent(levels);
    let words = format!("{percent}% taken");
    let marked = match percent {
        100.. => Health::Bad.says(words),
        80.. => Health::Warn.says(words),
        _ => html! { (words) },
    };
    html! { (grouped(levels.limit)) ", " (marked) }
}
