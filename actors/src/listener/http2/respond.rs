//! The head of a response as HTTP/2 has it: field by field into a header map, which `h2` compresses.

use http::header::{CONTENT_LENGTH, HeaderName, HeaderValue};
use http::{HeaderMap, StatusCode};

use crate::listener::response::{HeadSink, Response};

/// A head that was written.
#[derive(Debug, Default)]
pub(super) struct Head {
    status: StatusCode,
    fields: HeaderMap,
    /// `Content-Length`, if there is one.
    pub(super) length: Option<u64>,
}

impl Head {
    /// That of a response.
    pub(super) fn of(response: &impl Response) -> Self {
        let mut head = Self::default();
        response.write(&mut head);
        head
    }

    /// As `h2` takes it.
    pub(super) fn into_response(self) -> http::Response<()> {
        let mut response = http::Response::new(());
        *response.status_mut() = self.status;
        *response.headers_mut() = self.fields;
        response
    }
}

impl HeadSink for Head {
    fn status(&mut self, status: u16, _: &[u8]) {
        // A backend's status has three digits; what is below 100 is none that HTTP/2 could send.
        self.status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    }

    /// Leaves out what only HTTP/1 connections have a use for (RFC 9113 section 8.2.2), whoever wrote it.
    fn field(&mut self, name: &[u8], value: &[u8]) {
        let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) else { return };
        if !matches!(
            name.as_str(),
            "connection" | "keep-alive" | "proxy-connection" | "te" | "transfer-encoding" | "upgrade"
        ) {
            self.fields.append(name, value);
        }
    }

    fn length(&mut self, length: u64) {
        self.length = Some(length);
        self.fields.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }

    fn chunked(&mut self) {}

    fn close(&mut self) {}

    fn end(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listener::response::Own;

    #[test]
    fn a_response_has_nothing_of_http1() {
        let fields = [("X-A", "b"), ("Keep-Alive", "timeout=5"), ("x-a", "c"), ("Upgrade", "h2c"), ("bad name", "d")];
        let own = Own { status: 404, fields: &fields, body: "none\n", edits: None, close: true };
        let head = Head::of(&own);
        assert_eq!(head.length, Some(5));
        let response = head.into_response();
        assert_eq!(response.status(), 404);
        let mut names: Vec<_> =
            response.headers().iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
        names.sort();
        assert_eq!(names, ["content-length: 5", "content-type: text/plain; charset=utf-8", "x-a: b", "x-a: c"]);
    }
}
