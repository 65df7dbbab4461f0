//! Response heads.

use std::mem::MaybeUninit;

use super::body::Framing;
use super::error::{HeadError, INVALID_LENGTH, LENGTH_AND_CODING, refusal};
use super::field::{Field, Fields, Known, Options, Span, content_length};
use super::request::MAX_FIELDS;

#[cfg(test)]
mod tests;

/// A response's head. One is kept for each exchange and parsed into again and again.
#[derive(Debug)]
pub struct ResponseHead {
    fields: Fields,
    reason: Span,
    upgrade: Option<Span>,
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
            upgrade: None,
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
        if let Some(b'\r' | b'\n') = input.first() {
            return Err(HeadError::Malformed("an empty line before a response"));
        }
        let mut table = [const { MaybeUninit::uninit() }; MAX_FIELDS];
        let mut response = httparse::Response::new(&mut []);
        let parsed = httparse::ParserConfig::default()
            .parse_response_with_uninit_headers(&mut response, input, &mut table)
            .map_err(|error| refusal(error, input, "a response that is no HTTP/1"))?;
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
        let options = self.fields.record(head, response.headers)?;
        self.read_fields(version == 0, to_head, options)?;
        Ok(Some(length))
    }

    /// How the body ends and whether the connection lasts (RFC 9112 sections 6.3 and 9.3).
    fn read_fields(&mut self, is_http10: bool, to_head: bool, options: Options) -> Result<(), HeadError> {
        let (mut length, mut chunked, mut upgrades) = (None, false, false);
        for field in self.fields.iter() {
            match field.known {
                Known::ContentLength => {
                    let value = content_length(field.value).ok_or(INVALID_LENGTH)?;
                    if length.is_some_and(|length| length != value) {
                        return Err(HeadError::Ambiguous("Content-Length fields that differ"));
                    }
                    length = Some(value);
                }
                Known::TransferEncoding if chunked => {
                    return Err(HeadError::Ambiguous("several Transfer-Encoding fields"));
                }
                Known::TransferEncoding if field.value.eq_ignore_ascii_case(b"chunked") => chunked = true,
                Known::TransferEncoding => return Err(HeadError::TransferCoding),
                Known::Upgrade => upgrades = true,
                _ => {}
            }
        }
        if chunked && length.is_some() {
            return Err(LENGTH_AND_CODING);
        }
        if chunked && is_http10 {
            return Err(HeadError::Ambiguous("Transfer-Encoding in an HTTP/1.0 response"));
        }
        // Neither an interim response nor a 204 has a body, whatever it says (RFC 9110 section 8.6, RFC 9112 section 6.1).
        let contradicts = chunked || length.is_some_and(|length| length > 0);
        if contradicts && self.status < 200 {
            return Err(HeadError::Ambiguous("an interim response with a body"));
        }
        self.upgrade = if upgrades && self.status == 101 { self.fields.upgrade(options) } else { None };
        self.content_length = length;
        self.framing = match (self.status, chunked, length) {
            _ if to_head => Framing::None,
            (100..=199 | 204 | 304, ..) => Framing::None,
            (_, true, _) => Framing::Chunked,
            (_, false, Some(0)) => Framing::None,
            (_, false, Some(length)) => Framing::Length(length),
            (_, false, None) => Framing::UntilClose,
        };
        self.keep_alive = (!is_http10 || options.keep_alive)
            && !options.close
            && self.framing != Framing::UntilClose
            && !(contradicts && self.status == 204);
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

    /// The protocol that a 101 goes over to, where `Connection` lists `upgrade`. Neither field is a forwarded one.
    pub fn upgrade(&self) -> Option<&[u8]> {
        self.upgrade.map(|span| self.fields.get(span))
    }

    /// The fields.
    pub fn fields(&self) -> &Fields {
        &self.fields
    }

    /// The fields that go on to the client: all but those that end here and the framing.
    pub fn forwarded_fields(&self) -> impl Iterator<Item = Field<'_>> {
        self.fields.iter().filter(|field| match field.known {
            Known::ContentLength | Known::TransferEncoding => false,
            Known::Connection | Known::HopByHop | Known::Upgrade => false,
            Known::Host | Known::Expect | Known::Forwarded | Known::Other => true,
        })
    }
}
