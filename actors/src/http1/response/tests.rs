//! Heads of responses: where their bodies end, and which are refused.

use proptest::prelude::*;

use super::*;

fn parse(text: &str, to_head: bool) -> Result<ResponseHead, HeadError> {
    let mut head = ResponseHead::default();
    head.parse(text.as_bytes(), to_head, 2000)?.expect("a whole head");
    Ok(head)
}

#[test]
fn framing_and_persistence() {
    for (text, to_head, framing, keep_alive) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", false, Framing::Length(5), true),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", true, Framing::None, true),
        ("HTTP/1.1 200\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", false, Framing::Length(5), true),
        ("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", false, Framing::None, true),
        ("HTTP/1.1 204 No Content\r\n\r\n", false, Framing::None, true),
        ("HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n", false, Framing::None, true),
        ("HTTP/1.1 200 OK\r\n\r\n", false, Framing::UntilClose, false),
        ("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", false, Framing::Length(5), false),
        ("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\n", false, Framing::Length(5), true),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", false, Framing::Chunked, true),
        ("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", false, Framing::None, true),
        ("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", false, Framing::None, false),
        ("HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", false, Framing::None, false),
        ("HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", false, Framing::None, true),
        (
            "HTTP/1.1 200 OK\r\nConnection: close, keep-alive\r\nContent-Length: 5\r\n\r\n",
            false,
            Framing::Length(5),
            false,
        ),
        ("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\n", false, Framing::Length(5), false),
    ] {
        let head = parse(text, to_head).unwrap();
        assert_eq!((head.framing(), head.keep_alive()), (framing, keep_alive), "{text}");
    }
}

#[test]
fn what_is_no_http_is_an_error() {
    for text in
        ["SSH-2.0-OpenSSH\r\n\r\n", "HTTP/1.1 abc\r\n\r\n", "\r\nHTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 099 x\r\n\r\n"]
    {
        assert!(matches!(parse(text, false), Err(HeadError::Malformed(_))), "{text:?}");
    }
    assert_eq!(parse("HTTP/2.0 200 OK\r\n\r\n", false).unwrap_err(), HeadError::Version);
}

#[test]
fn ambiguous_framing_is_refused() {
    for (text, error) in [
        ("200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n", "Content-Length fields that differ"),
        ("200 OK\r\nContent-Length: x\r\n", "an invalid Content-Length"),
        ("200 OK\r\nContent-Length: 5, 5\r\n", "an invalid Content-Length"),
        ("200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n", "both Content-Length and Transfer-Encoding"),
        ("200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "several Transfer-Encoding fields"),
        ("200 OK\r\nA\0: b\r\n", "an invalid field name"),
        ("200 OK\r\nA : b\r\n", "an invalid field name"),
        ("200 OK\r\nA: b\r\n c\r\n", "a folded field line"),
        ("200 OK\nA: b\r\n", "a line that ends without CR"),
        ("200 OK\r\nA: b\n", "a line that ends without CR"),
        ("200 OK\r\nA: b\rc\r\n", "an invalid field value"),
        ("103 Early Hints\r\nContent-Length: 5\r\n", "an interim response with a body"),
        ("100 Continue\r\nTransfer-Encoding: chunked\r\n", "an interim response with a body"),
    ] {
        let parsed = parse(&format!("HTTP/1.1 {text}\r\n"), false);
        assert_eq!(parsed.unwrap_err(), HeadError::Ambiguous(error), "{text:?}");
    }
    let old = parse("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", false);
    assert_eq!(old.unwrap_err(), HeadError::Ambiguous("Transfer-Encoding in an HTTP/1.0 response"));
    let coded = parse("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", false);
    assert_eq!(coded.unwrap_err(), HeadError::TransferCoding);
}

#[test]
fn only_a_101_upgrades() {
    let fields = "Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
    let head = parse(&format!("HTTP/1.1 101 Switching Protocols\r\n{fields}"), false).unwrap();
    assert_eq!((head.upgrade(), head.forwarded_fields().count()), (Some(&b"websocket"[..]), 0));
    assert_eq!(parse(&format!("HTTP/1.1 200 OK\r\n{fields}"), false).unwrap().upgrade(), None);
    assert_eq!(parse("HTTP/1.1 101 x\r\nUpgrade: websocket\r\n\r\n", false).unwrap().upgrade(), None);
}

proptest! {
    #[test]
    fn no_input_panics(input: Vec<u8>, to_head: bool) {
        let _ = ResponseHead::default().parse(&input, to_head, 1000);
    }

    #[test]
    fn no_head_panics(text in "HTTP/1.[01] [0-9]{3}( [A-Za-z]{0,5})?\r\n([A-Za-z-]{1,17}: [ -~]{0,9}\r\n){0,6}\r\n") {
        let mut head = ResponseHead::default();
        if let Ok(Some(_)) = head.parse(text.as_bytes(), false, 1000) {
            let _ = (head.reason(), head.forwarded_fields().count());
        }
    }
}
