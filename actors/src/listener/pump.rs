//! One direction of an exchange: a body that is read on one side and written on the other, with back-pressure (nothing is
//! read while something waits to be written) and without copies where the data is not small.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BufMut, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::http1::chunked::InvalidChunk;
use crate::http1::{BodyDecoder, Framing};

/// Data up to this size is copied behind what is already waiting, so that it goes out in the same write.
const COPY: usize = 2048;
/// Room that is made for a read, at first and once a body has shown to be large.
const SMALL_READ: usize = 8 * 1024;
const LARGE_READ: usize = 64 * 1024;

/// Why a direction ended before its body did.
#[derive(Debug)]
pub(super) enum PumpError {
    /// Reading failed.
    Read(io::Error),
    /// The side that is read closed within the body.
    Truncated,
    /// The body's framing is invalid.
    Framing,
    /// Writing failed.
    Write,
}

impl From<InvalidChunk> for PumpError {
    fn from(_: InvalidChunk) -> Self {
        Self::Framing
    }
}

/// The state of one direction.
#[derive(Debug)]
pub(super) struct Pump {
    /// What was read and not yet written; when the body has ended, what follows it.
    pub(super) input: BytesMut,
    /// What is to be written before `direct` bytes of `input`.
    pub(super) output: BytesMut,
    /// How many bytes at the start of `input` are to be written as they are.
    direct: usize,
    /// What is to be written after them.
    tail: &'static [u8],
    decoder: BodyDecoder,
    chunked: bool,
    /// Whether everything up to the end of the body is in `output`, `direct` and `tail`.
    ended: bool,
    unflushed: bool,
    /// Bytes of data that have passed.
    pub(super) moved: u64,
    /// Whether any byte has been written.
    pub(super) wrote: bool,
    /// Whether bytes have moved since somebody asked.
    stirred: bool,
    /// How reading ended, while what was read before waits to be written.
    held: Option<io::Result<usize>>,
}

impl Pump {
    /// A direction with what was read already. `from` frames the body as it comes in, `to` as it goes out.
    pub(super) fn new(input: BytesMut, output: BytesMut, from: Framing, to: Framing) -> Self {
        let decoder = BodyDecoder::new(from);
        let chunked = to == Framing::Chunked;
        Self {
            input,
            output,
            direct: 0,
            tail: b"",
            ended: from == Framing::None,
            decoder,
            chunked,
            unflushed: false,
            moved: 0,
            wrote: false,
            stirred: false,
            held: None,
        }
    }

    /// Takes the framing of the body, when the head before it has been read.
    pub(super) fn begin(&mut self, from: Framing, to: Framing) {
        self.decoder = BodyDecoder::new(from);
        self.chunked = to == Framing::Chunked;
        self.ended = from == Framing::None;
    }

    /// Whether the body has been read to its end.
    pub(super) fn is_read(&self) -> bool {
        self.ended
    }

    /// Whether the side that is read is known to have ended.
    pub(super) fn is_over(&self) -> bool {
        self.held.is_some()
    }

    /// Whether it waits, if it waits at all, for the side that is written.
    pub(super) fn is_writing(&self) -> bool {
        self.has_output() || self.unflushed
    }

    /// Whether bytes have been read or written since this was asked last.
    pub(super) fn take_stirred(&mut self) -> bool {
        std::mem::take(&mut self.stirred)
    }

    /// Forgets what waits to be written. What is left in `input` follows what was read of the body.
    pub(super) fn forget_unwritten(&mut self) {
        self.output.clear();
        self.input.advance(std::mem::take(&mut self.direct));
        self.tail = b"";
    }

    /// Moves as much as both sides take. Ready when the body has ended and everything is written and flushed.
    pub(super) fn poll<R, W>(
        &mut self,
        cx: &mut Context<'_>,
        mut from: Pin<&mut R>,
        mut to: Pin<&mut W>,
    ) -> Poll<Result<(), PumpError>>
    where
        R: AsyncRead + ?Sized,
        W: AsyncWrite + ?Sized,
    {
        loop {
            self.decode()?;
            if self.has_output() {
                ready!(self.poll_write(cx, to.as_mut()))?;
                continue;
            }
            if self.ended {
                return self.poll_flush(cx, to);
            }
            match self.poll_read(cx, from.as_mut()) {
                Poll::Ready(Ok(0)) => {
                    if !self.decoder.close() {
                        return Poll::Ready(Err(PumpError::Truncated));
                    }
                    self.end();
                }
                Poll::Ready(Ok(_)) => self.gather(cx, from.as_mut()),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(PumpError::Read(error))),
                Poll::Pending => {
                    ready!(self.poll_flush(cx, to))?;
                    return Poll::Pending;
                }
            }
        }
    }

    /// Writes what waits in `output`, and nothing of the body. Ready when all of it is written and flushed.
    pub(super) fn poll_output<W>(&mut self, cx: &mut Context<'_>, mut to: Pin<&mut W>) -> Poll<Result<(), PumpError>>
    where
        W: AsyncWrite + ?Sized,
    {
        while self.has_output() {
            ready!(self.poll_write(cx, to.as_mut()))?;
        }
        self.poll_flush(cx, to)
    }

    /// Reads once into `input`. Ready with 0 at the end of the stream.
    pub(super) fn poll_read<R>(&mut self, cx: &mut Context<'_>, from: Pin<&mut R>) -> Poll<io::Result<usize>>
    where
        R: AsyncRead + ?Sized,
    {
        if let Some(read) = self.held.take() {
            return Poll::Ready(read);
        }
        let room = if self.is_large() { LARGE_READ.saturating_sub(self.input.len()) } else { SMALL_READ };
        let read = poll_read_into(cx, from, &mut self.input, room.max(SMALL_READ));
        self.stirred |= read.is_ready();
        read
    }

    fn is_large(&self) -> bool {
        self.moved > LARGE_READ as u64
    }

    /// Reads on in a large body, as far as that needs no waiting: TLS gives a record at a time, and a write of several costs
    /// little more than one of one. An end or an error is held until what came before it is written.
    fn gather<R>(&mut self, cx: &mut Context<'_>, mut from: Pin<&mut R>)
    where
        R: AsyncRead + ?Sized,
    {
        while self.is_large() && self.held.is_none() && self.input.len() <= LARGE_READ - SMALL_READ {
            match self.poll_read(cx, from.as_mut()) {
                Poll::Ready(Ok(1..)) => {}
                Poll::Ready(ended) => self.held = Some(ended),
                Poll::Pending => return,
            }
        }
    }

    fn has_output(&self) -> bool {
        !self.output.is_empty() || self.direct > 0 || !self.tail.is_empty()
    }

    /// Turns what was read into what is to be written, as long as that can be joined to one write.
    fn decode(&mut self) -> Result<(), PumpError> {
        while !self.ended && self.direct == 0 && self.tail.is_empty() {
            if self.input.is_empty() && !self.decoder.is_done() {
                return Ok(());
            }
            let (skip, data) = self.decoder.decode(&self.input)?;
            self.input.advance(skip);
            self.moved += data as u64;
            if data > 0 {
                if self.chunked {
                    put_chunk_size(&mut self.output, data);
                }
                if data <= COPY {
                    self.output.extend_from_slice(&self.input[..data]);
                    self.input.advance(data);
                    if self.chunked {
                        self.output.extend_from_slice(b"\r\n");
                    }
                } else {
                    self.direct = data;
                    self.tail = if self.chunked { b"\r\n" } else { b"" };
                }
            }
            if self.decoder.is_done() {
                self.end();
            }
        }
        Ok(())
    }

    fn end(&mut self) {
        self.ended = true;
        if self.chunked {
            match (self.direct, self.tail) {
                (0, b"") => self.output.extend_from_slice(b"0\r\n\r\n"),
                _ => self.tail = b"\r\n0\r\n\r\n",
            }
        }
    }

    fn poll_write<W>(&mut self, cx: &mut Context<'_>, to: Pin<&mut W>) -> Poll<Result<(), PumpError>>
    where
        W: AsyncWrite + ?Sized,
    {
        let slices = [IoSlice::new(&self.output), IoSlice::new(&self.input[..self.direct]), IoSlice::new(self.tail)];
        let alone = slices.iter().filter(|slice| !slice.is_empty()).count() == 1;
        let written = if to.is_write_vectored() && !alone {
            to.poll_write_vectored(cx, &slices)
        } else {
            let first = slices.iter().find(|slice| !slice.is_empty()).map_or(&[][..], |slice| slice);
            to.poll_write(cx, first)
        };
        let Ok(mut written @ 1..) = ready!(written) else {
            return Poll::Ready(Err(PumpError::Write));
        };
        self.unflushed = true;
        self.wrote = true;
        self.stirred = true;
        let from_output = written.min(self.output.len());
        self.output.advance(from_output);
        written -= from_output;
        let from_input = written.min(self.direct);
        self.input.advance(from_input);
        self.direct -= from_input;
        written -= from_input;
        self.tail = &self.tail[written..];
        Poll::Ready(Ok(()))
    }

    fn poll_flush<W>(&mut self, cx: &mut Context<'_>, to: Pin<&mut W>) -> Poll<Result<(), PumpError>>
    where
        W: AsyncWrite + ?Sized,
    {
        if self.unflushed {
            ready!(to.poll_flush(cx)).map_err(|_| PumpError::Write)?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }
}

/// Reads once, after making `room` in the buffer. Ready with 0 at the end of the stream.
pub(super) fn poll_read_into<R>(
    cx: &mut Context<'_>,
    from: Pin<&mut R>,
    buffer: &mut BytesMut,
    room: usize,
) -> Poll<io::Result<usize>>
where
    R: AsyncRead + ?Sized,
{
    buffer.reserve(room);
    tokio_util::io::poll_read_buf(from, cx, buffer)
}

fn put_chunk_size(output: &mut BytesMut, size: usize) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = (usize::BITS - size.leading_zeros()).div_ceil(4).max(1);
    for place in (0..digits).rev() {
        output.put_u8(DIGITS[size >> (4 * place) & 0xf]);
    }
    output.put_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// Sends `input` in small pieces through a pump and returns what comes out.
    async fn pumped(input: &[u8], from: Framing, to: Framing) -> (Vec<u8>, Result<(), PumpError>) {
        let (mut source, mut read) = tokio::io::duplex(7);
        let (mut write, mut sink) = tokio::io::duplex(11);
        let feed = async {
            source.write_all(input).await.unwrap();
            drop(source);
        };
        let pump = async {
            let mut pump = Pump::new(BytesMut::new(), BytesMut::from(&b"HEAD "[..]), from, to);
            let result = poll_fn(|cx| pump.poll(cx, Pin::new(&mut read), Pin::new(&mut write))).await;
            drop(write);
            drop(read);
            result
        };
        let drain = async {
            let mut output = Vec::new();
            sink.read_to_end(&mut output).await.unwrap();
            output
        };
        let (fed, result, output) =
            tokio::join!(tokio::time::timeout(std::time::Duration::from_secs(5), feed), pump, drain);
        let _ = fed;
        (output, result)
    }

    #[tokio::test]
    async fn every_framing_becomes_every_other() {
        let data = "0123456789".repeat(1000);
        let chunked = format!("7d0\r\n{}\r\n1f40;x=y\r\n{}\r\n0\r\n\r\n", &data[..2000], &data[2000..]);
        for (input, from) in
            [(&data, Framing::Length(10_000)), (&data, Framing::UntilClose), (&chunked, Framing::Chunked)]
        {
            let (output, result) = pumped(input.as_bytes(), from, Framing::Length(10_000)).await;
            assert!(result.is_ok(), "{from:?}");
            assert_eq!(String::from_utf8(output).unwrap(), format!("HEAD {data}"), "{from:?}");

            let (output, result) = pumped(input.as_bytes(), from, Framing::Chunked).await;
            assert!(result.is_ok(), "{from:?}");
            let mut decoder = BodyDecoder::new(Framing::Chunked);
            let (mut rest, mut decoded) = (&output[5..], Vec::new());
            while !rest.is_empty() {
                let (skip, length) = decoder.decode(rest).unwrap();
                decoded.extend_from_slice(&rest[skip..skip + length]);
                rest = &rest[skip + length..];
            }
            assert!(decoder.is_done() && decoded == data.as_bytes(), "{from:?}");
        }
    }

    #[tokio::test]
    async fn a_body_cut_short_is_an_error() {
        let (_, result) = pumped(b"abc", Framing::Length(4), Framing::Length(4)).await;
        assert!(matches!(result, Err(PumpError::Truncated)));
        let (_, result) = pumped(b"5\r\nab", Framing::Chunked, Framing::Chunked).await;
        assert!(matches!(result, Err(PumpError::Truncated)));
        let (_, result) = pumped(b"x\r\n", Framing::Chunked, Framing::Chunked).await;
        assert!(matches!(result, Err(PumpError::Framing)));
    }

    /// Gives as much as is asked for, always at once, and then fails.
    struct Fails(usize);

    impl AsyncRead for Fails {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buffer: &mut tokio::io::ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            if self.0 == 0 {
                return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
            }
            let given = buffer.remaining().min(self.0);
            self.0 -= given;
            buffer.put_slice(&vec![b'x'; given]);
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn an_error_in_a_large_body_comes_after_what_was_read_and_is_no_end() {
        for length in [LARGE_READ, 3 * LARGE_READ + 7] {
            let mut written = Vec::new();
            let mut pump = Pump::new(BytesMut::new(), BytesMut::new(), Framing::UntilClose, Framing::UntilClose);
            let mut source = Fails(length);
            let result = poll_fn(|cx| pump.poll(cx, Pin::new(&mut source), Pin::new(&mut written))).await;
            assert!(matches!(result, Err(PumpError::Read(_))), "{length}: {result:?}");
            assert_eq!(written.len(), length);
        }
    }

    #[test]
    fn chunk_sizes_are_hexadecimal() {
        for size in [1, 15, 16, 255, 256, 65_536, 1 << 30] {
            let mut output = BytesMut::new();
            put_chunk_size(&mut output, size);
            assert_eq!(output, format!("{size:x}\r\n"));
        }
    }
}
