//! Filters as data, and what they do to a request or a response.

use http::header::{HeaderName, HeaderValue};
use http::{StatusCode, Uri};

use super::listener::Protocol;

/// The filters of a rule or a backendRef that go with forwarding.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Filters {
    /// RequestHeaderModifier
    pub request_headers: HeaderEdits,
    /// ResponseHeaderModifier
    pub response_headers: HeaderEdits,
    /// URLRewrite
    pub rewrite: Option<Rewrite>,
}

/// A RequestHeaderModifier or ResponseHeaderModifier: applied in the order set, add, remove.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct HeaderEdits {
    /// Replaces every value of the name.
    pub set: Vec<(HeaderName, HeaderValue)>,
    /// Appends a value.
    pub add: Vec<(HeaderName, HeaderValue)>,
    /// Removes every value of the name.
    pub remove: Vec<HeaderName>,
}

impl HeaderEdits {
    /// Whether it does nothing.
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.add.is_empty() && self.remove.is_empty()
    }
}

/// URLRewrite.
#[derive(Debug, Clone, PartialEq)]
pub struct Rewrite {
    /// The `Host` that the backend sees. (The SNI stays the policy's.)
    pub hostname: Option<HeaderValue>,
    /// The path that the backend sees.
    pub path: Option<PathRewrite>,
}

/// A change of the path; the query stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathRewrite {
    /// ReplaceFullPath
    Full(String),
    /// ReplacePrefixMatch
    Prefix {
        /// The prefix of the match that is replaced.
        matched: String,
        /// What takes its place.
        replacement: String,
    },
}

/// RequestRedirect.
#[derive(Debug, Clone, PartialEq)]
pub struct Redirect {
    /// `http` or `https`; `None` keeps the request's.
    pub scheme: Option<Protocol>,
    /// `None` keeps the request's host.
    pub hostname: Option<String>,
    /// `None`: the well-known port of `scheme` where that is given, else the listener's port.
    pub port: Option<u16>,
    /// A change of the path; `None` keeps the request's.
    pub path: Option<PathRewrite>,
    /// 301, 302, 303, 307 or 308.
    pub status: StatusCode,
}

// Behaviour (owned by the plan helper):
//   impl PathRewrite { pub fn apply(&self, path: &str) -> String }                      // path without query
//   impl Redirect { pub fn location(&self, protocol: Protocol, listener_port: u16, host: &str, uri: &Uri) -> String }
#[allow(unused)]
type _Placeholder = Uri;
