//! The part of a line that tells of the TLS of the connection to the backend.

use jiff::Timestamp;

use super::LogFormat;
use super::field::{Line, name};
use crate::outcome::HandshakeResult;
use crate::telemetry::record::TlsInfo;

/// How many connections' parts are remembered; a power of two.
const REMEMBERED: usize = 8;

/// Writes the part. It is the same for every request on a connection, and for all connections to a backend but for
/// whether they resumed a session, so the last few are remembered.
#[derive(Debug, Default)]
pub(super) struct TlsParts {
    remembered: [Option<Remembered>; REMEMBERED],
}

#[derive(Debug)]
struct Remembered {
    tls: TlsInfo,
    text: Vec<u8>,
}

impl TlsParts {
    /// Of a request that went over TLS.
    pub(super) fn write(&mut self, line: &mut Line<'_>, tls: &TlsInfo) {
        match &mut self.remembered[place(tls)] {
            Some(known) => {
                if known.tls != *tls {
                    copy(&mut known.tls, tls);
                    known.text.clear();
                    render(&mut known.text, line.format, tls);
                }
                line.out.extend_from_slice(&known.text);
            }
            none => {
                let mut text = Vec::new();
                render(&mut text, line.format, tls);
                line.out.extend_from_slice(&text);
                *none = Some(Remembered { tls: tls.clone(), text });
            }
        }
    }

    /// Of a request that was decided by a handshake. TLS is known if the peer refused us after our side was done.
    pub(super) fn write_failed(line: &mut Line<'_>, tls: Option<&TlsInfo>, result: HandshakeResult) {
        write(line, tls, result);
    }
}

fn render(text: &mut Vec<u8>, format: LogFormat, tls: &TlsInfo) {
    write(&mut Line { out: text, format }, Some(tls), HandshakeResult::Ok);
}

fn write(line: &mut Line<'_>, tls: Option<&TlsInfo>, result: HandshakeResult) {
    if let Some(tls) = tls {
        line.text(name!("upstream.tls.sni"), &tls.sni);
        line.word(name!("upstream.tls.version"), tls.version);
        line.optional(name!("upstream.tls.alpn"), &tls.alpn);
        line.truth(name!("upstream.tls.resumed"), tls.resumed);
    }
    line.word(name!("upstream.tls.result"), result.as_str());
    if let Some(not_after) = tls.and_then(|tls| tls.peer_not_after) {
        let name = name!("upstream.tls.peer_not_after");
        match Timestamp::from_second(not_after) {
            Ok(time) => line.text(name, &time.to_string()),
            Err(_) => line.number(name, not_after),
        }
    }
}

/// Different certificates mostly expire in different seconds. The factor is 2^64 over the golden ratio: it spreads
/// multiples of a day as well.
fn place(tls: &TlsInfo) -> usize {
    let seconds = tls.peer_not_after.unwrap_or_default().cast_unsigned();
    let spread = (seconds ^ u64::from(tls.resumed)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (spread >> (u64::BITS - REMEMBERED.ilog2())) as usize
}

/// Copies without an allocation, where there is room.
fn copy(into: &mut TlsInfo, from: &TlsInfo) {
    into.sni.clone_from(&from.sni);
    into.alpn.clone_from(&from.alpn);
    (into.version, into.cipher) = (from.version, from.cipher);
    (into.resumed, into.peer_not_after) = (from.resumed, from.peer_not_after);
}
