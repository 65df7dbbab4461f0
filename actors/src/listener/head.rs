//! Writes the head of a request to the backend. The fields that came in are copied one by one, less those that end here
//! and those that a filter takes away.
//!
//! Written for every request: numbers do not go through `fmt`, and neighbouring fields are copied as one.

use std::io::Write as _;
use std::net::IpAddr;

use bytes::{BufMut as _, BytesMut};
use http::header::HeaderName;

use crate::http1::{Framing, Known, RequestHead};
use crate::plan::filter::HeaderEdits;

#[cfg(test)]
mod tests;

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
}

/// Fields that say how a message is framed or routed: no filter may write them, as that would let a route desynchronise a
/// connection that it shares with others.
fn is_reserved(name: &HeaderName) -> bool {
    use http::header::{CONNECTION, CONTENT_LENGTH, EXPECT, HOST, TE, TRAILER, TRANSFER_ENCODING, UPGRADE};
    [CONNECTION, CONTENT_LENGTH, EXPECT, HOST, TE, TRAILER, TRANSFER_ENCODING, UPGRADE].contains(name)
        || ["keep-alive", "proxy-connection"].contains(&name.as_str())
}

/// What a request's head to a backend is made of.
pub(super) struct Forwarded<'a> {
    /// The client's head.
    pub(super) head: &'a RequestHead,
    /// Path and query as the backend sees them.
    pub(super) target: &'a str,
    /// The `Host` that a filter names.
    pub(super) host: Option<&'a [u8]>,
    /// RequestHeaderModifiers.
    pub(super) edits: Edits<'a>,
    /// The protocols to which the client asks to go over.
    pub(super) upgrade: Option<&'a [u8]>,
    /// The client's address.
    pub(super) client: IpAddr,
    /// Whether the client is a proxy whose word is believed.
    pub(super) trusted: bool,
    /// `http` or `https`, as the client spoke.
    pub(super) scheme: &'static str,
    /// Names the request, where no trusted hop does.
    pub(super) id: RequestId,
}

/// Room for what is written beside what came in: the fields of our own, with an IPv6 address.
const OWN_FIELDS: usize = 256;

impl Forwarded<'_> {
    /// Writes the head.
    pub(super) fn write(&self, out: &mut BytesMut) {
        let head = self.head;
        let host = self.host.unwrap_or(head.authority().as_bytes());
        out.reserve(head.fields().bytes.len() + self.target.len() + host.len() + OWN_FIELDS);
        out.extend_from_slice(head.method().as_bytes());
        out.extend_from_slice(b" ");
        out.extend_from_slice(self.target.as_bytes());
        out.extend_from_slice(b" HTTP/1.1\r\nhost: ");
        out.extend_from_slice(host);
        out.extend_from_slice(b"\r\n");
        let edited = !self.edits.is_empty();
        self.write_passed(out, edited);
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
            Framing::Chunked => out.extend_from_slice(b"transfer-encoding: chunked\r\n"),
            Framing::None if matches!(head.method(), "POST" | "PUT" | "PATCH") => put_length(out, 0),
            Framing::None | Framing::UntilClose => {}
        }
        out.extend_from_slice(b"\r\n");
    }

    /// Copies the lines of the fields that go on, neighbours at once.
    fn write_passed(&self, out: &mut BytesMut, edited: bool) {
        let fields = self.head.fields();
        let mut run = 0..0;
        for field in self.head.forwarded_fields() {
            if edited && !self.edits.keeps(field.name, 0) {
                continue;
            }
            let line = fields.line(&field);
            if line.start == run.end {
                run.end = line.end;
            } else {
                out.extend_from_slice(&fields.bytes[run]);
                run = line;
            }
        }
        out.extend_from_slice(&fields.bytes[run]);
    }

    /// Says who asked. What a client says of itself is replaced, unless it is a trusted hop: its own address is then added
    /// to those that it tells, and its word for the rest stands.
    fn write_forwarded(&self, out: &mut BytesMut, edited: bool) {
        let keeps = |name: &str| !edited || self.edits.keeps(name.as_bytes(), 0);
        if keeps(FOR) {
            out.extend_from_slice(b"x-forwarded-for: ");
            for value in self.told(FOR) {
                out.extend_from_slice(value);
                out.extend_from_slice(b", ");
            }
            put_address(out, self.client);
            out.extend_from_slice(b"\r\n");
        }
        if keeps(PROTO) {
            let told = self.told(PROTO).next();
            put_field(out, PROTO.as_bytes(), told.unwrap_or(self.scheme.as_bytes()));
        }
        if keeps(HOST) {
            let told = self.told(HOST).next();
            put_field(out, HOST.as_bytes(), told.unwrap_or(self.head.authority().as_bytes()));
        }
        if keeps(ID) {
            put_field(out, ID.as_bytes(), request_id(self.head, self.trusted, &self.id));
        }
    }

    /// The values of a field that a trusted hop tells; none of any other client.
    fn told<'s>(&'s self, name: &'static str) -> impl Iterator<Item = &'s [u8]> {
        self.trusted.then(|| told(self.head, name)).into_iter().flatten()
    }
}

/// A number of our own, in lower-case hexadecimal: the `x-request-id` of a request.
pub(super) type RequestId = [u8; 32];

/// The name under which a request goes to its backend: ours, unless a trusted hop tells one.
pub(super) fn request_id<'a>(head: &'a RequestHead, trusted: bool, own: &'a RequestId) -> &'a [u8] {
    trusted.then(|| told(head, ID).next()).flatten().unwrap_or(own)
}

fn told<'s>(head: &'s RequestHead, name: &'static str) -> impl Iterator<Item = &'s [u8]> {
    head.fields()
        .iter()
        .filter(|field| field.known == Known::Forwarded && !field.value.is_empty())
        .filter(move |field| field.name.eq_ignore_ascii_case(name.as_bytes()))
        .map(|field| field.value)
}

const FOR: &str = "x-forwarded-for";
const PROTO: &str = "x-forwarded-proto";
const HOST: &str = "x-forwarded-host";
const ID: &str = "x-request-id";

/// Writes a field.
pub(super) fn put_field(out: &mut BytesMut, name: &[u8], value: &[u8]) {
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

/// Writes `Content-Length`.
pub(super) fn put_length(out: &mut BytesMut, length: u64) {
    put_field(out, b"content-length", itoa::Buffer::new().format(length).as_bytes());
}

fn put_address(out: &mut BytesMut, address: IpAddr) {
    match address {
        IpAddr::V4(address) => {
            let [first, rest @ ..] = address.octets();
            out.extend_from_slice(itoa::Buffer::new().format(first).as_bytes());
            for octet in rest {
                out.extend_from_slice(b".");
                out.extend_from_slice(itoa::Buffer::new().format(octet).as_bytes());
            }
        }
        // Writing into a growing buffer cannot fail.
        IpAddr::V6(address) => drop(write!(out.writer(), "{address}")),
    }
}

/// A number as a name.
pub(super) fn hexadecimal(number: u128) -> RequestId {
    let mut text = [0; 32];
    for (digits, byte) in text.as_chunks_mut().0.iter_mut().zip(number.to_be_bytes()) {
        let digit = |value: u8| b"0123456789abcdef"[usize::from(value)];
        *digits = [digit(byte >> 4), digit(byte & 15)];
    }
    text
}
