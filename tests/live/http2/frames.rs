//! Frames written and read by hand (RFC 9113 section 4.1), for what no decent client would send.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::net::TcpStream;

use crate::client;

pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const PRIORITY: u8 = 2;
pub const RESET: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const PING: u8 = 6;
pub const GOAWAY: u8 = 7;
pub const WINDOW_UPDATE: u8 = 8;
pub const CONTINUATION: u8 = 9;
pub const END_STREAM: u8 = 1;
pub const END_HEADERS: u8 = 4;
pub const PADDED: u8 = 8;
pub const ENHANCE_YOUR_CALM: u32 = 11;

/// A frame.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = u32::try_from(payload.len()).unwrap().to_be_bytes()[1..].to_vec();
    bytes.extend_from_slice(&[kind, flags]);
    bytes.extend_from_slice(&stream.to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

/// A header block of literals that are not indexed (RFC 7541 section 6.2.2), shorter than 127 bytes each.
pub fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            block.push(u8::try_from(text.len()).unwrap());
            block.extend_from_slice(text.as_bytes());
        }
    }
    block
}

/// The header block of a request.
pub fn head(method: &str, host: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let mut fields = vec![(":method", method), (":scheme", "http"), (":path", "/"), (":authority", host)];
    fields.extend_from_slice(more);
    block(&fields)
}

/// A connection by prior knowledge, with the settings exchanged on our side.
pub fn connect(address: SocketAddr) -> TcpStream {
    let mut stream = client::connect(address);
    stream.set_write_timeout(Some(std::time::Duration::from_secs(10))).unwrap();
    stream.write_all(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()).unwrap();
    stream
}

/// The next frame that is sent: its kind, flags, stream and payload.
pub fn read(stream: &mut impl Read) -> std::io::Result<(u8, u8, u32, Vec<u8>)> {
    let mut header = [0; 9];
    stream.read_exact(&mut header)?;
    let [a, b, c, kind, flags, id @ ..] = header;
    let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
    stream.read_exact(&mut payload)?;
    Ok((kind, flags, u32::from_be_bytes(id), payload))
}

/// Reads to the end of the connection and gives the error of the last GOAWAY, if one came.
pub fn goaway(stream: &mut impl Read) -> Option<u32> {
    let mut error = None;
    while let Ok((kind, _, _, payload)) = read(stream) {
        if kind == GOAWAY {
            error = Some(u32::from_be_bytes(payload[4..8].try_into().unwrap()));
        }
    }
    error
}

/// Reads until something comes for a stream: its kind and payload, or `None` at the end of the connection.
pub fn answer(stream: &mut impl Read, id: u32) -> Option<(u8, Vec<u8>)> {
    loop {
        let (kind, _, of, payload) = read(stream).ok()?;
        if of == id {
            return Some((kind, payload));
        }
    }
}
