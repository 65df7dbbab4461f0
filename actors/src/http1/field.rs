//! The fields of a head: spans of one buffer, each recognised once.

use std::ops::Range;

/// Fields that a proxy treats in a way of its own. All others are passed on as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// `Connection`
    Connection,
    /// `Content-Length`
    ContentLength,
    /// `Expect`
    Expect,
    /// `Host`
    Host,
    /// Hop by hop beside `Connection` (RFC 9110 section 7.6.1): `Keep-Alive`, `Proxy-Connection`, `TE`, `Trailer`,
    /// `Upgrade`, `Proxy-Authenticate`, `Proxy-Authorization`, and whatever `Connection` names
    HopByHop,
    /// `Transfer-Encoding`
    TransferEncoding,
    /// `X-Forwarded-For`, `X-Forwarded-Proto`, `X-Forwarded-Host` and `X-Request-Id`: ours to set. Also where `_` stands for
    /// `-`: applications that get fields as environment variables (RFC 3875 section 4.1.18) cannot tell them apart.
    Forwarded,
    /// Any other.
    Other,
}

impl Known {
    /// Recognises a field's name in any case.
    pub fn of(name: &[u8]) -> Self {
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        let is_spelt = |known: &str| {
            name.iter()
                .zip(known.bytes())
                .all(|(byte, wanted)| byte.eq_ignore_ascii_case(&wanted) || (*byte == b'_' && wanted == b'-'))
        };
        match name.len() {
            2 if is("te") => Self::HopByHop,
            4 if is("host") => Self::Host,
            6 if is("expect") => Self::Expect,
            7 if is("upgrade") || is("trailer") => Self::HopByHop,
            10 if is("connection") => Self::Connection,
            10 if is("keep-alive") => Self::HopByHop,
            12 if is_spelt("x-request-id") => Self::Forwarded,
            14 if is("content-length") => Self::ContentLength,
            15 if is_spelt("x-forwarded-for") => Self::Forwarded,
            16 if is_spelt("x-forwarded-host") => Self::Forwarded,
            16 if is("proxy-connection") => Self::HopByHop,
            17 if is("transfer-encoding") => Self::TransferEncoding,
            17 if is_spelt("x-forwarded-proto") => Self::Forwarded,
            18 if is("proxy-authenticate") => Self::HopByHop,
            19 if is("proxy-authorization") => Self::HopByHop,
            _ => Self::Other,
        }
    }
}

/// Where a piece of a head lies in its buffer.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// The span of `part`, which must be a slice of `whole`; heads are far below 4 GiB.
    pub(crate) fn of(whole: &[u8], part: &[u8]) -> Self {
        let start = part.as_ptr() as usize - whole.as_ptr() as usize;
        debug_assert!(start + part.len() <= whole.len());
        Self { start: start as u32, end: (start + part.len()) as u32 }
    }

    pub(crate) fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// One field of a head.
#[derive(Debug, Clone, Copy)]
pub struct Field<'a> {
    /// The name as sent.
    pub name: &'a [u8],
    /// The value without surrounding white space.
    pub value: &'a [u8],
    /// What it is.
    pub known: Known,
}

/// The bytes of a head and the places of its fields. Reused from head to head, so that a warm connection allocates
/// nothing.
#[derive(Debug, Default)]
pub struct Fields {
    pub(crate) bytes: Vec<u8>,
    spans: Vec<(Span, Span, Known)>,
}

impl Fields {
    /// Takes a head that `httparse` has taken apart. False if `Connection` lists more options than anybody has use for.
    pub(crate) fn record(&mut self, head: &[u8], headers: &[httparse::Header<'_>]) -> bool {
        self.bytes.clear();
        self.bytes.extend_from_slice(head);
        self.spans.clear();
        self.spans.extend(headers.iter().map(|header| {
            let name = header.name.as_bytes();
            (Span::of(head, name), Span::of(head, header.value), Known::of(name))
        }));
        self.mark_named_by_connection()
    }

    /// A field that `Connection` names ends at the next hop (RFC 9110 section 7.6.1).
    fn mark_named_by_connection(&mut self) -> bool {
        let mut named = [&[][..]; MAX_OPTIONS];
        let mut count = 0;
        let options = connection_options(&self.bytes, &self.spans);
        for option in options.filter(|option| !is_persistence(option)) {
            let Some(place) = named.get_mut(count) else { return false };
            *place = option;
            count += 1;
        }
        for (name, _, known) in &mut self.spans {
            let name = &self.bytes[name.range()];
            if matches!(known, Known::Other | Known::Expect | Known::Forwarded)
                && named[..count].iter().any(|option| option.eq_ignore_ascii_case(name))
            {
                *known = Known::HopByHop;
            }
        }
        true
    }

    /// The bytes of a span.
    pub(crate) fn get(&self, span: Span) -> &[u8] {
        &self.bytes[span.range()]
    }

    /// The fields in the order in which they were sent.
    pub fn iter(&self) -> impl Iterator<Item = Field<'_>> {
        self.spans.iter().map(|(name, value, known)| Field {
            name: self.get(*name),
            value: self.get(*value),
            known: *known,
        })
    }

    /// Where the line of a field lies in the head, with the CR LF that ends it.
    pub(crate) fn line(&self, field: &Field<'_>) -> Range<usize> {
        let start = Span::of(&self.bytes, field.name).range().start;
        let value_end = Span::of(&self.bytes, field.value).range().end;
        let rest = self.bytes[value_end..].iter().position(|byte| *byte == b'\n');
        start..rest.map_or(self.bytes.len(), |rest| value_end + rest + 1)
    }

    /// The values of a field, in their order; `name` in any case.
    pub fn values<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = &'a [u8]> + use<'a, 'n> {
        self.iter().filter(|field| field.name.eq_ignore_ascii_case(name.as_bytes())).map(|field| field.value)
    }

    /// The options that `Connection` lists, in any case.
    pub(crate) fn connection_options(&self) -> impl Iterator<Item = &[u8]> {
        connection_options(&self.bytes, &self.spans)
    }
}

/// Options of `Connection` beside `close` and `keep-alive`, at the most: each is compared with each field.
const MAX_OPTIONS: usize = 16;

fn connection_options<'a, 's>(
    bytes: &'a [u8],
    spans: &'s [(Span, Span, Known)],
) -> impl Iterator<Item = &'a [u8]> + use<'a, 's> {
    spans
        .iter()
        .filter(|(.., known)| *known == Known::Connection)
        .flat_map(|(_, value, _)| bytes[value.range()].split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|option| !option.is_empty())
}

fn is_persistence(option: &[u8]) -> bool {
    option.eq_ignore_ascii_case(b"close") || option.eq_ignore_ascii_case(b"keep-alive")
}

/// Parses a `Content-Length`: digits alone (RFC 9110 section 8.6).
pub(crate) fn content_length(value: &[u8]) -> Option<u64> {
    if value.is_empty() || value.len() > 19 || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(value.iter().fold(0, |length, digit| length * 10 + u64::from(digit - b'0')))
}

/// Whether every line of a head ends with CR LF; `httparse` would take a bare LF (RFC 9112 section 2.2).
pub(crate) fn has_bare_line_feed(head: &[u8]) -> bool {
    let mut previous = 0;
    head.iter().any(|byte| {
        let bare = *byte == b'\n' && previous != b'\r';
        previous = *byte;
        bare
    })
}
