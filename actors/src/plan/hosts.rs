//! A table by host name: exact names, wildcards, and everything; looked up by hash, never by a scan.

use std::collections::HashMap;
use std::sync::Arc;

/// Values by host name, the more specific name first: an exact name, then wildcards from the longest to the shortest
/// (a wildcard `*.example.com` takes any number of labels, and not `example.com` itself), then the value for any host.
#[derive(Debug, PartialEq)]
pub struct HostTable<T> {
    pub(crate) exact: HashMap<Arc<str>, T>,
    /// Keyed by what follows `*.`.
    pub(crate) wildcard: HashMap<Arc<str>, T>,
    pub(crate) any: Option<T>,
}

// Behaviour (owned by the plan helper):
//   Default, entry(&mut self, hostname: Option<&str>) -> &mut Option<T>/ insert, get(&self, hostname) for exact key,
//   candidates(&self, host: &str) -> impl Iterator<Item = &T>   most specific first; host is lower case without port
//   iter() -> (Option<String> pattern, &T)
