//! Filters as data, and what they do to a request or a response.

use http::StatusCode;
use http::header::{HeaderName, HeaderValue};

use super::listener::Protocol;
use super::normal_path::RequestPath;
use super::path::without_trailing_slash;

#[cfg(test)]
mod tests;

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

/// The filters by which a request goes to a backend: first those of the rule, then those of the backendRef.
#[derive(Debug, Clone, Copy)]
pub struct FilterPair<'a> {
    /// Of the rule.
    pub rule: &'a Filters,
    /// Of the backendRef.
    pub reference: &'a Filters,
}

impl<'a> FilterPair<'a> {
    /// The `Host` that the backend sees, where a filter names one: a header that is set stands over a rewrite, and the
    /// backendRef's filters over the rule's.
    pub fn host(&self) -> Option<&'a HeaderValue> {
        let last_first = [self.reference, self.rule];
        let mut set = last_first.iter().flat_map(|filters| filters.request_headers.set.iter().rev());
        let host = set.find(|(name, _)| name == http::header::HOST).map(|(_, host)| host);
        host.or_else(|| last_first.iter().find_map(|filters| filters.rewrite.as_ref()?.hostname.as_ref()))
    }

    /// Path and query as the backend sees them, where a filter changes the path.
    pub fn target(&self, path: RequestPath<'_>, query: Option<&str>) -> Option<String> {
        let rewrite = [self.reference, self.rule].iter().find_map(|filters| filters.rewrite.as_ref()?.path.as_ref())?;
        let mut target = rewrite.apply(path);
        if let Some(query) = query {
            target.push('?');
            target.push_str(query);
        }
        Some(target)
    }
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

impl PathRewrite {
    /// The new path, without a query. It begins with a slash. A path that the prefix does not take, which the match has
    /// ruled out, stays as it is.
    pub fn apply(&self, path: RequestPath<'_>) -> String {
        let changed = match self {
            Self::Full(replacement) => replacement.clone(),
            Self::Prefix { matched, replacement } => match path.rest_after(matched) {
                Some(rest) => format!("{}{rest}", without_trailing_slash(replacement)),
                None => path.sent.to_owned(),
            },
        };
        if changed.starts_with('/') { changed } else { format!("/{changed}") }
    }
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

impl Redirect {
    /// The `Location`. `host` is the request's, with or without a port, an IPv6 address in its brackets; so
    /// are `path` (as sent, where nothing replaces it) and `query`.
    ///
    /// "Implementations SHOULD NOT add the port number in the 'Location' header" where it is the well-known port of the
    /// scheme (HTTPRequestRedirectFilter.port).
    pub fn location(
        &self,
        protocol: Protocol,
        listener_port: u16,
        host: &str,
        path: RequestPath<'_>,
        query: Option<&str>,
    ) -> String {
        let scheme = self.scheme.unwrap_or(protocol);
        let port = self.port.or(self.scheme.map(Protocol::default_port)).unwrap_or(listener_port);
        let host = self.hostname.as_deref().unwrap_or_else(|| without_port(host));
        let path = match &self.path {
            Some(rewrite) => rewrite.apply(path),
            None if path.sent.starts_with('/') => path.sent.to_owned(),
            None => format!("/{}", path.sent),
        };

        let mut location = format!("{}://{host}", scheme.scheme());
        if port != scheme.default_port() {
            location.push(':');
            location.push_str(&port.to_string());
        }
        location.push_str(&path);
        if let Some(query) = query {
            location.push('?');
            location.push_str(query);
        }
        location
    }
}

/// A `Host` without its port. The colons of an IPv6 address stand inside of brackets.
pub fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => name,
        _ => host,
    }
}
