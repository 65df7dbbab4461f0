//! The connections of the workers.

use super::*;
use crate::telemetry::tests::{id, poisoned};
use crate::telemetry::{Observer, PoolState};

fn rows(page: &Page) -> Vec<String> {
    page.texts("tbody tr")
}

#[actix_web::test]
async fn each_worker_and_the_sum_are_told_beside_the_limit() {
    let running = Running::serving(plan([("a", originate()), ("b", originate()), ("never-reached", poisoned())]));
    let workers = [(); 2].map(|()| running.status.telemetry.worker());
    for worker in &workers {
        worker.pool_limit(&id("a"), 2);
    }
    for (worker, state) in
        [(0, PoolState::Active), (0, PoolState::Idle), (1, PoolState::Connecting), (1, PoolState::Active)]
    {
        workers[worker].pool(&id("a"), None, Some(state));
    }
    let expected = [
        "Service/ns/a:8443 Gateway ns/gw all 2 1 1 4, ✗ 100% taken",
        "Service/ns/a:8443 worker 0 1 1 0 2, ✗ 100% taken",
        "Service/ns/a:8443 worker 1 1 0 1 2, ✗ 100% taken",
        "Service/ns/b:8443 Gateway ns/gw all 0 0 0 – no endpoint is known",
    ];
    assert_eq!(rows(&page(running.admin, "/pools").await), expected);

    workers[1].pool(&id("a"), Some(PoolState::Connecting), None);
    drop(workers);
    let shown = page(running.admin, "/pools?q=ns/a").await;
    assert_eq!(
        rows(&shown),
        ["Service/ns/a:8443 Gateway ns/gw all 0 0 0 – no endpoint is known"],
        "a worker that is gone has none"
    );
    assert!(shown.only(".note").starts_with("The filter takes 1 of 2 backends"));
}
