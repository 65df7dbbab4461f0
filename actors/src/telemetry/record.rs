//! The records in which the request path tells what happened.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::evidence::Evidence;
use crate::outcome::{HandshakeResult, Reason};
use crate::plan::BackendId;
use crate::plan::backend::Tls;

/// One request, when its response has ended. Borrowed: telling it allocates nothing.
#[derive(Debug, Clone)]
pub struct RequestRecord<'a> {
    /// `namespace/name` of the Gateway.
    pub gateway: &'a Arc<str>,
    /// The listener that took it; empty if none did.
    pub listener: &'a str,
    /// `namespace/name` of the route; empty if none matched.
    pub route: &'a str,
    /// The backend that was chosen.
    pub backend: Option<&'a BackendId>,
    /// The endpoint that answered or failed.
    pub endpoint: Option<SocketAddr>,
    /// The client's address.
    pub client: SocketAddr,
    /// The method as sent.
    pub method: &'a str,
    /// `http` or `https`.
    pub scheme: &'static str,
    /// The `Host` as sent.
    pub host: &'a str,
    /// Path and query as sent.
    pub target: &'a str,
    /// `HTTP/1.1`
    pub version: &'static str,
    /// Status that the client got; 0 if none was sent.
    pub status: u16,
    /// Why, where the answer is ours or was cut.
    pub reason: Reason,
    /// For the log only: names, addresses, dates.
    pub detail: &'a str,
    /// From the end of the request's head to the end of the response.
    pub duration: Duration,
    /// Body bytes from the client.
    pub received: u64,
    /// Body bytes to the client.
    pub sent: u64,
    /// TLS of the connection to the backend.
    pub upstream_tls: Option<&'a TlsInfo>,
    /// The `x-request-id` that the backend gets, unless a filter changes it; empty if it did not come to that.
    pub request_id: &'a str,
    /// The `traceparent` that the client sent (W3C Trace Context, section 3.2); empty if it sent none, or several.
    pub traceparent: &'a str,
}

/// What is known of an established TLS connection to a backend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsInfo {
    /// The SNI that was sent.
    pub sni: Arc<str>,
    /// `1.2` or `1.3`
    pub version: &'static str,
    /// The cipher suite as the IANA names it.
    pub cipher: &'static str,
    /// The protocol chosen by ALPN; empty if none was.
    pub alpn: String,
    /// Whether the session was resumed.
    pub resumed: bool,
    /// `notAfter` of the peer's leaf, in seconds since the Unix epoch.
    pub peer_not_after: Option<i64>,
}

/// One attempt to connect to a backend that has a TLS identity, when its outcome is known.
#[derive(Debug, Clone)]
pub struct HandshakeRecord<'a> {
    /// The backend.
    pub backend: &'a BackendId,
    /// How the backend was configured when the attempt began.
    pub configured: &'a Tls,
    /// The policy.
    pub policy: &'a str,
    /// Where the connection went, if an address was chosen.
    pub endpoint: Option<SocketAddr>,
    /// The SNI.
    pub sni: &'a str,
    /// How it ended.
    pub result: HandshakeResult,
    /// What is known if it is established.
    pub tls: Option<&'a TlsInfo>,
    /// Time for name resolution, where there was any.
    pub dns: Option<Duration>,
    /// Time for TCP, if it got there.
    pub tcp: Option<Duration>,
    /// Time for TLS, if it got there.
    pub handshake: Option<Duration>,
    /// What is known of why.
    pub evidence: &'a Evidence,
}
