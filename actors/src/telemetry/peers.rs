//! When the certificates end that the endpoints of a backend presented. It must not know who tells it.

use std::collections::HashMap;
use std::net::SocketAddr;

use jiff::{SignedDuration, Timestamp};

use crate::plan::{Backend, EndpointSource, Endpoints};

/// Of so many endpoints of a backend it is kept; of those, that were seen last.
const KEPT: usize = 256;

/// What was seen so long before another endpoint is told no more: connections live for an hour, so an endpoint that is in use is
/// seen again by then, and one that is not may be renewed, or gone.
const TOLD: SignedDuration = SignedDuration::from_hours(2);

/// What each endpoint of a backend presented last.
#[derive(Debug, Clone, Default)]
pub struct Peers {
    by_endpoint: HashMap<SocketAddr, Peer>,
}

#[derive(Debug, Clone, Copy)]
struct Peer {
    /// `notAfter` of its own certificate, in seconds since the Unix epoch.
    not_after: i64,
    seen: Timestamp,
}

impl Peers {
    pub(super) fn saw(&mut self, endpoint: SocketAddr, not_after: i64, seen: Timestamp) {
        self.by_endpoint.insert(endpoint, Peer { not_after, seen });
        if self.by_endpoint.len() > KEPT
            && let Some(first) =
                self.by_endpoint.iter().min_by_key(|(_, peer)| peer.seen).map(|(endpoint, _)| *endpoint)
        {
            self.by_endpoint.remove(&first);
        }
    }

    /// The first end, in seconds since the Unix epoch, of what the endpoints presented that the backend still has.
    pub fn first_end(&self, backend: &Backend, endpoints: &Endpoints) -> Option<i64> {
        let ready = match &backend.endpoints {
            EndpointSource::Service(service) => Some(endpoints.get(service)?),
            EndpointSource::Host { .. } => None,
        };
        let is_there =
            |address: &SocketAddr| ready.is_none_or(|ready| ready.iter().any(|endpoint| endpoint.address == *address));
        let there = || self.by_endpoint.iter().filter(|(address, _)| is_there(address)).map(|(_, peer)| peer);
        let last = there().map(|peer| peer.seen).max()?;
        there().filter(|peer| last.duration_since(peer.seen) < TOLD).map(|peer| peer.not_after).min()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::plan::backend::Tls;
    use crate::plan::{BackendId, Endpoint, ServicePort};

    fn address(last: u16) -> SocketAddr {
        ([10, 0, 0, 1], last).into()
    }

    fn at(minutes: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes)
    }

    fn backend(endpoints: EndpointSource) -> Backend {
        let id = BackendId { gateway: "ns/gw".into(), backend: "Service/ns/a".into(), port: 443 };
        Backend { id, endpoints, tls: Tls::Plaintext, near_miss: None }
    }

    #[test]
    fn of_a_service_those_count_that_are_its_endpoints() {
        let service = ServicePort { namespace: "ns".into(), name: "a".into(), port: 443 };
        let backend = backend(EndpointSource::Service(service.clone()));
        let having = |ports: &[u16]| {
            let ready: Arc<[Endpoint]> = ports.iter().map(|port| Endpoint { address: address(*port) }).collect();
            Endpoints::from([(service.clone(), ready)])
        };
        let mut peers = Peers::default();
        assert_eq!(peers.first_end(&backend, &having(&[1, 2])), None);
        peers.saw(address(1), 100, at(0));
        peers.saw(address(2), 300, at(119));
        assert_eq!(peers.first_end(&backend, &having(&[1, 2])), Some(100));
        assert_eq!(peers.first_end(&backend, &having(&[2, 3])), Some(300), "the other one has gone");
        assert_eq!(peers.first_end(&backend, &having(&[1, 3])), Some(100), "nothing was seen since");
        assert_eq!(peers.first_end(&backend, &having(&[])), None);
        assert_eq!(peers.first_end(&backend, &Endpoints::new()), None);
        peers.saw(address(1), 400, at(130));
        assert_eq!(peers.first_end(&backend, &having(&[1, 2])), Some(300), "it was renewed");
    }

    #[test]
    fn of_a_name_those_count_that_were_seen_of_late() {
        let backend = backend(EndpointSource::Host { host: "a.example".into(), port: 443 });
        let first_end = |peers: &Peers| peers.first_end(&backend, &Endpoints::new());
        let mut peers = Peers::default();
        assert_eq!(first_end(&peers), None);
        peers.saw(address(1), 100, at(0));
        peers.saw(address(2), 200, at(119));
        assert_eq!(first_end(&peers), Some(100));
        peers.saw(address(3), 300, at(120));
        assert_eq!(first_end(&peers), Some(200));
    }

    #[test]
    fn those_that_were_seen_last_are_kept() {
        let backend = backend(EndpointSource::Host { host: "a.example".into(), port: 443 });
        let mut peers = Peers::default();
        let kept = i64::try_from(KEPT).expect("few");
        for (end, port) in (0..=kept).zip(1..) {
            peers.saw(address(port), end, Timestamp::UNIX_EPOCH + SignedDuration::from_millis(end));
        }
        assert_eq!(peers.by_endpoint.len(), KEPT);
        assert_eq!(peers.first_end(&backend, &Endpoints::new()), Some(1));
    }
}
