//! `postern demo --check`: sends the demo's requests and compares status, body and metric with what is expected.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use tokio::time::{Instant, sleep, timeout};

use super::Expectation;
use super::manifests::{LISTENER_PORT, NAMESPACE};
use crate::cli::overview::reachable;
use crate::cli::paint::Paint;
use crate::cli::serve::Running;

/// The longest to wait for the gateway to serve, and for a metric to show.
const PATIENCE: Duration = Duration::from_secs(20);
const HANDSHAKES: &str = "postern_upstream_tls_handshakes_total";

/// The outcome of the check.
pub(super) struct Checked {
    /// A table.
    pub(super) text: String,
    /// Whether everything is as expected.
    pub(super) as_expected: bool,
}

/// Sends every request.
pub(super) async fn check(
    running: &Running,
    expectations: &[Expectation],
    read_in_plaintext: &AtomicUsize,
) -> anyhow::Result<Checked> {
    let gateway = gateway_address(running).await?;
    let paint = Paint::for_stream(&std::io::stdout());
    let mut text = paint.bold(&format!("{:<16} {:>6}  {:<16} outcome", "host", "status", "result")) + "\n";
    let mut as_expected = true;
    for expectation in expectations {
        let outcome = one(running, gateway, expectation).await;
        let (verdict, why) = match &outcome {
            Ok(()) => (paint.green("as expected"), String::new()),
            Err(error) => (paint.red("NOT as expected"), format!(": {error:#}")),
        };
        as_expected &= outcome.is_ok();
        let Expectation { status, result, .. } = expectation;
        let _ = writeln!(text, "{:<16} {status:>6}  {result:<16} {verdict}{why}", expectation.host());
    }
    let read = read_in_plaintext.load(Ordering::SeqCst);
    if read > 0 {
        as_expected = false;
        let _ = writeln!(text, "{}: {read} requests were sent in plaintext", paint.red("NOT as expected"));
    }
    Ok(Checked { text, as_expected })
}

async fn gateway_address(running: &Running) -> anyhow::Result<SocketAddr> {
    let mut served = running.served.clone();
    let bound = timeout(PATIENCE, served.wait_for(Option::is_some))
        .await
        .context("the gateway did not begin to serve in time")?
        .context("the gateway ended")?;
    let served = bound.as_ref().context("nothing is served")?;
    let listening = served.listening.iter().find(|listening| listening.port == LISTENER_PORT);
    match listening {
        Some(listening) => Ok(reachable(listening.address)),
        None => bail!("the gateway's port could not be bound: {}", served.failures.join("; ")),
    }
}

async fn one(running: &Running, gateway: SocketAddr, expectation: &Expectation) -> anyhow::Result<()> {
    let client = awc::Client::builder().timeout(Duration::from_secs(10)).finish();
    let request = client.get(format!("http://{gateway}/")).insert_header(("host", expectation.host()));
    let mut response = request.send().await.map_err(|error| anyhow!("no answer: {error}"))?;
    let status = response.status().as_u16();
    let body = response.body().await.map_err(|error| anyhow!("no body: {error}"))?;
    let body = String::from_utf8_lossy(&body);
    if status != expectation.status {
        bail!("status {status}, body {:?}", body.trim());
    }
    if !body.contains(expectation.body) {
        bail!("the body does not hold {:?}: {:?}", expectation.body, body.trim());
    }
    let deadline = Instant::now() + PATIENCE;
    loop {
        let metrics = metrics(&client, running.pages.metrics).await?;
        if counted(&metrics, expectation) {
            return Ok(());
        }
        if Instant::now() >= deadline {
            bail!("the metric {HANDSHAKES} does not count result=\"{}\"", expectation.result);
        }
        sleep(Duration::from_millis(20)).await;
    }
}

async fn metrics(client: &awc::Client, address: SocketAddr) -> anyhow::Result<String> {
    let url = format!("http://{}/metrics", reachable(address));
    let mut response = client.get(url).send().await.map_err(|error| anyhow!("no metrics: {error}"))?;
    let body = response.body().limit(16 << 20).await.map_err(|error| anyhow!("no metrics: {error}"))?;
    Ok(String::from_utf8_lossy(&body).into_owned())
}

/// Whether the handshakes of a host's backend have been counted, under its one result.
fn counted(metrics: &str, expectation: &Expectation) -> bool {
    let backend = format!("backend=\"Service/{NAMESPACE}/{}\"", expectation.name);
    let result = format!("result=\"{}\"", expectation.result);
    metrics.lines().filter(|line| line.starts_with(HANDSHAKES)).any(|line| {
        let value = line.rsplit(' ').next().and_then(|value| value.parse::<f64>().ok());
        line.contains(&backend) && line.contains(&result) && value.is_some_and(|value| value >= 1.0)
    })
}

#[cfg(test)]
mod tests {
    use super::super::EXPECTATIONS;
    use super::*;

    #[test]
    fn a_count_belongs_to_its_backend_and_its_result() {
        let good = &EXPECTATIONS[0];
        let line = |backend: &str, result: &str, count: u32| {
            format!(
                "{HANDSHAKES}{{gateway=\"demo/demo\",backend=\"Service/demo/{backend}\",port=\"443\",result=\"{result}\"}} {count}\n"
            )
        };
        assert!(counted(&line("good", "ok", 2), good));
        assert!(!counted(&line("good", "ok", 0), good), "nothing was counted");
        assert!(!counted(&line("good", "expired", 1), good), "another result");
        assert!(!counted(&line("expired", "ok", 1), good), "another backend");
        assert!(!counted(&format!("# HELP {HANDSHAKES} backend result"), good));
    }
}
