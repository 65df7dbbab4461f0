use http::StatusCode;

use super::{PathRewrite, Redirect, without_port};
use crate::plan::RequestPath;
use crate::plan::listener::Protocol;

/// A path that is in its normal form.
fn as_sent(path: &str) -> RequestPath<'_> {
    RequestPath { sent: path, normal: path }
}

/// The table of HTTPPathModifier.replacePrefixMatch, and the root as a prefix.
#[test]
fn a_prefix_is_replaced_by_segment() {
    for (path, matched, replacement, expected) in [
        ("/foo/bar", "/foo", "/xyz", "/xyz/bar"),
        ("/foo/bar", "/foo", "/xyz/", "/xyz/bar"),
        ("/foo/bar", "/foo/", "/xyz", "/xyz/bar"),
        ("/foo/bar", "/foo/", "/xyz/", "/xyz/bar"),
        ("/foo", "/foo", "/xyz", "/xyz"),
        ("/foo/", "/foo", "/xyz", "/xyz/"),
        ("/foo/bar", "/foo", "", "/bar"),
        ("/foo/", "/foo", "", "/"),
        ("/foo", "/foo", "", "/"),
        ("/foo/", "/foo", "/", "/"),
        ("/foo", "/foo", "/", "/"),
        ("/foo", "/", "/xyz", "/xyz/foo"),
        ("/", "/", "/xyz", "/xyz/"),
        ("/foo", "/", "/", "/foo"),
        ("/foobar", "/foo", "/xyz", "/foobar"),
    ] {
        let rewrite = PathRewrite::Prefix { matched: matched.into(), replacement: replacement.into() };
        assert_eq!(rewrite.apply(as_sent(path)), expected, "{path}: {matched} -> {replacement}");
    }
}

#[test]
fn a_full_path_is_replaced_whole() {
    assert_eq!(PathRewrite::Full("/new".into()).apply(as_sent("/foo/bar")), "/new");
    assert_eq!(PathRewrite::Full("new".into()).apply(as_sent("/foo/bar")), "/new");
    assert_eq!(PathRewrite::Full(String::new()).apply(as_sent("/foo/bar")), "/");
}

fn redirect() -> Redirect {
    Redirect { scheme: None, hostname: None, port: None, path: None, status: StatusCode::FOUND }
}

#[test]
fn the_port_of_a_redirect() {
    use Protocol::{Http, Https};
    for (from, listener_port, scheme, port, expected) in [
        (Http, 80, None, None, "http://a/"),
        (Http, 8080, None, None, "http://a:8080/"),
        (Https, 443, None, None, "https://a/"),
        (Https, 8443, None, None, "https://a:8443/"),
        (Http, 8080, Some(Https), None, "https://a/"),
        (Https, 8443, Some(Http), None, "http://a/"),
        (Http, 8080, Some(Http), None, "http://a/"),
        (Http, 80, None, Some(8080), "http://a:8080/"),
        (Http, 8080, None, Some(80), "http://a/"),
        (Http, 80, Some(Https), Some(443), "https://a/"),
        (Http, 80, Some(Https), Some(80), "https://a:80/"),
        (Https, 443, None, Some(80), "https://a:80/"),
        (Http, 443, None, None, "http://a:443/"),
    ] {
        let redirect = Redirect { scheme, port, ..redirect() };
        let location = redirect.location(from, listener_port, "a", as_sent("/"), None);
        assert_eq!(location, expected, "{from:?} on {listener_port} to {scheme:?} and {port:?}");
    }
}

#[test]
fn the_host_of_a_redirect() {
    let to = |redirect: &Redirect, host| redirect.location(Protocol::Http, 80, host, as_sent("/"), None);
    assert_eq!(to(&redirect(), "example.com"), "http://example.com/");
    assert_eq!(to(&redirect(), "example.com:1234"), "http://example.com/");
    assert_eq!(to(&redirect(), "[::1]:1234"), "http://[::1]/");
    assert_eq!(to(&redirect(), "[::1]"), "http://[::1]/");
    let named = Redirect { hostname: Some("example.org".into()), ..redirect() };
    assert_eq!(to(&named, "example.com:1234"), "http://example.org/");
}

#[test]
fn the_path_of_a_redirect_keeps_the_query() {
    let to = |redirect: &Redirect, target: &str| {
        let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
        redirect.location(Protocol::Http, 80, "a", as_sent(path), query)
    };
    assert_eq!(to(&redirect(), "/foo?x=1&y=%20"), "http://a/foo?x=1&y=%20");
    assert_eq!(to(&redirect(), "*"), "http://a/*");
    let path = Some(PathRewrite::Prefix { matched: "/foo".into(), replacement: "/bar".into() });
    assert_eq!(to(&Redirect { path, ..redirect() }, "/foo/x?y=1"), "http://a/bar/x?y=1");
    let path = Some(PathRewrite::Full("/bar".into()));
    assert_eq!(to(&Redirect { path, ..redirect() }, "/foo/x?y=1"), "http://a/bar?y=1");
}

#[test]
fn a_host_loses_its_port() {
    for (host, expected) in [("a", "a"), ("a:1", "a"), ("a:", "a"), ("[::1]", "[::1]"), ("[::1]:80", "[::1]"), ("", "")]
    {
        assert_eq!(without_port(host), expected, "{host}");
    }
}
