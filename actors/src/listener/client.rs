//! Who is at the other end of a connection, and where it came in: what every request on it has in common.

use std::net::SocketAddr;
use std::rc::Rc;

use super::worker::{PortState, Worker};

/// One client, on one connection.
pub(super) struct Client {
    pub(super) peer: SocketAddr,
    /// The name that it asked for by SNI, in lower case.
    pub(super) sni: Option<String>,
    pub(super) worker: Rc<Worker>,
    pub(super) port: Rc<PortState>,
}

impl Client {
    /// Whether no further request is to be begun on the connection: the worker drains or is about to, or the port goes
    /// away.
    pub(super) fn is_stopped(&self) -> bool {
        self.port.ending.is_given()
    }

    /// Whether it is a proxy whose word is believed.
    pub(super) fn is_trusted(&self) -> bool {
        self.worker.settings.trusted_hops.contains(self.peer.ip())
    }
}
