//! The bytes of a backend.

use postern_actors::http1::{Framing, ResponseHead};

const LIMIT: usize = 1024;

/// However the bytes are cut, the same head is found, it can be read in one way only, and a connection whose end of body is
/// in doubt is never used again.
pub fn check(input: &[u8]) {
    for to_head in [false, true] {
        let mut head = ResponseHead::default();
        let whole = head.parse(input, to_head, LIMIT);
        let mut again = ResponseHead::default();
        let cut = (1..=input.len())
            .map(|end| again.parse(&input[..end], to_head, LIMIT))
            .find(|read| !matches!(read, Ok(None)));
        match (&whole, &cut) {
            (Ok(Some(length)), Some(Ok(Some(other)))) => assert_eq!(length, other),
            (Err(_), Some(Err(_))) | (Ok(None), None) => {}
            // A head that comes in at once may be a little larger than one that is waited for.
            (Ok(Some(length)), Some(Err(_))) => assert!(*length > LIMIT),
            _ => panic!("{whole:?} at once, {cut:?} byte by byte"),
        }
        let Ok(Some(length)) = whole else { continue };
        let text: String = input[..length].iter().copied().map(char::from).collect();
        assert!(!text.replace("\r\n", "").contains(['\r', '\n', '\0']), "a bare CR or LF, or NUL: {text:?}");
        assert!(!text.contains("\r\n ") && !text.contains("\r\n\t"), "a folded line: {text:?}");
        let count = |name: &str| text.to_ascii_lowercase().matches(&format!("\r\n{name}:")).count();
        let (lengths, codings) = (count("content-length"), count("transfer-encoding"));
        assert!(codings <= 1 && (lengths == 0 || codings == 0), "{text:?}");
        match head.framing() {
            Framing::Length(_) => assert!(lengths > 0 && !to_head),
            Framing::Chunked => assert!(codings == 1 && !to_head),
            Framing::UntilClose => assert!(lengths + codings == 0 && !head.keep_alive() && !to_head),
            Framing::None => {}
        }
        for field in head.forwarded_fields() {
            let name = String::from_utf8_lossy(field.name).to_ascii_lowercase();
            assert!(
                !["connection", "content-length", "transfer-encoding", "upgrade", "te"].contains(&&*name),
                "{name}"
            );
        }
    }
}

/// Heads of many kinds.
pub fn seeds() -> Vec<Vec<u8>> {
    [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive, x-mine\r\nX-Mine: 1\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x\r\n\r\n0\r\n\r\n",
        "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\nHTTP/1.1 204\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\nETag: \"a\"\r\n\r\n",
        "HTTP/1.1 502 \r\nServer: a\r\nDate: Mon, 23 Nov 2026 10:00:00 GMT\r\nConnection: close\r\n\r\n",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}
