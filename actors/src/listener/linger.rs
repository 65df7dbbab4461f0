//! The end of a client's connection on which it may still be sending: one that is closed with something unread is reset, and
//! what was written last may be lost with it (RFC 9112 section 9.6). The caller limits its time.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// Bytes that are read and thrown away after a conversation, at the most.
const BYTES: usize = 1024 * 1024;

/// Closes our side and reads on until the client has closed its own.
pub(super) async fn linger(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> io::Result<()> {
    stream.shutdown().await?;
    discard(stream, BYTES).await
}

/// Reads to the end, or as many bytes as this.
pub(super) async fn discard(stream: &mut (impl AsyncRead + Unpin), mut left: usize) -> io::Result<()> {
    let mut rest = [0; 4096];
    while left > 0 {
        match stream.read(&mut rest).await? {
            0 => break,
            read => left = left.saturating_sub(read),
        }
    }
    Ok(())
}
