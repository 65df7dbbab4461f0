//! TCP beneath TLS. rustls asks for 4 KiB at a time, which makes four system calls of each full record; where much comes,
//! this reads much at once and deals it out. It must not know what TLS makes of it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, BytesMut};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// What is read at once where much comes: four full records of TLS.
const BULK: usize = 64 * 1024;
/// A reader whose buffer of at least this was filled is one to whom much comes.
const FILLED: usize = 4 * 1024;

/// A socket that reads ahead while much comes. Otherwise, and while it waits, it holds no buffer.
#[derive(Debug)]
pub struct BulkSocket {
    socket: TcpStream,
    ahead: BytesMut,
    bulk: bool,
}

impl BulkSocket {
    /// Over an open socket.
    pub fn new(socket: TcpStream) -> Self {
        Self { socket, ahead: BytesMut::new(), bulk: false }
    }

    /// The socket. What was read ahead is not in it any more.
    pub fn socket(&self) -> &TcpStream {
        &self.socket
    }

    /// Gives what was read ahead to `take`, as much as there is `room` for.
    fn deal(&mut self, room: usize, take: impl FnOnce(&[u8])) -> usize {
        let dealt = room.min(self.ahead.len());
        take(&self.ahead[..dealt]);
        self.ahead.advance(dealt);
        if self.ahead.is_empty() {
            self.ahead = BytesMut::new();
        }
        dealt
    }

    fn poll_bulk(&mut self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut ahead = BytesMut::with_capacity(BULK);
        let read = ready!(tokio_util::io::poll_read_buf(Pin::new(&mut self.socket), cx, &mut ahead))?;
        self.bulk = read > FILLED;
        self.ahead = ahead;
        self.deal(buffer.remaining(), |dealt| buffer.put_slice(dealt));
        Poll::Ready(Ok(()))
    }
}

/// What was read ahead, then whatever the kernel has, without waiting and whatever the reactor has heard.
impl io::Read for BulkSocket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.ahead.is_empty() {
            return (&*SockRef::from(&self.socket)).read(buffer);
        }
        Ok(self.deal(buffer.len(), |dealt| buffer[..dealt.len()].copy_from_slice(dealt)))
    }
}

impl AsyncRead for BulkSocket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.ahead.is_empty() {
            this.deal(buffer.remaining(), |dealt| buffer.put_slice(dealt));
            return Poll::Ready(Ok(()));
        }
        if this.bulk {
            return this.poll_bulk(cx, buffer);
        }
        let room = buffer.remaining();
        ready!(Pin::new(&mut this.socket).poll_read(cx, buffer))?;
        this.bulk = room >= FILLED && buffer.remaining() == 0;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for BulkSocket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().socket).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let socket = Pin::new(&mut self.get_mut().socket);
        // The kernel takes one slice at less cost as what it is.
        match slices {
            [slice] => socket.poll_write(cx, slice),
            slices => socket.poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    async fn pair() -> (TcpStream, BulkSocket) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let ours = TcpStream::connect(listener.local_addr().expect("an address")).await.expect("a connection");
        (listener.accept().await.expect("the other end").0, BulkSocket::new(ours))
    }

    #[tokio::test]
    async fn what_comes_in_bulk_goes_out_in_order_and_leaves_no_buffer() {
        let (mut peer, mut socket) = pair().await;
        let sent = (0..1_000_000u32).map(|number| (number % 251) as u8).collect::<Vec<_>>();
        let send = async {
            peer.write_all(&sent).await.expect("the socket reads");
            peer.write_all(b"end").await.expect("the socket reads");
        };
        let receive = async {
            let mut seen = Vec::new();
            let mut buffer = [0; FILLED];
            let mut bulk = false;
            while seen.len() < sent.len() + 3 {
                let read = AsyncReadExt::read(&mut socket, &mut buffer).await.expect("more");
                assert!(read > 0);
                seen.extend_from_slice(&buffer[..read]);
                bulk |= socket.bulk;
            }
            (seen, bulk)
        };
        let ((), (seen, bulk)) = tokio::join!(send, receive);
        assert!(bulk, "it never read ahead");
        assert!(seen[..sent.len()] == sent && seen.ends_with(b"end"));
        assert_eq!(socket.ahead.capacity(), 0);
    }

    #[tokio::test]
    async fn what_was_read_ahead_comes_before_what_the_kernel_has() {
        let (mut peer, mut socket) = pair().await;
        socket.ahead = BytesMut::from(&b"before"[..]);
        peer.write_all(b"after").await.expect("the socket is open");
        socket.socket().readable().await.expect("it has arrived");
        let mut buffer = [0; 4];
        let mut seen = Vec::new();
        while seen.len() < b"beforeafter".len() {
            let read = std::io::Read::read(&mut socket, &mut buffer).expect("it has arrived");
            seen.extend_from_slice(&buffer[..read]);
        }
        assert_eq!(seen, b"beforeafter");
        let nothing = std::io::Read::read(&mut socket, &mut buffer);
        assert!(nothing.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock));
    }
}
