//! Addresses in a line, as [`SocketAddr`] writes them, without its formatting where they are of IPv4.

use std::hash::BuildHasher;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV6};

use foldhash::fast::RandomState;

/// How many addresses of IPv6 are remembered; a power of two.
const REMEMBERED: usize = 16;

/// Writes addresses. To write one of IPv6 takes long, so the last few are remembered.
#[derive(Debug)]
pub(super) struct Addresses {
    hasher: RandomState,
    remembered: [(SocketAddrV6, Vec<u8>); REMEMBERED],
}

impl Default for Addresses {
    fn default() -> Self {
        let none = SocketAddrV6::new(std::net::Ipv6Addr::UNSPECIFIED, 0, 0, 0);
        let remembered = std::array::from_fn(|_| (none, none.to_string().into_bytes()));
        Self { hasher: RandomState::default(), remembered }
    }
}

impl Addresses {
    /// Appends an address.
    pub(super) fn write(&mut self, out: &mut Vec<u8>, address: SocketAddr) {
        let v6 = match address {
            SocketAddr::V4(v4) => {
                ipv4(out, *v4.ip());
                return port(out, v4.port());
            }
            SocketAddr::V6(v6) => v6,
        };
        // The form in which a socket of both families tells addresses of IPv4.
        if let (Some(v4), 0) = (v6.ip().to_ipv4_mapped(), v6.scope_id()) {
            out.extend_from_slice(b"[::ffff:");
            ipv4(out, v4);
            out.push(b']');
            return port(out, v6.port());
        }
        let place = self.hasher.hash_one(v6) as usize % REMEMBERED;
        let (remembered, text) = &mut self.remembered[place];
        if *remembered != v6 {
            *remembered = v6;
            text.clear();
            // Writing into memory cannot fail.
            let _ = write!(text, "{v6}");
        }
        out.extend_from_slice(text);
    }
}

fn ipv4(out: &mut Vec<u8>, address: Ipv4Addr) {
    for (at, octet) in address.octets().into_iter().enumerate() {
        if at > 0 {
            out.push(b'.');
        }
        out.extend_from_slice(itoa::Buffer::new().format(octet).as_bytes());
    }
}

fn port(out: &mut Vec<u8>, port: u16) {
    out.push(b':');
    out.extend_from_slice(itoa::Buffer::new().format(port).as_bytes());
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv6Addr, SocketAddr, SocketAddrV6};

    use proptest::prelude::*;

    use super::Addresses;

    proptest! {
        #[test]
        fn an_address_is_written_as_it_writes_itself(
            addresses in proptest::collection::vec((any::<[u16; 8]>(), any::<u16>(), 0..2_u32, 0..4), 1..40),
        ) {
            let mut known = Addresses::default();
            for (segments, port, scope, kind) in addresses {
                let v6 = match kind {
                    0 => Ipv6Addr::from(segments),
                    1 => Ipv6Addr::from([0, 0, 0, 0, 0, 0xffff, segments[0], segments[1]]),
                    // A few that come again.
                    _ => Ipv6Addr::from([0xfd00, 0, 0, 0, 0, 0, 0, segments[0] % 4]),
                };
                let v4 = v6.to_ipv4_mapped().map(|v4| SocketAddr::from((v4, port)));
                let v6 = SocketAddr::V6(SocketAddrV6::new(v6, port % 4, 0, scope));
                for address in v4.into_iter().chain([v6]) {
                    let mut text = Vec::new();
                    known.write(&mut text, address);
                    prop_assert_eq!(String::from_utf8_lossy(&text), address.to_string());
                }
            }
        }
    }
}
