//! The proxies in front whose word on the client is believed. Must not know what they say.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net};

/// A network in CIDR notation, or a single address. IPv4-mapped IPv6 counts as IPv4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrustedHop(IpNet);

/// Text that is no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no network, for example 10.0.0.0/8, fd00::/8 or 192.0.2.1")]
pub struct NoNetwork(String);

impl FromStr for TrustedHop {
    type Err = NoNetwork;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let network = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        Ok(Self(canonical(network.map_err(|_| NoNetwork(text.to_owned()))?)))
    }
}

impl fmt::Display for TrustedHop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A network of IPv4-mapped addresses (`::ffff:0:0/96`, RFC 4291 section 2.5.5.2) as the IPv4 network that it is.
fn canonical(network: IpNet) -> IpNet {
    let IpNet::V6(mapped) = network else { return network };
    mapped
        .network()
        .to_ipv4_mapped()
        .zip(mapped.prefix_len().checked_sub(96))
        .and_then(|(address, length)| Ipv4Net::new(address, length).ok())
        .map_or(network, IpNet::V4)
}

/// Any number of networks; none by default, so that what every client says of itself is replaced.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedHops(Vec<TrustedHop>);

impl TrustedHops {
    /// Whether a peer is in one of the networks.
    pub fn contains(&self, peer: IpAddr) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let peer = peer.to_canonical();
        self.0.iter().any(|hop| hop.0.contains(&peer))
    }
}

impl FromIterator<TrustedHop> for TrustedHops {
    fn from_iter<I: IntoIterator<Item = TrustedHop>>(hops: I) -> Self {
        Self(hops.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::{TrustedHop, TrustedHops};

    fn hops(networks: &[&str]) -> TrustedHops {
        networks.iter().map(|network| network.parse::<TrustedHop>().unwrap()).collect()
    }

    #[test]
    fn a_peer_is_trusted_if_a_network_has_it() {
        let hops = hops(&["10.0.0.0/8", "192.0.2.7", "fd00::/8", "::ffff:198.51.100.0/120"]);
        for (peer, trusted) in [
            ("10.255.0.1", true),
            ("11.0.0.1", false),
            ("192.0.2.7", true),
            ("192.0.2.8", false),
            ("::ffff:10.0.0.1", true),
            ("::ffff:11.0.0.1", false),
            ("fd12::1", true),
            ("fe80::1", false),
            ("::10.0.0.1", false),
            ("198.51.100.3", true),
            ("::ffff:198.51.100.3", true),
        ] {
            assert_eq!(hops.contains(peer.parse().unwrap()), trusted, "{peer}");
        }
    }

    #[test]
    fn nobody_is_trusted_unless_named() {
        assert!(!TrustedHops::default().contains("127.0.0.1".parse().unwrap()));
    }

    #[test]
    fn what_is_no_network_is_refused_by_name() {
        for bad in ["", "10.0.0.0/33", "10.0.0", "host", "::/129", "10.0.0.0/8,11.0.0.0/8"] {
            let error = bad.parse::<TrustedHop>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{bad}` is no network")), "{error}");
        }
    }
}
