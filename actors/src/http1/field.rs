//! The fields of a head: spans of one buffer, each recognised once.

use std::ops::Range;

use super::error::{BARE_LINE_FEED, HeadError};

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
    /// `Proxy-Authenticate`, `Proxy-Authorization`, and whatever `Connection` names
    HopByHop,
    /// `Upgrade`, which ends here as well
    Upgrade,
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
            7 if is("upgrade") => Self::Upgrade,
            7 if is("trailer") => Self::HopByHop,
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
        Self::new(start, start + part.len())
    }

    pub(crate) fn new(start: usize, end: usize) -> Self {
        Self { start: start as u32, end: end as u32 }
    }

    pub(crate) fn is_empty(self) -> bool {
        self.start == self.end
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
    /// Takes a head that `httparse` has taken apart, from its first line to the empty one.
    pub(crate) fn record(&mut self, head: &[u8], headers: &[httparse::Header<'_>]) -> Result<Options, HeadError> {
        self.bytes.clear();
        self.bytes.extend_from_slice(head);
        self.spans.clear();
        let (mut strict, mut listed) = (head.ends_with(b"\r\n\r\n"), false);
        self.spans.extend(headers.iter().map(|header| {
            let name = Span::of(head, header.name.as_bytes());
            // The parser takes a bare LF for the end of a line, and nowhere else (RFC 9112 section 2.2 lets us refuse it):
            // so each line is known to end with CR LF by what stands before the next.
            strict &= head[..name.range().start].ends_with(b"\r\n");
            let known = Known::of(header.name.as_bytes());
            listed |= known == Known::Connection;
            (name, Span::of(head, header.value), known)
        }));
        if !strict {
            return Err(BARE_LINE_FEED);
        }
        if listed { self.read_connection() } else { Ok(Options::default()) }
    }

    /// Reads what `Connection` lists. A field that it names ends at the next hop (RFC 9110 section 7.6.1), unless we read it
    /// ourselves: nobody can name the framing or the host away.
    fn read_connection(&mut self) -> Result<Options, HeadError> {
        let Self { bytes, spans } = self;
        let mut options = Options::default();
        let mut named = [&[][..]; MAX_OPTIONS];
        let mut count = 0;
        let values = spans.iter().filter(|(.., known)| *known == Known::Connection);
        for option in values.flat_map(|(_, value, _)| list(&bytes[value.range()])) {
            if option.eq_ignore_ascii_case(b"close") {
                options.close = true;
            } else if option.eq_ignore_ascii_case(b"keep-alive") {
                options.keep_alive = true;
            } else if option.eq_ignore_ascii_case(b"upgrade") {
                options.upgrade = true;
            } else {
                *named.get_mut(count).ok_or(HeadError::TooLarge)? = option;
                count += 1;
            }
        }
        for (name, _, known) in spans.iter_mut().filter(|_| count > 0) {
            let name = &bytes[name.range()];
            if matches!(known, Known::Other | Known::Expect | Known::Forwarded)
                && named[..count].iter().any(|option| option.eq_ignore_ascii_case(name))
            {
                *known = Known::HopByHop;
            }
        }
        Ok(options)
    }

    /// The bytes of a span; none, rather than a panic, if it is one of another head.
    pub(crate) fn get(&self, span: Span) -> &[u8] {
        self.bytes.get(span.range()).unwrap_or_default()
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

    /// The protocol of `Upgrade` where `Connection` lists it. None if several fields speak of it, or if it offers `h2c`: that
    /// is never carried out ("deprecated", RFC 9113 section 3.1), and passed on it would lead past every rule.
    pub(crate) fn upgrade(&self, options: Options) -> Option<Span> {
        if !options.upgrade {
            return None;
        }
        let mut upgrades = self.spans.iter().filter(|(.., known)| *known == Known::Upgrade);
        let (Some((_, value, _)), None) = (upgrades.next(), upgrades.next()) else { return None };
        let protocols = self.get(*value);
        let is_h2c = |protocol: &[u8]| protocol.eq_ignore_ascii_case(b"h2c");
        (!protocols.is_empty() && !list(protocols).any(is_h2c)).then_some(*value)
    }
}

/// What `Connection` lists beside the names of fields.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Options {
    pub(crate) close: bool,
    pub(crate) keep_alive: bool,
    pub(crate) upgrade: bool,
}

/// Fields that `Connection` names, at the most: each is compared with each field.
const MAX_OPTIONS: usize = 16;

/// The elements of a list (RFC 9110 section 5.6.1), without the empty ones.
pub(crate) fn list(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).filter(|element| !element.is_empty())
}

/// Parses a `Content-Length`: digits alone (RFC 9110 section 8.6), and no more than what surely fits.
pub(crate) fn content_length(value: &[u8]) -> Option<u64> {
    if value.is_empty() || value.len() > 19 || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(value.iter().fold(0, |length, digit| length * 10 + u64::from(digit - b'0')))
}
