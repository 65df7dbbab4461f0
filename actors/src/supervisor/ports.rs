//! The ports that listeners are bound to, where they are not those that the Gateway names.

use std::collections::BTreeMap;
use std::str::FromStr;

/// One `--map-port NAMED:BOUND`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PortMapping {
    /// The port in the Gateway's listener.
    pub named: u16,
    /// The port that is bound; 0 is any free one.
    pub bound: u16,
}

impl FromStr for PortMapping {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || format!("`{text}` is not of the form LISTENER_PORT:LOCAL_PORT, for example 80:8080");
        let (named, bound) = text.split_once(':').ok_or_else(error)?;
        let named: u16 = named.parse().map_err(|_| error())?;
        let bound: u16 = bound.parse().map_err(|_| error())?;
        if named == 0 { Err(error()) } else { Ok(Self { named, bound }) }
    }
}

/// The bound port of each named one; a port without an entry is bound as it is named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PortMap(BTreeMap<u16, u16>);

impl PortMap {
    /// The port to bind for a listener that names `port`; 0 is any free one.
    pub fn bound(&self, port: u16) -> u16 {
        self.0.get(&port).copied().unwrap_or(port)
    }
}

impl FromIterator<PortMapping> for PortMap {
    fn from_iter<I: IntoIterator<Item = PortMapping>>(mappings: I) -> Self {
        Self(mappings.into_iter().map(|mapping| (mapping.named, mapping.bound)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mappings_are_read_and_refused() {
        assert_eq!("80:8080".parse(), Ok(PortMapping { named: 80, bound: 8080 }));
        assert_eq!("443:0".parse(), Ok(PortMapping { named: 443, bound: 0 }));
        for bad in ["", "80", "80:", ":80", "0:80", "80:70000", "a:b", "80:80:80"] {
            assert!(bad.parse::<PortMapping>().is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn a_port_without_a_mapping_is_itself() {
        let map: PortMap = [PortMapping { named: 80, bound: 8080 }].into_iter().collect();
        assert_eq!((map.bound(80), map.bound(443)), (8080, 443));
    }
}
