//! stub
pub mod failure;
use crate::plan::*;
use crate::telemetry::*;
pub use failure::UpstreamFailure;
use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll},
};
/// s
#[derive(Debug, Clone, Default)]
pub struct UpstreamSettings;
/// s
pub struct Upstreams;
/// s
pub struct UpstreamConnection(tokio::net::TcpStream);
#[allow(missing_docs, clippy::all, clippy::pedantic)]
impl Upstreams {
    pub fn new(_: UpstreamSettings, _: Rc<dyn Observer>) -> Rc<Self> {
        Rc::new(Self)
    }
    pub fn apply(self: &Rc<Self>, _: &Arc<Plan>, _: &Arc<Endpoints>) {}
    pub fn endpoints_changed(&self, _: &ServicePort, _: Arc<[Endpoint]>) {}
    pub async fn acquire(self: &Rc<Self>, _: &Arc<Backend>) -> Result<UpstreamConnection, UpstreamFailure> {
        Ok(UpstreamConnection(tokio::net::TcpStream::connect("x").await.unwrap()))
    }
    pub fn close_idle(&self, _: CloseReason) {}
}
#[allow(missing_docs, clippy::all, clippy::pedantic)]
impl UpstreamConnection {
    pub fn endpoint(&self) -> SocketAddr {
        self.0.peer_addr().unwrap()
    }
    pub fn tls(&self) -> Option<&TlsInfo> {
        None
    }
    pub fn is_reused(&self) -> bool {
        false
    }
    pub fn release(self) {}
    pub fn discard(self, _: CloseReason) {}
    pub fn read_failure(&self, _: &io::Error) -> UpstreamFailure {
        todo!()
    }
}
impl tokio::io::AsyncRead for UpstreamConnection {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, b: &mut tokio::io::ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_read(cx, b)
    }
}
impl tokio::io::AsyncWrite for UpstreamConnection {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, b: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().0).poll_write(cx, b)
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
