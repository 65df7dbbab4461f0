//! Which listeners a route attaches to, parentRef by parentRef.

use crate::resources::http_route::ParentRef;
use crate::resources::suggest::closest;
use crate::resources::{GATEWAY_GROUP, Kind, NamespacedName, Object, Snapshot};
use crate::status::reason;
use crate::translate::absence::Absent;
use crate::translate::allowed_routes::allows_namespace;
use crate::translate::findings::{Findings, Problem};
use crate::translate::gateway::{GatewayDraft, Gateways};
use crate::translate::hostname::intersect;
use crate::translate::listener::ListenerDraft;
use crate::translate::work;

use super::RouteDraft;

/// What became of a parentRef that names a Gateway of ours.
#[derive(Debug)]
pub(crate) struct Parent<'a> {
    /// As written.
    pub(crate) reference: &'a ParentRef,
    /// Index of the Gateway.
    pub(crate) gateway: usize,
    /// Indices of the listeners, at least one, or why there are none.
    pub(crate) outcome: Result<Vec<usize>, Problem>,
}

/// Looks at every parentRef of a route. Those that name other controllers' objects are left out, and so is one that is
/// written twice.
pub(crate) fn attach<'a>(
    draft: &RouteDraft<'a>,
    gateways: &Gateways<'_>,
    snapshot: &Snapshot,
    findings: &mut Findings,
) -> Vec<Parent<'a>> {
    let object = draft.route.object_ref();
    let mut parents: Vec<Parent<'a>> = Vec::new();
    for (index, reference) in draft.route.spec.parent_refs.iter().enumerate() {
        if reference.group != GATEWAY_GROUP || reference.kind != "Gateway" {
            continue;
        }
        let namespace = reference.namespace.as_deref().unwrap_or(&draft.route.metadata.namespace);
        let key = NamespacedName::new(namespace, reference.name.as_str());
        let Some(&gateway) = gateways.by_key.get(&key) else {
            if gateways.whole && !snapshot.gateways.contains_key(&key) {
                let absent = Absent::of(snapshot, &snapshot.gateways, Kind::Gateway, &key);
                let hint = absent.hint(
                    |other| format!("write `namespace: {}`, which defaults to the route's", other.namespace),
                    "create it, or correct name and namespace; a parentRef's namespace defaults to the route's",
                );
                findings.error(&object, &Problem::new("ParentNotFound", field(index), absent.cause(), hint));
            }
            continue;
        };
        if parents.iter().any(|parent| parent.reference == reference) {
            continue;
        }
        let drafted = &gateways.drafts[gateway];
        let selected = selected(reference, drafted);
        let outcome = listeners(draft, (reference, &selected), drafted, snapshot, &field(index));
        if let Err(problem) = &outcome
            && drafted.planned
            && protocol_problem(&selected, drafted).is_none()
        {
            findings.error(&object, problem);
        }
        parents.push(Parent { reference, gateway, outcome });
    }
    parents
}

/// The listeners that a parentRef names.
fn selected(reference: &ParentRef, gateway: &GatewayDraft<'_>) -> Vec<usize> {
    let named: Vec<usize> = match &reference.section_name {
        Some(name) => gateway.by_name.get(name.as_str()).cloned().unwrap_or_default(),
        None => (0..gateway.listeners.len()).collect(),
    };
    work::steps(named.len());
    let has_port = |index: &usize| reference.port.is_none_or(|port| gateway.listeners[*index].spec.port == port);
    named.into_iter().filter(has_port).collect()
}

/// Why listeners take no routes at all, where none of them speaks a protocol that takes any: that is told of the Gateway.
fn protocol_problem<'g>(selected: &[usize], gateway: &'g GatewayDraft<'_>) -> Option<&'g Problem> {
    let mut selected = selected.iter().map(|index| &gateway.listeners[*index]).peekable();
    let first = *selected.peek()?;
    selected.all(|listener| listener.protocol.is_none()).then_some(first.rejected.as_ref()?)
}

fn field(index: usize) -> String {
    format!("spec.parentRefs[{index}]")
}

/// The listeners that the parentRef selects, that allow the route, and that have a host in common with it; the first of
/// the three that leaves none is the reason.
fn listeners(
    draft: &RouteDraft<'_>,
    (reference, selected): (&ParentRef, &[usize]),
    gateway: &GatewayDraft<'_>,
    snapshot: &Snapshot,
    field: &str,
) -> Result<Vec<usize>, Problem> {
    let listener = |index: &usize| -> &ListenerDraft<'_> { &gateway.listeners[*index] };
    if selected.is_empty() {
        return Err(no_matching_parent(reference, gateway, field));
    }
    if let Some(problem) = protocol_problem(selected, gateway) {
        let message = format!("no listener of Gateway {} takes routes: {}", gateway.key, problem.message);
        return Err(Problem::new(reason::NOT_ALLOWED_BY_LISTENERS, field, message, &*problem.hint));
    }
    let namespace = draft.route.metadata.namespace.as_str();
    let home = gateway.gateway.metadata.namespace.as_str();
    let allowed: Vec<_> = selected
        .iter()
        .copied()
        .filter(|index| takes_http_routes(listener(index)))
        .filter(|index| allows_namespace(&listener(index).spec.allowed_routes, home, namespace, snapshot))
        .collect();
    if allowed.is_empty() {
        return Err(Problem::new(
            reason::NOT_ALLOWED_BY_LISTENERS,
            field,
            format!("no listener of Gateway {} allows HTTPRoutes of namespace {namespace}", gateway.key),
            "look at allowedRoutes.namespaces (default: the Gateway's own) and allowedRoutes.kinds of the listeners",
        ));
    }
    let attached: Vec<_> = allowed
        .iter()
        .copied()
        .filter(|index| {
            work::steps(draft.hostnames.len());
            draft.hostnames.iter().any(|hostname| intersect(listener(index).hostname.as_deref(), hostname.as_deref()))
        })
        .collect();
    if attached.is_empty() {
        let theirs: Vec<_> = allowed.iter().filter_map(|index| listener(index).hostname.as_deref()).collect();
        return Err(Problem::new(
            reason::NO_MATCHING_LISTENER_HOSTNAME,
            field,
            format!(
                "hostnames {} have no host in common with those of the listeners of Gateway {}: {}",
                draft.hostnames.iter().flatten().map(|hostname| &**hostname).collect::<Vec<_>>().join(", "),
                gateway.key,
                theirs.join(", ")
            ),
            "correct spec.hostnames, or the listener's hostname",
        ));
    }
    Ok(attached)
}

fn takes_http_routes(listener: &ListenerDraft<'_>) -> bool {
    listener.supported_kinds.iter().any(|(group, kind)| group == GATEWAY_GROUP && kind == "HTTPRoute")
}

fn no_matching_parent(reference: &ParentRef, gateway: &GatewayDraft<'_>, field: &str) -> Problem {
    let name = reference.section_name.as_ref().map(|name| format!(" named {name}")).unwrap_or_default();
    let port = reference.port.map(|port| format!(" on port {port}")).unwrap_or_default();
    let there: Vec<_> =
        gateway.listeners.iter().map(|listener| format!("{} ({})", listener.spec.name, listener.spec.port)).collect();
    let names = gateway.listeners.iter().map(|listener| listener.spec.name.as_str());
    let near = reference.section_name.as_deref().and_then(|name| closest(name, names).filter(|near| *near != name));
    let hint = match near {
        Some(near) => format!("did you mean `sectionName: {near}`?"),
        None => "correct sectionName and port of the parentRef".to_owned(),
    };
    Problem::new(
        reason::NO_MATCHING_PARENT,
        field,
        format!("Gateway {} has no listener{name}{port}; its listeners: {}", gateway.key, there.join(", ")),
        hint,
    )
}
