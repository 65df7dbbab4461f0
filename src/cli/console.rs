//! What a running gateway tells the person at the terminal: first a banner, then what changes. Where the log is JSON the
//! same is told as events of the log.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

use actix::{Actor, Context, Handler};
use postern_actors::plan::Plan;
use postern_actors::supervisor::configuration::Translated;
use postern_actors::supervisor::sockets::Listening;
use postern_actors::supervisor::workers::ListeningChanged;
use postern_actors::telemetry::{PolicyCondition, Telemetry};
use tokio::sync::watch;

use super::configuration::Report;
use super::diagnostic::Diagnostic;
use super::overview::{Overview, reachable};
use super::paint::{Paint, print};
use crate::resources::{Kind, Severity};
use crate::status::Verdicts;

#[cfg(test)]
mod tests;

/// More lines of a kind than this are counted, not shown.
const SHOWN: usize = 40;

/// Where the pages of the process are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pages {
    /// Admin pages.
    pub admin: SocketAddr,
    /// `/metrics`
    pub metrics: SocketAddr,
    /// `/healthz/ready`
    pub ready: SocketAddr,
}

/// How it is told.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Voice {
    /// On standard output.
    Text(Paint),
    /// As events of the log.
    Log,
}

/// What is told under the banner in place of a command to try; it is given the address of the first listener.
pub(crate) type Closing = Box<dyn Fn(SocketAddr) -> String>;

/// What is served now, for whoever waits for it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Served {
    /// What is bound.
    pub listening: Vec<Listening>,
    /// What could not be bound, and why.
    pub failures: Vec<String>,
}

/// Tells the person at the terminal.
pub(crate) struct Console {
    voice: Voice,
    pages: Pages,
    telemetry: Arc<Telemetry>,
    closing: Option<Closing>,
    served: watch::Sender<Option<Served>>,
    plan: Arc<Plan>,
    diagnostics: Vec<Diagnostic>,
    bound: Option<ListeningChanged>,
    told: Option<Told>,
}

/// What was told last.
#[derive(Clone, Default)]
struct Told {
    overview: Overview,
    problems: BTreeSet<String>,
}

impl Console {
    /// A console that has told nothing yet. `closing` is put under the banner in place of a command to try.
    pub(crate) fn new(
        voice: Voice,
        pages: Pages,
        telemetry: Arc<Telemetry>,
        closing: Option<Closing>,
    ) -> (Self, watch::Receiver<Option<Served>>) {
        let (served, watching) = watch::channel(None);
        let console = Self {
            voice,
            pages,
            telemetry,
            closing,
            served,
            plan: Arc::default(),
            diagnostics: Vec::new(),
            bound: None,
            told: None,
        };
        (console, watching)
    }

    fn tell(&mut self) {
        let Some(bound) = &self.bound else { return };
        let now = Told {
            overview: Overview::of(&self.plan, &bound.listening, &bound.failures),
            problems: self.diagnostics.iter().map(|diagnostic| diagnostic.render(self.paint())).collect(),
        };
        match self.voice {
            Voice::Text(paint) => print(&match &self.told {
                None => self.banner(&now, paint),
                Some(before) => changes(before, &now, paint),
            }),
            Voice::Log => self.log(&now),
        }
        self.told = Some(now);
        let failures = bound.failures.iter().map(|failure| failure.message.clone()).collect();
        self.served.send_replace(Some(Served { listening: bound.listening.clone(), failures }));
    }

    fn paint(&self) -> Paint {
        match self.voice {
            Voice::Text(paint) => paint,
            Voice::Log => Paint::never(),
        }
    }

    fn banner(&self, now: &Told, paint: Paint) -> String {
        let Pages { admin, metrics, ready } = self.pages;
        let mut text = format!(
            "{}\n\n  admin    http://{}/\n  metrics  http://{}/metrics\n  ready    http://{}/healthz/ready\n",
            paint.bold(concat!("Postern ", env!("CARGO_PKG_VERSION"))),
            reachable(admin),
            reachable(metrics),
            reachable(ready),
        );
        section(&mut text, &paint.bold("Listeners"), &now.overview.listeners);
        section(&mut text, &paint.bold("Routes"), &now.overview.routes);
        if !now.problems.is_empty() {
            let _ = writeln!(text, "\n{}", paint.bold("Problems"));
            for problem in self.diagnostics.iter().take(SHOWN) {
                text.push_str(&problem.render(paint));
            }
            more(&mut text, self.diagnostics.len());
        }
        let first = self.bound.iter().flat_map(|bound| &bound.listening).next();
        match (&self.closing, first, &now.overview.curl) {
            (Some(closing), Some(first), _) => {
                let _ = write!(text, "\n{}", closing(reachable(first.address)));
            }
            (None, _, Some(curl)) => {
                let _ = writeln!(text, "\n{}\n  {curl}", paint.bold("Try"));
            }
            _ => {}
        }
        text.push('\n');
        text
    }

    fn log(&self, now: &Told) {
        if self.told.is_none() {
            let Pages { admin, metrics, ready } = self.pages;
            tracing::info!(%admin, %metrics, %ready, "serving");
        }
        let before = self.told.clone().unwrap_or_default();
        for line in now.overview.listeners.difference(&before.overview.listeners) {
            tracing::info!(listener = line, "listening");
        }
        for line in before.overview.listeners.difference(&now.overview.listeners) {
            tracing::info!(listener = line, "no longer listening");
        }
        for line in now.overview.routes.difference(&before.overview.routes) {
            tracing::info!(route = line, "routing");
        }
        for line in before.overview.routes.difference(&now.overview.routes) {
            tracing::info!(route = line, "no longer routing");
        }
        for problem in
            self.diagnostics.iter().filter(|problem| !before.problems.contains(&problem.render(Paint::never())))
        {
            let Diagnostic { code, object, field, hint, message, .. } = problem;
            let place = problem.place().unwrap_or_default();
            match problem.severity {
                Severity::Error => tracing::error!(code, object, field, place, hint, "{message}"),
                Severity::Warning => tracing::warn!(code, object, field, place, hint, "{message}"),
                Severity::Notice => tracing::info!(code, object, field, place, hint, "{message}"),
            }
        }
    }
}

fn section(text: &mut String, heading: &str, lines: &BTreeSet<String>) {
    let _ = writeln!(text, "\n{heading}");
    for line in lines.iter().take(SHOWN) {
        let _ = writeln!(text, "  {line}");
    }
    if lines.is_empty() {
        text.push_str("  none\n");
    }
    more(text, lines.len());
}

fn more(text: &mut String, count: usize) {
    if count > SHOWN {
        let _ = writeln!(text, "  and {} more", count - SHOWN);
    }
}

/// What came and went, empty if nothing did.
fn changes(before: &Told, now: &Told, paint: Paint) -> String {
    let mut text = String::new();
    let pairs = [
        ("listener", &before.overview.listeners, &now.overview.listeners),
        ("route", &before.overview.routes, &now.overview.routes),
    ];
    for (what, before, now) in pairs {
        let gone: Vec<_> = before.difference(now).collect();
        let new: Vec<_> = now.difference(before).collect();
        for line in gone.iter().take(SHOWN) {
            let _ = writeln!(text, "{} {what} {line}", paint.red("-"));
        }
        more(&mut text, gone.len());
        for line in new.iter().take(SHOWN) {
            let _ = writeln!(text, "{} {what} {line}", paint.green("+"));
        }
        more(&mut text, new.len());
    }
    for problem in now.problems.difference(&before.problems).take(SHOWN) {
        text.push_str(problem);
    }
    let solved = before.problems.difference(&now.problems).count();
    if solved > 0 {
        let summary = format!("{solved} of the problems above {} gone", if solved == 1 { "is" } else { "are" });
        let _ = writeln!(text, "{}", paint.green(&summary));
    }
    text
}

/// Tells the metrics the conditions of every policy.
pub(super) fn tell_policy_conditions(telemetry: &Telemetry, verdicts: &Verdicts) {
    let conditions = policy_conditions(verdicts);
    let kind = Kind::BackendTlsPolicy.as_str();
    telemetry.policy_conditions(conditions.iter().map(|(policy, condition, status)| PolicyCondition {
        kind,
        policy,
        condition,
        status: *status,
    }));
}

/// The conditions of every policy for the metrics: true where it is true under every Gateway.
fn policy_conditions(verdicts: &Verdicts) -> Vec<(String, &'static str, bool)> {
    let mut found = BTreeMap::new();
    for (name, verdict) in &verdicts.backend_tls_policies {
        for condition in verdict.ancestors.iter().flat_map(|ancestor| &ancestor.conditions) {
            *found.entry((name.to_string(), condition.kind)).or_insert(true) &= condition.status;
        }
    }
    found.into_iter().map(|((policy, condition), status)| (policy, condition, status)).collect()
}

impl Actor for Console {
    type Context = Context<Self>;
}

impl Handler<Translated<Report>> for Console {
    type Result = ();

    fn handle(&mut self, translated: Translated<Report>, _: &mut Self::Context) {
        tracing::debug!(published = translated.published, took = ?translated.took, "translated");
        tell_policy_conditions(&self.telemetry, &translated.report.verdicts);
        self.telemetry.set_problems(translated.report.diagnostics.iter().filter_map(Diagnostic::problem).collect());
        self.plan = translated.plan;
        self.diagnostics = translated.report.diagnostics;
        // A published plan is told when its ports are bound: that comes next.
        if !translated.published {
            self.tell();
        }
    }
}

impl Handler<ListeningChanged> for Console {
    type Result = ();

    fn handle(&mut self, bound: ListeningChanged, _: &mut Self::Context) {
        self.bound = Some(bound);
        self.tell();
    }
}
