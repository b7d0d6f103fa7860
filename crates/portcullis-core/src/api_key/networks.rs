//! From where a key may be used.

use std::net::IpAddr;

use ipnet::IpNet;

/// Why a text names no network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidNetwork {
    /// Neither an address nor a network.
    #[error("write an address or a network, such as 203.0.113.7, 203.0.113.0/24 or 2001:db8::/32")]
    Form,
    /// Bits beyond the prefix length are set.
    #[error(
        "an address inside of the network stands before the slash; write the network's own, or the address alone"
    )]
    HostBits,
    /// An IPv4 address inside of IPv6.
    #[error("write IPv4 addresses as such: 203.0.113.7 instead of ::ffff:203.0.113.7")]
    Mapped,
    /// More addresses and networks than [`Networks::MOST`] for one key.
    #[error("at most {} addresses and networks", Networks::MOST)]
    TooMany,
}

/// Networks that a key may be used from; an empty list is everywhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks(Vec<IpNet>);

impl Networks {
    /// How many may be listed.
    pub const MOST: usize = 100;

    /// Reads addresses and networks (CIDR), each in its one form.
    ///
    /// # Errors
    /// The first that isn't one, by its place in the list.
    pub fn parse<T: AsRef<str>>(texts: &[T]) -> Result<Self, (usize, InvalidNetwork)> {
        if texts.len() > Self::MOST {
            return Err((Self::MOST, InvalidNetwork::TooMany));
        }
        let read = texts
            .iter()
            .enumerate()
            .map(|(place, text)| network(text.as_ref()).map_err(|error| (place, error)));
        let mut networks = read.collect::<Result<Vec<_>, _>>()?;
        networks.sort_unstable();
        networks.dedup();
        Ok(Self(networks))
    }

    /// Whether a caller at this address may use the key. Where the address isn't known, only a list without entries
    /// admits.
    pub fn admit(&self, address: Option<IpAddr>) -> bool {
        self.0.is_empty()
            || address.is_some_and(|address| {
                let address = address.to_canonical();
                self.0.iter().any(|network| network.contains(&address))
            })
    }

    /// The networks as text, in order.
    pub fn to_texts(&self) -> Vec<String> {
        let whole = |network: &IpNet| network.prefix_len() == network.max_prefix_len();
        let texts = self.0.iter().map(|network| {
            if whole(network) {
                network.addr().to_string()
            } else {
                network.to_string()
            }
        });
        texts.collect()
    }
}

/// Reads one address or network (CIDR), in its one form.
///
/// # Errors
/// [`InvalidNetwork`]: what is wrong, and what to write.
pub fn network(text: &str) -> Result<IpNet, InvalidNetwork> {
    let network = match text.parse::<IpAddr>() {
        Ok(address) => IpNet::from(address),
        Err(_) => text.parse::<IpNet>().map_err(|_| InvalidNetwork::Form)?,
    };
    if network.addr().to_canonical() != network.addr() {
        return Err(InvalidNetwork::Mapped);
    }
    if network.trunc() != network {
        return Err(InvalidNetwork::HostBits);
    }
    Ok(network)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(texts: &[&str]) -> Networks {
        Networks::parse(texts).unwrap()
    }

    #[test]
    fn what_is_no_network_is_refused_with_its_place() {
        for (text, error) in [
            ("", InvalidNetwork::Form),
            ("localhost", InvalidNetwork::Form),
            ("203.0.113.0/33", InvalidNetwork::Form),
            ("203.0.113.0/-1", InvalidNetwork::Form),
            ("203.0.113/24", InvalidNetwork::Form),
            ("203.0.113.007", InvalidNetwork::Form),
            ("2001:db8::/129", InvalidNetwork::Form),
            ("203.0.113.7 ", InvalidNetwork::Form),
            ("203.0.113.7:80", InvalidNetwork::Form),
            ("203.0.113.7/24", InvalidNetwork::HostBits),
            ("2001:db8::1/32", InvalidNetwork::HostBits),
            ("::ffff:203.0.113.7", InvalidNetwork::Mapped),
            ("::ffff:203.0.113.0/120", InvalidNetwork::Mapped),
        ] {
            assert_eq!(
                Networks::parse(&["10.0.0.0/8", text]),
                Err((1, error)),
                "{text:?}"
            );
        }
        assert!(Networks::parse(&vec!["10.0.0.1"; Networks::MOST]).is_ok());
        let many = vec!["10.0.0.1"; Networks::MOST + 1];
        assert_eq!(
            Networks::parse(&many),
            Err((Networks::MOST, InvalidNetwork::TooMany))
        );
    }

    // Shows: AK-4, WP-3
    #[test]
    fn both_sides_of_a_networks_end() {
        let networks = list(&["203.0.113.0/24", "2001:db8::/32", "198.51.100.7"]);
        for (address, admitted) in [
            ("203.0.112.255", false),
            ("203.0.113.0", true),
            ("203.0.113.255", true),
            ("203.0.114.0", false),
            ("::ffff:203.0.113.5", true),
            ("198.51.100.7", true),
            ("198.51.100.8", false),
            ("2001:db8::1", true),
            ("2001:db7:ffff::1", false),
            ("2001:db9::", false),
            ("::1", false),
        ] {
            assert_eq!(networks.admit(address.parse().ok()), admitted, "{address}");
        }
        assert!(!networks.admit(None), "an unknown address is in no list");
        assert!(Networks::default().admit(None));
    }

    #[test]
    fn a_network_has_one_text() {
        let texts = list(&[
            "2001:DB8::/32",
            "10.0.0.0/8",
            "10.0.0.0/8",
            "10.1.2.3/32",
            "0.0.0.0/0",
        ])
        .to_texts();
        assert_eq!(texts, ["0.0.0.0/0", "10.0.0.0/8", "10.1.2.3", "2001:db8::/32"]);
    }
}
