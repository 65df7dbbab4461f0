//! One HTTP/1.1 GET at a time over plaintext: to see that a proxy is ready, to stream, and to hold idle connections.

use std::io::{Read, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use socket2::{Domain, Socket, Type};

/// Past this a connection counts as stuck.
const PATIENCE: Duration = Duration::from_secs(20);
/// No response here has a larger head.
const LARGEST_HEAD: usize = 16 * 1024;

/// What a response said. Its body has been read and dropped.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Response {
    /// Of the status line.
    pub(crate) status: u16,
    /// Bytes of the body.
    pub(crate) length: u64,
}

/// A connection to a proxy.
#[derive(Debug)]
pub(crate) struct Client {
    stream: TcpStream,
}

impl Client {
    /// Connects from the address 127.0.0.1.
    pub(crate) fn connect(address: SocketAddr) -> anyhow::Result<Self> {
        Self::connect_from(Ipv4Addr::LOCALHOST, address)
    }

    /// Connects from an address of the loopback network: each has ports of its own.
    pub(crate) fn connect_from(source: Ipv4Addr, address: SocketAddr) -> anyhow::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.bind(&SocketAddr::from((source, 0)).into()).with_context(|| format!("binding {source}"))?;
        socket.connect_timeout(&address.into(), PATIENCE).with_context(|| format!("connecting to {address}"))?;
        let stream = TcpStream::from(socket);
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { stream })
    }

    /// Asks, and reads the response to its end, into `buffer` piece by piece.
    pub(crate) fn get(&mut self, host: &str, path: &str, buffer: &mut [u8]) -> anyhow::Result<Response> {
        // In one segment: pieces would wait for each other's acknowledgement.
        self.stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes())?;
        read_response(&mut self.stream, buffer)
    }
}

/// One request on a connection of its own.
pub(crate) fn get(address: SocketAddr, host: &str, path: &str) -> anyhow::Result<Response> {
    Client::connect(address)?.get(host, path, &mut vec![0; 64 * 1024])
}

fn read_response(stream: &mut impl Read, buffer: &mut [u8]) -> anyhow::Result<Response> {
    let mut head = Vec::new();
    let end = loop {
        if let Some(end) = head.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        ensure!(head.len() < LARGEST_HEAD, "the head of the response does not end");
        let count = stream.read(buffer)?;
        ensure!(count > 0, "the connection ended within the head of the response");
        head.extend_from_slice(&buffer[..count]);
    };
    let (status, length) = parse_head(std::str::from_utf8(&head[..end])?)?;
    let mut left = length.checked_sub((head.len() - end) as u64).context("more bytes than the response has")?;
    while left > 0 {
        let count = stream.read(buffer)? as u64;
        ensure!(count > 0, "the connection ended {left} bytes before the end of the response");
        left = left.checked_sub(count).context("more bytes than the response has")?;
    }
    Ok(Response { status, length })
}

/// The status and the length of the body.
fn parse_head(head: &str) -> anyhow::Result<(u16, u64)> {
    let mut lines = head.split("\r\n");
    let line = lines.next().unwrap_or_default();
    let status =
        line.split(' ').nth(1).and_then(|code| code.parse().ok()).with_context(|| format!("status: {line:?}"))?;
    for field in lines {
        if let Some((name, value)) = field.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            return Ok((status, value.trim().parse()?));
        }
    }
    bail!("a response {status} without a Content-Length")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives three bytes at a time.
    struct Trickle<'a>(&'a [u8]);

    impl Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let length = buffer.len().min(3);
            self.0.read(&mut buffer[..length])
        }
    }

    /// In pieces, and at once.
    fn read(bytes: &[u8]) -> [anyhow::Result<Response>; 2] {
        [read_response(&mut Trickle(bytes), &mut [0; 64]), read_response(&mut &bytes[..], &mut [0; 64])]
    }

    #[test]
    fn a_response_is_read_to_its_end() {
        for response in read(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nserver: x\r\n\r\n12345") {
            assert_eq!(response.unwrap(), Response { status: 200, length: 5 });
        }
        for response in read(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length:0\r\n\r\n") {
            assert_eq!(response.unwrap(), Response { status: 502, length: 0 });
        }
    }

    #[test]
    fn a_response_that_is_cut_short_or_has_no_length_is_an_error() {
        for bytes in [
            &b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n1234"[..],
            b"HTTP/1.1 200 OK\r\nContent-Le",
            b"HTTP/1.1 200 OK\r\n\r\n",
            b"",
        ] {
            assert!(read(bytes).iter().all(Result::is_err), "{:?} was taken", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn bytes_past_the_end_of_a_response_are_an_error() {
        let [_, at_once] = read(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1234");
        assert!(at_once.is_err());
    }
}
