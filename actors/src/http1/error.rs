//! Why a head is refused.

/// Why a head is refused. In a request each is answered with a status of its own; in a response all of them are a 502.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    /// 400: no HTTP, or a request that names no host or no target.
    #[error("{0}")]
    Malformed(&'static str),
    /// 400: two recipients could see its end, or the end of its body, in two places.
    #[error("{0}")]
    Ambiguous(&'static str),
    /// 431
    #[error("the head is too large")]
    TooLarge,
    /// 414
    #[error("the request target is too long")]
    TargetTooLong,
    /// 417 (RFC 9110 section 10.1.1)
    #[error("an expectation other than 100-continue")]
    Expectation,
    /// 501: codings under a last one that is chunked (RFC 9112 section 6.1).
    #[error("a transfer coding other than chunked")]
    TransferCoding,
    /// 505
    #[error("not HTTP/1.0 or HTTP/1.1")]
    Version,
}

pub(super) const BARE_LINE_FEED: HeadError = HeadError::Ambiguous("a line that ends without CR");
pub(super) const BARE_RETURN: HeadError = HeadError::Ambiguous("a CR without LF");
pub(super) const INVALID_LENGTH: HeadError = HeadError::Ambiguous("an invalid Content-Length");
pub(super) const LENGTH_AND_CODING: HeadError = HeadError::Ambiguous("both Content-Length and Transfer-Encoding");

/// What the parser says of `input`. `line` is the error for a first line that is no HTTP.
pub(super) fn refusal(error: httparse::Error, input: &[u8], line: &'static str) -> HeadError {
    match error {
        httparse::Error::TooManyHeaders => HeadError::TooLarge,
        httparse::Error::Version if names_another_version(input) => HeadError::Version,
        httparse::Error::HeaderName if has_folded_line(input) => HeadError::Ambiguous("a folded field line"),
        httparse::Error::HeaderName => HeadError::Ambiguous("an invalid field name"),
        httparse::Error::HeaderValue => HeadError::Ambiguous("an invalid field value"),
        httparse::Error::NewLine => HeadError::Ambiguous("an invalid line ending"),
        httparse::Error::Version | httparse::Error::Token | httparse::Error::Status => HeadError::Malformed(line),
    }
}

/// Whether the version, the last word of a request line and the first of a status line, is one of HTTP that is not ours.
fn names_another_version(input: &[u8]) -> bool {
    let line = input.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
    let mut words = line.split(|byte| *byte == b' ');
    let (first, last) = (words.next().unwrap_or_default(), words.nth(1).unwrap_or_default());
    [first, last].iter().any(|word| matches!(word.strip_prefix(b"HTTP/"), Some([b'0'..=b'9', ..])))
}

fn has_folded_line(input: &[u8]) -> bool {
    input.windows(2).any(|pair| matches!(pair, [b'\n', b' ' | b'\t']))
}
