//! The normal form of a path, by which rules are found: however a request spells its path, it is the same path to every
//! rule. What is forwarded stays as it was sent. Must not know rules.
//!
//! | spelling | in the normal form | why |
//! |---|---|---|
//! | `%61`, `%2D`, `%3a` | `a`, `-`, `:` | what a segment may hold needs no escape (RFC 3986 sections 3.3 and 6.2.2.2); nginx matches on all of it decoded |
//! | `%c3` | `%C3` | escapes are equal in any case (section 6.2.2.1) |
//! | `.`, `..`, `%2e%2E` | resolved | section 5.2.4; nginx and Envoy do so before they match |
//! | `..` beyond the root | refused | section 5.2.4 would drop it; it is sent by nobody who means well, and nginx refuses it |
//! | `..;a`, `..%2f`, `\..` | refused | only some would go up here (servlet containers strip parameters, and see below): for one half of the backends the rule would be another one's |
//! | `//` | `/` | most servers take it so; nginx does (`merge_slashes`), Envoy on demand |
//! | `%2f` | `/` | nginx decodes it, and so do many backends; Envoy leaves it to the operator |
//! | `\`, `%5c` | `/` | browsers and some servers take it so (WHATWG URL), and so does Envoy |
//! | `%252e` | `%252e` | an escape is decoded once (section 2.4), never what comes of it |
//! | `%zz`, `%` | `%25zz`, `%25` | not an escape: the sign itself, which a second decoding must not find |
//! | `"`, `é` | `%22`, `%C3%A9` | may not stand in a path without an escape |
//! | `%00` | refused | in C it ends a string, and with it the path that is looked at; nginx refuses it |

use super::path::strip_prefix;

#[cfg(test)]
mod tests;

/// Why no rule may take a path. Answered with 400.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoPath {
    /// `..` where nothing is left to go up from.
    #[error("the path climbs above the root")]
    Climbs,
    /// `..` that goes up for some backends only.
    #[error("the path goes up in a way that not every server would")]
    Doubtful,
    /// `%00`
    #[error("the path holds a NUL")]
    Nul,
}

/// The normal form of a path (without its query). A path that is in its normal form comes back as it is, at the price of
/// one look, and leaves `buffer` empty; else the form is written into `buffer`. `*` is not a path, and stays.
pub fn normalize<'a>(path: &'a str, buffer: &'a mut String) -> Result<&'a str, NoPath> {
    buffer.clear();
    let Some(relative) = path.strip_prefix('/') else { return Ok(path) };
    if is_normal(path.as_bytes()) {
        return Ok(path);
    }
    write(relative.as_bytes(), buffer)?;
    Ok(buffer)
}

/// Whether every byte may stay, and no segment needs a closer look.
fn is_normal(path: &[u8]) -> bool {
    let mut previous = 0;
    path.iter().all(|byte| {
        let after_slash = previous == b'/';
        previous = *byte;
        match byte {
            b'/' | b'.' => !after_slash,
            _ => IN_SEGMENT[*byte as usize],
        }
    })
}

/// The bytes that a segment may hold without an escape: `pchar` of RFC 3986 section 3.3, without `%`.
const IN_SEGMENT: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        table[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let others = b"-._~!$&'()*+,;=:@";
    let mut place = 0;
    while place < others.len() {
        table[others[place] as usize] = true;
        place += 1;
    }
    table
};

/// Writes the normal form of `/` and what follows it.
fn write(relative: &[u8], out: &mut String) -> Result<(), NoPath> {
    out.reserve(relative.len() + 1);
    out.push('/');
    let mut start = 1;
    let mut plain_start = true;
    let mut rest = relative;
    while let Some((byte, length)) = first(rest) {
        rest = &rest[length..];
        match byte {
            0 => return Err(NoPath::Nul),
            b'/' | b'\\' => {
                let plain = byte == b'/' && length == 1;
                start = end_segment(out, start, Some(plain), plain_start)?;
                plain_start = plain;
            }
            _ if IN_SEGMENT[byte as usize] => out.push(char::from(byte)),
            _ => out.extend(['%', hex(byte >> 4), hex(byte & 15)]),
        }
    }
    end_segment(out, start, None, plain_start).map(|_| ())
}

/// Ends the segment that begins at `start`, and tells where the next one does. A dot segment goes, with the one that it
/// goes up from; an empty one is none. `border` is what follows, if anything does: whether it is a slash as such, for
/// everybody; `plain_start` says the same of what came before.
fn end_segment(out: &mut String, start: usize, border: Option<bool>, plain_start: bool) -> Result<usize, NoPath> {
    let segment = &out[start..];
    let name = segment.split_once(';').map_or(segment, |(name, _)| name);
    match name {
        "." => out.truncate(start),
        ".." if segment != name || border == Some(false) || !plain_start => return Err(NoPath::Doubtful),
        ".." => {
            out.truncate(start);
            let above = out[..start - 1].rfind('/').ok_or(NoPath::Climbs)?;
            out.truncate(above + 1);
        }
        _ if border.is_some() && !segment.is_empty() => out.push('/'),
        _ => {}
    }
    Ok(out.len())
}

/// The first byte that is meant, and how many bytes spell it.
fn first(text: &[u8]) -> Option<(u8, usize)> {
    let digit = |place: usize| char::from(*text.get(place)?).to_digit(16);
    match (text.first()?, digit(1), digit(2)) {
        (b'%', Some(high), Some(low)) => Some(((high * 16 + low) as u8, 3)),
        (byte, ..) => Some((*byte, 1)),
    }
}

fn hex(digit: u8) -> char {
    char::from(b"0123456789ABCDEF"[usize::from(digit)])
}

/// A request's path in both of its forms.
#[derive(Debug, Clone, Copy)]
pub struct RequestPath<'a> {
    /// Byte for byte.
    pub sent: &'a str,
    /// As rules are matched.
    pub normal: &'a str,
}

impl<'a> RequestPath<'a> {
    /// What follows a prefix that the normal form has: empty, or beginning with a slash. It is given as it was sent where
    /// that is the same place below the prefix; else, as after `/public/../other`, the prefix is not where it seems to be,
    /// and the rest is given in its normal form.
    pub fn rest_after(&self, prefix: &str) -> Option<&'a str> {
        let mut buffer = String::new();
        let prefix = normalize(prefix, &mut buffer).unwrap_or(prefix);
        let normal = strip_prefix(self.normal, prefix)?;
        if self.sent == self.normal {
            return Some(normal);
        }
        let mut buffer = String::new();
        let sent = strip_prefix(self.sent, prefix).filter(|sent| normalize(sent, &mut buffer) == Ok(normal));
        Some(sent.unwrap_or(normal))
    }
}
