//! `filters` of a rule and of a backendRef.

use http::StatusCode;
use http::header::HeaderValue;
use postern_actors::plan::Protocol;
use postern_actors::plan::filter::{Filters, Redirect, Rewrite};

use super::{header_edits, path_modifier};
use crate::resources::http_route::{HttpRouteFilter, RequestRedirect, UrlRewrite};
use crate::status::reason;
use crate::translate::findings::Problem;

/// Where filters stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// On a rule.
    Rule,
    /// On a backendRef.
    BackendRef,
}

/// What filters do.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Built {
    /// With forwarding.
    pub(super) filters: Filters,
    /// Instead of forwarding.
    pub(super) redirect: Option<Redirect>,
}

/// Builds them; `prefix` is the one prefix that the rule matches, if it does. "If a reference to a custom filter type cannot
/// be resolved, the filter MUST NOT be skipped. Instead, requests that would have been processed by that filter MUST receive
/// a HTTP error response." (HTTPRouteFilter.type) So whatever cannot be carried out is a problem.
pub(super) fn build(
    written: &[HttpRouteFilter],
    place: Place,
    prefix: Option<&str>,
    field: &str,
    problems: &mut Vec<Problem>,
) -> Built {
    let mut built = Built::default();
    let mut host = None;
    for (index, filter) in written.iter().enumerate() {
        let field = format!("{field}.filters[{index}]");
        let kind = filter.kind.as_str();
        if written[..index].iter().any(|earlier| earlier.kind == kind) {
            let message = format!("filter {kind} is given twice");
            problems.push(unsupported(format!("{field}.type"), message, "merge both into one filter"));
            continue;
        }
        match filter {
            HttpRouteFilter {
                request_header_modifier: Some(modifier),
                response_header_modifier: None,
                request_redirect: None,
                url_rewrite: None,
                ..
            } if kind == "RequestHeaderModifier" => {
                let edits = header_edits::build(modifier, true, &format!("{field}.requestHeaderModifier"), problems);
                built.filters.request_headers = edits.headers;
                host = edits.host;
            }
            HttpRouteFilter {
                request_header_modifier: None,
                response_header_modifier: Some(modifier),
                request_redirect: None,
                url_rewrite: None,
                ..
            } if kind == "ResponseHeaderModifier" => {
                let edits = header_edits::build(modifier, false, &format!("{field}.responseHeaderModifier"), problems);
                built.filters.response_headers = edits.headers;
            }
            HttpRouteFilter {
                request_header_modifier: None,
                response_header_modifier: None,
                request_redirect: Some(redirect),
                url_rewrite: None,
                ..
            } if kind == "RequestRedirect" && place == Place::Rule => {
                built.redirect = read_redirect(redirect, prefix, &format!("{field}.requestRedirect"), problems);
            }
            HttpRouteFilter {
                request_header_modifier: None,
                response_header_modifier: None,
                request_redirect: None,
                url_rewrite: Some(rewrite),
                ..
            } if kind == "URLRewrite" => {
                built.filters.rewrite = read_rewrite(rewrite, prefix, &format!("{field}.urlRewrite"), problems);
            }
            _ => problems.push(refusal(kind, place, &field)),
        }
    }
    if let Some(host) = host {
        let rewrite = built.filters.rewrite.get_or_insert(Rewrite { hostname: None, path: None });
        rewrite.hostname.get_or_insert(host);
    }
    let has = |kind| written.iter().any(|filter| filter.kind == kind);
    if has("RequestRedirect") && has("URLRewrite") {
        let message = "filters RequestRedirect and URLRewrite exclude each other";
        problems.push(unsupported(format!("{field}.filters"), message.into(), "remove one of them"));
    }
    built
}

fn refusal(kind: &str, place: Place, field: &str) -> Problem {
    match kind {
        "RequestRedirect" if place == Place::BackendRef => {
            let message = "filter RequestRedirect is not supported on a backendRef";
            unsupported(format!("{field}.type"), message.into(), "put it on the rule")
        }
        "RequestHeaderModifier" | "ResponseHeaderModifier" | "RequestRedirect" | "URLRewrite" => {
            let message = format!("with type {kind} exactly the field of that name has to be set");
            unsupported(field.to_owned(), message, "set the field that belongs to the type, and no other")
        }
        _ => unsupported(
            format!("{field}.type"),
            format!("filter {kind} is not supported"),
            "supported are RequestHeaderModifier, ResponseHeaderModifier, RequestRedirect and URLRewrite",
        ),
    }
}

fn read_rewrite(
    written: &UrlRewrite,
    prefix: Option<&str>,
    field: &str,
    problems: &mut Vec<Problem>,
) -> Option<Rewrite> {
    let hostname = written.hostname.as_deref().and_then(|hostname| {
        let value = host(hostname).and_then(|hostname| HeaderValue::from_str(hostname).ok());
        if value.is_none() {
            problems.push(bad_host(hostname, field));
        }
        value
    });
    let path = written.path.as_ref().and_then(|path| {
        path_modifier::build(path, prefix, &format!("{field}.path")).map_err(|problem| problems.push(problem)).ok()
    });
    (hostname.is_some() || path.is_some()).then_some(Rewrite { hostname, path })
}

fn read_redirect(
    written: &RequestRedirect,
    prefix: Option<&str>,
    field: &str,
    problems: &mut Vec<Problem>,
) -> Option<Redirect> {
    let before = problems.len();
    let scheme = match written.scheme.as_deref() {
        None => None,
        Some("http") => Some(Protocol::Http),
        Some("https") => Some(Protocol::Https),
        Some(other) => {
            let message = format!("scheme {other} is not supported");
            problems.push(unsupported(format!("{field}.scheme"), message, "use http or https"));
            None
        }
    };
    if let Some(hostname) = written.hostname.as_deref().filter(|hostname| host(hostname).is_none()) {
        problems.push(bad_host(hostname, field));
    }
    if written.port == Some(0) {
        problems.push(unsupported(format!("{field}.port"), "port 0 is none".into(), "use 1 to 65535"));
    }
    let path = written.path.as_ref().and_then(|path| {
        path_modifier::build(path, prefix, &format!("{field}.path")).map_err(|problem| problems.push(problem)).ok()
    });
    let status = match written.status_code {
        None | Some(302) => StatusCode::FOUND,
        Some(301) => StatusCode::MOVED_PERMANENTLY,
        Some(303) => StatusCode::SEE_OTHER,
        Some(307) => StatusCode::TEMPORARY_REDIRECT,
        Some(308) => StatusCode::PERMANENT_REDIRECT,
        Some(other) => {
            let message = format!("status code {other} is not supported");
            problems.push(unsupported(format!("{field}.statusCode"), message, "use 301, 302, 303, 307 or 308"));
            return None;
        }
    };
    let hostname = written.hostname.clone();
    (problems.len() == before).then_some(Redirect { scheme, hostname, port: written.port, path, status })
}

/// A host that can stand in `Host` and `Location`: letters, digits, `-`, `.`.
fn host(text: &str) -> Option<&str> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    (!text.is_empty() && text.bytes().all(fits)).then_some(text)
}

fn bad_host(hostname: &str, field: &str) -> Problem {
    unsupported(
        format!("{field}.hostname"),
        format!("{hostname:?} is not a hostname"),
        "write a name without port and wildcard",
    )
}

fn unsupported(field: String, message: String, hint: &str) -> Problem {
    Problem::new(reason::UNSUPPORTED_VALUE, field, message, hint)
}

#[cfg(test)]
mod tests;
