//! `/pools`: the connections to each backend, by worker.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use maud::{Markup, html};

use super::filter::{Filter, Listing};
use super::health::Health;
use super::layout;
use super::survey::addresses;
use super::words::grouped;
use crate::plan::{BackendId, Plan};
use crate::telemetry::{PoolLevels, Status};

/// The connections to one backend.
struct Pool<'p> {
    id: &'p BackendId,
    /// Of each worker.
    workers: Vec<PoolLevels>,
    /// How many each of them may have; `None` where the addresses are known when they are dialled.
    limit: Option<u64>,
}

impl Pool<'_> {
    fn sum(&self) -> PoolLevels {
        self.workers.iter().fold(PoolLevels::default(), |sum, worker| sum + *worker)
    }

    /// How much of its limit the worker has taken that has taken most, in percent.
    fn taken(&self) -> u64 {
        let most = self.workers.iter().map(|worker| worker.sum()).max().unwrap_or(0);
        self.limit.map_or(0, |limit| percent(most, limit))
    }
}

fn percent(taken: u64, limit: u64) -> u64 {
    (taken * 100).checked_div(limit).unwrap_or(0)
}

pub(super) async fn get(status: Data<Status>, filter: Query<Filter>) -> HttpResponse {
    let plan = status.plan();
    let mut pools = pools(&status, &plan);
    let all = pools.len();
    pools.retain(|pool| filter.takes(|| format!("{} {}", pool.id.gateway, pool.id)));
    pools.sort_by_key(|pool| std::cmp::Reverse((pool.taken(), pool.sum().sum())));
    let pools = Listing::new(pools, all);
    let limit = status.upstream_limit();
    let content = html! {
        p {
            "A worker keeps its own connections to each backend."
            @if let Some(limit) = limit {
                " It may have " (grouped(limit as u64)) " to one endpoint; a request that finds them all in use waits, and then gets 503."
            }
        }
        form.filter method="get" action="/pools" { (filter.field()) " " button { "Filter" } }
        (pools.note("backend"))
        @if !pools.shown.is_empty() { (table(&pools.shown)) }
    };
    layout::page(&status, "/pools", "Pools", &content)
}

fn pools<'p>(status: &Status, plan: &'p Plan) -> Vec<Pool<'p>> {
    let (workers, endpoints) = (status.telemetry.pools(), status.endpoints());
    let levels = |worker: &BTreeMap<BackendId, PoolLevels>, id| worker.get(id).copied().unwrap_or_default();
    let pools = plan.backends.values().map(|backend| {
        let limit = addresses(backend, &endpoints).zip(status.upstream_limit());
        Pool {
            id: &backend.id,
            workers: workers.iter().map(|worker| levels(worker, &backend.id)).collect(),
            limit: limit.map(|(addresses, limit)| (addresses * limit) as u64),
        }
    });
    pools.collect()
}

/// A row a backend, and below it one for each worker that has connections to it.
fn table(pools: &[Pool<'_>]) -> Markup {
    let rows = pools.iter().flat_map(|pool| {
        let whole = html! { strong { (pool.id) } " " span.gateway { "Gateway " (pool.id.gateway) } };
        let limit = pool.limit.map(|limit| limit * pool.workers.len() as u64);
        let all = row(whole, html! { "all" }, pool.sum(), limit);
        let workers = pool.workers.iter().enumerate().filter(|(_, levels)| levels.sum() > 0);
        let workers = workers
            .map(|(at, levels)| row(html! { span.again { (pool.id) } }, html! { "worker " (at) }, *levels, pool.limit));
        std::iter::once(all).chain(workers).collect::<Vec<_>>()
    });
    layout::table("Connections", ["Backend", "Worker", "Active", "Idle", "Connecting", "Limit"], rows)
}

fn row(backend: Markup, worker: Markup, levels: PoolLevels, limit: Option<u64>) -> [Markup; 6] {
    let number = |count| html! { (grouped(count)) };
    let limit =
        limit.map_or_else(|| html! { "for each address that its name has" }, |limit| share(levels.sum(), limit));
    [backend, worker, number(levels.active), number(levels.idle), number(levels.connecting), limit]
}

fn share(taken: u64, limit: u64) -> Markup {
    let percent = percent(taken, limit);
    let words = format!("{percent}% taken");
    let marked = match percent {
        100.. => Health::Bad.says(words),
        80.. => Health::Warn.says(words),
        _ => html! { (words) },
    };
    html! { (grouped(limit)) ", " (marked) }
}
