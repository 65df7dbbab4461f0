//! Request heads.

use std::mem::MaybeUninit;

use super::authority::is_authority;
use super::body::Framing;
use super::error::{BARE_LINE_FEED, BARE_RETURN, HeadError, INVALID_LENGTH, LENGTH_AND_CODING, refusal};
use super::field::{Field, Fields, Known, Options, Span, content_length, list};

#[cfg(test)]
mod tests;

/// Fields that a head may have at the very most: the size of the parser's table.
pub const MAX_FIELDS: usize = 256;
/// Bytes of empty lines that may stand before a request (RFC 9112 section 2.2 asks for one line at least).
const MAX_EMPTY_LINES: usize = 8;

/// What a head may measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeadLimits {
    /// Bytes of the whole head; more is answered with 431.
    pub bytes: usize,
    /// Bytes of the request target; more is answered with 414.
    pub target: usize,
    /// Fields; more is answered with 431. Above [`MAX_FIELDS`] it has no effect.
    pub fields: usize,
}

impl Default for HeadLimits {
    fn default() -> Self {
        Self { bytes: 64 * 1024, target: 16 * 1024, fields: 128 }
    }
}

/// A request's head. One is kept for each connection and parsed into again and again.
#[derive(Debug)]
pub struct RequestHead {
    fields: Fields,
    /// Method, target and host one behind the other, all ASCII: what is wanted as text is checked once.
    text: String,
    method: Span,
    target: Span,
    path_and_query: Span,
    path: Span,
    query: Option<Span>,
    authority: Span,
    upgrade: Option<Span>,
    is_http10: bool,
    framing: Framing,
    keep_alive: bool,
    expects_continue: bool,
}

impl Default for RequestHead {
    fn default() -> Self {
        Self {
            fields: Fields::default(),
            text: String::new(),
            method: Span::default(),
            target: Span::default(),
            path_and_query: Span::default(),
            path: Span::default(),
            query: None,
            authority: Span::default(),
            upgrade: None,
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
        let start = skip_empty_lines(input)?;
        let rest = &input[start..];
        let mut table = [const { MaybeUninit::uninit() }; MAX_FIELDS];
        let table = &mut table[..limits.fields.min(MAX_FIELDS)];
        let mut request = httparse::Request::new(&mut []);
        let parsed = request
            .parse_with_uninit_headers(rest, table)
            .map_err(|error| refusal(error, rest, "an invalid request line"))?;
        let length = match parsed {
            httparse::Status::Complete(length) if start + length <= limits.bytes => length,
            httparse::Status::Partial if input.len() < limits.bytes => return Ok(None),
            httparse::Status::Partial if !rest.contains(&b'\n') => return Err(HeadError::TargetTooLong),
            _ => return Err(HeadError::TooLarge),
        };
        let (Some(method), Some(target), Some(version)) = (request.method, request.path, request.version) else {
            return Err(HeadError::Malformed("an invalid request line"));
        };
        if target.len() > limits.target {
            return Err(HeadError::TargetTooLong);
        }
        self.is_http10 = version == 0;
        self.read_target(method, target)?;
        let options = self.fields.record(&rest[..length], request.headers)?;
        self.read_fields(options)?;
        Ok(Some(start + length))
    }

    /// Takes the target apart (RFC 9112 section 3.2): origin-form, absolute-form, or `*` with OPTIONS.
    fn read_target(&mut self, method: &str, target: &str) -> Result<(), HeadError> {
        if !target.is_ascii() {
            return Err(HeadError::Malformed("a byte beyond ASCII in the request target"));
        }
        self.text.clear();
        self.text.push_str(method);
        self.text.push_str(target);
        let (begin, end) = (method.len(), self.text.len());
        self.method = Span::new(0, begin);
        self.target = Span::new(begin, end);
        // Its success would turn the connection into a tunnel, and it has no content (RFC 9110 section 9.3.6).
        if method == "CONNECT" {
            return Err(HeadError::Malformed("CONNECT, which a gateway does not serve"));
        }
        let bytes = target.as_bytes();
        if memchr::memchr(b'#', bytes).is_some() {
            return Err(HeadError::Malformed("a fragment in the request target"));
        }
        let path = if target.starts_with('/') || (target == "*" && method == "OPTIONS") {
            self.authority = Span::default();
            begin
        } else {
            let scheme =
                scheme_length(bytes).ok_or(HeadError::Malformed("a request target that is no path and no URI"))?;
            let authority = bytes[scheme..].iter().position(|byte| matches!(byte, b'/' | b'?'));
            let path = authority.map_or(end, |length| begin + scheme + length);
            if self.text.as_bytes().get(path) == Some(&b'?') {
                return Err(HeadError::Malformed("a request target without a path"));
            }
            if !is_authority(&self.text.as_bytes()[begin + scheme..path]) {
                return Err(HeadError::Malformed("an invalid host in the request target"));
            }
            self.authority = Span::new(begin + scheme, path);
            path
        };
        let mark = memchr::memchr(b'?', &self.text.as_bytes()[path..end]).map(|mark| path + mark);
        self.path_and_query = Span::new(path, end);
        self.path = Span::new(path, mark.unwrap_or(end));
        self.query = mark.map(|mark| Span::new(mark + 1, end));
        Ok(())
    }

    /// Reads what the fields say of host, framing and connection (RFC 9112 sections 3.2, 6.3 and 9.3).
    fn read_fields(&mut self, options: Options) -> Result<(), HeadError> {
        let (mut host, mut length, mut coding, mut upgrades) = (None, None, None, false);
        self.expects_continue = false;
        for field in self.fields.iter() {
            match field.known {
                Known::Other => {}
                Known::Host if host.is_some() => return Err(HeadError::Malformed("several Host fields")),
                Known::Host => host = Some(field.value),
                Known::ContentLength if length.is_some() => {
                    return Err(HeadError::Ambiguous("several Content-Length fields"));
                }
                Known::ContentLength => length = Some(content_length(field.value).ok_or(INVALID_LENGTH)?),
                Known::TransferEncoding if coding.is_some() => {
                    return Err(HeadError::Ambiguous("several Transfer-Encoding fields"));
                }
                Known::TransferEncoding => coding = Some(field.value),
                Known::Upgrade => upgrades = true,
                Known::Expect if field.value.eq_ignore_ascii_case(b"100-continue") => self.expects_continue = true,
                Known::Expect => return Err(HeadError::Expectation),
                Known::Connection | Known::HopByHop | Known::Forwarded => {}
            }
        }
        self.framing = match (coding, length) {
            (Some(_), Some(_)) => return Err(LENGTH_AND_CODING),
            // "A server or client that receives an HTTP/1.0 message containing a Transfer-Encoding header field MUST treat
            // the message as if the framing is faulty" (RFC 9112 section 6.1).
            (Some(_), None) if self.is_http10 => {
                return Err(HeadError::Ambiguous("Transfer-Encoding in an HTTP/1.0 request"));
            }
            (Some(coding), None) => chunked(coding)?,
            (None, None | Some(0)) => Framing::None,
            (None, Some(length)) => Framing::Length(length),
        };
        // "A server MUST ignore an Upgrade header field that is received in an HTTP/1.0 request" (RFC 9110 section 7.8).
        self.upgrade = if upgrades && !self.is_http10 { self.fields.upgrade(options) } else { None };
        // The new protocol begins "immediately after" the request (RFC 9110 section 7.8): who would read the body as its
        // first bytes, and who would not? h2c, which some clients offer with every body, is never taken up and so harmless.
        if self.upgrade.is_some() && self.framing != Framing::None {
            return Err(HeadError::Ambiguous("a body in a request for an upgrade"));
        }
        // An expectation without content has no meaning, and HTTP/1.0 has none (RFC 9110 section 10.1.1).
        self.expects_continue &= !self.is_http10 && self.framing != Framing::None;
        // A proxy keeps no connection to an HTTP/1.0 client (RFC 9112 appendix C.2.2).
        self.keep_alive = !self.is_http10 && !options.close;
        match host {
            None if self.is_http10 => {}
            None => return Err(HeadError::Malformed("no Host field")),
            Some(host) if !is_authority(host) => return Err(HeadError::Malformed("an invalid Host")),
            // The authority of an absolute-form target stands over the Host field (RFC 9112 section 3.2.2).
            Some(_) if !self.authority.is_empty() => {}
            Some(host) => {
                let start = self.text.len();
                self.text.push_str(std::str::from_utf8(host).map_err(|_| HeadError::Malformed("an invalid Host"))?);
                self.authority = Span::new(start, self.text.len());
            }
        }
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
        if self.path_and_query.is_empty() { "/" } else { self.text(self.path_and_query) }
    }

    /// The path without the query.
    pub fn path(&self) -> &str {
        if self.path.is_empty() { "/" } else { self.text(self.path) }
    }

    /// The query without its mark.
    pub fn query(&self) -> Option<&str> {
        self.query.map(|span| self.text(span))
    }

    /// The authority of the target, or else the `Host` field, with its port; empty if there is none.
    pub fn authority(&self) -> &str {
        self.text(self.authority)
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

    /// The protocols that the client asks to go over to, as it named them, where `Connection` lists `upgrade`. Such a request
    /// has no body. `Upgrade` and `Connection` are no forwarded fields: who carries the upgrade out writes them anew.
    pub fn upgrade(&self) -> Option<&[u8]> {
        self.upgrade.map(|span| self.fields.get(span))
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
            Known::Other => true,
            Known::Host | Known::ContentLength | Known::Forwarded => false,
            Known::Connection | Known::HopByHop | Known::TransferEncoding | Known::Upgrade => false,
            Known::Expect => self.expects_continue,
        })
    }

    /// Empty, rather than a panic, in a head that was refused half-way.
    fn text(&self, span: Span) -> &str {
        self.text.get(span.range()).unwrap_or_default()
    }
}

/// The length of the empty lines before a request: "a server SHOULD ignore at least one empty line (CRLF) received prior to
/// the request-line" (RFC 9112 section 2.2).
fn skip_empty_lines(input: &[u8]) -> Result<usize, HeadError> {
    let mut start = 0;
    while input[start..].starts_with(b"\r\n") {
        start += 2;
        if start > MAX_EMPTY_LINES {
            return Err(HeadError::Malformed("too many empty lines before a request"));
        }
    }
    match &input[start..] {
        [b'\n', ..] => Err(BARE_LINE_FEED),
        [b'\r', _, ..] => Err(BARE_RETURN),
        _ => Ok(start),
    }
}

/// The length of the scheme of an absolute-form target.
fn scheme_length(target: &[u8]) -> Option<usize> {
    let is = |scheme: &[u8]| target.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    [&b"http://"[..], b"https://"].into_iter().find(|scheme| is(scheme)).map(<[u8]>::len)
}

/// The framing by `Transfer-Encoding`. "If a Transfer-Encoding header field is present in a request and the chunked transfer
/// coding is not the final encoding, the message body length cannot be determined reliably" (RFC 9112 section 6.3).
fn chunked(coding: &[u8]) -> Result<Framing, HeadError> {
    if coding.eq_ignore_ascii_case(b"chunked") {
        return Ok(Framing::Chunked);
    }
    match list(coding).last() {
        Some(last) if last.eq_ignore_ascii_case(b"chunked") && !coding.ends_with(b",") => {
            Err(HeadError::TransferCoding)
        }
        _ => Err(HeadError::Ambiguous("a Transfer-Encoding that does not end with chunked")),
    }
}
