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
    /// How many there may be; `None` where the addresses are known when they are dialled.
    limit: Option<u64>,
}

impl Pool<'_> {
    fn sum(&self) -> PoolLevels {
        self.workers.iter().fold(PoolLevels::default(), |sum, worker| sum + *worker)
    }

    /// How much of the limit is taken, in percent.
    fn taken(&self) -> u64 {
        self.limit.filter(|limit| *limit > 0).map_or(0, |limit| self.sum().sum() * 100 / limit)
    }
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
            limit: limit.map(|(addresses, limit)| (addresses * limit * workers.len()) as u64),
        }
    });
    pools.collect()
}

/// A row a backend, and below it one for each worker that has connections to it.
fn table(pools: &[Pool<'_>]) -> Markup {
    let rows = pools.iter().flat_map(|pool| {
        let sum = pool.sum();
        let whole = html! { strong { (pool.id) } " " span.gateway { "Gateway " (pool.id.gateway) } };
        let all = row(whole, html! { "all" }, sum, limit(pool));
        let workers = pool.workers.iter().enumerate().filter(|(_, levels)| levels.sum() > 0);
        let workers = workers
            .map(|(at, levels)| row(html! { span.again { (pool.id) } }, html! { "worker " (at) }, *levels, html! {}));
        std::iter::once(all).chain(workers).collect::<Vec<_>>()
    });
    layout::table("Connections", ["Backend", "Worker", "Active", "Idle", "Connecting", "Limit"], rows)
}

fn row(backend: Markup, worker: Markup, levels: PoolLevels, limit: Markup) -> [Markup; 6] {
    let number = |count| html! { (grouped(count)) };
    [backend, worker, number(levels.active), number(levels.idle), number(levels.connecting), limit]
}

fn limit(pool: &Pool<'_>) -> Markup {
    let Some(limit) = pool.limit else { return html! { "for each address that its name has" } };
    let taken = pool.taken();
    let health = match taken {
        100.. => Health::Bad,
        80.. => Health::Warn,
        _ => Health::Good,
    };
    html! {
        (grouped(limit)) ", "
        @if health == Health::Good { (taken) "% taken" } @else { (health.says(format!("{taken}% taken"))) }
    }
}
