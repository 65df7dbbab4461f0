//! h2load: HTTP/2, and HTTP/1.1 at a fixed rate with the time of every request.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context as _, bail, ensure};

use super::Answered;
use crate::certificates::FRONT;
use crate::process;

/// What was agreed upon, where that matters.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Negotiated {
    /// HTTP/2, and all was answered.
    Http2(Answered),
    /// Another protocol.
    Other(String),
}

/// HTTP/2 over TLS: so many connections with so many requests at once.
pub(crate) fn http2(
    (connections, streams): (usize, usize),
    address: SocketAddr,
    seconds: u64,
    core: usize,
    folder: &Path,
) -> anyhow::Result<Negotiated> {
    let mut command = process::pinned(core, "h2load");
    command.args(["-t1", &format!("-c{connections}"), &format!("-m{streams}"), "-D", &format!("{seconds}s")]);
    command.arg(format!("--connect-to={address}")).arg(format!("https://{FRONT}/1k"));
    let output = process::output_of("h2load", command, folder)?;
    match protocol(&output) {
        Some("h2") => parse(&output).map(Negotiated::Http2),
        other => Ok(Negotiated::Other(other.unwrap_or("none").to_owned())),
    }
}

/// A round at a fixed rate.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Paced {
    /// The time of each request, in microseconds.
    Times(Vec<f64>),
    /// The rate was not reached: so many requests a second were answered.
    Missed(f64),
}

/// HTTP/1.1 at so many requests a second.
pub(crate) fn at_rate(
    url: &str,
    connections: usize,
    rate: u64,
    seconds: u64,
    core: usize,
    folder: &Path,
) -> anyhow::Result<Paced> {
    let log = folder.join("h2load.log");
    // h2load appends.
    let _ = fs::remove_file(&log);
    let each = (rate / connections as u64).max(1);
    let mut command = process::pinned(core, "h2load");
    command.args(["--h1", "-t1", &format!("-c{connections}"), "-D", &format!("{seconds}s"), &format!("--rps={each}")]);
    command.arg("--log-file").arg(&log).arg(url);
    let answered = parse(&process::output_of("h2load", command, folder)?)?;
    let asked = (each * connections as u64) as f64;
    if answered.rate < asked * 0.95 {
        return Ok(Paced::Missed(answered.rate));
    }
    parse_log(&fs::read_to_string(&log).context("h2load's log")?).map(Paced::Times)
}

/// What ALPN agreed on.
fn protocol(output: &str) -> Option<&str> {
    output.lines().find_map(|line| line.strip_prefix("Application protocol:")).map(str::trim)
}

fn parse(output: &str) -> anyhow::Result<Answered> {
    let line = |start: &str| output.lines().find_map(|line| line.strip_prefix(start)).with_context(|| start.to_owned());
    let requests = line("requests:").context("h2load")?;
    let status = line("status codes:").context("h2load")?;
    let counted = |text: &str, name: &str| {
        let number = text.split(',').map(str::trim).find_map(|part| part.strip_suffix(name))?;
        number.trim().parse::<u64>().ok()
    };
    for bad in ["failed", "errored", "timeout"] {
        if counted(requests, bad) != Some(0) {
            bail!("h2load: requests: {}", requests.trim());
        }
    }
    let answered = counted(status, "2xx").filter(|count| *count > 0).context("h2load: nothing was answered")?;
    if ["3xx", "4xx", "5xx"].iter().any(|bad| counted(status, bad) != Some(0)) {
        bail!("h2load: status codes: {}", status.trim());
    }
    let rate = line("finished in").context("h2load")?.split(',').find_map(|part| part.trim().strip_suffix(" req/s"));
    Ok(Answered { requests: answered, rate: rate.context("h2load tells no rate")?.parse()? })
}

/// Lines of start, status and microseconds, apart by tabs.
fn parse_log(log: &str) -> anyhow::Result<Vec<f64>> {
    let mut times = Vec::new();
    for line in log.lines() {
        let mut columns = line.split('\t').skip(1);
        match (columns.next(), columns.next().and_then(|time| time.parse().ok())) {
            (Some("200"), Some(time)) => times.push(time),
            _ => bail!("h2load's log has {line:?}"),
        }
    }
    ensure!(!times.is_empty(), "h2load's log is empty");
    Ok(times)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "starting benchmark...
TLS Protocol: TLSv1.3
Application protocol: h2

finished in 2.00s, 8012.50 req/s, 9.21MB/s
requests: 16025 total, 16041 started, 16025 done, 16025 succeeded, 0 failed, 0 errored, 0 timeout
status codes: 16025 2xx, 0 3xx, 0 4xx, 0 5xx
traffic: 18.42MB (19316000) total, 390.66KB (400036) headers (space savings 83.86%), 15.65MB (16409600) data
";

    #[test]
    fn requests_and_protocol_are_read() {
        assert_eq!(parse(GOOD).unwrap(), Answered { requests: 16025, rate: 8012.5 });
        assert_eq!(protocol(GOOD), Some("h2"));
        assert_eq!(protocol(""), None);
    }

    #[test]
    fn errors_fail_the_round() {
        for (good, bad) in [
            ("0 failed", "1 failed"),
            ("0 errored", "1 errored"),
            ("0 timeout", "1 timeout"),
            ("0 5xx", "1 5xx"),
            ("0 3xx", "1 3xx"),
            ("16025 2xx", "0 2xx"),
            ("status codes:", "codes:"),
        ] {
            assert!(parse(&GOOD.replace(good, bad)).is_err(), "{bad} was taken");
        }
    }

    #[test]
    fn the_time_of_each_request_is_the_third_column() {
        assert_eq!(parse_log("1700000000000000\t200\t150\n1700000000000100\t200\t90\n").unwrap(), [150.0, 90.0]);
        assert!(parse_log("1700000000000000\t502\t150\n").is_err());
        assert!(parse_log("1700000000000000\t-1\t150\n").is_err());
        assert!(parse_log("").is_err());
    }
}
