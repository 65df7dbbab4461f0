//! A request that is asked about, and whether it is one: the parser that judges every request judges this one.

use http::header::{HeaderName, HeaderValue};

use crate::http1::{HeadError, HeadLimits, RequestHead};

/// A request, as far as a plan looks at it.
#[derive(Debug, Clone)]
pub struct Question {
    /// `GET`, `POST`, ...
    pub method: String,
    /// The host, with or without a port.
    pub authority: String,
    /// As it is sent, without the query: it begins with `/`, or is `*`.
    pub path: String,
    /// Without `?`.
    pub query: Option<String>,
    /// Every field beside `Host`.
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

impl Question {
    /// Why a gateway with the default limits refuses the head, before it looks for a listener or a route. No part of the
    /// question may hold a line break.
    pub fn refusal(&self) -> Option<HeadError> {
        let (head, limits) = (self.head(), HeadLimits::default());
        // No more than that is read of a head that does not end.
        let read = &head[..head.len().min(limits.bytes)];
        RequestHead::default().parse(read, &limits).err()
    }

    /// The head as HTTP/1.1 has it.
    fn head(&self) -> Vec<u8> {
        let Self { method, authority, path, query, headers } = self;
        let mut head = format!("{method} {path}").into_bytes();
        if let Some(query) = query {
            head.extend([b"?", query.as_bytes()].concat());
        }
        head.extend([b" HTTP/1.1\r\nhost: ", authority.as_bytes(), b"\r\n"].concat());
        for (name, value) in headers {
            head.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
        }
        head.extend(b"\r\n");
        head
    }
}
