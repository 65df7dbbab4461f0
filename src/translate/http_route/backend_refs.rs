//! `backendRefs[]` of a rule, as far as no backend has to be looked up.

use postern_actors::plan::filter::Filters;

use super::filters::{self, Place};
use crate::resources::http_route::HttpBackendRef;
use crate::resources::{AGENTGATEWAY_GROUP, GATEWAY_GROUP, NamespacedName};
use crate::status::reason;
use crate::translate::backends::{BackendKind, BackendTarget};
use crate::translate::findings::{Problem, grant_hint};
use crate::translate::grants::Grants;

/// A reference on the way to the plan.
#[derive(Debug)]
pub(crate) struct RefDraft {
    /// `spec.rules[n].backendRefs[m]`
    pub(crate) field: String,
    /// 0 gets no requests.
    pub(crate) weight: u32,
    /// Filters of the reference.
    pub(crate) filters: Filters,
    /// What it names, or why it may not: `InvalidKind`, `RefNotPermitted`.
    pub(crate) target: Result<BackendTarget, Problem>,
}

/// Reads one; what is unsupported in it is a problem of the whole rule.
pub(super) fn read(
    written: &HttpBackendRef,
    namespace: &str,
    prefix: Option<&str>,
    field: String,
    grants: &Grants,
    problems: &mut Vec<Problem>,
) -> RefDraft {
    let built = filters::build(&written.filters, Place::BackendRef, prefix, &field, problems);
    let weight = u32::try_from(written.weight).unwrap_or_else(|_| {
        let message = format!("weight {} is negative", written.weight);
        problems.push(Problem::new(reason::UNSUPPORTED_VALUE, format!("{field}.weight"), message, "use 0 to 1000000"));
        0
    });
    let target = target(written, namespace, &field, grants);
    RefDraft { field, weight, filters: built.filters, target }
}

fn target(written: &HttpBackendRef, namespace: &str, field: &str, grants: &Grants) -> Result<BackendTarget, Problem> {
    let HttpBackendRef { group, kind, name, .. } = written;
    let known = match (group.as_str(), kind.as_str()) {
        ("", "Service") => BackendKind::Service,
        (AGENTGATEWAY_GROUP, "AgentgatewayBackend") => BackendKind::AgentgatewayBackend,
        _ => {
            return Err(Problem::new(
                reason::INVALID_KIND,
                field,
                format!("backendRef {name}: kind {kind} of group {group:?} is not supported"),
                "name a Service (group \"\") or an AgentgatewayBackend (group agentgateway.dev)",
            ));
        }
    };
    let key = NamespacedName::new(written.namespace.as_deref().unwrap_or(namespace), name.as_str());
    if !grants.permits(GATEWAY_GROUP, "HTTPRoute", namespace, group, kind, &key) {
        return Err(Problem::new(
            reason::REF_NOT_PERMITTED,
            field,
            format!(
                "no ReferenceGrant in namespace {} permits HTTPRoutes of namespace {namespace} to name {kind} {key}",
                key.namespace
            ),
            grant_hint("HTTPRoute", namespace, group, kind, &key),
        ));
    }
    Ok(BackendTarget { kind: known, name: key, port: written.port })
}
