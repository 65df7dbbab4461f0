//! One listener of a Gateway: whether it is accepted, what it presents, and its conditions. What it must not know is
//! routes, and (but for conflicts, which are handed to it) its neighbours.

use std::sync::Arc;

use postern_actors::plan::Protocol;
use postern_actors::plan::certificate::ServerCertificate;

use super::allowed_routes;
use super::findings::{Findings, Problem};
use super::hostname;
use crate::resources::gateway::{FrontendTls, Gateway, Listener};
use crate::resources::suggest::closest;
use crate::resources::{NamespacedName, ObjectRef};
use crate::status::condition::{ACCEPTED, CONFLICTED, OVERLAPPING_TLS_CONFIG, PROGRAMMED, RESOLVED_REFS, joined};
use crate::status::{Condition, ListenerVerdict, reason};

pub(crate) mod certificates;
pub(crate) mod conflicts;

use certificates::Certificates;

/// Ports of the proxy itself: admin pages, metrics, readiness. No listener can have them, nor port 0.
const RESERVED_PORTS: [u16; 4] = [0, 15_000, 15_020, 15_021];

/// The prefix of the keys of `tls.options` that are ours.
const OUR_OPTIONS: &str = "gateway.postern.dev/";

/// A listener on the way to the plan.
#[derive(Debug)]
pub(crate) struct ListenerDraft<'a> {
    /// As written.
    pub(crate) spec: &'a Listener,
    /// In lower case; `None` takes every host.
    pub(crate) hostname: Option<Arc<str>>,
    /// `None` is a protocol that we do not support.
    pub(crate) protocol: Option<Protocol>,
    /// Kinds of routes that it takes: (group, kind).
    pub(crate) supported_kinds: Vec<(String, String)>,
    /// What it presents.
    pub(crate) certificates: Vec<Arc<ServerCertificate>>,
    /// The Secrets that it names and may name, whether they exist or not.
    pub(crate) secrets: Vec<NamespacedName>,
    /// Why it is not accepted, for a fault of its own.
    pub(crate) rejected: Option<Problem>,
    /// With which of its neighbours it conflicts.
    pub(crate) conflict: Option<Problem>,
    /// References and kinds that do not resolve.
    pub(crate) unresolved: Vec<Problem>,
    /// Names of HTTPS listeners of its port whose hostnames overlap with its own.
    pub(crate) overlaps: Vec<&'a str>,
    /// Why it is not programmed although nothing is wrong with itself: its Gateway, or another Gateway, is in the way.
    pub(crate) withheld: Option<Problem>,
    /// Routes that are attached and accepted.
    pub(crate) attached_routes: i32,
    field: String,
}

impl<'a> ListenerDraft<'a> {
    /// Judges the listener at `index` of the Gateway by itself.
    pub(crate) fn judge(
        gateway: &'a Gateway,
        index: usize,
        certificates: &mut Certificates<'_>,
        findings: &mut Findings,
    ) -> Self {
        let spec = &gateway.spec.listeners[index];
        let field = format!("spec.listeners[{index}]");
        let protocol = match spec.protocol.as_str() {
            "HTTP" => Some(Protocol::Http),
            "HTTPS" => Some(Protocol::Https),
            _ => None,
        };
        let allowed = format!("{field}.allowedRoutes");
        let (supported_kinds, kinds_problem) =
            allowed_routes::kinds(&spec.allowed_routes, protocol.is_some(), &allowed);
        let frontend = gateway.spec.tls.as_ref().and_then(|tls| tls.frontend.as_ref());
        let rejected = rejection(spec, protocol, frontend, &field)
            .or_else(|| allowed_routes::namespaces_problem(&spec.allowed_routes, &allowed));
        let mut draft = Self {
            spec,
            hostname: hostname::normalized(spec.hostname.as_deref()),
            protocol,
            supported_kinds,
            certificates: Vec::new(),
            secrets: Vec::new(),
            rejected,
            conflict: None,
            unresolved: kinds_problem.into_iter().collect(),
            overlaps: Vec::new(),
            withheld: None,
            attached_routes: 0,
            field,
        };
        if protocol == Some(Protocol::Https) && !passes_through(spec) {
            let resolved = certificates.resolve(gateway, spec, &draft.field, findings);
            draft.certificates = resolved.usable;
            draft.secrets = resolved.secrets;
            draft.unresolved.extend(resolved.problems);
        }
        draft
    }

    /// Whether it can be served as far as it and its neighbours are concerned.
    pub(crate) fn servable(&self) -> bool {
        self.accepted() && (self.protocol == Some(Protocol::Http) || !self.certificates.is_empty())
    }

    /// Whether it is served.
    pub(crate) fn programmed(&self) -> bool {
        self.servable() && self.withheld.is_none()
    }

    /// Whether the condition `Accepted` holds.
    pub(crate) fn accepted(&self) -> bool {
        self.rejected.is_none() && self.conflict.is_none()
    }

    /// Its status.
    pub(crate) fn verdict(&self, generation: i64) -> ListenerVerdict {
        ListenerVerdict {
            name: self.spec.name.clone(),
            attached_routes: self.attached_routes,
            supported_kinds: self.supported_kinds.clone(),
            conditions: self.conditions(generation),
        }
    }

    fn conditions(&self, generation: i64) -> Vec<Condition> {
        let accepted = match self.rejected.as_ref().or(self.conflict.as_ref()) {
            Some(problem) => Condition::no(ACCEPTED, problem.code, &problem.message, generation),
            None => Condition::yes(ACCEPTED, reason::ACCEPTED, self.accepted_message(), generation),
        };
        let resolved = match self.unresolved.first() {
            Some(first) => {
                let messages = self.unresolved.iter().map(|problem| problem.message.as_str());
                Condition::no(RESOLVED_REFS, first.code, joined(messages), generation)
            }
            None => Condition::yes(RESOLVED_REFS, reason::RESOLVED_REFS, "every reference resolves", generation),
        };
        let conflicted = match &self.conflict {
            Some(problem) => Condition::yes(CONFLICTED, problem.code, &problem.message, generation),
            None => Condition::no(
                CONFLICTED,
                reason::NO_CONFLICTS,
                "no other listener has its port and hostname",
                generation,
            ),
        };
        let mut conditions = vec![accepted, self.programmed_condition(generation), resolved, conflicted];
        if !self.overlaps.is_empty() {
            let message = format!(
                "its hostnames overlap with those of listeners {}: a request whose host belongs to another listener than \
                 its connection's SNI gets 421",
                self.overlaps.join(", ")
            );
            conditions.push(Condition::yes(OVERLAPPING_TLS_CONFIG, reason::OVERLAPPING_HOSTNAMES, message, generation));
        }
        conditions
    }

    fn programmed_condition(&self, generation: i64) -> Condition {
        let no = |reason, message: &str| Condition::no(PROGRAMMED, reason, message, generation);
        if let Some(conflict) = &self.conflict {
            no(conflict.code, &conflict.message)
        } else if let Some(rejected) = &self.rejected {
            no(reason::INVALID, &format!("not accepted: {}", rejected.message))
        } else if !self.servable() {
            no(reason::INVALID, "none of its certificateRefs can be used")
        } else if let Some(withheld) = &self.withheld {
            no(withheld.code, &withheld.message)
        } else {
            let message = format!("{} on port {}", self.spec.protocol, self.spec.port);
            Condition::yes(PROGRAMMED, reason::PROGRAMMED, message, generation)
        }
    }

    fn accepted_message(&self) -> String {
        let foreign: Vec<_> = self.foreign_options().collect();
        if foreign.is_empty() {
            "the listener is valid".into()
        } else {
            format!("the listener is valid; tls.options of other implementations are ignored: {}", foreign.join(", "))
        }
    }

    /// Tells each thing that is wrong once, under the condition that says it first; what is wrong with the whole Gateway
    /// is told there (`gateway_serves`).
    pub(crate) fn report(&self, object: &ObjectRef, gateway_serves: bool, findings: &mut Findings) {
        let withheld = self.withheld.iter().filter(|_| gateway_serves);
        let wrong = self.rejected.iter().chain(&self.conflict).chain(&self.unresolved).chain(withheld);
        for problem in wrong {
            findings.error(object, problem);
        }
        for key in self.foreign_options().filter(|_| self.accepted()) {
            let field = format!("{}.tls.options[{key}]", self.field);
            let message = "an option of another implementation has no effect here";
            findings
                .notice(object, &Problem::new("OptionIgnored", field, message, "there are no options of listeners"));
        }
    }

    /// Keys of `tls.options`: of an accepted listener they are all of other implementations.
    fn foreign_options(&self) -> impl Iterator<Item = &str> {
        self.spec.tls.iter().flat_map(|tls| tls.options.keys()).map(String::as_str)
    }

    /// `spec.listeners[n]`
    pub(crate) fn field(&self) -> &str {
        &self.field
    }
}

fn passes_through(spec: &Listener) -> bool {
    spec.tls.as_ref().is_some_and(|tls| tls.mode == "Passthrough")
}

/// Why a listener by itself is not accepted.
fn rejection(
    spec: &Listener,
    protocol: Option<Protocol>,
    frontend: Option<&FrontendTls>,
    field: &str,
) -> Option<Problem> {
    let no = |code, under: &str, message: String, hint: &str| {
        Some(Problem::new(code, format!("{field}{under}"), message, hint))
    };
    let Some(protocol) = protocol else {
        let message = format!("protocol {} is not supported", spec.protocol);
        let near = closest(&spec.protocol, ["HTTP", "HTTPS"]);
        let hint = near.map_or("use HTTP or HTTPS".to_owned(), |near| format!("did you mean `protocol: {near}`?"));
        return no(reason::UNSUPPORTED_PROTOCOL, ".protocol", message, &hint);
    };
    if RESERVED_PORTS.contains(&spec.port) {
        let message = format!("port {} cannot be claimed: the proxy itself needs it", spec.port);
        return no(reason::PORT_UNAVAILABLE, ".port", message, "choose a port other than 0, 15000, 15020 and 15021");
    }
    match (protocol, &spec.tls) {
        (Protocol::Http, Some(_)) => no(
            reason::UNSUPPORTED_VALUE,
            ".tls",
            "tls is set, and protocol HTTP is plaintext".into(),
            "use protocol HTTPS, or remove tls",
        ),
        (Protocol::Https, Some(tls)) if tls.mode != "Terminate" => no(
            reason::UNSUPPORTED_VALUE,
            ".tls.mode",
            format!("tls.mode {} is not supported with protocol HTTPS", tls.mode),
            "use mode Terminate",
        ),
        (Protocol::Https, _) if frontend.is_some_and(|frontend| covers(frontend, spec.port)) => no(
            reason::UNSUPPORTED_VALUE,
            "",
            format!(
                "spec.tls.frontend asks for client certificates on port {}, which is not supported yet; without that check \
                 everybody would be let in, so the listener is not served",
                spec.port
            ),
            "remove spec.tls.frontend, or override it for this port with an empty tls under spec.tls.frontend.perPort",
        ),
        (Protocol::Https, Some(tls)) => {
            let ours = tls.options.keys().find(|key| key.starts_with(OUR_OPTIONS))?;
            let message = format!("tls.options: {ours} is not an option of listeners");
            no(reason::UNSUPPORTED_VALUE, ".tls.options", message, "remove the option")
        }
        _ => None,
    }
}

/// Whether `spec.tls.frontend` asks for anything on an HTTPS listener's port: an entry of the port "overrides the default
/// configuration" (FrontendTLSConfig.perPort), also if it is empty.
fn covers(frontend: &FrontendTls, port: u16) -> bool {
    let mut of_port = frontend.per_port.iter().filter(|entry| entry.port == port).peekable();
    if of_port.peek().is_some() {
        of_port.any(|entry| entry.tls.as_ref().is_some_and(asks))
    } else {
        frontend.fallback.as_ref().is_some_and(asks)
    }
}

/// What is not plainly empty asks for something.
fn asks(tls: &serde_json::Value) -> bool {
    match tls {
        serde_json::Value::Null => false,
        serde_json::Value::Object(fields) => fields.values().any(|value| !value.is_null()),
        _ => true,
    }
}
