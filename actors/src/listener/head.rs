//! Writes the head of a request to the backend. The fields that came in are copied one by one, less those that end here
//! and those that a filter takes away.

use std::io::Write as _;
use std::net::IpAddr;

use bytes::{BufMut, BytesMut};
use http::header::HeaderName;

use crate::http1::{Field, Framing, RequestHead};
use crate::plan::filter::HeaderEdits;

/// The edits of a rule and of a backendRef, in the order in which they apply.
#[derive(Debug, Clone, Copy)]
pub(super) struct Edits<'a>(pub(super) [&'a HeaderEdits; 2]);

impl Edits<'_> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|edits| edits.is_empty())
    }

    /// Whether a value of `name` that exists before stage `from` is still there after the last one.
    pub(super) fn keeps(&self, name: &[u8], from: usize) -> bool {
        let named = |other: &HeaderName| name.eq_ignore_ascii_case(other.as_str().as_bytes());
        !self.0[from..]
            .iter()
            .any(|edits| edits.set.iter().any(|(other, _)| named(other)) || edits.remove.iter().any(named))
    }

    /// Gives the values that the edits set and add to `put`.
    pub(super) fn write(&self, mut put: impl FnMut(&[u8], &[u8])) {
        for (stage, edits) in self.0.iter().enumerate() {
            for (name, value) in edits.set.iter().chain(&edits.add) {
                let removed_here = edits.remove.contains(name);
                if !removed_here && self.keeps(name.as_str().as_bytes(), stage + 1) && !is_reserved(name) {
                    put(name.as_str().as_bytes(), value.as_bytes());
                }
            }
        }
    }

    /// The `Host` that the edits ask for, if any does.
    fn host(&self) -> Option<&[u8]> {
        self.0
            .iter()
            .rev()
            .flat_map(|edits| edits.set.iter().rev())
            .find(|(name, _)| name == http::header::HOST)
            .map(|(_, value)| value.as_bytes())
    }
}

/// Fields that say how a message is framed or routed: no filter may write them, as that would let a route desynchronise a
/// connection that it shares with others.
fn is_reserved(name: &HeaderName) -> bool {
    use http::header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING, UPGRADE};
    [CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING, UPGRADE].contains(name)
}

/// What a request's head to a backend is made of.
pub(super) struct Forwarded<'a> {
    /// The client's head.
    pub(super) head: &'a RequestHead,
    /// Path and query as the backend sees them.
    pub(super) target: &'a str,
    /// The `Host` of a URLRewrite.
    pub(super) hostname: Option<&'a [u8]>,
    /// RequestHeaderModifiers.
    pub(super) edits: Edits<'a>,
    /// The protocols to which the client asks to go over.
    pub(super) upgrade: Option<&'a [u8]>,
    /// The client's address.
    pub(super) client: IpAddr,
    /// `http` or `https`, as the client spoke.
    pub(super) scheme: &'static str,
    /// A number that names the request.
    pub(super) id: u128,
}

impl Forwarded<'_> {
    /// Writes the head.
    pub(super) fn write(&self, out: &mut BytesMut) {
        let head = self.head;
        out.put_slice(head.method().as_bytes());
        out.put_slice(b" ");
        out.put_slice(self.target.as_bytes());
        out.put_slice(b" HTTP/1.1\r\nhost: ");
        let host = self.edits.host().or(self.hostname).unwrap_or(head.authority().as_bytes());
        out.put_slice(host);
        out.put_slice(b"\r\n");
        let edited = !self.edits.is_empty();
        for Field { name, value, .. } in head.forwarded_fields() {
            if !edited || self.edits.keeps(name, 0) {
                put_field(out, name, value);
            }
        }
        self.write_forwarded(out, edited);
        if edited {
            self.edits.write(|name, value| put_field(out, name, value));
        }
        if let Some(protocols) = self.upgrade {
            put_field(out, b"connection", b"upgrade");
            put_field(out, b"upgrade", protocols);
        }
        match head.framing() {
            Framing::Length(length) => put_length(out, length),
            Framing::Chunked => out.put_slice(b"transfer-encoding: chunked\r\n"),
            Framing::None if matches!(head.method(), "POST" | "PUT" | "PATCH") => put_length(out, 0),
            Framing::None | Framing::UntilClose => {}
        }
        out.put_slice(b"\r\n");
    }

    /// Says who asked, replacing what the client said of itself: a client is no trusted hop.
    fn write_forwarded(&self, out: &mut BytesMut, edited: bool) {
        let keeps = |name: &[u8]| !edited || self.edits.keeps(name, 0);
        if keeps(b"x-forwarded-for") {
            put_formatted(out, "x-forwarded-for", format_args!("{}", self.client));
        }
        if keeps(b"x-forwarded-proto") {
            put_field(out, b"x-forwarded-proto", self.scheme.as_bytes());
        }
        if keeps(b"x-forwarded-host") {
            put_field(out, b"x-forwarded-host", self.head.authority().as_bytes());
        }
        if keeps(b"x-request-id") {
            put_formatted(out, "x-request-id", format_args!("{:032x}", self.id));
        }
    }
}

/// Writes a field.
pub(super) fn put_field(out: &mut BytesMut, name: &[u8], value: &[u8]) {
    out.reserve(name.len() + value.len() + 4);
    out.put_slice(name);
    out.put_slice(b": ");
    out.put_slice(value);
    out.put_slice(b"\r\n");
}

fn put_formatted(out: &mut BytesMut, name: &str, value: std::fmt::Arguments<'_>) {
    // Writing into a growing buffer cannot fail.
    let _ = write!(out.writer(), "{name}: {value}\r\n");
}

/// Writes `Content-Length`.
pub(super) fn put_length(out: &mut BytesMut, length: u64) {
    put_formatted(out, "content-length", format_args!("{length}"));
}
