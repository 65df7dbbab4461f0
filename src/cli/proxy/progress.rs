//! From what was translated and what every worker serves to the generation of the Gateway that is served.

use std::sync::Arc;

use actix::{Actor, Addr, Context, Handler};
use postern_actors::plan::Plan;
use postern_actors::supervisor::configuration::Translated;
use postern_actors::supervisor::kubernetes::applied::{Applied, AppliedReporter};
use postern_actors::supervisor::kubernetes::events::EventReporter;
use postern_actors::supervisor::workers::ListeningChanged;

use crate::cli::configuration::Report;
use crate::cli::console::Console;
use crate::cluster::proxy::ProxyReport;

/// Passes on what it is told, and reports a generation when all of its plan is served.
pub(super) struct Progress {
    console: Addr<Console>,
    reporter: Addr<AppliedReporter>,
    events: Addr<EventReporter>,
    translated: Option<(Arc<Plan>, Applied)>,
    served: Option<Arc<Plan>>,
}

impl Progress {
    pub(super) fn new(console: Addr<Console>, reporter: Addr<AppliedReporter>, events: Addr<EventReporter>) -> Self {
        Self { console, reporter, events, translated: None, served: None }
    }

    fn tell(&self) {
        if let (Some((plan, applied)), Some(served)) = (&self.translated, &self.served)
            && Arc::ptr_eq(plan, served)
        {
            self.reporter.do_send(applied.clone());
        }
    }
}

impl Actor for Progress {
    type Context = Context<Self>;
}

impl Handler<Translated<ProxyReport>> for Progress {
    type Result = ();

    fn handle(&mut self, translated: Translated<ProxyReport>, _: &mut Self::Context) {
        let Translated { report: ProxyReport { verdicts, gateway, regarding }, plan, published, took } = translated;
        self.translated = gateway.map(|applied| (plan.clone(), applied));
        self.tell();
        self.events.do_send(regarding);
        let report = Report { verdicts, diagnostics: Vec::new() };
        self.console.do_send(Translated { report, plan, published, took });
    }
}

impl Handler<ListeningChanged> for Progress {
    type Result = ();

    fn handle(&mut self, bound: ListeningChanged, _: &mut Self::Context) {
        // A port that could not be bound is not served, whatever the plan says.
        self.served = bound.plan.clone().filter(|_| bound.failures.is_empty());
        self.tell();
        self.console.do_send(bound);
    }
}
