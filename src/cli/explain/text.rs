//! An explanation for people, in the order that a request takes.

use postern_actors::outcome::Reason;

use super::answer::{Answer, Destination, Edits, Explained, Failure, Loser, NamedListener, NamedMatch, NearMiss, Told};
use crate::cli::check::plural;
use crate::cli::diagnostic::{Diagnostic, count};
use crate::cli::given;
use crate::cli::paint::Paint;

mod identity;

/// More of anything than this is counted, where not everything is asked for.
const SHOWN: usize = 3;
/// Matches that lost and are told, where there is only one answer.
const NEAR: usize = 10;
/// The codes of problems for which an object, or a whole file, takes no part.
const UNREAD: [&str; 4] = ["FileUnreadable", "SyntaxError", "InvalidObject", given::UNREAD];

/// The whole page.
pub(super) fn render(explained: &Explained, all: bool, paint: Paint) -> String {
    let mut page = Page { text: String::new(), paint, all, shown: SHOWN };
    let request = &explained.request;
    page.heading(&format!("{} {} for host {}", request.method, request.path, request.host));
    if let Some(note) = &explained.note {
        page.row("note", note);
    }
    let answers = &explained.answers;
    let taken = answers.iter().any(|answer| answer.taken.is_some());
    let near = answers.iter().any(|answer| !answer.near.is_empty());
    let matters = |answer: &Answer| match (taken, near) {
        (true, _) => answer.taken.is_some(),
        (false, true) => !answer.near.is_empty(),
        (false, false) => true,
    };
    let (told, others): (Vec<&Answer>, Vec<&Answer>) = answers.iter().partition(|answer| all || matters(answer));
    page.shown = if told.len() > 1 { 1 } else { SHOWN };
    page.each("", &told, SHOWN, |page, _, answer| page.answer(explained, answer));
    if !others.is_empty() {
        page.heading("\nElsewhere");
    }
    page.each("client", &others, SHOWN, |page, left, answer| page.in_one_line(left, answer));
    page.shown = SHOWN;
    if answers.is_empty() {
        page.row("client", "nothing listens there");
    }
    page.each("routes", &explained.routes, SHOWN, |page, left, refused| {
        let parent = refused.parent.as_ref().map(|parent| format!(" {parent}")).unwrap_or_default();
        page.row(left, &format!("HTTPRoute {}{parent} is not attached:", refused.route));
        page.row("", &format!("  {}: {}", page.paint.yellow(&refused.reason), refused.message));
    });
    page.each("listeners", &explained.listeners, SHOWN, |page, left, refused| {
        page.row(left, &format!("{} of Gateway {} is not served:", refused.listener, refused.gateway));
        page.row("", &format!("  {}: {}", page.paint.yellow(refused.reason), refused.message));
    });
    page.problems(explained);
    page.text
}

struct Page {
    text: String,
    paint: Paint,
    all: bool,
    /// Of each thing of an answer.
    shown: usize,
}

impl Page {
    fn heading(&mut self, text: &str) {
        self.text.push_str(&self.paint.bold(text));
        self.text.push('\n');
    }

    /// A line, with a word at its left.
    fn row(&mut self, left: &str, text: &str) {
        self.text.push_str(format!("  {left:<10}{text}").trim_end());
        self.text.push('\n');
    }

    /// The first of some items, with a word at the left of the first, and how many there are beside them.
    fn each<T>(&mut self, left: &str, items: &[T], shown: usize, mut tell: impl FnMut(&mut Self, &str, &T)) {
        let shown = if self.all { items.len() } else { shown };
        for (place, item) in items.iter().enumerate().take(shown) {
            tell(self, if place == 0 { left } else { "" }, item);
        }
        if items.len() > shown {
            self.row("", &format!("and {} more (--all)", items.len() - shown));
        }
    }

    fn answer(&mut self, explained: &Explained, answer: &Answer) {
        self.heading(&format!("\nGateway {}, port {} ({})", answer.gateway, answer.port, answer.protocol));
        match (&answer.listener, &answer.outcome) {
            (Some(listener), _) => self.row("listener", &listener_name(listener)),
            (None, Told::Answer(failure)) if failure.reason != Reason::NoListener.as_str() => {}
            (None, _) => self.row("listener", "none takes this host"),
        }
        self.each("", &answer.other_listeners, self.shown, |page, _, other| {
            let why = if other.why == "less_specific" { "is less specific" } else { "does not take this host" };
            page.row("", &format!("  {} {why}", listener_name(&other.listener)));
        });
        if let Some(taken) = &answer.taken {
            let host = taken.hostname.as_deref().unwrap_or("every host");
            self.row("route", &format!("HTTPRoute {}, {host}", rule_name(taken)));
            self.row("match", &taken.condition);
            let limits =
                [("request", taken.request_timeout_seconds), ("backend", taken.backend_request_timeout_seconds)];
            for (of, limit) in limits {
                match limit {
                    Some(0.0) => self.row("time-out", &format!("{of}: no limit")),
                    Some(limit) => self.row("time-out", &format!("{of}: {limit} s")),
                    None => {}
                }
            }
        }
        self.outcome(explained, answer);
        let near = if self.shown < SHOWN { SHOWN } else { NEAR };
        self.each("near", &answer.near, near, Self::loser);
        if answer.near_left_out > 0 && answer.near.len() <= near {
            self.row("", &format!("and {} more (--all)", answer.near_left_out));
        }
        if answer.taken.is_none() {
            self.each("hosts", &answer.other_hostnames, self.shown, |page, left, hostname| page.row(left, hostname));
        }
    }

    fn outcome(&mut self, explained: &Explained, answer: &Answer) {
        match &answer.outcome {
            Told::NoHandshake => {
                let failed = self.paint.red("the TLS handshake fails");
                self.row("client", &format!("{failed}: no listener has a certificate for this host"));
            }
            Told::Answer(failure) => self.failure("client", "", failure),
            Told::Redirect { status, location, response_headers } => {
                self.edits("response", response_headers);
                let status = self.paint.green(&status.to_string());
                self.row("client", &format!("{status}, location: {location}"));
            }
            Told::Forward { backends } => {
                self.each("backend", backends, self.shown, |page, left, backend| {
                    page.backend(explained, left, backend);
                });
                if let [Destination { failure: Some(failure), .. }] = backends.as_slice() {
                    return self.failure("client", "", failure);
                }
                let failing: f64 =
                    backends.iter().filter(|backend| backend.failure.is_some()).map(|backend| backend.percent).sum();
                let mut forwarded = self.paint.green("what the backend answers");
                if backends.iter().any(|backend| !backend.tls["identity"].is_null()) {
                    forwarded += " (postern probe tells whether its handshake succeeds)";
                }
                if failing <= 0.0 {
                    self.row("client", &forwarded);
                } else if backends.iter().any(|backend| backend.failure.is_none()) {
                    let failing = self.paint.red(&format!("{failing:.0} % of the requests get an error"));
                    self.row("client", &format!("{forwarded}, but {failing}"));
                } else {
                    self.row("client", &self.paint.red("every request gets an error, as told above"));
                }
            }
        }
    }

    fn failure(&mut self, left: &str, indent: &str, failure: &Failure) {
        let status = self.paint.red(&failure.status.to_string());
        self.row(left, &format!("{indent}{status} {}", failure.body.trim_end()));
        if !failure.detail.is_empty() {
            self.row("", &format!("{indent}{}", failure.detail));
        }
    }

    fn backend(&mut self, explained: &Explained, left: &str, backend: &Destination) {
        let share = if backend.percent < 100.0 { format!("{:.0} %: ", backend.percent) } else { String::new() };
        let name = backend.backend.as_deref().unwrap_or("no backend");
        self.row(left, &format!("{share}{name}"));
        if backend.backend.is_some() {
            self.row("", &format!("  sees {} {}, host {}", explained.request.method, backend.path, backend.host));
            self.edits("  request", &backend.request_headers);
            self.edits("  response", &backend.response_headers);
        }
        let anchors = if self.all { usize::MAX } else { self.shown };
        let mut identity = identity::lines(&backend.tls, &explained.certificates, anchors, self.paint);
        identity.extend(backend.endpoints.as_deref().and_then(|endpoints| match endpoints {
            [] => None,
            [first] => Some(format!("at {first}")),
            [first, others @ ..] => Some(format!("at {first} and {} more", others.len())),
        }));
        identity.extend(backend.near_miss.as_ref().map(|NearMiss { policy, message }| {
            self.paint.yellow(&format!("BackendTLSPolicy {policy} nearly selects it: {message}"))
        }));
        for line in &identity {
            self.row("", &format!("  {line}"));
        }
        // What every client sees is told as that.
        if let Some(failure) = backend.failure.as_ref().filter(|_| backend.percent < 100.0) {
            self.failure("", "  ", failure);
        }
    }

    fn edits(&mut self, of: &str, edits: &Edits) {
        for (what, headers) in [("set", &edits.set), ("add", &edits.add), ("remove", &edits.remove)] {
            for header in headers {
                self.row("", &format!("{of} header, {what} {header}"));
            }
        }
    }

    fn loser(&mut self, left: &str, loser: &Loser) {
        let message = self.paint.yellow(&loser.message);
        let host = loser.of.hostname.as_ref().map(|hostname| format!(" of {hostname}")).unwrap_or_default();
        self.row(left, &format!("{}: {}{host}: {message}", rule_name(&loser.of), loser.of.condition));
    }

    /// A port at which no route takes the request, where others do.
    fn in_one_line(&mut self, left: &str, answer: &Answer) {
        let said = match &answer.outcome {
            Told::Answer(failure) => format!("{} {}", failure.status, failure.body.trim_end()),
            _ => "the TLS handshake fails".to_owned(),
        };
        self.row(left, &format!("{said} from Gateway {}, port {}", answer.gateway, answer.port));
    }

    /// A request may get nowhere since an object could not be read, of which nothing else tells.
    fn problems(&mut self, explained: &Explained) {
        let is_unread = |problem: &&Diagnostic| UNREAD.contains(&problem.code.as_str());
        let unread: Vec<_> = explained.problems.iter().filter(is_unread).collect();
        self.each("unread", &unread, SHOWN, |page, left, problem| {
            let place = problem.place().map(|place| format!(" at {place}")).unwrap_or_default();
            page.row(left, &format!("{}{place}: {}", page.paint.red(&problem.code), problem.message));
        });
        match count(&explained.problems) {
            (0, 0) => {}
            (errors, warnings) => {
                let counted = format!("{}, {}", plural(errors, "error"), plural(warnings, "warning"));
                self.text.push('\n');
                self.row("note", &format!("{counted} in what was read (postern check lists them)"));
            }
        }
    }
}

fn listener_name(listener: &NamedListener) -> String {
    format!("{} ({})", listener.name, listener.hostname.as_deref().unwrap_or("every host"))
}

fn rule_name(of: &NamedMatch) -> String {
    let name = of.name.as_ref().map(|name| format!(" {name:?}")).unwrap_or_default();
    format!("{} rule {}{name}", of.route, of.rule)
}
