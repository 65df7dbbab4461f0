//! HTTP/2 in front (RFC 9113), by ALPN on HTTPS ports and by prior knowledge on plaintext ones. The crate `h2` knows frames,
//! HPACK and flow control; here a connection is driven, a stream becomes a request like any other, and a client that only
//! makes work is told to go away. Routes, filters and backends are not known here.
//!
//! What goes to the backend is HTTP/1.1: trailers of either side end here, 1xx is not passed on (an `Expect` is taken away,
//! so that nobody waits for one), CONNECT is refused, extended CONNECT and server push are not offered.
//!
//! # What one connection may hold
//!
//! With the defaults (128 streams), and a client that takes nothing: of requests at most the connection's window, 1 MiB,
//! in no more than [`calm::MAX_UNREAD`] small frames; of responses 64 KiB in `h2` and about 72 KiB in the pump for each
//! stream; 64 KiB that wait for the socket; and the heads of at most 128 requests, of 64 KiB each. A client that opens, gives
//! up and opens again gets no more: a stream that it resets ends its request, and the backend's connection with it, at once.

mod calm;
mod connection;
mod frames;
mod head;
mod respond;
mod stream;
mod task;
mod transport;

pub(super) use connection::run;

/// How a client begins (RFC 9113 section 3.4).
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Whether these first bytes of a connection are the preface, or may become it.
pub(super) fn may_begin(input: &[u8]) -> bool {
    let size = input.len().min(PREFACE.len());
    input[..size] == PREFACE[..size]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preface_is_known_by_all_of_its_bytes() {
        for size in 0..=PREFACE.len() {
            assert!(may_begin(&PREFACE[..size]), "{size} bytes");
        }
        assert!(may_begin(&[PREFACE, b"more"].concat()));
        for other in ["POST / HTTP/1.1\r\n", "PRI * HTTP/1.1\r\n", "PRI * HTTP/2.0\r\n\r\nMS\r\n\r\n", "GET"] {
            assert!(!may_begin(other.as_bytes()), "{other}");
        }
    }
}
