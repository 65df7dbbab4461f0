//! Addresses that the name of a backend may not lead to: whoever writes an object of a namespace must not reach, through
//! the gateway, what only the gateway can reach. Pure; it must not know who asks, nor where the addresses come from.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

/// What is refused. By default nothing is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RefusedAddresses {
    /// Whether those are that are nobody's own, or everybody's.
    special: bool,
    /// In their canonical form.
    own: Arc<[IpAddr]>,
}

impl RefusedAddresses {
    /// Refuses what leads to the pod itself (loopback, unspecified, its `own` addresses), to its node and the metadata of
    /// the cloud (link-local), or to nobody in particular (multicast, broadcast), in whatever form it is written.
    pub fn in_cluster(own: impl IntoIterator<Item = IpAddr>) -> Self {
        Self { special: true, own: own.into_iter().map(|address| address.to_canonical()).collect() }
    }

    /// Refuses these and no others: in tests, backends are on loopback.
    #[cfg(test)]
    pub(super) fn only(own: impl IntoIterator<Item = IpAddr>) -> Self {
        Self { special: false, ..Self::in_cluster(own) }
    }

    /// What an address is, if it is refused.
    pub fn why(&self, address: IpAddr) -> Option<&'static str> {
        let special = match address {
            IpAddr::V4(v4) => v4_kind(v4),
            IpAddr::V6(v6) => v6_kind(v6),
        };
        special
            .filter(|_| self.special)
            .or_else(|| self.own.contains(&address).then_some("an address of this pod"))
            .or_else(|| match address {
                IpAddr::V4(_) => None,
                IpAddr::V6(v6) => self.why(embedded(v6)?.into()),
            })
    }

    /// Names those of a host's addresses that are refused, for the log. `None` if none is.
    pub(super) fn explain(&self, host: &str, addresses: &[IpAddr]) -> Option<String> {
        // In their own order: resolvers rotate their answers.
        let mut refused =
            addresses.iter().filter_map(|address| Some((*address, self.why(*address)?))).collect::<Vec<_>>();
        refused.sort_unstable();
        refused.dedup();
        let ((first, why), others) = refused.split_first()?;
        let mut text = format!("{host} leads to {first} ({why}");
        for (address, why) in others {
            let _ = write!(text, "), {address} ({why}");
        }
        text.push_str("), where no backend may be");
        Some(text)
    }
}

fn v4_kind(address: Ipv4Addr) -> Option<&'static str> {
    match address.octets() {
        // Linux takes 0.0.0.0 for this machine.
        [0, ..] => Some("unspecified"),
        [127, ..] => Some("loopback"),
        [169, 254, ..] => Some("link-local"),
        [224..=239, ..] => Some("multicast"),
        [255, 255, 255, 255] => Some("broadcast"),
        _ => None,
    }
}

fn v6_kind(address: Ipv6Addr) -> Option<&'static str> {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => Some("unspecified"),
        [0, 0, 0, 0, 0, 0, 0, 1] => Some("loopback"),
        [0xfe80..=0xfebf, ..] => Some("link-local"),
        [0xff00..=0xffff, ..] => Some("multicast"),
        _ => None,
    }
}

/// The IPv4 address that an IPv6 address stands for.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let (high, low) = match address.segments() {
        // "IPv4-Compatible" and "IPv4-Mapped" (RFC 4291, section 2.5.5).
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] => (high, low),
        // "Well-Known Prefix" of NAT64 (RFC 6052, section 2.1).
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => (high, low),
        // NAT64 prefixes of 96 bits in the space for local use (RFC 8215). After shorter ones, the last 24 bits are 0.
        [0x64, 0xff9b, 1, _, _, _, high, low] if (high & 0xff, low) != (0, 0) => (high, low),
        // 6to4 (RFC 3056, section 2).
        [0x2002, high, low, ..] => (high, low),
        _ => return None,
    };
    Some(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::RefusedAddresses;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn in_cluster() -> RefusedAddresses {
        RefusedAddresses::in_cluster(["10.1.2.3", "fd00::7", "::ffff:10.1.2.4"].map(ip))
    }

    #[test]
    fn what_leads_back_or_to_the_node_is_refused() {
        let own = "an address of this pod";
        for (address, why) in [
            ("127.0.0.1", "loopback"),
            ("127.255.255.254", "loopback"),
            ("::1", "loopback"),
            ("0.0.0.0", "unspecified"),
            ("0.0.0.1", "unspecified"),
            ("::", "unspecified"),
            ("169.254.0.0", "link-local"),
            ("169.254.169.254", "link-local"),
            ("fe80::1", "link-local"),
            ("febf:ffff::1", "link-local"),
            ("224.0.0.1", "multicast"),
            ("239.255.255.255", "multicast"),
            ("ff02::1", "multicast"),
            ("255.255.255.255", "broadcast"),
            ("10.1.2.3", own),
            ("10.1.2.4", own),
            ("fd00::7", own),
        ] {
            assert_eq!(in_cluster().why(ip(address)), Some(why), "{address}");
            assert_eq!(RefusedAddresses::default().why(ip(address)), None, "{address} without being asked to");
        }
    }

    #[test]
    fn no_way_to_write_an_ipv4_address_evades() {
        for (address, why) in [
            ("127.0.0.1", "loopback"),
            ("169.254.169.254", "link-local"),
            ("10.1.2.3", "an address of this pod"),
            ("10.1.2.4", "an address of this pod"),
            ("255.255.255.255", "broadcast"),
        ] {
            for prefix in ["::ffff:", "::", "64:ff9b::", "64:ff9b:1::", "64:ff9b:1:fffe::"] {
                let written = format!("{prefix}{address}");
                assert_eq!(in_cluster().why(ip(&written)), Some(why), "{written}");
            }
        }
        assert_eq!(in_cluster().why(ip("2002:7f00:1::1")), Some("loopback"));
        assert_eq!(in_cluster().why(ip("2002:a9fe:a9fe::")), Some("link-local"));
        assert_eq!(in_cluster().why(ip("::ffff:0.0.0.0")), Some("unspecified"));
        assert_eq!(in_cluster().why(ip("64:ff9b::")), Some("unspecified"));
    }

    #[test]
    fn all_others_are_permitted() {
        for address in [
            "10.1.2.5",
            "126.255.255.255",
            "128.0.0.1",
            "169.253.255.255",
            "169.255.0.1",
            "172.16.0.1",
            "192.168.0.1",
            "100.64.0.1",
            "223.255.255.255",
            "240.0.0.1",
            "fd00::8",
            "fe00::1",
            "fec0::1",
            "2001:db8::1",
            "::ffff:192.0.2.1",
            "64:ff9b::192.0.2.1",
            "64:ff9b:1:c000:2:100::",
            "64:ff9b:1:0:c0:2:7f00:0",
            "2002:c000:201::1",
            // The bits of 127.0.0.1 where they mean nothing.
            "2001:db8::7f00:1",
            "64:ff9b:2::7f00:1",
        ] {
            assert_eq!(in_cluster().why(ip(address)), None, "{address}");
        }
    }

    #[test]
    fn the_log_names_host_addresses_and_why() {
        let addresses = ["::1", "192.0.2.1", "169.254.169.254", "::1"].map(ip);
        let expected = "a.example leads to 169.254.169.254 (link-local), ::1 (loopback), where no backend may be";
        assert_eq!(in_cluster().explain("a.example", &addresses).as_deref(), Some(expected));
        assert_eq!(in_cluster().explain("a.example", &addresses[1..2]), None);
    }
}
