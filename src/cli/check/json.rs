//! The outcome of a check for programs. The shape is stable: fields may be added, and none goes.

use serde::Serialize;
use serde_json::Value;

use super::Report;
use crate::cli::configuration::CONTROLLER_NAME;
use crate::cli::diagnostic::{Diagnostic, count};
use crate::resources::{Kind, NamespacedName};
use crate::status::kubernetes;

#[derive(Serialize)]
struct Outcome<'a> {
    objects: Vec<ObjectStatus<'a>>,
    problems: &'a [Diagnostic],
    errors: usize,
    warnings: usize,
}

#[derive(Serialize)]
struct ObjectStatus<'a> {
    kind: Kind,
    #[serde(skip_serializing_if = "str::is_empty")]
    namespace: &'a str,
    name: &'a str,
    status: Value,
}

/// One JSON object with an end of line.
pub(super) fn render(report: &Report) -> anyhow::Result<String> {
    let verdicts = &report.verdicts;
    let mut objects = Vec::new();
    for (name, verdict) in &verdicts.gateway_classes {
        objects.push(object(Kind::GatewayClass, name, kubernetes::gateway_class(verdict)));
    }
    for (name, verdict) in &verdicts.gateways {
        objects.push(object(Kind::Gateway, name, kubernetes::gateway(verdict)));
    }
    for (name, verdict) in &verdicts.http_routes {
        objects.push(object(Kind::HttpRoute, name, kubernetes::route(verdict, CONTROLLER_NAME)));
    }
    for (name, verdict) in &verdicts.backend_tls_policies {
        objects.push(object(Kind::BackendTlsPolicy, name, kubernetes::policy(verdict, CONTROLLER_NAME)));
    }
    let (errors, warnings) = count(&report.diagnostics);
    let outcome = Outcome { objects, problems: &report.diagnostics, errors, warnings };
    Ok(serde_json::to_string_pretty(&outcome)? + "\n")
}

fn object(kind: Kind, name: &NamespacedName, status: Value) -> ObjectStatus<'_> {
    ObjectStatus { kind, namespace: &name.namespace, name: &name.name, status }
}
