//! For whom is counted.

use std::fmt;
use std::net::IpAddr;

use aws_lc_rs::digest::{SHA256, digest};
use uuid::Uuid;

use crate::defends;

/// How many leading bits of an IPv6 address are one subject: whoever has a network has all of its addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct V6Prefix(u8);

impl V6Prefix {
    /// What a site of one customer has at least (RFC 6177 §2): the default.
    pub const SITE: Self = Self(64);

    /// So many bits.
    ///
    /// # Errors
    /// `None` unless it is from 16 to 128.
    pub const fn new(bits: u8) -> Option<Self> {
        match bits {
            16..=128 => Some(Self(bits)),
            _ => None,
        }
    }

    /// How many bits.
    pub const fn bits(self) -> u8 {
        self.0
    }
}

impl Default for V6Prefix {
    fn default() -> Self {
        Self::SITE
    }
}

/// For whom is counted. Two kinds never meet, whatever their ids.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct LimitKey {
    kind: Kind,
    id: [u8; 16],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Nobody,
    V4,
    V6,
    Named,
    User,
    ApiKey,
    Organization,
}

impl LimitKey {
    /// Whoever's address isn't known, all together.
    pub const NOBODY: Self = Self {
        kind: Kind::Nobody,
        id: [0; 16],
    };

    /// A client's address: of IPv6 its leading bits. An IPv4 address that is written as IPv6 is the same as ever.
    pub fn address(address: IpAddr, prefix: V6Prefix) -> Self {
        defends!("T244");
        match address.to_canonical() {
            IpAddr::V4(v4) => Self {
                kind: Kind::V4,
                id: u128::from(v4.to_bits()).to_be_bytes(),
            },
            IpAddr::V6(v6) => {
                let beyond = u128::MAX.checked_shr(u32::from(prefix.0)).unwrap_or(0);
                Self {
                    kind: Kind::V6,
                    id: (v6.to_bits() & !beyond).to_be_bytes(),
                }
            }
        }
    }

    /// An account.
    pub const fn user(id: Uuid) -> Self {
        Self::given(Kind::User, id)
    }

    /// An API key.
    pub const fn api_key(id: Uuid) -> Self {
        Self::given(Kind::ApiKey, id)
    }

    /// An organization.
    pub const fn organization(id: Uuid) -> Self {
        Self::given(Kind::Organization, id)
    }

    /// Whatever has this name. It is kept as a digest.
    pub fn named(name: &str) -> Self {
        let mut id = [0; 16];
        let digest = digest(&SHA256, name.as_bytes());
        id.iter_mut()
            .zip(digest.as_ref())
            .for_each(|(to, from)| *to = *from);
        Self {
            kind: Kind::Named,
            id,
        }
    }

    const fn given(kind: Kind, id: Uuid) -> Self {
        Self {
            kind,
            id: id.into_bytes(),
        }
    }

    /// Whether callers make such subjects up, as many as they like.
    pub(super) const fn is_made_up(self) -> bool {
        matches!(self.kind, Kind::Nobody | Kind::V4 | Kind::V6 | Kind::Named)
    }

    /// The id, and the kind as a small number.
    pub(super) const fn parts(self) -> ([u8; 16], u8) {
        (self.id, self.kind as u8)
    }
}

/// A letter for the kind and the id in hex: the end of a key where counts are shared.
impl fmt::Display for LimitKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = match self.kind {
            Kind::Nobody => 'n',
            Kind::V4 => '4',
            Kind::V6 => '6',
            Kind::Named => 'f',
            Kind::User => 'u',
            Kind::ApiKey => 'k',
            Kind::Organization => 'o',
        };
        write!(f, "{letter}{:032x}", u128::from_be_bytes(self.id))
    }
}

impl fmt::Debug for LimitKey {
    /// Without the address: where counts are looked at is no place for it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(address: &str, bits: u8) -> LimitKey {
        LimitKey::address(address.parse().unwrap(), V6Prefix::new(bits).unwrap())
    }

    #[test]
    fn all_addresses_of_a_network_are_one_subject() {
        crate::checks!("T244");
        for (bits, one, other, same) in [
            (64, "2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", true),
            (64, "2001:db8::1", "2001:db8:0:1::1", false),
            (48, "2001:db8::1", "2001:db8:0:ffff::1", true),
            (48, "2001:db8::1", "2001:db8:1::1", false),
            (128, "2001:db8::1", "2001:db8::2", false),
            (16, "2001:db8::1", "2001:ffff::1", true),
            (64, "192.0.2.1", "192.0.2.2", false),
            (64, "192.0.2.1", "::ffff:192.0.2.1", true),
            // Not one of IPv4, however it looks.
            (128, "192.0.2.1", "::192.0.2.1", false),
        ] {
            assert_eq!(at(one, bits) == at(other, bits), same, "{one} {other} /{bits}");
        }
    }

    #[test]
    fn prefixes_have_bounds() {
        for (bits, good) in [
            (0, false),
            (15, false),
            (16, true),
            (64, true),
            (128, true),
            (129, false),
        ] {
            assert_eq!(V6Prefix::new(bits).is_some(), good, "{bits}");
        }
    }

    #[test]
    fn subjects_of_two_kinds_never_meet() {
        let id = Uuid::from_u128(0xc000_0201);
        let all = [
            LimitKey::NOBODY,
            LimitKey::user(id),
            LimitKey::api_key(id),
            LimitKey::organization(id),
            at("192.0.2.1", 64),
            at("::c000:201", 128),
            LimitKey::named("192.0.2.1"),
            LimitKey::named(""),
        ];
        for (index, one) in all.iter().enumerate() {
            assert_eq!(all.iter().position(|other| other == one), Some(index), "{index}");
            let text = one.to_string();
            assert_eq!(
                all.iter().position(|other| other.to_string() == text),
                Some(index),
                "{index}"
            );
        }
    }

    #[test]
    fn what_is_shown_holds_no_address() {
        assert_eq!(format!("{:?}", at("192.0.2.1", 64)), "V4");
    }
}
