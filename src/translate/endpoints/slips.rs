//! Where EndpointSlices are written by hand, in files: those that miss their Service, and the Service ports that they miss.
//! It must not know routes: it is told which ports are in use.

use std::collections::{BTreeMap, BTreeSet};

use postern_actors::plan::{Endpoints, ServicePort};

use super::{serves, tcp_port};
use crate::resources::endpoint_slice::{EndpointSlice, SERVICE_NAME};
use crate::resources::suggest::closest;
use crate::resources::{Kind, NamespacedName, Object, ObjectRef, Snapshot};
use crate::translate::absence::Absent;
use crate::translate::findings::{Findings, Problem};

/// Says what is missed. Where there is not a single slice nothing is: in a cluster Kubernetes makes them.
pub(crate) fn report(snapshot: &Snapshot, used: &Endpoints, findings: &mut Findings) {
    let mut by_service: BTreeMap<NamespacedName, Vec<&EndpointSlice>> = BTreeMap::new();
    for slice in snapshot.endpoint_slices.values() {
        let Some(service) = slice.metadata.labels.get(SERVICE_NAME) else {
            let message = format!("it has no label {SERVICE_NAME}, so it belongs to no Service");
            let hint = "name its Service in the label";
            findings.warning(&slice.object_ref(), &Problem::new("ServiceNotFound", "metadata.labels", message, hint));
            continue;
        };
        let name = NamespacedName::new(slice.metadata.namespace.as_str(), service.as_str());
        by_service.entry(name).or_default().push(slice);
    }
    let mut meant = BTreeSet::new();
    for (name, slices) in by_service.iter().filter(|(name, _)| !snapshot.services.contains_key(*name)) {
        let absent = Absent::of(snapshot, &snapshot.services, Kind::Service, name);
        meant.extend(absent.near().cloned());
        let message = format!("{}, so nobody gets its addresses", absent.cause());
        let hint = absent.hint(|_| "a slice belongs to a Service of its own namespace".into(), "correct the label");
        let field = format!("metadata.labels[{SERVICE_NAME}]");
        for slice in slices {
            findings.warning(&slice.object_ref(), &Problem::new("ServiceNotFound", &*field, &*message, &*hint));
        }
    }
    let used: BTreeSet<_> = used.keys().filter(|_| !snapshot.endpoint_slices.is_empty()).collect();
    for port in used {
        let name = NamespacedName::new(port.namespace.clone(), port.name.clone());
        let slices = by_service.get(&name).map_or(&[][..], Vec::as_slice);
        let service = ObjectRef { kind: Kind::Service, name };
        match slices {
            // That is told of the slice that was meant for it.
            [] if meant.contains(&service.name) => {}
            // In a cluster it may have a selector, and Kubernetes makes them.
            [] => findings.notice(
                &service,
                &Problem::new(
                    "NoEndpointSlice",
                    "",
                    format!(
                        "no EndpointSlice belongs to it, so on files requests to port {} get 503 (no_endpoint)",
                        port.port
                    ),
                    format!("add one with the label {SERVICE_NAME}: {}", port.name),
                ),
            ),
            slices => {
                if let Some(problem) = missed_port(snapshot, &service.name, port, slices) {
                    findings.warning(&service, &problem);
                }
            }
        }
    }
}

fn missed_port(
    snapshot: &Snapshot,
    service: &NamespacedName,
    port: &ServicePort,
    slices: &[&EndpointSlice],
) -> Option<Problem> {
    let declared = tcp_port(&snapshot.services.get(service)?.spec.ports, port.port)?;
    let theirs = || slices.iter().flat_map(|slice| &slice.ports);
    if theirs().any(|target| serves(target, &declared.name)) {
        return None;
    }
    let names: BTreeSet<_> = theirs().map(|target| target.name.as_deref().unwrap_or_default()).collect();
    let hint = match closest(&declared.name, names.iter().copied()) {
        Some(near) => format!("did you mean `name: {}` in place of {near}?", declared.name),
        None => format!("a slice's port has the name of the Service's port: {:?}", declared.name),
    };
    let names: Vec<_> = names.iter().map(|name| format!("{name:?}")).collect();
    Some(Problem::new(
        "NoEndpointPort",
        "spec.ports",
        format!(
            "none of its EndpointSlices has a TCP port named {:?}, so requests to port {} get 503 (no_endpoint); theirs are \
             named {}",
            declared.name,
            port.port,
            names.join(", ")
        ),
        hint,
    ))
}
