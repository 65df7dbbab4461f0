//! The outcome of a check for people: every object with its conditions, then the problems.

use std::fmt::Write as _;

use super::Report;
use crate::cli::diagnostic::count;
use crate::cli::paint::Paint;
use crate::resources::http_route::ParentRef;
use crate::resources::{Kind, NamespacedName, Snapshot};
use crate::status::Condition;

#[cfg(test)]
mod tests;

/// Conditions where `False` is what one hopes for.
const BETTER_FALSE: [&str; 2] = ["Conflicted", "PartiallyInvalid"];

/// The whole page.
pub(super) fn render(snapshot: &Snapshot, report: &Report, paint: Paint) -> String {
    let mut page = Page { text: String::new(), paint };
    let verdicts = &report.verdicts;
    for (name, verdict) in &verdicts.gateway_classes {
        page.object(Kind::GatewayClass, name, &verdict.conditions);
    }
    for (name, verdict) in &verdicts.gateways {
        page.object(Kind::Gateway, name, &verdict.conditions);
        for listener in &verdict.listeners {
            let routes = plural(listener.attached_routes, "route");
            page.part(&format!("listener {}, {routes}", listener.name), &listener.conditions);
        }
    }
    for (name, verdict) in &verdicts.http_routes {
        page.object(Kind::HttpRoute, name, &[]);
        for parent in &verdict.parents {
            page.part(&show_parent(&parent.parent_ref, name), &parent.conditions);
        }
    }
    for (name, verdict) in &verdicts.backend_tls_policies {
        page.object(Kind::BackendTlsPolicy, name, &[]);
        for ancestor in &verdict.ancestors {
            page.part(&format!("for Gateway {}", ancestor.gateway), &ancestor.conditions);
        }
        if verdict.ancestors.is_empty() {
            page.line("  no Gateway of ours reaches its targets");
        }
    }
    page.without_status(snapshot, report);
    if page.text.is_empty() {
        page.line("No objects.");
    }
    if !report.diagnostics.is_empty() {
        page.text.push('\n');
    }
    for diagnostic in &report.diagnostics {
        page.text.push_str(&diagnostic.render(paint));
    }
    let (errors, warnings) = count(&report.diagnostics);
    let summary = format!("{}, {}", plural(errors, "error"), plural(warnings, "warning"));
    let summary = match (errors, warnings) {
        (0, 0) => paint.green(&summary),
        (0, _) => paint.yellow(&summary),
        _ => paint.red(&summary),
    };
    page.text.push('\n');
    page.line(&summary);
    page.text
}

struct Page {
    text: String,
    paint: Paint,
}

impl Page {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn object(&mut self, kind: Kind, name: &NamespacedName, conditions: &[Condition]) {
        let heading = self.paint.bold(&format!("{kind} {name}"));
        self.line(&heading);
        self.conditions("  ", conditions);
    }

    fn part(&mut self, heading: &str, conditions: &[Condition]) {
        self.line(&format!("  {heading}"));
        self.conditions("    ", conditions);
    }

    fn conditions(&mut self, indent: &str, conditions: &[Condition]) {
        for condition in conditions {
            let as_hoped = condition.status != BETTER_FALSE.contains(&condition.kind);
            let status = if condition.status { "True " } else { "False" };
            let status = if as_hoped { self.paint.green(status) } else { self.paint.red(status) };
            let mut line = format!("{indent}{:<16} {status} {}", condition.kind, condition.reason);
            if !as_hoped && !condition.message.is_empty() {
                let _ = write!(line, ": {}", condition.message);
            }
            self.line(&line);
        }
    }

    /// Objects that get no status because nothing of ours reaches them: one should know that they were seen.
    fn without_status(&mut self, snapshot: &Snapshot, report: &Report) {
        let verdicts = &report.verdicts;
        let gateways = snapshot.gateways.keys().filter(|name| !verdicts.gateways.contains_key(*name));
        for name in gateways {
            self.object(Kind::Gateway, name, &[]);
            self.line("  its class is not ours: it is left alone");
        }
        for name in snapshot.http_routes.keys().filter(|name| !verdicts.http_routes.contains_key(*name)) {
            self.object(Kind::HttpRoute, name, &[]);
            self.line("  none of its parentRefs is a Gateway of ours: it is left alone");
        }
        let policies = snapshot.backend_tls_policies.keys();
        for name in policies.filter(|name| !verdicts.backend_tls_policies.contains_key(*name)) {
            self.object(Kind::BackendTlsPolicy, name, &[]);
            self.line("  no Gateway of ours reaches its targets: it has no status");
        }
    }
}

/// A parentRef of a route.
pub(in crate::cli) fn show_parent(parent: &ParentRef, route: &NamespacedName) -> String {
    let namespace = parent.namespace.as_deref().unwrap_or(&route.namespace);
    let mut text = format!("for {} {namespace}/{}", parent.kind, parent.name);
    if let Some(section) = &parent.section_name {
        let _ = write!(text, ", listener {section}");
    }
    if let Some(port) = parent.port {
        let _ = write!(text, ", port {port}");
    }
    text
}

/// A number with its noun.
pub(in crate::cli) fn plural(count: impl TryInto<u64>, word: &str) -> String {
    let count = count.try_into().unwrap_or_default();
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}
