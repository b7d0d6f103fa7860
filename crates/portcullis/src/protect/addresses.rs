//! From where a route may be called.

use std::fmt;
use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use portcullis_core::api_key::network;
use portcullis_core::defends;

use crate::Problem;

/// The client addresses that a route answers: single addresses and networks (CIDR) of IPv4 and IPv6.
///
/// ```
/// use portcullis::{AddressList, Api, Public};
///
/// async fn report(_: Public) -> &'static str { "for the office" }
/// let api: Api = Api::new("Reports", "1.0")
///     .get("/report", report)
///     .addresses(AddressList::allow(["203.0.113.0/24", "2001:db8:7::/48"]).except(["203.0.113.66"]))
///     .addresses_all(AddressList::deny(["198.51.100.0/24"]));
/// ```
///
/// Whoever comes from elsewhere is answered `address_not_allowed` (403) before they are authenticated, and so is a request whose
/// client address isn't known.
///
/// **Deployment caveat:** an address says from where a request came, not who sent it: ask for a credential beside it. Behind a
/// proxy that isn't trusted ([`proxies`](crate::proxies)), every request comes from the proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct AddressList {
    allowed: Option<Vec<String>>,
    denied: Vec<String>,
}

impl AddressList {
    /// These, and no others.
    pub fn allow<T: Into<String>>(networks: impl IntoIterator<Item = T>) -> Self {
        Self {
            allowed: Some(texts(networks)),
            denied: Vec::new(),
        }
    }

    /// All but these.
    pub fn deny<T: Into<String>>(networks: impl IntoIterator<Item = T>) -> Self {
        Self {
            allowed: None,
            denied: texts(networks),
        }
    }

    /// And none of these, though the list has them.
    pub fn except<T: Into<String>>(mut self, networks: impl IntoIterator<Item = T>) -> Self {
        self.denied.extend(texts(networks));
        self
    }

    /// Everything that is wrong with it.
    pub(crate) fn errors(&self) -> Vec<String> {
        let allowed = self.allowed.iter().flatten();
        let wrong = allowed.chain(&self.denied).filter_map(|text| {
            let error = network(text).err()?;
            Some(format!("{text:?}: {error}"))
        });
        let mut errors: Vec<_> = wrong.collect();
        let empty = self
            .allowed
            .as_ref()
            .map_or(self.denied.is_empty(), Vec::is_empty);
        if empty {
            errors.push("the list is empty: write addresses or networks, or leave the list out".to_owned());
        }
        errors
    }

    /// Ready to be asked. A list with a mistake admits nobody: whoever builds a router has heard of it.
    pub(crate) fn settled(&self) -> Addresses {
        if !self.errors().is_empty() {
            return Addresses {
                allowed: Some(Nets::default()),
                denied: Nets::default(),
            };
        }
        Addresses {
            allowed: self.allowed.as_deref().map(Nets::of),
            denied: Nets::of(&self.denied),
        }
    }
}

impl fmt::Display for AddressList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let denied = self.denied.join(", ");
        match &self.allowed {
            None => write!(f, "not from {denied}"),
            Some(allowed) => {
                write!(f, "from {}", allowed.join(", "))?;
                match denied.is_empty() {
                    true => Ok(()),
                    false => write!(f, " but not {denied}"),
                }
            }
        }
    }
}

fn texts<T: Into<String>>(networks: impl IntoIterator<Item = T>) -> Vec<String> {
    networks.into_iter().map(Into::into).collect()
}

/// A list, ready to be asked.
#[derive(Debug, Clone)]
pub(crate) struct Addresses {
    allowed: Option<Nets>,
    denied: Nets,
}

impl Addresses {
    /// Refuses a client at this address unless the list has it.
    pub(super) fn check(&self, client: Option<IpAddr>) -> Result<(), Problem> {
        defends!("T251");
        let admitted = client.is_some_and(|client| {
            let client = client.to_canonical();
            !self.denied.contain(client)
                && self
                    .allowed
                    .as_ref()
                    .is_none_or(|allowed| allowed.contain(client))
        });
        match admitted {
            true => Ok(()),
            false => Err(Problem::forbidden(
                "address_not_allowed",
                "this isn't answered to your address",
            )),
        }
    }
}

/// Networks that share no address, in order: as many as there may be, one is found in a few steps.
#[derive(Debug, Clone, Default)]
struct Nets {
    v4: Vec<Ipv4Net>,
    v6: Vec<Ipv6Net>,
}

impl Nets {
    fn of(texts: &[String]) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for net in texts.iter().filter_map(|text| network(text).ok()) {
            match net {
                IpNet::V4(net) => v4.push(net),
                IpNet::V6(net) => v6.push(net),
            }
        }
        Self {
            v4: Ipv4Net::aggregate(&v4),
            v6: Ipv6Net::aggregate(&v6),
        }
    }

    fn contain(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(address) => {
                let after = self.v4.partition_point(|net| net.network() <= address);
                let last = after.checked_sub(1).and_then(|index| self.v4.get(index));
                last.is_some_and(|net| net.contains(&address))
            }
            IpAddr::V6(address) => {
                let after = self.v6.partition_point(|net| net.network() <= address);
                let last = after.checked_sub(1).and_then(|index| self.v6.get(index));
                last.is_some_and(|net| net.contains(&address))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn admits(list: &AddressList, client: Option<&str>) -> bool {
        let client = client.map(|client| client.parse().unwrap());
        list.settled().check(client).is_ok()
    }

    #[test]
    fn a_client_is_admitted_by_its_own_address_alone() {
        let office = AddressList::allow(["203.0.113.0/24", "2001:db8:7::/48", "192.0.2.1"])
            .except(["203.0.113.66", "2001:db8:7:8::/64"]);
        let others = AddressList::deny(["203.0.113.0/24", "2001:db8:7::/48"]);
        for (client, at_office, elsewhere) in [
            (Some("203.0.113.0"), true, false),
            (Some("203.0.113.255"), true, false),
            (Some("203.0.114.0"), false, true),
            (Some("203.0.112.255"), false, true),
            (Some("203.0.113.66"), false, false),
            (Some("192.0.2.1"), true, true),
            (Some("192.0.2.2"), false, true),
            // An address of IPv4 is the same however the system says it.
            (Some("::ffff:203.0.113.7"), true, false),
            (Some("::ffff:203.0.113.66"), false, false),
            (Some("2001:db8:7::"), true, false),
            (Some("2001:db8:7:8::1"), false, false),
            (Some("2001:db8:8::"), false, true),
            // Nobody knows.
            (None, false, false),
        ] {
            assert_eq!(admits(&office, client), at_office, "{client:?} at the office");
            assert_eq!(admits(&others, client), elsewhere, "{client:?} elsewhere");
        }
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let wrong =
            AddressList::allow(["203.0.113.7/24", "10.0.0.0/8"]).except(["localhost", "::ffff:1.2.3.4"]);
        let errors = wrong.errors();
        assert_eq!(errors.len(), 3, "{errors:?}");
        for (error, text) in errors
            .iter()
            .zip(["203.0.113.7/24", "localhost", "::ffff:1.2.3.4"])
        {
            assert!(error.starts_with(&format!("{text:?}: ")), "{error}");
        }
        for empty in [AddressList::allow::<String>([]), AddressList::deny::<String>([])] {
            assert_eq!(empty.errors().len(), 1);
            assert_eq!(empty.clone().errors(), empty.except::<String>([]).errors());
        }
        // Whoever heard nothing of it gets nobody in.
        for wrong in [AddressList::allow(["nonsense"]), AddressList::deny(["nonsense"])] {
            assert!(!admits(&wrong, Some("127.0.0.1")), "{wrong}");
        }
    }

    #[test]
    fn a_list_says_itself() {
        for (list, said) in [
            (AddressList::allow(["10.0.0.0/8"]), "from 10.0.0.0/8"),
            (AddressList::deny(["10.0.0.1", "::1"]), "not from 10.0.0.1, ::1"),
            (
                AddressList::allow(["10.0.0.0/8"]).except(["10.0.0.1"]),
                "from 10.0.0.0/8 but not 10.0.0.1",
            ),
        ] {
            assert_eq!(list.to_string(), said);
        }
    }

    proptest! {
        /// However many networks there are, and however they lie in each other, an address is in them if it is in one of them.
        #[test]
        fn many_networks_have_what_each_of_them_has(
            nets in proptest::collection::vec((any::<[u8; 4]>(), 0_u8..=32), 0..200),
            clients in proptest::collection::vec(any::<[u8; 4]>(), 20),
        ) {
            let nets: Vec<Ipv4Net> = nets
                .into_iter()
                .map(|(address, length)| Ipv4Net::new(address.into(), length).unwrap().trunc())
                .collect();
            let texts: Vec<String> = nets.iter().map(ToString::to_string).collect();
            let all = Nets::of(&texts);
            let edges = nets.iter().flat_map(|net| [net.network(), net.broadcast()]);
            for client in clients.into_iter().map(Into::into).chain(edges) {
                let expected = nets.iter().any(|net| net.contains(&client));
                prop_assert_eq!(all.contain(IpAddr::V4(client)), expected, "{}", client);
            }
        }
    }
}
