//! Heads of requests: what is read from them, and which are refused.

use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> Result<Option<RequestHead>, HeadError> {
    let mut head = RequestHead::default();
    let length = head.parse(text.as_bytes(), &HeadLimits { bytes: 2000, target: 100, fields: 100 })?;
    Ok(length.map(|_| head))
}

fn parsed(text: &str) -> RequestHead {
    parse(text).unwrap().expect("a whole head")
}

#[test]
fn a_head_is_taken_apart() {
    let head = parsed("\r\nGET /a/b?c=d HTTP/1.1\r\nHost: Example.com:8080\r\nX-A: 1\r\nx-a: 2 \r\n\r\nbody");
    assert_eq!(head.method(), "GET");
    assert_eq!((head.path(), head.query()), ("/a/b", Some("c=d")));
    assert_eq!(head.authority(), "Example.com:8080");
    assert_eq!(head.fields().values("X-a").collect::<Vec<_>>(), [b"1", b"2"]);
    assert!(head.keep_alive() && !head.is_http10());
    assert_eq!(head.framing(), Framing::None);
}

#[test]
fn an_absolute_target_stands_over_the_host() {
    let head = parsed("GET http://a.example:81/x?y HTTP/1.1\r\nHost: b.example\r\n\r\n");
    assert_eq!((head.authority(), head.path_and_query()), ("a.example:81", "/x?y"));
    assert_eq!(parsed("GET http://a.example HTTP/1.1\r\nHost: b\r\n\r\n").path_and_query(), "/");
}

#[test]
fn a_part_of_a_head_waits_for_the_rest() {
    let text = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    for end in 0..text.len() {
        assert!(parse(&text[..end]).unwrap().is_none(), "{end}");
    }
}

#[test]
fn framing_and_persistence() {
    for (fields, framing, keep_alive) in [
        ("", Framing::None, true),
        ("Content-Length: 0\r\n", Framing::None, true),
        ("Content-Length: 12\r\n", Framing::Length(12), true),
        ("Transfer-Encoding: Chunked\r\n", Framing::Chunked, true),
        ("Connection: close\r\n", Framing::None, false),
        ("Connection: keep-alive, x\r\nConnection: CLOSE\r\n", Framing::None, false),
    ] {
        let head = parsed(&format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n"));
        assert_eq!((head.framing(), head.keep_alive()), (framing, keep_alive), "{fields}");
    }
    assert!(!parsed("GET / HTTP/1.0\r\n\r\n").keep_alive());
    assert!(!parsed("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").keep_alive());
}

/// The error of a request with these fields beside a good Host.
fn refused(fields: &str) -> HeadError {
    parse(&format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n")).expect_err(fields)
}

#[test]
fn ambiguous_framing_is_refused() {
    for (fields, error) in [
        ("Content-Length: 1\r\nContent-Length: 1\r\n", "several Content-Length fields"),
        ("Content-Length: 1\r\ncontent-length: 2\r\n", "several Content-Length fields"),
        ("Content-Length: +1\r\n", "an invalid Content-Length"),
        ("Content-Length: -1\r\n", "an invalid Content-Length"),
        ("Content-Length: 0x1\r\n", "an invalid Content-Length"),
        ("Content-Length: 1 1\r\n", "an invalid Content-Length"),
        ("Content-Length: 1, 1\r\n", "an invalid Content-Length"),
        ("Content-Length: 1_0\r\n", "an invalid Content-Length"),
        ("Content-Length: 1e1\r\n", "an invalid Content-Length"),
        ("Content-Length:\r\n", "an invalid Content-Length"),
        ("Content-Length: 18446744073709551617\r\n", "an invalid Content-Length"),
        ("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", "both Content-Length and Transfer-Encoding"),
        ("Transfer-Encoding: xchunked\r\nContent-Length: 0\r\n", "both Content-Length and Transfer-Encoding"),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "several Transfer-Encoding fields"),
        ("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n", "several Transfer-Encoding fields"),
        ("Transfer-Encoding: xchunked\r\n", "a Transfer-Encoding that does not end with chunked"),
        ("Transfer-Encoding: chunked, identity\r\n", "a Transfer-Encoding that does not end with chunked"),
        ("Transfer-Encoding: chunked,\r\n", "a Transfer-Encoding that does not end with chunked"),
        ("Transfer-Encoding: \"chunked\"\r\n", "a Transfer-Encoding that does not end with chunked"),
        ("Transfer-Encoding:\r\n", "a Transfer-Encoding that does not end with chunked"),
        ("Transfer-Encoding : chunked\r\n", "an invalid field name"),
        ("Transfer-Encoding\x0b: chunked\r\n", "an invalid field name"),
        ("Transfer-Encoding:\x0bchunked\r\n", "an invalid field value"),
        ("A: b\r\n c\r\n", "a folded field line"),
        ("A: b\r\n\tc\r\n", "a folded field line"),
        ("A: b\nC: d\r\n", "a line that ends without CR"),
        ("A: b\rC: d\r\n", "an invalid field value"),
        ("A: b\r\r\n", "an invalid field value"),
        ("A: b\0c\r\n", "an invalid field value"),
        ("A\0: b\r\n", "an invalid field name"),
        ("A(: b\r\n", "an invalid field name"),
        ("\u{e4}: b\r\n", "an invalid field name"),
        (": b\r\n", "an invalid field name"),
        ("A\r\n", "an invalid field name"),
        ("\r", "an invalid line ending"),
        ("Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 1\r\n", "a body in a request for an upgrade"),
    ] {
        assert_eq!(refused(fields), HeadError::Ambiguous(error), "{fields:?}");
    }
    assert_eq!(refused("Transfer-Encoding: gzip, chunked\r\n"), HeadError::TransferCoding);
    assert_eq!(refused("Expect: 200-ok\r\n"), HeadError::Expectation);
    for text in [
        "GET / HTTP/1.1\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\n",
        "GET / HTTP/1.1\r\nHost: a\n\r\n",
        "\nGET",
    ] {
        assert_eq!(parse(text).unwrap_err(), HeadError::Ambiguous("a line that ends without CR"), "{text:?}");
    }
    assert_eq!(
        parse("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap_err(),
        HeadError::Ambiguous("Transfer-Encoding in an HTTP/1.0 request")
    );
    assert_eq!(parse("\r\n\rGET").unwrap_err(), HeadError::Ambiguous("a CR without LF"));
    assert_eq!(parse("GET / HTTP/1.1 \r\n").unwrap_err(), HeadError::Ambiguous("an invalid line ending"));
    let folded = "GET / HTTP/1.1\r\n Host: a\r\n\r\n";
    assert_eq!(parse(folded).unwrap_err(), HeadError::Ambiguous("a folded field line"));
}

#[test]
fn what_names_no_host_or_target_is_refused() {
    let host = "Host: a\r\n";
    for (text, error) in [
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), "no Host field"),
        (format!("GET / HTTP/1.1\r\n{host}{host}\r\n"), "several Host fields"),
        ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n".to_owned(), "an invalid Host"),
        ("GET / HTTP/1.1\r\nHost: user@a\r\n\r\n".to_owned(), "an invalid Host"),
        ("GET / HTTP/1.1\r\nHost:\r\n\r\n".to_owned(), "an invalid Host"),
        ("GET / HTTP/1.0\r\nHost: a:b\r\n\r\n".to_owned(), "an invalid Host"),
        ("GET http://a/ HTTP/1.1\r\nHost: b/c\r\n\r\n".to_owned(), "an invalid Host"),
        ("GET http://a/ HTTP/1.1\r\n\r\n".to_owned(), "no Host field"),
        (format!("GET http://user@a/ HTTP/1.1\r\n{host}\r\n"), "an invalid host in the request target"),
        (format!("GET http:///a HTTP/1.1\r\n{host}\r\n"), "an invalid host in the request target"),
        (format!("GET http://a?b HTTP/1.1\r\n{host}\r\n"), "a request target without a path"),
        (format!("GET /#f HTTP/1.1\r\n{host}\r\n"), "a fragment in the request target"),
        (format!("GET /\u{e4} HTTP/1.1\r\n{host}\r\n"), "a byte beyond ASCII in the request target"),
        (format!("GET a HTTP/1.1\r\n{host}\r\n"), "a request target that is no path and no URI"),
        (format!("GET * HTTP/1.1\r\n{host}\r\n"), "a request target that is no path and no URI"),
        (format!("CONNECT a:1 HTTP/1.1\r\n{host}\r\n"), "CONNECT, which a gateway does not serve"),
        (format!("CONNECT /x HTTP/1.1\r\n{host}\r\n"), "CONNECT, which a gateway does not serve"),
        (format!("GET /\t HTTP/1.1\r\n{host}\r\n"), "an invalid request line"),
        (format!("GET\t/ HTTP/1.1\r\n{host}\r\n"), "an invalid request line"),
        (format!("GET  / HTTP/1.1\r\n{host}\r\n"), "an invalid request line"),
        (format!("GET /  HTTP/1.1\r\n{host}\r\n"), "an invalid request line"),
        (format!("GET /\x7f HTTP/1.1\r\n{host}\r\n"), "an invalid request line"),
        (format!("GET /a b HTTP/1.1\r\n{host}\r\n"), "an invalid request line"),
        (format!("GET / http/1.1\r\n{host}\r\n"), "an invalid request line"),
        (format!("GET / HTTP 1.1\r\n{host}\r\n"), "an invalid request line"),
        ("GET /\r\n\r\n".to_owned(), "an invalid request line"),
        ("\r\n".repeat(5), "too many empty lines before a request"),
    ] {
        assert_eq!(parse(&text).unwrap_err(), HeadError::Malformed(error), "{text:?}");
    }
    for version in ["HTTP/2.0", "HTTP/1.2", "HTTP/0.9", "HTTP/3"] {
        let text = format!("GET / {version}\r\n{host}\r\n");
        assert_eq!(parse(&text).unwrap_err(), HeadError::Version, "{version}");
    }
}

#[test]
fn an_upgrade_is_one_that_connection_lists() {
    let upgrade = |fields: &str| {
        let head = parsed(&format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n"));
        assert!(head.forwarded_fields().next().is_none(), "{fields:?}");
        head.upgrade().map(|value| String::from_utf8(value.to_vec()).unwrap())
    };
    assert_eq!(upgrade("Upgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n").as_deref(), Some("WebSocket"));
    for fields in [
        "Upgrade: websocket\r\n",
        "Connection: upgrade\r\n",
        "Connection: upgrade\r\nUpgrade:\r\n",
        "Connection: upgrade\r\nUpgrade: a\r\nUpgrade: b\r\n",
        "Connection: upgrade\r\nUpgrade: h2c\r\n",
        "Connection: upgrade, http2-settings\r\nUpgrade: websocket, H2C\r\nHTTP2-Settings: x\r\n",
    ] {
        assert_eq!(upgrade(fields), None, "{fields:?}");
    }
    let head = parsed("GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 1\r\n\r\n");
    assert_eq!(head.upgrade(), None, "HTTP/1.0 knows no upgrade");
    // Some clients offer h2c with every request, bodies and all.
    let head = parsed("POST / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 1\r\n\r\n");
    assert_eq!((head.upgrade(), head.framing()), (None, Framing::Length(1)));
}

#[test]
fn an_expectation_is_one_of_content() {
    for (text, expects) in [
        ("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\n", true),
        ("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n", false),
        ("GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n", false),
        ("POST / HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n", false),
    ] {
        let head = parsed(text);
        assert_eq!((head.expects_continue(), head.forwarded_fields().count() == 1), (expects, expects), "{text:?}");
    }
}

#[test]
fn nobody_names_framing_or_host_away() {
    let head = parsed(
        "POST / HTTP/1.1\r\nHost: a\r\nConnection: content-length, transfer-encoding, host\r\nContent-Length: 3\r\n\r\n",
    );
    assert_eq!((head.framing(), head.authority()), (Framing::Length(3), "a"));
}

#[test]
fn sizes_are_bounded() {
    let long = "x".repeat(150);
    assert_eq!(parse(&format!("GET /{long} HTTP/1.1\r\nHost: a\r\n\r\n")).unwrap_err(), HeadError::TargetTooLong);
    let long = "x".repeat(3000);
    assert_eq!(parse(&format!("GET / HTTP/1.1\r\nA: {long}")).unwrap_err(), HeadError::TooLarge);
    let options = "a,".repeat(20);
    let text = format!("GET / HTTP/1.1\r\nHost: a\r\nConnection: {options}\r\n\r\n");
    assert_eq!(parse(&text).unwrap_err(), HeadError::TooLarge);
    for (count, fits) in [(99, true), (100, false), (300, false)] {
        let text = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "A: b\r\n".repeat(count));
        assert_eq!(parse(&text).map(|head| head.is_some()), if fits { Ok(true) } else { Err(HeadError::TooLarge) });
    }
    assert_eq!(parse(&format!("GET /{}", "x".repeat(3000))).unwrap_err(), HeadError::TargetTooLong);
    assert!(parse("\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n").is_ok_and(|head| head.is_some()));
}

#[test]
fn hop_by_hop_fields_end_here() {
    let head = parsed(
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: x-mine, keep-alive\r\nX-Mine: 1\r\nKeep-Alive: 2\r\nTE: trailers\r\n\
         Upgrade: h2c\r\nProxy-Connection: close\r\nX-Forwarded-For: 1.2.3.4\r\nAccept: */*\r\n\r\n",
    );
    let names: Vec<_> = head.forwarded_fields().map(|field| field.name).collect();
    assert_eq!(names, [b"Accept"]);
}

proptest! {
    #[test]
    fn no_input_panics(input: Vec<u8>) {
        let _ = RequestHead::default().parse(&input, &HeadLimits::default());
    }

    #[test]
    fn a_bare_line_feed_is_found_wherever_it_is(lines in prop::collection::vec(any::<bool>(), 5)) {
        let ends: Vec<_> = lines.iter().map(|strict| if *strict { "\r\n" } else { "\n" }).collect();
        let text = format!("GET / HTTP/1.1{}Host: a{}A:{}B: c {}{}", ends[0], ends[1], ends[2], ends[3], ends[4]);
        prop_assert_eq!(parse(&text).is_ok(), lines.iter().all(|strict| *strict), "{:?}", text);
    }

    #[test]
    fn no_head_panics(text in "(GET|OPTIONS|X) (/|\\*|http://|[a-z/?#:%]{0,9}) HTTP/1.[01]\r\n([A-Za-z-]{1,17}: [ -~]{0,9}\r\n){0,6}\r\n") {
        let mut head = RequestHead::default();
        if let Ok(Some(_)) = head.parse(text.as_bytes(), &HeadLimits::default()) {
            let _ = (head.path(), head.query(), head.authority(), head.forwarded_fields().count());
        }
    }
}
