//! Request heads.

use std::mem::MaybeUninit;

use super::body::Framing;
use super::field::{Field, Fields, Known, Span, content_length, has_bare_line_feed};

/// Fields that a head may have at the most: the size of the parser's table.
pub const MAX_FIELDS: usize = 128;

/// What a head may measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeadLimits {
    /// Bytes of the whole head; more is answered with 431.
    pub bytes: usize,
    /// Bytes of the request target; more is answered with 414.
    pub target: usize,
    /// Fields; more is answered with 431. [`MAX_FIELDS`] is the most that counts.
    pub fields: usize,
}

impl Default for HeadLimits {
    fn default() -> Self {
        Self { bytes: 64 * 1024, target: 16 * 1024, fields: MAX_FIELDS }
    }
}

/// Why a head is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    /// 400
    #[error("{0}")]
    Malformed(&'static str),
    /// 431
    #[error("the head is too large")]
    TooLarge,
    /// 414
    #[error("the request target is too long")]
    TargetTooLong,
    /// 501
    #[error("a transfer coding other than chunked")]
    TransferCoding,
    /// 505
    #[error("not HTTP/1.0 or HTTP/1.1")]
    Version,
}

/// A request's head. One is kept for each connection and parsed into again and again.
#[derive(Debug)]
pub struct RequestHead {
    fields: Fields,
    method: Span,
    target: Span,
    path_and_query: Span,
    query: Option<Span>,
    authority: Option<Span>,
    is_http10: bool,
    framing: Framing,
    keep_alive: bool,
    expects_continue: bool,
}

impl Default for RequestHead {
    fn default() -> Self {
        Self {
            fields: Fields::default(),
            method: Span::default(),
            target: Span::default(),
            path_and_query: Span::default(),
            query: None,
            authority: None,
            is_http10: false,
            framing: Framing::None,
            keep_alive: false,
            expects_continue: false,
        }
    }
}

impl RequestHead {
    /// Parses a head at the start of `input`. Returns its length, or `None` if it is not whole yet.
    pub fn parse(&mut self, input: &[u8], limits: &HeadLimits) -> Result<Option<usize>, HeadError> {
        let mut table = [const { MaybeUninit::uninit() }; MAX_FIELDS];
        let mut request = httparse::Request::new(&mut []);
        let parsed = request.parse_with_uninit_headers(input, &mut table).map_err(|error| match error {
            httparse::Error::TooManyHeaders => HeadError::TooLarge,
            httparse::Error::Version => HeadError::Version,
            httparse::Error::HeaderName => HeadError::Malformed("an invalid field name"),
            httparse::Error::HeaderValue => HeadError::Malformed("an invalid field value"),
            httparse::Error::NewLine => HeadError::Malformed("an invalid line ending"),
            _ => HeadError::Malformed("an invalid request line"),
        })?;
        let length = match parsed {
            httparse::Status::Complete(length) if length <= limits.bytes => length,
            httparse::Status::Complete(_) => return Err(HeadError::TooLarge),
            httparse::Status::Partial if input.len() < limits.bytes => return Ok(None),
            httparse::Status::Partial => return Err(HeadError::TooLarge),
        };
        let (Some(method), Some(target), Some(version)) = (request.method, request.path, request.version) else {
            return Err(HeadError::Malformed("an invalid request line"));
        };
        // Empty lines before the request line are no part of the head (RFC 9112 section 2.2).
        let start = method.as_ptr() as usize - input.as_ptr() as usize;
        let head = &input[start..length];
        if has_bare_line_feed(&input[..length]) {
            return Err(HeadError::Malformed("a line that ends without CR"));
        }
        if target.len() > limits.target {
            return Err(HeadError::TargetTooLong);
        }
        if request.headers.len() > limits.fields {
            return Err(HeadError::TooLarge);
        }
        self.is_http10 = version == 0;
        self.method = Span::of(head, method.as_bytes());
        self.target = Span::of(head, target.as_bytes());
        if !self.fields.record(head, request.headers) {
            return Err(HeadError::TooLarge);
        }
        self.read_target()?;
        self.read_fields()?;
        Ok(Some(length))
    }

    /// Takes the target apart (RFC 9112 section 3.2): origin-form, absolute-form, or `*` with OPTIONS.
    fn read_target(&mut self) -> Result<(), HeadError> {
        let target = self.fields.get(self.target);
        if target.contains(&b'#') {
            return Err(HeadError::Malformed("a fragment in the request target"));
        }
        let whole = &self.fields.bytes[..];
        let is_server_wide = target == b"*" && self.fields.get(self.method) == b"OPTIONS";
        let (authority, path_and_query) = if target.starts_with(b"/") || is_server_wide {
            (None, target)
        } else {
            let rest = strip_prefix_ignore_case(target, b"http://")
                .or_else(|| strip_prefix_ignore_case(target, b"https://"))
                .ok_or(HeadError::Malformed("a request target that is no path and no URI"))?;
            let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
            if rest.get(end) == Some(&b'?') {
                return Err(HeadError::Malformed("a request target without a path"));
            }
            (Some(&rest[..end]), &rest[end..])
        };
        let query = path_and_query.iter().position(|byte| *byte == b'?').map(|mark| &path_and_query[mark + 1..]);
        (self.authority, self.path_and_query, self.query) = (
            authority.map(|authority| Span::of(whole, authority)),
            Span::of(whole, path_and_query),
            query.map(|query| Span::of(whole, query)),
        );
        Ok(())
    }

    /// Reads what the fields say of host, framing and connection (RFC 9112 sections 3.2, 6.3 and 9.3).
    fn read_fields(&mut self) -> Result<(), HeadError> {
        let (mut host, mut length, mut chunked) = (None, None, false);
        self.expects_continue = false;
        let mut persistent = None;
        for field in self.fields.iter() {
            match field.known {
                Known::Host if host.is_some() => return Err(HeadError::Malformed("several Host fields")),
                Known::Host => host = Some(field.value),
                Known::ContentLength if length.is_some() => {
                    return Err(HeadError::Malformed("several Content-Length fields"));
                }
                Known::ContentLength => {
                    let value = content_length(field.value);
                    length = Some(value.ok_or(HeadError::Malformed("an invalid Content-Length"))?);
                }
                Known::TransferEncoding if chunked => {
                    return Err(HeadError::Malformed("several Transfer-Encoding fields"));
                }
                Known::TransferEncoding if field.value.eq_ignore_ascii_case(b"chunked") => chunked = true,
                Known::TransferEncoding => return Err(HeadError::TransferCoding),
                Known::Expect => self.expects_continue = field.value.eq_ignore_ascii_case(b"100-continue"),
                _ => {}
            }
        }
        for option in self.fields.connection_options() {
            if option.eq_ignore_ascii_case(b"close") {
                persistent = Some(false);
            } else if option.eq_ignore_ascii_case(b"keep-alive") && persistent.is_none() {
                persistent = Some(true);
            }
        }
        if host.is_none() && !self.is_http10 {
            return Err(HeadError::Malformed("no Host field"));
        }
        if chunked && length.is_some() {
            return Err(HeadError::Malformed("both Content-Length and Transfer-Encoding"));
        }
        if chunked && self.is_http10 {
            return Err(HeadError::Malformed("Transfer-Encoding in an HTTP/1.0 request"));
        }
        let whole = &self.fields.bytes[..];
        // The authority of an absolute-form target stands over the Host field (RFC 9112 section 3.2.2).
        let authority = self.authority.map(|span| self.fields.get(span)).or(host);
        if authority.is_some_and(|authority| !is_authority(authority)) {
            return Err(HeadError::Malformed("an invalid Host"));
        }
        self.authority = authority.map(|authority| Span::of(whole, authority));
        // A proxy keeps no connection to an HTTP/1.0 client (RFC 9112 appendix C.2.2).
        self.keep_alive = !self.is_http10 && persistent.unwrap_or(true);
        self.framing = match (chunked, length) {
            (true, _) => Framing::Chunked,
            (false, None | Some(0)) => Framing::None,
            (false, Some(length)) => Framing::Length(length),
        };
        Ok(())
    }

    /// The method; methods are case-sensitive.
    pub fn method(&self) -> &str {
        self.text(self.method)
    }

    /// The target as sent.
    pub fn target(&self) -> &str {
        self.text(self.target)
    }

    /// Path and query in origin-form; `*` for OPTIONS of the whole server.
    pub fn path_and_query(&self) -> &str {
        match self.text(self.path_and_query) {
            "" => "/",
            path => path,
        }
    }

    /// The path without the query.
    pub fn path(&self) -> &str {
        let path_and_query = self.path_and_query();
        path_and_query.split_once('?').map_or(path_and_query, |(path, _)| path)
    }

    /// The query without its mark.
    pub fn query(&self) -> Option<&str> {
        self.query.map(|span| self.text(span))
    }

    /// The authority of the target, or else the `Host` field, with its port; empty if there is none.
    pub fn authority(&self) -> &str {
        self.authority.map_or("", |span| self.text(span))
    }

    /// Whether the client speaks HTTP/1.0: it gets no 1xx and no chunks.
    pub fn is_http10(&self) -> bool {
        self.is_http10
    }

    /// How the body ends.
    pub fn framing(&self) -> Framing {
        self.framing
    }

    /// Whether the client means to send further requests.
    pub fn keep_alive(&self) -> bool {
        self.keep_alive
    }

    /// Whether the client waits for a 100 before its body.
    pub fn expects_continue(&self) -> bool {
        self.expects_continue
    }

    /// The fields.
    pub fn fields(&self) -> &Fields {
        &self.fields
    }

    /// Whether a request with this method may be sent a second time (RFC 9110 section 9.2.2).
    pub fn is_idempotent(&self) -> bool {
        matches!(self.method(), "GET" | "HEAD" | "OPTIONS" | "TRACE" | "PUT" | "DELETE")
    }

    /// The fields that go on to the next hop: all but those that end here and those that the gateway sets itself (`Host`,
    /// framing, the forwarded fields).
    pub fn forwarded_fields(&self) -> impl Iterator<Item = Field<'_>> {
        self.fields.iter().filter(|field| match field.known {
            Known::Host | Known::ContentLength | Known::Forwarded => false,
            Known::Connection | Known::HopByHop | Known::TransferEncoding => false,
            Known::Expect | Known::Other => true,
        })
    }

    fn text(&self, span: Span) -> &str {
        // The parser lets only ASCII into methods, and targets and hosts are checked; anything else reads as empty.
        std::str::from_utf8(self.fields.get(span)).unwrap_or_default()
    }
}

fn strip_prefix_ignore_case<'a>(text: &'a [u8], prefix: &[u8]) -> Option<&'a [u8]> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// Whether a host with an optional port holds only what one can hold (RFC 3986 section 3.2, without user information).
fn is_authority(authority: &[u8]) -> bool {
    authority.iter().all(|byte| {
        byte.is_ascii_alphanumeric()
            || matches!(
                byte,
                b'.' | b'-'
                    | b'_'
                    | b'~'
                    | b':'
                    | b'['
                    | b']'
                    | b'%'
                    | b'!'
                    | b'$'
                    | b'&'
                    | b'\''
                    | b'('
                    | b')'
                    | b'*'
                    | b'+'
                    | b','
                    | b';'
                    | b'='
            )
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<Option<RequestHead>, HeadError> {
        let mut head = RequestHead::default();
        let length = head.parse(text.as_bytes(), &HeadLimits { bytes: 2000, target: 100, fields: 20 })?;
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

    #[test]
    fn ambiguity_is_refused() {
        let host = "Host: a\r\n";
        for (text, error) in [
            ("GET / HTTP/1.1\r\n\r\n".to_owned(), "no Host field"),
            (format!("GET / HTTP/1.1\r\n{host}{host}\r\n"), "several Host fields"),
            ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n".to_owned(), "an invalid Host"),
            ("GET / HTTP/1.1\r\nHost: user@a\r\n\r\n".to_owned(), "an invalid Host"),
            (
                format!("GET / HTTP/1.1\r\n{host}Content-Length: 1\r\nContent-Length: 1\r\n\r\n"),
                "several Content-Length fields",
            ),
            (format!("GET / HTTP/1.1\r\n{host}Content-Length: +1\r\n\r\n"), "an invalid Content-Length"),
            (format!("GET / HTTP/1.1\r\n{host}Content-Length: 1, 1\r\n\r\n"), "an invalid Content-Length"),
            (
                format!("GET / HTTP/1.1\r\n{host}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
                "both Content-Length and Transfer-Encoding",
            ),
            (
                "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned(),
                "Transfer-Encoding in an HTTP/1.0 request",
            ),
            (format!("GET / HTTP/1.1\n{host}\r\n"), "a line that ends without CR"),
            (format!("GET / HTTP/1.1\r\n{host}A: b\r\n c\r\n\r\n"), "an invalid field name"),
            (format!("GET / HTTP/1.1\r\n{host}A : b\r\n\r\n"), "an invalid field name"),
            (format!("GET / HTTP/1.1\r\n{host}A: b\0c\r\n\r\n"), "an invalid field value"),
            (format!("GET /#f HTTP/1.1\r\n{host}\r\n"), "a fragment in the request target"),
            (format!("GET a HTTP/1.1\r\n{host}\r\n"), "a request target that is no path and no URI"),
            (format!("CONNECT a:1 HTTP/1.1\r\n{host}\r\n"), "a request target that is no path and no URI"),
        ] {
            match parse(&text) {
                Err(HeadError::Malformed(message)) => assert_eq!(message, error, "{text:?}"),
                other => panic!("{text:?}: {other:?}"),
            }
        }
        let coded = parse("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n");
        assert_eq!(coded.unwrap_err(), HeadError::TransferCoding);
        assert_eq!(parse("GET / HTTP/2.0\r\nHost: a\r\n\r\n").unwrap_err(), HeadError::Version);
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
        for (fields, fits) in [(19, true), (20, false)] {
            let text = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "A: b\r\n".repeat(fields));
            assert_eq!(parse(&text).is_ok(), fits, "{fields} fields beside Host");
        }
        let many = "A: b\r\n".repeat(200);
        assert_eq!(parse(&format!("GET / HTTP/1.1\r\nHost: a\r\n{many}\r\n")).unwrap_err(), HeadError::TooLarge);
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
        fn no_head_panics(text in "(GET|OPTIONS|X) (/|\\*|http://|[a-z/?#:%]{0,9}) HTTP/1.[01]\r\n([A-Za-z-]{1,17}: [ -~]{0,9}\r\n){0,6}\r\n") {
            let mut head = RequestHead::default();
            if let Ok(Some(_)) = head.parse(text.as_bytes(), &HeadLimits::default()) {
                let _ = (head.path(), head.query(), head.authority(), head.forwarded_fields().count());
            }
        }
    }
}
