//! Arguments and wiring, one file a subcommand. How anything is decided is known elsewhere.

use std::fmt;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser, Subcommand};

mod check;
mod cluster;
mod configuration;
mod console;
mod controller;
mod data_plane;
mod demo;
mod descriptors;
mod diagnostic;
mod explain;
mod given;
mod log;
mod overview;
mod paint;
mod probe;
mod process;
mod proxy;
mod quantity;
mod run;
mod serve;

#[cfg(test)]
mod tests;

/// The exit code of a wrong command line, a missing file, and of `check` where something does not work.
const EXIT_ERROR: u8 = 2;

/// The command line.
#[derive(Debug, Parser)]
#[command(
    name = "postern",
    version,
    about = "A Kubernetes gateway that originates TLS to its backends, fails closed, and says how every handshake ended",
    max_term_width = 100,
    disable_help_subcommand = true,
    arg_required_else_help = true,
    args_override_self = true,
    after_help = "Example: postern demo"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show TLS origination at work: backends and a gateway of its own, and curl lines to paste
    Demo(demo::DemoArguments),
    /// Serve what files of Kubernetes YAML say, and follow their changes
    Run(Box<run::RunArguments>),
    /// Serve one Gateway of a cluster
    Proxy(Box<proxy::ProxyArguments>),
    /// Provision the Gateways of a cluster, and write every status
    Controller(controller::ControllerArguments),
    /// Tell the status that the objects of files would have, and every problem with file, line and hint
    Check(check::CheckArguments),
    /// Try a handshake with a backend, step by step, and tell what would mend it
    Probe(Box<probe::ProbeArguments>),
    /// Explain which listener, route, rule, backend and policy take a request, and what the client would see
    Explain(Box<explain::ExplainArguments>),
}

/// Something that keeps a command from beginning: told in one line, with exit code 2.
#[derive(Debug)]
struct Refusal(String);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refusal {}

/// Runs the command line of the process.
pub fn main() -> ExitCode {
    // More than one cryptographic provider is linked; ours is chosen before anything asks for one.
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        eprintln!("postern: a cryptographic provider was installed before ours");
        return ExitCode::FAILURE;
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return tell(&error),
    };
    let outcome = match cli.command {
        Command::Demo(arguments) => demo::main(arguments),
        Command::Run(arguments) => run::main(*arguments),
        Command::Proxy(arguments) => proxy::main(*arguments),
        Command::Controller(arguments) => controller::main(&arguments),
        Command::Check(arguments) => check::main(&arguments),
        Command::Probe(arguments) => probe::main(&arguments),
        Command::Explain(arguments) => explain::main(&arguments),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("postern: {error:#}");
        if error.is::<Refusal>() { ExitCode::from(EXIT_ERROR) } else { ExitCode::FAILURE }
    })
}

/// Help goes to standard output with 0; anything else is one line on standard error with 2.
fn tell(error: &clap::Error) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // Whoever reads may have left: a closed pipe is no fault.
            let _ = error.print();
            ExitCode::SUCCESS
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let _ = error.print();
            ExitCode::from(EXIT_ERROR)
        }
        _ => {
            let arguments: Vec<_> = std::env::args().skip(1).take(1).collect();
            eprintln!("postern: {}", one_line(&error.to_string(), arguments.first().map(String::as_str)));
            ExitCode::from(EXIT_ERROR)
        }
    }
}

/// The first paragraph of clap's words in one line, and where the help is.
fn one_line(text: &str, first_argument: Option<&str>) -> String {
    let paragraph: Vec<_> = text.lines().map(str::trim).take_while(|line| !line.is_empty()).collect();
    let message = paragraph.join(" ");
    let message = message.strip_prefix("error: ").unwrap_or(&message);
    let command = Cli::command();
    let command = first_argument
        .and_then(|name| command.find_subcommand(name))
        .map_or(String::new(), |command| format!(" {}", command.get_name()));
    format!("{message} (see postern{command} --help)")
}
