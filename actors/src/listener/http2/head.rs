//! The head of a request as HTTP/1.1 has it, so that one parser judges both, and nothing gets by in HTTP/2 that HTTP/1.1
//! would refuse. What HTTP/2 alone can get wrong is looked for here (RFC 9113 section 8).

use bytes::{BufMut, BytesMut};
use http::request::Parts;
use http::{HeaderValue, Method, header};

use crate::http1::{HeadError, HeadLimits, RequestHead};
use crate::listener::head::put_field;

/// Reads the head of a request; `has_body` says that its HEADERS did not end the stream. `text` is the room to do it in.
pub(super) fn read(
    head: &mut RequestHead,
    request: &Parts,
    has_body: bool,
    text: &mut BytesMut,
    limits: &HeadLimits,
) -> Result<(), HeadError> {
    text.clear();
    write(request, has_body, text)?;
    match head.parse(text, limits)? {
        Some(length) if length == text.len() => Ok(()),
        _ => Err(HeadError::Malformed("a field that ends the head")),
    }
}

fn write(request: &Parts, has_body: bool, out: &mut BytesMut) -> Result<(), HeadError> {
    let target = request.uri.path_and_query().map(http::uri::PathAndQuery::as_str).unwrap_or_default();
    // Nothing but a path (section 8.3.1): the asterisk-form is for OPTIONS alone, and an absolute URI would stand over `:authority`.
    let server_wide = target == "*" && request.method == Method::OPTIONS;
    if !target.starts_with('/') && !server_wide {
        return Err(HeadError::Malformed("a :path that is no path"));
    }
    out.put_slice(request.method.as_str().as_bytes());
    out.put_slice(b" ");
    out.put_slice(target.as_bytes());
    out.put_slice(b" HTTP/1.1\r\n");
    write_host(request, out)?;
    let mut has_length = false;
    for (name, value) in &request.headers {
        let value = value.as_bytes();
        // "A field value MUST NOT start or end with an ASCII whitespace character" (section 8.2.1).
        if value.trim_ascii().len() != value.len() {
            return Err(HeadError::Malformed("white space around a field value"));
        }
        match *name {
            // No 100 can be sent to whoever waits for one.
            header::HOST | header::COOKIE | header::EXPECT => continue,
            header::CONNECTION | header::TRANSFER_ENCODING | header::UPGRADE => {
                return Err(HeadError::Malformed("a connection-specific field"));
            }
            // "An endpoint MUST NOT generate an HTTP/2 message containing connection-specific header fields" (section 8.2.2).
            _ if matches!(name.as_str(), "keep-alive" | "proxy-connection") => {
                return Err(HeadError::Malformed("a connection-specific field"));
            }
            header::TE if value != b"trailers" => return Err(HeadError::Malformed("a TE other than trailers")),
            header::CONTENT_LENGTH => {
                // What is said to follow and does not would be taken from the next request on the backend's connection.
                if !has_body && value.iter().any(|digit| *digit != b'0') {
                    return Err(HeadError::Ambiguous("a Content-Length without a body"));
                }
                has_length = true;
            }
            _ => {}
        }
        put_field(out, name.as_str().as_bytes(), value);
    }
    write_cookies(request, out);
    if has_body && !has_length {
        out.put_slice(b"transfer-encoding: chunked\r\n");
    }
    out.put_slice(b"\r\n");
    Ok(())
}

/// `:authority`, or else `Host`: "the values of these fields need to be normalized to compare them", and a request in which
/// they differ is malformed (section 8.3.1).
fn write_host(request: &Parts, out: &mut BytesMut) -> Result<(), HeadError> {
    let mut hosts = request.headers.get_all(header::HOST).iter().map(HeaderValue::as_bytes);
    let (host, another) = (hosts.next(), hosts.next());
    if another.is_some() {
        return Err(HeadError::Malformed("several Host fields"));
    }
    let authority = request.uri.authority().map(|authority| authority.as_str().as_bytes());
    if let (Some(authority), Some(host)) = (authority, host)
        && !authority.eq_ignore_ascii_case(host)
    {
        return Err(HeadError::Malformed("a Host that is not the :authority"));
    }
    if let Some(host) = authority.or(host) {
        put_field(out, b"host", host);
    }
    Ok(())
}

/// "If there are multiple Cookie header fields after decompression, these MUST be concatenated into a single octet string
/// using the two-octet delimiter of 0x3b, 0x20" (section 8.2.3).
fn write_cookies(request: &Parts, out: &mut BytesMut) {
    let mut cookies = request.headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes);
    let Some(first) = cookies.next() else { return };
    out.put_slice(b"cookie: ");
    out.put_slice(first);
    for cookie in cookies {
        out.put_slice(b"; ");
        out.put_slice(cookie);
    }
    out.put_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http1::Framing;

    /// The head of a request to `uri` with these fields.
    fn parts(method: &str, uri: &str, fields: &[(&str, &str)]) -> Parts {
        let mut request = http::Request::builder().method(method).uri(uri).version(http::Version::HTTP_2);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn read_parts(request: &Parts, has_body: bool) -> Result<(RequestHead, String), HeadError> {
        let (mut head, mut text) = (RequestHead::default(), BytesMut::from(&b"left over"[..]));
        read(&mut head, request, has_body, &mut text, &HeadLimits::default())?;
        Ok((head, String::from_utf8(text.to_vec()).unwrap()))
    }

    fn refused(method: &str, uri: &str, fields: &[(&str, &str)], has_body: bool) -> HeadError {
        read_parts(&parts(method, uri, fields), has_body).map(|(_, text)| text).unwrap_err()
    }

    #[test]
    fn a_head_is_written_as_http1_has_it() {
        let fields =
            [("accept", "*/*"), ("cookie", "a=1"), ("te", "trailers"), ("cookie", "b=2"), ("x-a", ""), ("x-a", "c")];
        let (head, text) = read_parts(&parts("GET", "https://Example.com:8443/a?b=c", &fields), false).unwrap();
        assert_eq!(
            text,
            "GET /a?b=c HTTP/1.1\r\nhost: Example.com:8443\r\naccept: */*\r\nte: trailers\r\nx-a: \r\nx-a: c\r\n\
             cookie: a=1; b=2\r\n\r\n"
        );
        assert_eq!((head.authority(), head.path(), head.query()), ("Example.com:8443", "/a", Some("b=c")));
        assert_eq!(head.framing(), Framing::None);
        let names: Vec<_> = head.forwarded_fields().map(|field| field.name).collect();
        assert_eq!(names, [&b"accept"[..], b"x-a", b"x-a", b"cookie"]);
    }

    #[test]
    fn the_host_is_the_authority_or_the_host() {
        for (uri, fields, host) in [
            ("http://a.test/", &[][..], "a.test"),
            ("http://a.test/", &[("host", "A.test")], "a.test"),
            ("/", &[("host", "b.test:80")], "b.test:80"),
        ] {
            assert_eq!(read_parts(&parts("GET", uri, fields), false).unwrap().0.authority(), host, "{uri} {fields:?}");
        }
    }

    #[test]
    fn a_body_is_framed_by_its_length_or_in_chunks() {
        for (fields, has_body, framing) in [
            (&[][..], true, Framing::Chunked),
            (&[("content-length", "5")], true, Framing::Length(5)),
            (&[("content-length", "0")], true, Framing::None),
            (&[("content-length", "0")], false, Framing::None),
            (&[("expect", "100-continue"), ("content-length", "5")], true, Framing::Length(5)),
        ] {
            let (head, text) = read_parts(&parts("POST", "http://a/", fields), has_body).unwrap();
            assert_eq!(head.framing(), framing, "{fields:?}");
            assert!(!head.expects_continue() && !text.contains("expect"), "{text}");
        }
    }

    #[test]
    fn what_is_malformed_is_refused() {
        for (method, uri, fields, has_body, error) in [
            ("GET", "/", &[][..], false, "no Host field"),
            ("GET", "http://a/", &[("host", "b")], false, "a Host that is not the :authority"),
            ("GET", "http://a/", &[("host", "a"), ("host", "a")], false, "several Host fields"),
            ("GET", "http://user@a/", &[], false, "an invalid Host"),
            ("GET", "*", &[("host", "a")], false, "a :path that is no path"),
            ("GET", "http://a/", &[("connection", "close")], false, "a connection-specific field"),
            ("GET", "http://a/", &[("keep-alive", "1")], false, "a connection-specific field"),
            ("GET", "http://a/", &[("proxy-connection", "x")], false, "a connection-specific field"),
            ("GET", "http://a/", &[("upgrade", "websocket")], false, "a connection-specific field"),
            ("POST", "http://a/", &[("transfer-encoding", "chunked")], true, "a connection-specific field"),
            ("GET", "http://a/", &[("te", "gzip")], false, "a TE other than trailers"),
            ("GET", "http://a/", &[("x-a", " b")], false, "white space around a field value"),
            ("GET", "http://a/", &[("x-a", "b\t")], false, "white space around a field value"),
            ("POST", "http://a/", &[("content-length", "5")], false, "a Content-Length without a body"),
            ("POST", "http://a/", &[("content-length", "x")], false, "a Content-Length without a body"),
            ("POST", "http://a/", &[("content-length", "x")], true, "an invalid Content-Length"),
            (
                "POST",
                "http://a/",
                &[("content-length", "5"), ("content-length", "5")],
                true,
                "several Content-Length fields",
            ),
        ] {
            let refusal = refused(method, uri, fields, has_body);
            assert!(matches!(refusal, HeadError::Malformed(_) | HeadError::Ambiguous(_)), "{refusal:?}");
            assert_eq!(refusal.to_string(), error, "{method} {uri} {fields:?}");
        }
    }

    #[test]
    fn the_limits_are_those_of_http1() {
        let long = "x".repeat(70_000);
        assert_eq!(refused("GET", "http://a/", &[("x-a", &long)], false), HeadError::TooLarge);
        assert_eq!(refused("GET", &format!("http://a/{}", &long[..20_000]), &[], false), HeadError::TargetTooLong);
        let many = vec![("x-a", "b"); 300];
        assert_eq!(refused("GET", "http://a/", &many, false), HeadError::TooLarge);
        let crumbs = vec![("cookie", "a=b"); 300];
        assert!(read_parts(&parts("GET", "http://a/", &crumbs), false).is_ok(), "cookies are one field");
    }

    #[test]
    fn options_may_ask_of_the_whole_server() {
        let (head, _) = read_parts(&parts("OPTIONS", "*", &[("host", "a")]), false).unwrap();
        assert_eq!(head.target(), "*");
    }
}
