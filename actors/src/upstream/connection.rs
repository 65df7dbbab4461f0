//! A connection in the hands of an exchange.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::channel::{Channel, ConnectionInfo};
use super::classify;
use super::connector::Transport;
use super::failure::UpstreamFailure;
use super::pool::{Busy, Pool};
use super::registry::Registry;
use crate::outcome::Reason;
use crate::plan::Backend;
use crate::telemetry::{CloseReason, PoolState};

/// A connection on which one HTTP/1.1 exchange can be made.
///
/// When the exchange is over and the connection can carry another one, give it back with [`release`](Self::release); else
/// say why not with [`discard`](Self::discard). One that is just dropped counts as closed by an error.
pub struct UpstreamConnection {
    channel: Option<Box<Channel>>,
    pool: Rc<Pool>,
    registry: Rc<Registry>,
    reused: bool,
    sent: u64,
    received: u64,
    /// A write failed of which a part may have gone.
    tried: bool,
    _busy: Busy,
}

impl UpstreamConnection {
    pub(super) fn new(channel: Box<Channel>, pool: &Rc<Pool>, registry: &Rc<Registry>, reused: bool) -> Self {
        Self {
            channel: Some(channel),
            pool: pool.clone(),
            registry: registry.clone(),
            reused,
            sent: 0,
            received: 0,
            tried: false,
            _busy: pool.occupy(),
        }
    }

    /// Where it goes, and how it is secured.
    pub fn info(&self) -> &Rc<ConnectionInfo> {
        &self.channel().info
    }

    /// Where it goes.
    pub fn endpoint(&self) -> SocketAddr {
        self.channel().info.endpoint
    }

    /// The backend for which it was acquired.
    pub fn backend(&self) -> &Arc<Backend> {
        &self.channel().owner
    }

    /// Whether it has carried an exchange before. The peer may then have closed it at the very moment at which it was
    /// acquired, and a request that can be repeated deserves another try.
    pub fn is_reused(&self) -> bool {
        self.reused
    }

    /// Whether a byte may have gone to the peer since it was acquired. If not, any request can be sent on another connection.
    ///
    /// What TLS has taken counts, be it still on our side; so does a failed write of TLS, which may have put out a part.
    pub fn has_sent(&self) -> bool {
        self.sent > 0 || self.tried
    }

    /// Whether a byte has come from the peer since it was acquired.
    pub fn has_received(&self) -> bool {
        self.received > 0
    }

    /// Gives it back. The response must have been read to its end.
    pub fn release(mut self) {
        if let Some(mut channel) = self.end() {
            channel.accepted(&*self.registry.observer);
            self.pool.put_back(channel, &self.registry, Instant::now());
        }
    }

    /// Closes it.
    pub fn discard(mut self, reason: CloseReason) {
        if let Some(channel) = self.end() {
            self.registry.close(channel, PoolState::Active, reason);
        }
    }

    /// What an error of reading or writing means. Before the first byte of a TLS 1.3 connection an alert belongs to the
    /// handshake: the peer refused us, or our client certificate.
    pub fn read_failure(&self, error: &io::Error) -> UpstreamFailure {
        let channel = self.channel();
        let (reason, message) = if !self.reused
            && self.received == 0
            && let Some(refusal) = channel.refusal(error)
        {
            let certificate = match &channel.owner.tls {
                crate::plan::Tls::Originate { identity, .. } => identity.client_certificate.as_ref(),
                _ => None,
            };
            let sent = match certificate {
                Some(certificate) => format!("the client certificate {}", certificate.reference),
                None => "no client certificate".into(),
            };
            (Reason::Handshake(refusal.result), format!("{} ({sent} was presented)", refusal.cause))
        } else if classify::tls_error(error).is_some() || error.kind() == io::ErrorKind::InvalidData {
            (Reason::UpstreamProtocol, error.to_string())
        } else {
            (Reason::UpstreamClosed, error.to_string())
        };
        UpstreamFailure { reason, certificate_error: None, message, endpoint: Some(channel.info.endpoint) }
    }

    fn channel(&self) -> &Channel {
        // It leaves only with `self`.
        self.channel.as_ref().expect("a connection that has not ended")
    }

    /// Counts the bytes and takes the connection out.
    fn end(&mut self) -> Option<Box<Channel>> {
        let channel = self.channel.take()?;
        if self.sent > 0 || self.received > 0 {
            self.registry.observer.upstream_bytes(&channel.owner.id, self.sent, self.received);
        }
        Some(channel)
    }

    fn io(&mut self) -> Pin<&mut dyn Transport> {
        Pin::new(&mut *self.channel.as_mut().expect("a connection that has not ended").io)
    }

    /// An error before the peer's first byte may be its word on the handshake.
    fn failed(&mut self, error: io::Error) -> io::Error {
        if let Some(channel) = &mut self.channel
            && channel.is_unconfirmed()
            && let Some(refusal) = channel.refusal(&error)
        {
            channel.refused(&refusal, &*self.registry.observer);
        }
        error
    }

    fn wrote(&mut self, result: io::Result<usize>) -> io::Result<usize> {
        match result {
            Ok(count) => {
                self.sent += count as u64;
                Ok(count)
            }
            Err(error) => {
                // A plain socket that fails has taken nothing; TLS writes a record in as many pieces as it must.
                self.tried |= self.info().tls.is_some();
                Err(self.failed(error))
            }
        }
    }
}

impl AsyncRead for UpstreamConnection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if buffer.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        let result = ready!(self.io().poll_read(cx, buffer));
        let count = buffer.filled().len() - before;
        self.received += count as u64;
        if count > 0
            && let Self { channel: Some(channel), registry, .. } = &mut *self
            && channel.is_unconfirmed()
        {
            channel.accepted(&*registry.observer);
        }
        Poll::Ready(result.map_err(|error| self.failed(error)))
    }
}

impl AsyncWrite for UpstreamConnection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let result = ready!(self.io().poll_write(cx, bytes));
        Poll::Ready(self.wrote(result))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = ready!(self.io().poll_write_vectored(cx, slices));
        Poll::Ready(self.wrote(result))
    }

    fn is_write_vectored(&self) -> bool {
        self.channel().io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = ready!(self.io().poll_flush(cx));
        Poll::Ready(result.map_err(|error| self.failed(error)))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io().poll_shutdown(cx)
    }
}

impl Drop for UpstreamConnection {
    fn drop(&mut self) {
        if let Some(channel) = self.end() {
            self.registry.close(channel, PoolState::Active, CloseReason::Error);
        }
    }
}

impl std::fmt::Debug for UpstreamConnection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UpstreamConnection")
            .field("info", self.info())
            .field("reused", &self.reused)
            .finish_non_exhaustive()
    }
}
