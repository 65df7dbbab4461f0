//! Ports and listeners: who takes a connection, and which listener of a port takes a request.

use std::sync::Arc;

use super::certificate::ServerCertificate;
use super::hosts::HostTable;
use super::matching::{Match, RequestParts, RuleTable};
use super::rule::Rule;

/// One port of one Gateway. Its listeners share a socket and are told apart by host name.
#[derive(Debug, PartialEq)]
pub struct Port {
    /// `namespace/name` of the Gateway.
    pub gateway: Arc<str>,
    /// The listener's port as the Gateway names it: what redirects name, too.
    pub port: u16,
    /// HTTP or HTTPS: listeners of both on one port conflict and never get here together.
    pub protocol: Protocol,
    /// Listeners by their `hostname`; the most specific one takes a request (listener isolation).
    pub listeners: HostTable<Arc<Listener>>,
}

/// What a port speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Protocol {
    /// Plaintext HTTP.
    Http,
    /// HTTP over TLS that ends here.
    Https,
}

impl Protocol {
    /// The URI scheme of requests that come in.
    pub fn scheme(self) -> &'static str {
        match self {
            Protocol::Http => "http",
            Protocol::Https => "https",
        }
    }

    /// The scheme's well-known port, which redirects leave out.
    pub fn default_port(self) -> u16 {
        match self {
            Protocol::Http => 80,
            Protocol::Https => 443,
        }
    }
}

/// One listener of a Gateway: a programmed one, or one that is not and only holds its hostname (it has neither certificates
/// nor routes), so that no less specific listener takes its requests.
#[derive(Debug, PartialEq)]
pub struct Listener {
    /// The listener's `name`: the metric label `listener`.
    pub name: Arc<str>,
    /// Its `hostname` in lower case, for pages and logs; `None` takes every host.
    pub hostname: Option<Arc<str>>,
    /// What it presents. Empty where the port is HTTP, and where the listener only holds its hostname: its handshakes fail.
    pub certificates: Vec<Arc<ServerCertificate>>,
    /// The rules of the routes attached to it, by those of the route's hostnames that have a host in common with the
    /// listener's. They are the route's own also where they are wider than the listener's, since precedence goes by them;
    /// so only a host that the listener takes may be looked up. A request whose most specific host has no rule that matches
    /// goes on to the next, less specific one.
    pub routes: HostTable<RuleTable>,
}

impl Listener {
    /// The match that takes a request, with its rule. `host` is one that the listener takes, as [`normalize_host`] gives it.
    ///
    /// [`normalize_host`]: super::hosts::normalize_host
    pub fn find<'a>(&'a self, host: &str, request: &impl RequestParts) -> Option<(&'a Match, &'a Arc<Rule>)> {
        self.routes.candidates(host).find_map(|table| table.find(request))
    }
}
