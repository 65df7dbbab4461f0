//! wrk: as many HTTP/1.1 requests as the connections can carry.

use std::path::Path;

use anyhow::{Context as _, bail};

use super::Answered;
use crate::certificates::FRONT;
use crate::process;

/// A round of wrk.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wrk<'a> {
    /// What to ask for.
    pub(crate) url: &'a str,
    /// Connections kept open, each with one request at a time.
    pub(crate) connections: usize,
    /// How long.
    pub(crate) seconds: u64,
    /// A script that makes the requests.
    pub(crate) script: Option<&'a Path>,
}

impl Wrk<'_> {
    /// Runs on `core`.
    pub(crate) fn run(&self, core: usize, folder: &Path) -> anyhow::Result<Answered> {
        let mut command = process::pinned(core, "wrk");
        command.args(["-t1", "--timeout", "10s", "-H", &format!("Host: {FRONT}")]);
        command.arg(format!("-c{}", self.connections)).arg(format!("-d{}s", self.seconds));
        if let Some(script) = self.script {
            command.arg("-s").arg(script);
        }
        command.arg(self.url);
        parse(&process::output_of("wrk", command, folder)?)
    }
}

fn parse(output: &str) -> anyhow::Result<Answered> {
    let line = |start: &str| output.lines().map(str::trim).find_map(|line| line.strip_prefix(start));
    for bad in ["Socket errors:", "Non-2xx or 3xx responses:"] {
        if let Some(rest) = line(bad) {
            bail!("wrk: {bad}{rest}");
        }
    }
    let requests =
        output.lines().find_map(|line| line.trim().split_once(" requests in ")).context("wrk counts nothing")?;
    let rate = line("Requests/sec:").context("wrk tells no rate")?;
    let answered = Answered { requests: requests.0.parse()?, rate: rate.trim().parse()? };
    if answered.requests == 0 {
        bail!("wrk: no request was answered");
    }
    Ok(answered)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "Running 5s test @ http://127.0.0.1:9003/1k
  1 threads and 16 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.36ms    3.06ms  51.85ms   96.96%
    Req/Sec    16.17k     3.53k   22.21k    74.00%
  80550 requests in 5.01s, 95.25MB read
Requests/sec:  16085.12
Transfer/sec:     19.02MB
";

    #[test]
    fn requests_and_their_rate_are_read() {
        assert_eq!(parse(GOOD).unwrap(), Answered { requests: 80550, rate: 16085.12 });
    }

    #[test]
    fn errors_fail_the_round() {
        for bad in ["  Socket errors: connect 0, read 3, write 0, timeout 0\n", "  Non-2xx or 3xx responses: 12\n"] {
            let output = GOOD.replace("Requests/sec", &format!("{bad}Requests/sec"));
            assert!(parse(&output).unwrap_err().to_string().contains(bad.trim()), "{output}");
        }
        assert!(parse("").is_err());
        assert!(parse(&GOOD.replace("80550", "0")).is_err());
    }
}
