//! HTTPRoute: parents, rules and matches. Filters have a file of their own.

use std::collections::HashMap;

use super::rules_http_route_filter as filter;
use super::view::View;
use super::{FieldPath, Report};

/// Across all rules of a route.
const MAX_MATCHES: usize = 128;

pub(super) fn check(route: View<'_>, path: &FieldPath<'_>, report: &mut Report) {
    let at = path.field("spec");
    let spec = route.get("spec");
    parents(spec.get("parentRefs"), &at.field("parentRefs"), report);
    rules(spec.get("rules"), &at.field("rules"), report);
}

/// What a parentRef points to, and the part of it: a listener's name and port.
type Parent<'a> = ([&'a str; 4], (Option<&'a str>, Option<i64>));

fn parents(refs: View<'_>, path: &FieldPath<'_>, report: &mut Report) {
    let parents: Vec<Option<Parent<'_>>> = refs
        .items()
        .map(|parent| {
            let object = [
                parent.get("group").str().unwrap_or("gateway.networking.k8s.io"),
                parent.get("kind").str().unwrap_or("Gateway"),
                parent.get("namespace").str().unwrap_or_default(),
                parent.get("name").str()?,
            ];
            let port = parent.get("port").int().filter(|port| *port != 0);
            Some((object, (parent.get("sectionName").text(), port)))
        })
        .collect();
    for (index, parent) in parents.iter().enumerate() {
        let Some((object, part)) = parent else { continue };
        let mut earlier = parents[..index].iter().flatten().filter(|(other, _)| other == object).map(|(_, part)| part);
        let at = path.index(index);
        if earlier.clone().any(|other| other == part) {
            report.refuse(
                &at,
                "sectionName or port must be unique when the same parent is referenced more than once",
                "name another listener, or remove the entry",
            );
        } else if earlier
            .any(|(section, port)| section.is_some() != part.0.is_some() || port.is_some() != part.1.is_some())
        {
            report.refuse(
                &at,
                "sectionName or port must be specified in every entry when the same parent is referenced more than once",
                "give every entry of this parent a sectionName",
            );
        }
    }
}

fn rules(rules: View<'_>, path: &FieldPath<'_>, report: &mut Report) {
    let mut names = HashMap::new();
    let mut matches = 0;
    for (index, rule) in rules.items().enumerate() {
        let at = path.index(index);
        if let Some(first) = rule.get("name").str().and_then(|name| names.insert(name, index)) {
            report.refuse(&at.field("name"), format!("is the same as that of rule {first}"), "names must be unique");
        }
        // A rule without matches has one by default: the prefix `/`.
        matches += if rule.get("matches").exists() { rule.get("matches").items().len() } else { 1 };
        check_rule(rule, &at, report);
    }
    if matches > MAX_MATCHES {
        report.refuse(
            path,
            format!("must have at most {MAX_MATCHES} matches in all rules together, have {matches}"),
            "split the route",
        );
    }
}

fn check_rule(rule: View<'_>, path: &FieldPath<'_>, report: &mut Report) {
    let matches = path.field("matches");
    for (index, item) in rule.get("matches").items().enumerate() {
        path_match(item.get("path"), &matches.index(index).field("path"), report);
    }
    let (filters, backends) = (path.field("filters"), path.field("backendRefs"));
    let one_prefix = has_one_prefix(rule.get("matches"));
    filter::check(rule.get("filters"), one_prefix, &filters, report);
    for (index, backend) in rule.get("backendRefs").items().enumerate() {
        let at = backends.index(index);
        filter::backend_port(backend, &at, report);
        filter::check(backend.get("filters"), one_prefix, &at.field("filters"), report);
    }
    if rule.get("backendRefs").items().len() > 0 {
        for (index, _) in rule.get("filters").items().enumerate().filter(|(_, it)| it.get("requestRedirect").exists()) {
            report.refuse(
                &filters.index(index),
                "a RequestRedirect filter must not be used together with backendRefs",
                "remove the backendRefs of this rule, or the filter",
            );
        }
    }
    timeouts(rule.get("timeouts"), &path.field("timeouts"), report);
    let session = rule.get("sessionPersistence");
    let cookie = session.get("cookieConfig");
    let at = path.field("sessionPersistence");
    if cookie.get("lifetimeType").str() == Some("Permanent") && !session.get("absoluteTimeout").exists() {
        report.refuse(&at, "absoluteTimeout must be specified when cookieConfig.lifetimeType is Permanent", "");
    }
    if cookie.exists() && session.get("type").str().unwrap_or("Cookie") != "Cookie" {
        report.refuse(&at.field("cookieConfig"), "must not be specified when type is not Cookie", "remove it");
    }
}

/// Whether there is exactly one match, and it is of a prefix: only then is it clear what to replace.
fn has_one_prefix(matches: View<'_>) -> bool {
    let prefix = |item: View<'_>| item.get("path").get("type").str().unwrap_or("PathPrefix") == "PathPrefix";
    !matches.exists() || matches.items().len() == 1 && matches.items().all(prefix)
}

fn path_match(path_match: View<'_>, path: &FieldPath<'_>, report: &mut Report) {
    let kind = path_match.get("type").str().unwrap_or("PathPrefix");
    let Some(value) = path_match.get("value").str().filter(|_| matches!(kind, "Exact" | "PathPrefix")) else { return };
    let at = path.field("value");
    let hint = "use `type: RegularExpression` for anything but a plain path";
    if !value.starts_with('/') {
        report.refuse(&at, format!("must begin with `/` when type is {kind}{}", report.shown(value)), hint);
    }
    for part in ["//", "/./", "/../", "%2f", "%2F", "#"] {
        if value.contains(part) {
            report.refuse(&at, format!("must not contain `{part}` when type is {kind}{}", report.shown(value)), "");
        }
    }
    for end in ["/..", "/."] {
        if value.ends_with(end) {
            report.refuse(&at, format!("must not end with `{end}` when type is {kind}{}", report.shown(value)), "");
        }
    }
    if !value.contains('#') && !is_uri_path(value) {
        report.refuse(
            &at,
            format!("must hold only characters of a URI's path{}", report.shown(value)),
            "percent-encode everything but letters, digits and /-._~!$&'()*+,;=:@",
        );
    }
}

/// RFC 3986: `pchar` and `/`.
fn is_uri_path(text: &str) -> bool {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let fits = match byte {
            b'%' => [bytes.next(), bytes.next()].into_iter().all(|it| it.is_some_and(|it| it.is_ascii_hexdigit())),
            byte => byte.is_ascii_alphanumeric() || b"-/._~!$&'()*+,;=:@".contains(&byte),
        };
        if !fits {
            return false;
        }
    }
    !text.is_empty()
}

fn timeouts(timeouts: View<'_>, path: &FieldPath<'_>, report: &mut Report) {
    let milliseconds = |field: &str| timeouts.get(field).str().and_then(milliseconds);
    let (Some(request), Some(backend)) = (milliseconds("request"), milliseconds("backendRequest")) else { return };
    if request != 0 && backend > request {
        report.refuse(
            &path.field("backendRequest"),
            "must not be longer than the request timeout",
            "shorten backendRequest, or lengthen request",
        );
    }
}

/// A GEP-2257 duration: up to four numbers, each with its unit.
fn milliseconds(text: &str) -> Option<u64> {
    let mut rest = text;
    let mut total = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        total += number.checked_mul(match &rest[..unit] {
            "h" => 3_600_000,
            "m" => 60_000,
            "s" => 1000,
            "ms" => 1,
            _ => return None,
        })?;
        rest = &rest[unit..];
    }
    Some(total)
}
