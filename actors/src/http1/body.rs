//! The framing of bodies (RFC 9112 section 6).

use super::chunked::{ChunkedDecoder, InvalidChunk};

/// How the end of a body is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// There is no body.
    None,
    /// `Content-Length`
    Length(u64),
    /// `Transfer-Encoding: chunked`
    Chunked,
    /// The end of the connection (responses only).
    UntilClose,
}

/// Takes a body apart as its bytes come in.
#[derive(Debug)]
pub struct BodyDecoder {
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Length(u64),
    Chunked(ChunkedDecoder),
    UntilClose { closed: bool },
}

impl BodyDecoder {
    /// For a body of this framing.
    pub fn new(framing: Framing) -> Self {
        let kind = match framing {
            Framing::None => Kind::Length(0),
            Framing::Length(length) => Kind::Length(length),
            Framing::Chunked => Kind::Chunked(ChunkedDecoder::new()),
            Framing::UntilClose => Kind::UntilClose { closed: false },
        };
        Self { kind }
    }

    /// Whether the body has ended. What follows in the input belongs to the next message.
    pub fn is_done(&self) -> bool {
        match &self.kind {
            Kind::Length(remaining) => *remaining == 0,
            Kind::Chunked(chunked) => chunked.is_done(),
            Kind::UntilClose { closed } => *closed,
        }
    }

    /// Reads on in `input`: (bytes of framing to skip, bytes of data after them), both then taken as consumed.
    pub fn decode(&mut self, input: &[u8]) -> Result<(usize, usize), InvalidChunk> {
        match &mut self.kind {
            Kind::Length(remaining) => {
                let data = (*remaining).min(input.len() as u64);
                *remaining -= data;
                Ok((0, data as usize))
            }
            Kind::Chunked(chunked) => chunked.decode(input),
            Kind::UntilClose { .. } => Ok((0, input.len())),
        }
    }

    /// The input has ended. Returns whether the body may end so.
    pub fn close(&mut self) -> bool {
        if let Kind::UntilClose { closed } = &mut self.kind {
            *closed = true;
        }
        self.is_done()
    }
}
