//! The addresses behind Service ports, from EndpointSlices.

use postern_actors::plan::{Endpoints, ServicePort};

use crate::resources::Snapshot;

/// The ready endpoints of each of `ports`.
pub fn endpoints(_snapshot: &Snapshot, ports: impl IntoIterator<Item = ServicePort>) -> Endpoints {
    ports.into_iter().map(|port| (port, [].into())).collect()
}
