//! A translation as text that people can compare: status first, then what is worth knowing, then the plan.

use std::fmt::{self, Display, Write as _};
use std::time::Duration;

use postern::resources::Severity;
use postern::status::{Condition, Verdicts};
use postern::translate::{Provision, Translation};
use postern_actors::plan::filter::{Filters, HeaderEdits, PathRewrite};
use postern_actors::plan::matching::{Match, PathMatch, ValueMatch};
use postern_actors::plan::rule::{Action, Target, WeightedBackend};
use postern_actors::plan::{Backend, EndpointSource, HostTable, Listener, Plan, Poison, Rule, RuleTable, Tls, Trust};

pub(crate) fn translation(translation: &Translation, of_cluster: bool) -> String {
    let mut text = String::new();
    status(&mut text, &translation.verdicts).unwrap();
    text.push_str("\n---- findings ----\n");
    findings(&mut text, &translation.verdicts).unwrap();
    if of_cluster {
        text.push_str("\n---- provision ----\n");
        provision(&mut text, translation).unwrap();
    }
    text.push_str("\n---- plan ----\n");
    plan(&mut text, &translation.plan).unwrap();
    text
}

fn status(out: &mut String, verdicts: &Verdicts) -> fmt::Result {
    for (name, class) in &verdicts.gateway_classes {
        writeln!(out, "GatewayClass {name}")?;
        conditions(out, "  ", &class.conditions)?;
    }
    for (name, gateway) in &verdicts.gateways {
        writeln!(out, "Gateway {name}")?;
        conditions(out, "  ", &gateway.conditions)?;
        for listener in &gateway.listeners {
            let kinds: Vec<_> = listener.supported_kinds.iter().map(|(_, kind)| kind.as_str()).collect();
            let (name, routes) = (&listener.name, listener.attached_routes);
            writeln!(out, "  listener {name}: attachedRoutes {routes}, supportedKinds [{}]", kinds.join(", "))?;
            conditions(out, "    ", &listener.conditions)?;
        }
    }
    for (name, route) in &verdicts.http_routes {
        writeln!(out, "HTTPRoute {name}")?;
        for parent in &route.parents {
            writeln!(out, "  parent {}", serde_json::to_string(&parent.parent_ref).unwrap())?;
            conditions(out, "    ", &parent.conditions)?;
        }
    }
    for (name, policy) in &verdicts.backend_tls_policies {
        writeln!(out, "BackendTLSPolicy {name}")?;
        for ancestor in &policy.ancestors {
            writeln!(out, "  ancestor Gateway {}", ancestor.gateway)?;
            conditions(out, "    ", &ancestor.conditions)?;
        }
    }
    Ok(())
}

fn conditions(out: &mut String, indent: &str, conditions: &[Condition]) -> fmt::Result {
    for Condition { kind, status, reason, message, observed_generation } in conditions {
        let status = if *status { "True" } else { "False" };
        writeln!(out, "{indent}{kind}={status} {reason} ({observed_generation}): {message}")?;
    }
    Ok(())
}

fn findings(out: &mut String, verdicts: &Verdicts) -> fmt::Result {
    for finding in &verdicts.findings {
        let severity = match finding.severity {
            Severity::Warning => "warning",
            Severity::Notice => "notice",
            Severity::Error => "error",
        };
        writeln!(out, "{severity} {} {} {}: {}", finding.code, finding.object, finding.field, finding.message)?;
        writeln!(out, "  hint: {}", finding.hint)?;
    }
    Ok(())
}

fn provision(out: &mut String, translation: &Translation) -> fmt::Result {
    for (name, Provision { parameters, ports, accepted }) in &translation.gateways {
        let accepted = if *accepted { "accepted" } else { "not accepted" };
        writeln!(out, "Gateway {name}: {accepted}, ports {ports:?}, replicas {}", parameters.replicas)?;
        for reference in &translation.references[name] {
            writeln!(out, "  names {reference}")?;
        }
    }
    Ok(())
}

fn plan(out: &mut String, plan: &Plan) -> fmt::Result {
    for port in &plan.ports {
        writeln!(out, "port {} of {}: {}", port.port, port.gateway, port.protocol.scheme())?;
        for (_, listener) in sorted(&port.listeners) {
            self::listener(out, listener)?;
        }
    }
    for backend in plan.backends.values() {
        self::backend(out, backend)?;
    }
    for authority in &plan.authorities {
        writeln!(out, "authority {} {}: not after {}", authority.policy, authority.reference, authority.not_after)?;
    }
    Ok(())
}

fn sorted<T>(table: &HostTable<T>) -> Vec<(String, &T)> {
    let named = table.iter().map(|(host, value)| (host.map_or("any".to_owned(), Into::into), value));
    let mut entries: Vec<(String, &T)> = named.collect();
    entries.sort_by(|(one, _), (other, _)| one.cmp(other));
    entries
}

fn listener(out: &mut String, listener: &Listener) -> fmt::Result {
    write!(out, "  listener {} for {}", listener.name, listener.hostname.as_deref().unwrap_or("any"))?;
    for certificate in &listener.certificates {
        write!(out, ", presents {} ({})", certificate.secret, certificate.dns_names.join(", "))?;
    }
    writeln!(out)?;
    for (host, table) in sorted(&listener.routes) {
        writeln!(out, "    host {host}")?;
        rules(out, table)?;
    }
    Ok(())
}

fn rules(out: &mut String, table: &RuleTable) -> fmt::Result {
    for (condition, rule) in table.rules() {
        write!(out, "      {} -> {} rule {}", Shown(condition), rule.route, rule.index)?;
        self::rule(out, rule)?;
    }
    Ok(())
}

fn rule(out: &mut String, rule: &Rule) -> fmt::Result {
    if let Some(name) = &rule.name {
        write!(out, " ({name})")?;
    }
    filters(out, &rule.filters)?;
    for (name, limit) in [("request", rule.timeouts.request), ("backend", rule.timeouts.backend_request)] {
        match limit {
            None => {}
            Some(Duration::ZERO) => write!(out, ", {name} without limit")?,
            Some(limit) => write!(out, ", {name} within {limit:?}")?,
        }
    }
    match &rule.action {
        Action::Redirect(redirect) => {
            write!(out, ": redirect {}", redirect.status.as_u16())?;
            if let Some(scheme) = redirect.scheme {
                write!(out, " scheme {}", scheme.scheme())?;
            }
            if let Some(hostname) = &redirect.hostname {
                write!(out, " host {hostname}")?;
            }
            if let Some(port) = redirect.port {
                write!(out, " port {port}")?;
            }
            if let Some(path) = &redirect.path {
                write!(out, " {}", Shown(path))?;
            }
            writeln!(out)
        }
        Action::Fail(poison) => writeln!(out, ": {}", Shown(poison)),
        Action::Forward(backends) => {
            writeln!(out, ": forward")?;
            backends.iter().try_for_each(|backend| weighted(out, backend))
        }
    }
}

fn weighted(out: &mut String, backend: &WeightedBackend) -> fmt::Result {
    write!(out, "        {} x ", backend.weight)?;
    match &backend.target {
        Target::Backend(target) => write!(out, "{}", target.id)?,
        Target::Unusable(poison) => write!(out, "{}", Shown(poison))?,
    }
    filters(out, &backend.filters)?;
    writeln!(out)
}

fn filters(out: &mut String, filters: &Filters) -> fmt::Result {
    edits(out, "request", &filters.request_headers)?;
    edits(out, "response", &filters.response_headers)?;
    let Some(rewrite) = &filters.rewrite else { return Ok(()) };
    if let Some(hostname) = &rewrite.hostname {
        write!(out, ", rewrite host {}", hostname.to_str().unwrap())?;
    }
    match &rewrite.path {
        Some(path) => write!(out, ", rewrite {}", Shown(path)),
        None => Ok(()),
    }
}

fn edits(out: &mut String, of: &str, edits: &HeaderEdits) -> fmt::Result {
    for (what, headers) in [("set", &edits.set), ("add", &edits.add)] {
        for (name, value) in headers {
            write!(out, ", {of} {what} {name}: {}", value.to_str().unwrap())?;
        }
    }
    edits.remove.iter().try_for_each(|name| write!(out, ", {of} remove {name}"))
}

fn backend(out: &mut String, backend: &Backend) -> fmt::Result {
    write!(out, "backend {} of {} at ", backend.id, backend.id.gateway)?;
    match &backend.endpoints {
        EndpointSource::Service(port) => write!(out, "{}/{}:{}", port.namespace, port.name, port.port)?,
        EndpointSource::Host { host, port } => write!(out, "{host}:{port}")?,
    }
    match &backend.tls {
        Tls::Plaintext => writeln!(out, ", plaintext"),
        Tls::Poisoned(poison) => writeln!(out, ", {}", Shown(poison)),
        Tls::Originate { policy, identity } => {
            let trust = match &identity.trust {
                Trust::System(roots) => format!("{} roots of {}", roots.certificates.len(), roots.origin),
                Trust::Bundle(bundle) => format!("{} issuers, {} leaves", bundle.issuers.len(), bundle.leaves.len()),
            };
            write!(out, ", TLS by {policy}: SNI {}, {:?}, {trust}", identity.sni, identity.names)?;
            if let Some(client) = &identity.client_certificate {
                write!(out, ", presents {}", client.reference)?;
            }
            writeln!(out)
        }
    }
}

struct Shown<'a, T>(&'a T);

impl Display for Shown<'_, Poison> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "500 {} ({})", self.0.reason, self.0.message)
    }
}

impl Display for Shown<'_, PathRewrite> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            PathRewrite::Full(path) => write!(f, "path {path}"),
            PathRewrite::Prefix { matched, replacement } => write!(f, "prefix {matched} by {replacement:?}"),
        }
    }
}

impl Display for Shown<'_, Match> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(method) = &self.0.method {
            write!(f, "{method} ")?;
        }
        match &self.0.path {
            PathMatch::Exact(path) => write!(f, "= {path}")?,
            PathMatch::Prefix(path) => write!(f, "{path}")?,
            PathMatch::Regex(regex) => write!(f, "~ {regex}")?,
        }
        for (what, values) in [("header", &self.0.headers), ("query", &self.0.query)] {
            for (name, value) in values {
                match value {
                    ValueMatch::Exact(value) => write!(f, " {what} {name} = {value}")?,
                    ValueMatch::Regex(regex) => write!(f, " {what} {name} ~ {regex}")?,
                }
            }
        }
        Ok(())
    }
}
