//! Which addresses may be reached.
//!
//! Source: IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890)

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use portcullis_core::defends;

/// What may be reached besides public addresses.
#[derive(Debug, Clone, Default)]
pub(super) struct Reach {
    /// Loopback addresses, also without TLS.
    pub(super) loopback: bool,
    /// Networks of one's own.
    pub(super) networks: Vec<IpNet>,
}

impl Reach {
    /// Whether `address` may be connected to. An IPv4 address inside of an IPv6 one is checked as what it is.
    pub(super) fn allows(&self, address: IpAddr) -> bool {
        defends!("T052");
        let address = address.to_canonical();
        // "No address" is no address to connect to, but systems take it for loopback: no network makes it one.
        if is_this_network(address) {
            return false;
        }
        if address.is_loopback() {
            return self.loopback;
        }
        is_public(address) || self.networks.iter().any(|network| network.contains(&address))
    }
}

/// Source: RFC 6890 §2.2.2, table 1; RFC 4291 §2.5.2
fn is_this_network(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.octets().first() == Some(&0),
        IpAddr::V6(address) => address.is_unspecified(),
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, d] = address.octets();
    match (a, b, c, d) {
        // "This network", private, loopback, link-local with the metadata service, private.
        (0 | 10 | 127, ..) | (169, 254, ..) | (172, 16..=31, ..) | (192, 168, ..) => false,
        // Carrier-grade NAT, with another cloud's metadata service.
        (100, 64..=127, ..) => false,
        // Protocol assignments, with yet another; documentation; 6to4 relays; benchmarks.
        (192, 0, 0 | 2, _) | (198, 51, 100, _) | (203, 0, 113, _) | (192, 88, 99, _) | (198, 18 | 19, ..) => {
            false
        }
        // A cloud's service for its own machines, at a public address.
        (168, 63, 129, 16) => false,
        // Multicast, reserved, broadcast.
        (224.., ..) => false,
        _ => true,
    }
}

/// Of IPv6 only global unicast, and of that nothing that holds an IPv4 address or leads nowhere. Outside of it are
/// loopback, unique local, link-local, multicast and NAT64.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    match (first, second) {
        // Teredo, ORCHID, benchmarks and the like; documentation; 6to4; documentation.
        (0x2001, 0..=0x01ff | 0x0db8) | (0x2002, _) | (0x3fff, 0..=0x0fff) => false,
        (0x2000..=0x3fff, _) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use portcullis_core::checks;

    use super::*;

    fn allows(reach: &Reach, address: &str) -> bool {
        reach.allows(address.parse().unwrap())
    }

    #[test]
    #[allow(clippy::too_many_lines, reason = "a table is as long as its rows")]
    fn only_public_addresses_are_reached() {
        checks!("T052");
        let reach = Reach::default();
        for refused in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.0",
            "10.255.255.255",
            "100.64.0.0",
            "100.100.100.200",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.0.1",
            "169.254.169.254",
            "172.16.0.0",
            "172.31.255.255",
            "192.0.0.192",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.0",
            "192.168.255.255",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "168.63.129.16",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::7f00:1",
            "64:ff9b::808:808",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:1ff:ffff::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:808:808::",
            "3fff::1",
            "3fff:fff::1",
            "4000::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fdff::1",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!allows(&reach, refused), "{refused}");
        }
        for public in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.167.255.255",
            "192.169.0.0",
            "168.63.129.17",
            "223.255.255.255",
            "::ffff:1.1.1.1",
            "2000::1",
            "2001:200::1",
            "2606:4700:4700::1111",
            "2a00:1450::1",
            "3fff:1000::1",
        ] {
            assert!(allows(&reach, public), "{public}");
        }
    }

    #[test]
    fn what_is_allowed_besides_is_no_more_than_was_said() {
        checks!("T052");
        let loopback = Reach {
            loopback: true,
            networks: Vec::new(),
        };
        for (address, allowed) in [
            ("127.0.0.1", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("10.0.0.1", false),
            ("0.0.0.0", false),
            ("::", false),
        ] {
            assert_eq!(allows(&loopback, address), allowed, "{address}");
        }
        let network = Reach {
            loopback: false,
            networks: vec!["10.1.0.0/16".parse().unwrap(), "fd12::/16".parse().unwrap()],
        };
        for (address, allowed) in [
            ("10.1.0.0", true),
            ("10.1.255.255", true),
            ("::ffff:10.1.2.3", true),
            ("10.2.0.0", false),
            ("10.0.255.255", false),
            ("fd12::1", true),
            ("fd13::1", false),
            ("127.0.0.1", false),
        ] {
            assert_eq!(allows(&network, address), allowed, "{address}");
        }
        let everything = Reach {
            loopback: false,
            networks: vec!["0.0.0.0/0".parse().unwrap(), "::/0".parse().unwrap()],
        };
        for address in ["127.0.0.1", "::1", "0.0.0.0", "0.1.2.3", "::", "::ffff:0.0.0.0"] {
            assert!(
                !allows(&everything, address),
                "{address}: loopback is asked for by its name"
            );
        }
        assert!(allows(&everything, "10.0.0.1"));
    }
}
