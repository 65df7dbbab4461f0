//! Hostnames of listeners and routes: exact, with a leading `*.`, or none, which is every host.

use std::sync::Arc;

/// In lower case; empty counts as not given (Listener.hostname).
pub(crate) fn normalized(hostname: Option<&str>) -> Option<Arc<str>> {
    hostname.filter(|hostname| !hostname.is_empty()).map(|hostname| hostname.to_ascii_lowercase().into())
}

/// Whether a host can match both. Both are normalized; `None` takes every host.
pub(crate) fn intersect(one: Option<&str>, other: Option<&str>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one == other || covers(one, other) || covers(other, one),
        _ => true,
    }
}

/// Whether `wildcard` is one and takes every host that `hostname` takes, and more: "a match for `*.example.com` would
/// match both `test.example.com`, and `foo.test.example.com`, but not `example.com`" (HTTPRouteSpec.hostnames).
fn covers(wildcard: &str, hostname: &str) -> bool {
    let Some(suffix) = wildcard.strip_prefix("*.") else { return false };
    let hostname = hostname.strip_prefix("*.").unwrap_or(hostname);
    hostname.strip_suffix(suffix).is_some_and(|rest| rest.ends_with('.'))
}

/// The wildcards that take every host of `hostname`, the longest first, itself excluded.
pub(crate) fn wildcards_over(hostname: &str) -> impl Iterator<Item = String> {
    let name = hostname.strip_prefix("*.").unwrap_or(hostname);
    name.match_indices('.').map(move |(dot, _)| format!("*{}", &name[dot..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intersections_are_those_of_the_specification() {
        for (listener, route, expected) in [
            (None, None, true),
            (None, Some("a.example.com"), true),
            (Some("test.example.com"), None, true),
            (Some("test.example.com"), Some("test.example.com"), true),
            (Some("test.example.com"), Some("*.example.com"), true),
            (Some("test.example.com"), Some("*.test.example.com"), false),
            (Some("test.example.com"), Some("other.example.com"), false),
            (Some("*.example.com"), Some("*.example.com"), true),
            (Some("*.example.com"), Some("test.example.com"), true),
            (Some("*.example.com"), Some("foo.test.example.com"), true),
            (Some("*.example.com"), Some("*.foo.example.com"), true),
            (Some("*.foo.example.com"), Some("*.example.com"), true),
            (Some("*.example.com"), Some("example.com"), false),
            (Some("*.example.com"), Some("test.example.net"), false),
            (Some("*.example.com"), Some("testexample.com"), false),
            (Some("*.example.com"), Some("*.testexample.com"), false),
        ] {
            assert_eq!(intersect(listener, route), expected, "{listener:?} and {route:?}");
            assert_eq!(intersect(route, listener), expected, "{route:?} and {listener:?}");
        }
    }

    #[test]
    fn wildcards_over_a_name_are_told_from_the_longest() {
        let over = |hostname| wildcards_over(hostname).collect::<Vec<_>>();
        assert_eq!(over("a.b.example"), ["*.b.example", "*.example"]);
        assert_eq!(over("*.b.example"), ["*.example"]);
        assert!(over("localhost").is_empty());
    }
}
