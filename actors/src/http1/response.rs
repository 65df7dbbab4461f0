//! Response heads.

use std::mem::MaybeUninit;

use super::body::Framing;
use super::field::{Field, Fields, Known, Span, content_length};
use super::request::{HeadError, MAX_FIELDS};

/// A response's head. One is kept for each exchange and parsed into again and again.
#[derive(Debug)]
pub struct ResponseHead {
    fields: Fields,
    reason: Span,
    status: u16,
    framing: Framing,
    content_length: Option<u64>,
    keep_alive: bool,
}

impl Default for ResponseHead {
    fn default() -> Self {
        Self {
            fields: Fields::default(),
            reason: Span::default(),
            status: 0,
            framing: Framing::None,
            content_length: None,
            keep_alive: false,
        }
    }
}

impl ResponseHead {
    /// Parses a head at the start of `input`, the answer to a HEAD request or not. Returns its length, or `None` if it is
    /// not whole yet.
    pub fn parse(&mut self, input: &[u8], to_head: bool, max_bytes: usize) -> Result<Option<usize>, HeadError> {
        let mut table = [const { MaybeUninit::uninit() }; MAX_FIELDS];
        let mut response = httparse::Response::new(&mut []);
        let parsed = httparse::ParserConfig::default()
            .parse_response_with_uninit_headers(&mut response, input, &mut table)
            .map_err(|error| match error {
                httparse::Error::TooManyHeaders => HeadError::TooLarge,
                httparse::Error::Version => HeadError::Version,
                _ => HeadError::Malformed("a response that is no HTTP/1"),
            })?;
        let length = match parsed {
            httparse::Status::Complete(length) => length,
            httparse::Status::Partial if input.len() < max_bytes => return Ok(None),
            httparse::Status::Partial => return Err(HeadError::TooLarge),
        };
        let (Some(status), Some(version)) = (response.code, response.version) else {
            return Err(HeadError::Malformed("an invalid status line"));
        };
        if !(100..=999).contains(&status) {
            return Err(HeadError::Malformed("an invalid status"));
        }
        let head = &input[..length];
        let reason = response.reason.unwrap_or_default();
        // httparse gives a static empty reason where there is none.
        self.reason = if reason.is_empty() { Span::default() } else { Span::of(head, reason.as_bytes()) };
        self.status = status;
        self.fields.record(head, response.headers);
        self.read_fields(version == 0, to_head)?;
        Ok(Some(length))
    }

    /// How the body ends and whether the connection lasts (RFC 9112 sections 6.3 and 9.3).
    fn read_fields(&mut self, is_http10: bool, to_head: bool) -> Result<(), HeadError> {
        let (mut length, mut chunked, mut coded) = (None, false, false);
        self.keep_alive = !is_http10;
        for field in self.fields.iter() {
            match field.known {
                Known::ContentLength => {
                    let value = content_length(field.value).ok_or(HeadError::Malformed("an invalid Content-Length"))?;
                    if length.is_some_and(|length| length != value) {
                        return Err(HeadError::Malformed("Content-Length fields that differ"));
                    }
                    length = Some(value);
                }
                Known::TransferEncoding => {
                    coded = true;
                    chunked = field.value.eq_ignore_ascii_case(b"chunked") && !chunked;
                    if !chunked {
                        return Err(HeadError::TransferCoding);
                    }
                }
                _ => {}
            }
        }
        for option in self.fields.connection_options() {
            if option.eq_ignore_ascii_case(b"close") {
                self.keep_alive = false;
                break;
            }
            self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
        }
        // A length beside a transfer coding may be an attempt at smuggling: the connection is not used again.
        if coded && length.take().is_some() {
            self.keep_alive = false;
        }
        self.content_length = length;
        self.framing = match (self.status, chunked, length) {
            _ if to_head => Framing::None,
            (100..=199 | 204 | 304, ..) => Framing::None,
            (_, true, _) => Framing::Chunked,
            (_, false, Some(0)) => Framing::None,
            (_, false, Some(length)) => Framing::Length(length),
            (_, false, None) => Framing::UntilClose,
        };
        self.keep_alive &= self.framing != Framing::UntilClose;
        Ok(())
    }

    /// The status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The reason phrase as sent.
    pub fn reason(&self) -> &[u8] {
        self.fields.get(self.reason)
    }

    /// How the body ends.
    pub fn framing(&self) -> Framing {
        self.framing
    }

    /// `Content-Length` as sent, which HEAD and 304 keep though they have no body.
    pub fn content_length(&self) -> Option<u64> {
        self.content_length
    }

    /// Whether the connection can take another request after this response.
    pub fn keep_alive(&self) -> bool {
        self.keep_alive
    }

    /// The fields.
    pub fn fields(&self) -> &Fields {
        &self.fields
    }

    /// The fields that go on to the client: all but those that end here and the framing.
    pub fn forwarded_fields(&self) -> impl Iterator<Item = Field<'_>> {
        self.fields.iter().filter(|field| match field.known {
            Known::ContentLength | Known::Connection | Known::HopByHop | Known::TransferEncoding => false,
            Known::Host | Known::Expect | Known::Forwarded | Known::Other => true,
        })
    }
}

#[cfg(test)]
mod tests {
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
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
                false,
                Framing::Chunked,
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
        for text in [
            "SSH-2.0-OpenSSH\r\n\r\n",
            "HTTP/1.1 abc\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
            "HTTP/1.1 200 OK\r\nA\0: b\r\n\r\n",
        ] {
            assert!(parse(text, false).is_err(), "{text:?}");
        }
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
}
