//! `postern check`: the status that objects would have, and every problem with its place. What it says is what a cluster
//! would say, since it is the same translation.

mod json;
mod table;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

pub(super) use table::{plural, show_parent};

use super::configuration::{FileConfiguration, Report, Sources, settings, sources};
use super::diagnostic::count;
use super::paint::{Paint, print};
use crate::resources::Snapshot;
use crate::translate::Settings;

/// Tell the status that the objects of files would have, and every problem with file, line and hint.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit code: 0 all is well, 1 there are warnings, 2 there are errors. The JSON of -o json has `objects` \
(kind, namespace, name, status), `problems` (severity, code, object, field, file, line, message, hint), `errors` and \
`warnings`; fields may be added, and none goes.\n\nExample: postern check examples/guide"
)]
pub(crate) struct CheckArguments {
    /// Files, folders (*.yaml, *.yml, *.json at any depth), or - for standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// How to tell it
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    output: Output,
    /// CA certificates (PEM) for wellKnownCACertificates: System
    #[arg(long, value_name = "FILE")]
    system_ca_bundle: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Text,
    Json,
}

pub(super) fn main(arguments: &CheckArguments) -> anyhow::Result<ExitCode> {
    let sources = sources(&arguments.paths)?;
    let checked = Checked::of(&sources, settings(arguments.system_ca_bundle.as_deref()));
    print(&match arguments.output {
        Output::Text => checked.text(Paint::for_stream(&std::io::stdout())),
        Output::Json => checked.json()?,
    });
    Ok(checked.exit_code())
}

/// The outcome of a check.
pub(super) struct Checked {
    snapshot: Snapshot,
    report: Report,
}

impl Checked {
    /// Reads and translates once.
    pub(super) fn of(sources: &Sources, settings: Settings) -> Self {
        let configuration = FileConfiguration::read_once(sources, settings);
        let verdicts = configuration.translate_now().verdicts;
        let diagnostics = configuration.diagnostics(&verdicts);
        Self { snapshot: configuration.snapshot().clone(), report: Report { verdicts, diagnostics } }
    }

    /// For people.
    pub(super) fn text(&self, paint: Paint) -> String {
        table::render(&self.snapshot, &self.report, paint)
    }

    fn json(&self) -> anyhow::Result<String> {
        json::render(&self.report)
    }

    /// 0, 1 (warnings) or 2 (errors).
    pub(super) fn exit_code(&self) -> ExitCode {
        match count(&self.report.diagnostics) {
            (0, 0) => ExitCode::SUCCESS,
            (0, _) => ExitCode::from(1),
            _ => ExitCode::from(super::EXIT_ERROR),
        }
    }
}
