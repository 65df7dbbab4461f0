//! TCP to one endpoint, and the stream that plaintext and TLS have in common. It must not know who is at the other end.

use std::io;
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_rt::net::{ActixStream, Ready};
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::bulk::BulkSocket;
use super::handshake::pending_error;

/// A silent peer is asked after this.
const KEEPALIVE_TIME: Duration = Duration::from_secs(30);
/// And again at this interval.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);

/// Connects by TCP, with no delay for small segments and with keepalive. The caller limits its time.
pub async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpStream::connect(address).await?;
    socket.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE_TIME).with_interval(KEEPALIVE_INTERVAL);
    SockRef::from(&socket).set_tcp_keepalive(&keepalive)?;
    Ok(socket)
}

/// An open connection.
///
/// A read into an empty buffer is a question to the kernel, past what the reactor has heard: it is ready if something has
/// arrived, be it the peer's end, and pending (nobody is woken) if not. awc, whose connection hides this one, passes it on.
#[derive(Debug)]
pub(super) enum Stream {
    /// To a backend without a policy.
    Plaintext(TcpStream),
    /// To a backend with one.
    Tls(Box<TlsStream<BulkSocket>>),
}

impl Stream {
    fn socket(&self) -> &TcpStream {
        match self {
            Self::Plaintext(socket) => socket,
            Self::Tls(stream) => stream.get_ref().0.socket(),
        }
    }

    /// Asks the kernel whether there is anything to read. What TLS needs for itself, such as a ticket, does not count.
    fn has_arrived(&mut self) -> bool {
        let nothing = |error: &io::Error| error.kind() == io::ErrorKind::WouldBlock;
        match self {
            Self::Plaintext(socket) => {
                let peeked = SockRef::from(&*socket).peek(&mut [MaybeUninit::uninit()]);
                !peeked.is_err_and(|error| nothing(&error))
            }
            Self::Tls(stream) => {
                let (socket, session) = stream.get_mut();
                while session.wants_read() {
                    match session.read_tls(socket) {
                        Ok(1..) if session.process_new_packets().is_ok() => {}
                        Err(error) if nothing(&error) => return false,
                        _ => return true,
                    }
                }
                true
            }
        }
    }

    /// A peer that refuses us in TLS 1.3 sends an alert and closes. If our writing fails first, the alert has arrived and
    /// says more than the broken pipe.
    fn explained(&mut self, error: io::Error) -> io::Error {
        match self {
            Self::Tls(stream) => pending_error(stream).map_or(error, io::Error::other),
            Self::Plaintext(_) => error,
        }
    }
}

macro_rules! either {
    ($self:ident, $stream:ident => $call:expr) => {
        match $self.get_mut() {
            Self::Plaintext($stream) => {
                let $stream = Pin::new($stream);
                $call
            }
            Self::Tls($stream) => {
                let $stream = Pin::new(&mut **$stream);
                $call
            }
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if buffer.remaining() == 0 {
            return if self.has_arrived() { Poll::Ready(Ok(())) } else { Poll::Pending };
        }
        either!(self, stream => stream.poll_read(cx, buffer))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.as_mut();
        let written = either!(this, stream => stream.poll_write(cx, bytes));
        written.map_err(|error| self.explained(error))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.as_mut();
        let written = either!(this, stream => stream.poll_write_vectored(cx, slices));
        written.map_err(|error| self.explained(error))
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plaintext(socket) => socket.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.as_mut();
        let flushed = either!(this, stream => stream.poll_flush(cx));
        flushed.map_err(|error| self.explained(error))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_shutdown(cx))
    }
}

impl ActixStream for Stream {
    fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        ActixStream::poll_read_ready(self.socket(), cx)
    }

    fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        ActixStream::poll_write_ready(self.socket(), cx)
    }
}
