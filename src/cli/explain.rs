//! `postern explain`: which listener, route, rule, backend and policy take a request, and why; what was near and lost; and
//! what the client would see. Over files, a cluster, or what a running gateway dumps.

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use postern_actors::plan::explain::Explanation;

use super::given::GivenArguments;
use super::paint::{Paint, print};

mod answer;
mod question;
mod source;
mod text;
mod ways;

use answer::Explained;
use question::QuestionArguments;
use source::Source;

/// Explain which listener, route, rule, backend and policy take a request, and what the client would see.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES, after_long_help = format!("{EXIT_CODES}\n\n{DETAILS}"))]
pub(crate) struct ExplainArguments {
    #[command(flatten)]
    question: QuestionArguments,
    #[command(flatten)]
    given: GivenArguments,
    /// What a running gateway serves: the URL of its admin port, or a file with what its /config_dump says
    #[arg(long, value_name = "FILE|URL", conflicts_with_all = ["files", "system_ca_bundle"])]
    dump: Option<String>,
    /// Tell everything: every listener, every route that was near, every port
    #[arg(long)]
    all: bool,
    /// Text, or JSON for programs
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

const EXIT_CODES: &str = "\
Exit code: 0 wherever a route takes the request it is forwarded or redirected, 1 clients get an error of the gateway's or no \
connection, 2 the question or the configuration cannot be read.

Example: postern explain http://example.com/cart?id=1 -f examples/guide
         postern explain --host example.com --path /cart --method POST --header 'x-version: 2'
         postern explain http://example.com/ --dump http://127.0.0.1:15000";

const DETAILS: &str = "\
The request is judged by the limits that a gateway has by default (--max-target-bytes and the like of postern run).

The JSON of -o json has `request` (method, host, path, headers), `note` (how it was understood), and `answers`, one for each \
port by which the request may come in: `gateway`, `port`, `protocol`, `listener`, `otherListeners` (name, hostname, why), \
`taken` (route, rule, name, hostname, match, timeouts), `near` (the same with `lost`: unmet or precedence, `by`, `message`), \
`nearLeftOut`, `otherHostnames`, and `outcome`, whose `kind` is forward (`backends`: weight, percent, backend, endpoints, \
host, path, headers, `tls` as /config_dump has it, `nearMiss` (policy, message: where a policy nearly selects a backend that \
gets plaintext), `failure`), redirect (status, location), answer (status, reason, body, detail) or no_handshake. Beside \
these `certificates` (subject and notAfter by fingerprint, where they are known), `routes` and `listeners` (that cannot \
take it, and why), and `problems` as in check. Fields may be added, and none goes.";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Text,
    Json,
}

/// Matches that lost and are told, of each port.
const NEAR: usize = 10;

pub(super) fn main(arguments: &ExplainArguments) -> anyhow::Result<ExitCode> {
    let asked = arguments.question.asked()?;
    let source = actix_rt::System::new().block_on(Source::read(&arguments.given, arguments.dump.as_deref()))?;
    let gateway = arguments.given.gateway.as_ref().map(ToString::to_string);
    ways::check(&source, gateway.as_deref(), asked.listener.as_deref())?;
    let (entrance, mut note) = asked.entrance(gateway.as_deref(), &source.plan);
    let near = if arguments.all { usize::MAX } else { NEAR };
    let answers = source.plan.explain(&asked.question, entrance, &source.endpoints, near);
    if answers.is_empty() {
        note = Some(ways::served(&source, gateway.as_deref()));
    }
    let good = is_good(&answers);
    let explained = Explained::new(&asked.question, note, &answers, &source);
    print(&match arguments.output {
        Output::Json => serde_json::to_string_pretty(&explained)? + "\n",
        Output::Text => text::render(&explained, arguments.all, Paint::for_stream(&std::io::stdout())),
    });
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Whether a route takes the request by some port, and by every such port it is redirected or gets to a backend.
fn is_good(answers: &[Explanation<'_>]) -> bool {
    let mut taken = answers.iter().filter(|answer| answer.taken.is_some()).peekable();
    taken.peek().is_some() && taken.all(|answer| answer.outcome.is_good())
}
