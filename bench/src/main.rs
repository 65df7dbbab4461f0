//! Postern, nginx and HAProxy in front of the same TLS backend: what a request costs each. See the README beside.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, ValueEnum as _};

use crate::certificates::Certificates;
use crate::cores::Cores;
use crate::report::{Findings, Report};
use crate::scenario::Scenario;
use crate::stage::Bench;

mod backend;
mod certificates;
mod cores;
mod load;
mod port;
mod process;
mod proxy;
mod report;
mod request;
mod sample;
mod scenario;
mod stage;
mod statistics;
mod tools;

/// Measures Postern, nginx and HAProxy as proxies in front of the same TLS backend, in alternating rounds.
#[derive(Debug, Parser)]
#[command(name = "postern-bench", version)]
struct Arguments {
    /// How often each proxy is measured
    #[arg(long, value_name = "N", default_value = "5", value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    /// How long a round is
    #[arg(long, value_name = "SEC", default_value = "5", value_parser = clap::value_parser!(u16).range(1..))]
    seconds: u16,
    /// Only this one; repeatable
    #[arg(long = "scenario", value_name = "NAME", value_enum)]
    scenarios: Vec<Scenario>,
    /// Measure this binary, and build none
    #[arg(long, value_name = "FILE")]
    postern: Option<PathBuf>,
    /// Write the table to this file as well
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
    /// All three log each request to a file
    #[arg(long)]
    access_log: bool,
    /// nginx and HAProxy set X-Forwarded-For, -Proto, -Host and X-Request-Id, as Postern always does
    #[arg(long)]
    forwarded: bool,
    /// One more round of Postern for each scenario, recorded with perf into this folder
    #[arg(long, value_name = "FOLDER")]
    perf: Option<PathBuf>,
    /// The core of the proxies [default: the last one]
    #[arg(long, value_name = "N")]
    proxy_core: Option<usize>,
    /// The core of the backend [default: the second one, or with two cores that of the load]
    #[arg(long, value_name = "N")]
    backend_core: Option<usize>,
    /// The core of the load generator [default: the first one]
    #[arg(long, value_name = "N")]
    load_core: Option<usize>,
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("postern-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether every scenario could be measured. A target that is missed is no failure.
fn run(arguments: Arguments) -> anyhow::Result<bool> {
    tools::check(arguments.perf.is_some())?;
    let cores = Cores::choose(&cores::allowed()?, arguments.proxy_core, arguments.backend_core, arguments.load_core)?;
    cores::raise_open_files()?;
    let built_here = arguments.postern.is_none();
    let postern = match arguments.postern {
        Some(binary) => fs::canonicalize(&binary).with_context(|| binary.display().to_string())?,
        None => tools::build_postern()?,
    };
    if let Some(folder) = &arguments.perf {
        fs::create_dir_all(folder)?;
    }
    let folder = tempfile::Builder::new().prefix("postern-bench-").tempdir()?;
    process::end_with_signals(folder.path().to_owned())?;
    cores::stay_on(cores.load)?;
    let bench = Bench {
        cores,
        rounds: usize::from(arguments.rounds),
        seconds: u64::from(arguments.seconds),
        access_log: arguments.access_log,
        forwarded: arguments.forwarded,
        perf: arguments.perf,
        certificates: Certificates::make(folder.path())?,
        folder: folder.path().to_owned(),
        postern,
    };
    scenario::verification::run(&bench)?;

    let chosen =
        if arguments.scenarios.is_empty() { Scenario::value_variants() } else { arguments.scenarios.as_slice() };
    let mut report = Report {
        circumstances: circumstances(&bench, built_here)?,
        findings: Findings::default(),
        failures: Vec::new(),
    };
    for scenario in chosen {
        match scenario.run(&bench) {
            Ok(findings) => {
                report.findings.rows.extend(findings.rows);
                report.findings.notes.extend(findings.notes);
            }
            Err(error) => {
                eprintln!("  {scenario} failed: {error:#}");
                report.failures.push(format!("{scenario}: {error:#}"));
            }
        }
    }
    let text = report.markdown();
    if let Some(file) = arguments.write {
        fs::write(&file, &text).with_context(|| file.display().to_string())?;
    }
    println!("{text}");
    Ok(report.failures.is_empty())
}

fn circumstances(bench: &Bench, built_here: bool) -> anyhow::Result<Vec<String>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let mut lines = vec![
        format!(
            "{}, `cargo run --release -p postern-bench -- {}`",
            jiff::Timestamp::now().strftime("%Y-%m-%d"),
            arguments.join(" ")
        ),
        format!(
            "{} rounds of {} s; proxies on core {}, backend on {}, load on {}; access logs {}; forwarding fields {}",
            bench.rounds,
            bench.seconds,
            bench.cores.proxy,
            bench.cores.backend,
            bench.cores.load,
            if bench.access_log { "on" } else { "off" },
            if bench.forwarded { "set by all three" } else { "set by Postern only" },
        ),
    ];
    lines.extend(tools::versions(&bench.postern, built_here)?);
    Ok(lines)
}
