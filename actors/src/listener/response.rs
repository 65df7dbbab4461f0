//! The heads of responses on their way to the client: a backend's, passed on field by field less those that end here and
//! those that a filter takes away, and our own. How a head looks on the wire is the sink's business.

use bytes::{BufMut, BytesMut};

use super::head::{Edits, put_field, put_length};
use crate::http1::{Field, Framing, ResponseHead};
use crate::plan::filter::HeaderEdits;

/// Takes a head, part by part, in order.
pub(super) trait HeadSink {
    /// The status, first.
    fn status(&mut self, status: u16, reason: &[u8]);
    /// A field that goes from end to end.
    fn field(&mut self, name: &[u8], value: &[u8]);
    /// `Content-Length`
    fn length(&mut self, length: u64);
    /// The body comes in chunks.
    fn chunked(&mut self);
    /// The connection ends with the response.
    fn close(&mut self);
    /// The head is whole.
    fn end(&mut self);
}

/// HTTP/1.1 (RFC 9112).
impl HeadSink for BytesMut {
    fn status(&mut self, status: u16, reason: &[u8]) {
        self.put_slice(b"HTTP/1.1 ");
        self.put_slice(&[
            b'0' + (status / 100 % 10) as u8,
            b'0' + (status / 10 % 10) as u8,
            b'0' + (status % 10) as u8,
            b' ',
        ]);
        self.put_slice(reason);
        self.put_slice(b"\r\n");
    }

    fn field(&mut self, name: &[u8], value: &[u8]) {
        put_field(self, name, value);
    }

    fn length(&mut self, length: u64) {
        put_length(self, length);
    }

    fn chunked(&mut self) {
        self.put_slice(b"transfer-encoding: chunked\r\n");
    }

    fn close(&mut self) {
        self.put_slice(b"connection: close\r\n");
    }

    fn end(&mut self) {
        self.put_slice(b"\r\n");
    }
}

/// A head that can be written.
pub(super) trait Response {
    /// Writes it to a sink.
    fn write(&self, sink: &mut impl HeadSink);
}

/// A backend's final response.
pub(super) struct Passed<'a> {
    pub(super) head: &'a ResponseHead,
    /// Whether it answers HEAD.
    pub(super) to_head: bool,
    /// That of the body as it goes out.
    pub(super) framing: Framing,
    /// ResponseHeaderModifiers.
    pub(super) edits: Edits<'a>,
    pub(super) close: bool,
}

impl Response for Passed<'_> {
    fn write(&self, sink: &mut impl HeadSink) {
        let Self { head, to_head, .. } = self;
        sink.status(head.status(), head.reason());
        let edited = !self.edits.is_empty();
        for Field { name, value, .. } in head.forwarded_fields() {
            if !edited || self.edits.keeps(name, 0) {
                sink.field(name, value);
            }
        }
        if edited {
            self.edits.write(|name, value| sink.field(name, value));
        }
        match self.framing {
            Framing::Length(length) => sink.length(length),
            Framing::Chunked => sink.chunked(),
            Framing::UntilClose => {}
            Framing::None => match (head.status(), head.content_length()) {
                (204, _) => {}
                (_, Some(length)) if *to_head || head.status() == 304 => sink.length(length),
                _ if *to_head || head.status() == 304 => {}
                _ => sink.length(0),
            },
        }
        if self.close {
            sink.close();
        }
        sink.end();
    }
}

/// A backend's interim response (1xx), as it came.
pub(super) struct Interim<'a>(pub(super) &'a ResponseHead);

impl Response for Interim<'_> {
    fn write(&self, sink: &mut impl HeadSink) {
        sink.status(self.0.status(), self.0.reason());
        for Field { name, value, .. } in self.0.forwarded_fields() {
            sink.field(name, value);
        }
        sink.end();
    }
}

/// A response of ours.
pub(super) struct Own<'a> {
    pub(super) status: u16,
    pub(super) fields: &'a [(&'a str, &'a str)],
    pub(super) body: &'a str,
    pub(super) edits: Option<&'a HeaderEdits>,
    pub(super) close: bool,
}

impl Response for Own<'_> {
    fn write(&self, sink: &mut impl HeadSink) {
        let phrase = http::StatusCode::from_u16(self.status).ok().and_then(|status| status.canonical_reason());
        sink.status(self.status, phrase.unwrap_or_default().as_bytes());
        for (name, value) in self.fields {
            sink.field(name.as_bytes(), value.as_bytes());
        }
        if !self.body.is_empty() {
            sink.field(b"content-type", b"text/plain; charset=utf-8");
        }
        if let Some(edits) = self.edits {
            Edits([edits, &HeaderEdits::default()]).write(|name, value| sink.field(name, value));
        }
        sink.length(self.body.len() as u64);
        if self.close {
            sink.close();
        }
        sink.end();
    }
}
