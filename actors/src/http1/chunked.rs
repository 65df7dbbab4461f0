//! The chunked transfer coding (RFC 9112 section 7.1), strictly: what another recipient could read in another way is an
//! error. Chunk extensions and trailer fields are checked and left out, as the RFC permits an intermediary to do.

/// Bytes of extensions that are taken beyond as many as there were of data before: tiny chunks under large extensions would
/// cost us far more than their sender.
const MAX_EXTENSIONS: u64 = 1024;
/// Bytes of trailer fields that are taken.
const MAX_TRAILERS: u32 = 8192;

/// Where in the coding the next byte lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// In the chunk's size; how many digits there were.
    Size { digits: u8 },
    /// In white space after the size.
    Padding,
    /// In extensions.
    Extension,
    /// The LF that ends the size's line.
    SizeLineFeed,
    /// In data.
    Data,
    /// The CR after data.
    DataReturn,
    /// The LF after data.
    DataLineFeed,
    /// At the start of a trailer's line.
    TrailerStart { length: u32 },
    /// Within a trailer's name.
    TrailerName { length: u32 },
    /// Within a trailer's value.
    Trailer { length: u32 },
    /// The LF that ends a trailer's line.
    TrailerLineFeed { length: u32 },
    /// The LF that ends all.
    EndLineFeed,
    /// Past the end.
    End,
}

/// Takes a chunked body apart.
#[derive(Debug)]
pub(crate) struct ChunkedDecoder {
    state: State,
    remaining: u64,
    /// Bytes of extensions that are still taken.
    allowance: u64,
}

/// What is wrong with a chunked body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("invalid chunked body")]
pub struct InvalidChunk;

impl ChunkedDecoder {
    pub(crate) fn new() -> Self {
        Self { state: State::Size { digits: 0 }, remaining: 0, allowance: MAX_EXTENSIONS }
    }

    pub(crate) fn is_done(&self) -> bool {
        self.state == State::End
    }

    /// Reads on in `input`: returns how many bytes of framing come first, and how many bytes of data follow them. Both
    /// are then taken as consumed. No data means that more input is needed, or that the body has ended.
    pub(crate) fn decode(&mut self, input: &[u8]) -> Result<(usize, usize), InvalidChunk> {
        let mut position = 0;
        while position < input.len() && self.state != State::End {
            if self.state == State::Data {
                let available = (input.len() - position) as u64;
                let data = available.min(self.remaining);
                self.remaining -= data;
                self.allowance = self.allowance.saturating_add(data);
                if self.remaining == 0 {
                    self.state = State::DataReturn;
                }
                return Ok((position, data as usize));
            }
            self.state = self.framing(input[position])?;
            position += 1;
        }
        Ok((position, 0))
    }

    fn framing(&mut self, byte: u8) -> Result<State, InvalidChunk> {
        Ok(match (self.state, byte) {
            (State::Size { digits }, byte) if byte.is_ascii_hexdigit() && digits < 15 => {
                let digit = char::from(byte).to_digit(16).map_or(0, u64::from);
                self.remaining = self.remaining << 4 | digit;
                State::Size { digits: digits + 1 }
            }
            (State::Size { digits: 1.. }, b'\r') => State::SizeLineFeed,
            (State::Padding | State::Extension, b'\r') => State::SizeLineFeed,
            (State::Size { digits: 1.. } | State::Padding, b' ' | b'\t') => self.spend(State::Padding)?,
            (State::Size { digits: 1.. } | State::Padding, b';') => self.spend(State::Extension)?,
            (State::Extension, byte) if is_text(byte) => self.spend(State::Extension)?,
            (State::SizeLineFeed, b'\n') if self.remaining == 0 => State::TrailerStart { length: 0 },
            (State::SizeLineFeed, b'\n') => State::Data,
            (State::DataReturn, b'\r') => State::DataLineFeed,
            (State::DataLineFeed, b'\n') => State::Size { digits: 0 },
            (State::TrailerStart { .. }, b'\r') => State::EndLineFeed,
            (State::TrailerStart { length } | State::TrailerName { length }, byte)
                if is_token(byte) && length < MAX_TRAILERS =>
            {
                State::TrailerName { length: length + 1 }
            }
            (State::TrailerName { length }, b':') => State::Trailer { length },
            (State::Trailer { length }, byte) if is_text(byte) && length < MAX_TRAILERS => {
                State::Trailer { length: length + 1 }
            }
            (State::Trailer { length }, b'\r') => State::TrailerLineFeed { length },
            (State::TrailerLineFeed { length }, b'\n') => State::TrailerStart { length },
            (State::EndLineFeed, b'\n') => State::End,
            _ => return Err(InvalidChunk),
        })
    }

    fn spend(&mut self, next: State) -> Result<State, InvalidChunk> {
        self.allowance = self.allowance.checked_sub(1).ok_or(InvalidChunk)?;
        Ok(next)
    }
}

/// A byte of a field's name (RFC 9110 section 5.6.2).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// A byte that may stand in a line: visible, white space, or beyond ASCII.
fn is_text(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Decodes `input` given in pieces of `size`, and returns the data and what was left over.
    fn decode(input: &[u8], size: usize) -> Result<(Vec<u8>, Vec<u8>, bool), InvalidChunk> {
        let mut decoder = ChunkedDecoder::new();
        let (mut data, mut rest) = (Vec::new(), Vec::new());
        for piece in input.chunks(size.max(1)) {
            let mut piece = piece;
            while !piece.is_empty() && !decoder.is_done() {
                let (skip, length) = decoder.decode(piece)?;
                data.extend_from_slice(&piece[skip..skip + length]);
                piece = &piece[skip + length..];
            }
            rest.extend_from_slice(piece);
        }
        Ok((data, rest, decoder.is_done()))
    }

    #[test]
    fn data_comes_out_however_it_is_cut() {
        let body = b"5\r\nhello\r\n6;name=\"v\"\r\n world\r\n0\r\nTrailer: x\r\n\r\nnext";
        for size in 1..body.len() {
            let (data, rest, done) = decode(body, size).unwrap();
            assert_eq!((data.as_slice(), rest.as_slice(), done), (&b"hello world"[..], &b"next"[..], true), "{size}");
        }
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_an_error() {
        for body in [
            "5\nhello\r\n0\r\n\r\n",
            "5\r\nhello\n0\r\n\r\n",
            "5\r\nhelloX\r\n",
            "\r\n",
            "-1\r\n",
            "+5\r\nhello\r\n",
            "0x5\r\nhello\r\n",
            " 5\r\nhello\r\n",
            "5 5\r\nhello\r\n",
            "5\x0b\r\nhello\r\n",
            "5;a\nb\r\nhello\r\n",
            "5;\0\r\nhello\r\n",
            "ffffffffffffffff\r\n",
            "0\r\n\n",
            "0\r\nA: b\n\r\n",
            "0\r\n\rX",
            "0\r\nGET / HTTP/1.1\r\n\r\n",
            "0\r\n: b\r\n\r\n",
            "0\r\nA: b\r\n c\r\n\r\n",
        ] {
            assert_eq!(decode(body.as_bytes(), 3), Err(InvalidChunk), "{body:?}");
        }
    }

    #[test]
    fn extensions_and_trailers_are_bounded() {
        let long = "x".repeat(9000);
        assert_eq!(decode(format!("5;{long}\r\n").as_bytes(), 100), Err(InvalidChunk));
        let (size, many) = ("1;ext=12345678\r\nx\r\n", 200);
        assert_eq!(decode(size.repeat(many).as_bytes(), 100), Err(InvalidChunk));
        let generous = format!("{:x}  ;ext=12345678\r\n{}\r\n", 100, "x".repeat(100));
        assert_eq!(decode(generous.repeat(many).as_bytes(), 100).map(|(data, ..)| data.len()), Ok(100 * many));
        assert_eq!(decode(format!("0\r\nA: {long}\r\n\r\n").as_bytes(), 100), Err(InvalidChunk));
    }

    proptest! {
        #[test]
        fn no_input_panics_or_reads_beyond(input: Vec<u8>, size in 1usize..40) {
            let _ = decode(&input, size);
        }
    }
}
