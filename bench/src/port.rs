//! Ports to listen on, for programs that do not tell which one they got.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

use anyhow::Context as _;

/// Ports are looked for in so many below those of outgoing connections.
const SPAN: u16 = 8192;
/// Each port is handed out once.
static NEXT: AtomicU16 = AtomicU16::new(0);

/// An address of the loopback network that nobody listens on. Its port is below those that the kernel gives to outgoing
/// connections, one of which could take it until it is listened on.
pub(crate) fn free_address() -> anyhow::Result<SocketAddr> {
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let (first, offset) = (lowest(&range), std::process::id() as u16);
    let ports = (0..SPAN).map(|_| first + NEXT.fetch_add(1, Ordering::Relaxed).wrapping_add(offset) % SPAN);
    let mut addresses = ports.map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    addresses.find(|address| TcpListener::bind(address).is_ok()).context("no free port")
}

/// The first port to try, for a range of the kernel's such as `32768 60999`.
fn lowest(range: &str) -> u16 {
    let begin = range.split_ascii_whitespace().next().and_then(|begin| begin.parse::<u16>().ok()).unwrap_or(32768);
    begin.saturating_sub(SPAN).max(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_below_those_of_outgoing_connections() {
        assert_eq!(lowest("32768\t60999\n"), 32768 - SPAN);
        assert_eq!(lowest("2000 60999"), 1024);
        assert_eq!(lowest(""), 32768 - SPAN);
    }

    #[test]
    fn no_port_is_handed_out_twice() {
        let first = free_address().unwrap();
        let second = free_address().unwrap();
        assert_ne!(first, second);
        assert!(TcpListener::bind(first).is_ok());
    }
}
