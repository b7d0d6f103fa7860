//! The address of a client behind proxies.
//!
//! Flow: the peer of the connection is the client, unless it is a proxy that the deployment trusts. Then the one named
//! header is read from its right end, where the nearest proxy writes: trusted addresses are passed over, the first other
//! one is the client.
//!
//! Invariants: nothing is read without trusted networks, nor from a peer outside of them, and never another header than
//! the named one (`T150`). What stands left of an address that isn't trusted is the client's own writing and isn't looked
//! at. Where an element can't be read, the trusted proxy that reported it counts as the client: a header is never an
//! error. The work is bounded, whatever the header's length.
//!
//! **Deployment caveat:** name the header that your proxy *writes*. Most proxies append to `X-Forwarded-For` and pass on
//! `Forwarded` as the visitor sent it. A trusted network must hold proxies only: whoever else is in it chooses any address.
//!
//! **Deliberately absent:** one header where the other is missing; `X-Real-IP` and its like, which name one hop only;
//! scheme and host from headers, which nothing here needs: links are made from the public address.
//!
//! Source: RFC 7239 §4, §5.2, §7.4

mod element;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::{HeaderMap, HeaderValue};
use portcullis_core::api_key::{InvalidNetwork, Networks};
use portcullis_core::defends;

/// Which proxies are believed about the client's address, and by which header. By default none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxies {
    trusted: Networks,
    header: Header,
}

/// The header that the proxies write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Header {
    /// `X-Forwarded-For`: a list of addresses, the nearest last.
    #[default]
    XForwardedFor,
    /// `Forwarded`: the standard one, of which `for` is read.
    ///
    /// Source: RFC 7239 §4
    Forwarded,
}

/// Why proxies can't be trusted so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidProxies {
    /// A text that is no network.
    #[error("{0}")]
    Network(InvalidNetwork),
    /// Every address there is.
    #[error(
        "a network of every address trusts everybody, and lets each caller choose an address; name your proxies' networks"
    )]
    Everybody,
}

impl Header {
    /// The header of this name, in any case.
    pub fn parse(name: &str) -> Option<Self> {
        let known = [Self::XForwardedFor, Self::Forwarded];
        known
            .into_iter()
            .find(|header| header.as_str().eq_ignore_ascii_case(name))
    }

    /// The header's name, as it is configured and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::XForwardedFor => "X-Forwarded-For",
            Self::Forwarded => "Forwarded",
        }
    }
}

impl fmt::Display for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Proxies {
    /// Trusts the proxies at these addresses and networks (CIDR) about what they write into `header`. `127.0.0.1` means
    /// this machine, by IPv6 too.
    ///
    /// # Errors
    /// [`InvalidProxies`] with the place of the first that can't be, counted from nought.
    pub fn new<T: AsRef<str>>(trusted: &[T], header: Header) -> Result<Self, (usize, InvalidProxies)> {
        let networks = Networks::parse(trusted);
        let trusted_networks = networks.map_err(|(place, error)| (place, InvalidProxies::Network(error)))?;
        let everybody = trusted.iter().position(|text| text.as_ref().ends_with("/0"));
        match everybody {
            Some(place) => Err((place, InvalidProxies::Everybody)),
            None => Ok(Self {
                trusted: trusted_networks,
                header,
            }),
        }
    }

    /// Whether any proxy is trusted.
    pub fn is_empty(&self) -> bool {
        self.trusted == Networks::default()
    }

    /// The client at the far end of a request with these headers from this peer.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        defends!("T150");
        let peer = peer.to_canonical();
        if !self.trusts(peer) {
            return peer;
        }
        let mut nearest = peer;
        let lines = headers.get_all(self.header.as_str()).iter();
        for element in from_the_right(lines) {
            match element::address(element, self.header) {
                Some(address) if self.trusts(address) => nearest = address,
                Some(address) => return address,
                None => return nearest,
            }
        }
        nearest
    }

    fn trusts(&self, address: IpAddr) -> bool {
        let this_machine = address == IpAddr::V6(Ipv6Addr::LOCALHOST)
            && self.trusted.admit(Some(IpAddr::V4(Ipv4Addr::LOCALHOST)));
        !self.is_empty() && (this_machine || self.trusted.admit(Some(address)))
    }
}

/// The elements of all lines as if they were one, the last one first. A comma in quotes parts an element, too: neither
/// half can be read then, whereas reading quotes from the left would let a visitor's stray one swallow what proxies wrote.
///
/// Source: RFC 9110 §5.3
fn from_the_right<'h>(
    lines: impl DoubleEndedIterator<Item = &'h HeaderValue>,
) -> impl Iterator<Item = &'h [u8]> {
    let each = |line: &'h HeaderValue| line.as_bytes().rsplit(|byte| *byte == b',');
    lines.rev().flat_map(each).take(MOST_HOPS)
}

/// More proxies than stand in a row anywhere.
const MOST_HOPS: usize = 32;

#[cfg(test)]
mod tests;
