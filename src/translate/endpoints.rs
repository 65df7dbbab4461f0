//! The addresses behind Service ports, out of EndpointSlices. Endpoints change often and alone, so this is called alone,
//! too. It must not know what is spoken on a port.

use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use postern_actors::plan::{Endpoint, Endpoints, ServicePort};

use crate::resources::endpoint_slice::{EndpointPort, EndpointSlice, SERVICE_NAME};
use crate::resources::{NamespacedName, Snapshot, service};

pub(crate) mod slips;

/// The endpoints of each of `ports` that take connections, sorted and without repetition: the ready ones, or, where none
/// is ready, those that still serve while they terminate, as kube-proxy does. Every port gets an entry. One pass over the
/// slices, whatever the number of ports.
pub fn endpoints(snapshot: &Snapshot, ports: impl IntoIterator<Item = ServicePort>) -> Endpoints {
    let ports: Vec<ServicePort> = ports.into_iter().collect();
    let mut slices: HashMap<(&str, &str), Vec<&EndpointSlice>> =
        ports.iter().map(|port| ((&*port.namespace, &*port.name), Vec::new())).collect();
    for slice in snapshot.endpoint_slices.values() {
        let Some(service) = slice.metadata.labels.get(SERVICE_NAME) else { continue };
        if let Some(known) = slices.get_mut(&(slice.metadata.namespace.as_str(), service.as_str())) {
            known.push(slice);
        }
    }
    ports
        .iter()
        .map(|port| {
            let slices = slices.get(&(&*port.namespace, &*port.name)).map_or(&[][..], Vec::as_slice);
            (port.clone(), of_port(snapshot, port, slices))
        })
        .collect()
}

fn of_port(snapshot: &Snapshot, port: &ServicePort, slices: &[&EndpointSlice]) -> Arc<[Endpoint]> {
    let service = snapshot.services.get(&NamespacedName::new(Arc::clone(&port.namespace), Arc::clone(&port.name)));
    let Some(declared) = service.and_then(|service| tcp_port(&service.spec.ports, port.port)) else {
        return [].into();
    };
    let mut ready = BTreeSet::new();
    let mut leaving = BTreeSet::new();
    for slice in slices.iter().filter(|slice| matches!(slice.address_type.as_str(), "IPv4" | "IPv6")) {
        let Some(target) =
            slice.ports.iter().find(|target| serves(target, &declared.name)).and_then(|found| found.port)
        else {
            continue;
        };
        for endpoint in &slice.endpoints {
            let Some(Ok(address)) = endpoint.addresses.first().map(|address| address.parse::<IpAddr>()) else {
                continue;
            };
            let address = Endpoint { address: SocketAddr::new(address, target) };
            let is_ready = endpoint.conditions.ready.unwrap_or(true);
            if endpoint.conditions.terminating.unwrap_or(false) {
                if endpoint.conditions.serving.unwrap_or(is_ready) {
                    leaving.insert(address);
                }
            } else if is_ready {
                ready.insert(address);
            }
        }
    }
    if ready.is_empty() { leaving.into_iter().collect() } else { ready.into_iter().collect() }
}

/// The TCP port of that number: the same number may stand for a UDP port as well.
pub(super) fn tcp_port(ports: &[service::ServicePort], number: u16) -> Option<&service::ServicePort> {
    ports.iter().find(|port| port.port == number && is_tcp(port))
}

pub(super) fn is_tcp(port: &service::ServicePort) -> bool {
    port.protocol.is_empty() || port.protocol == "TCP"
}

/// "The name of this port. If the EndpointSlice is derived from a Kubernetes service, this corresponds to
/// Service.ports[].name." (EndpointPort.name)
fn serves(port: &EndpointPort, name: &str) -> bool {
    port.name.as_deref().unwrap_or_default() == name && port.protocol.as_deref().is_none_or(|it| it == "TCP")
}

#[cfg(test)]
mod tests;
