//! Limits with a name.

use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};

use super::limit::Limit;
use super::limits::{InvalidLimits, Limits};
use super::rate::Rate;

/// Why something is no quota.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidQuota {
    /// The name is none.
    #[error(
        "the name of a limit has 1 to {} lower-case letters, digits and -",
        Quota::LONGEST_NAME
    )]
    Name,
    /// The limits are none.
    #[error(transparent)]
    Limits(#[from] InvalidLimits),
}

/// Limits with a name. Two of the same name and limits count together; one whose limits are changed begins anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quota {
    name: Cow<'static, str>,
    limits: Limits,
    /// Name and limits in short, for this process alone.
    tag: u64,
}

impl Quota {
    /// How long a name may be, in bytes.
    pub const LONGEST_NAME: usize = 64;

    /// Limits under a name: lower-case letters, digits and `-`, so that it can stand in a header and in a key as it is.
    ///
    /// # Errors
    /// [`InvalidQuota::Name`] if the name is none.
    pub fn new(name: impl Into<Cow<'static, str>>, limits: impl Into<Limits>) -> Result<Self, InvalidQuota> {
        let name = name.into();
        let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if name.is_empty() || name.len() > Self::LONGEST_NAME || !name.bytes().all(good) {
            return Err(InvalidQuota::Name);
        }
        Ok(Self::of(name, limits.into()))
    }

    /// One rate under a name of the code's own.
    pub(crate) fn of_rate(name: &'static str, rate: Rate) -> Self {
        Self::of(name, Limits::one(Limit::of(rate)))
    }

    fn of(name: impl Into<Cow<'static, str>>, limits: Limits) -> Self {
        let name = name.into();
        let mut hasher = Fnv::default();
        name.hash(&mut hasher);
        for limit in limits.iter() {
            limit.hash(&mut hasher);
        }
        Self {
            name,
            limits,
            tag: hasher.finish(),
        }
    }

    /// The name that clients are told.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What each subject may do.
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(super) const fn tag(&self) -> u64 {
        self.tag
    }
}

impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.limits)
    }
}

/// FNV-1a: short and quick. Names and limits are the program's own, and nobody makes two of them meet.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(text: &str) -> Limits {
        Limits::parse(text).unwrap()
    }

    #[test]
    fn a_name_can_stand_in_a_header() {
        let long = "a".repeat(64);
        for (name, good) in [
            ("", false),
            ("a\"b", false),
            ("a\r\nb", false),
            ("Sign-in", false),
            ("sign_in", false),
            ("ä", false),
            ("sign-in-2", true),
            (&long, true),
            (&format!("{long}a"), false),
        ] {
            assert_eq!(
                Quota::new(name.to_owned(), limits("1/day")).is_ok(),
                good,
                "{name:?}"
            );
        }
    }

    #[test]
    fn another_name_or_limit_is_counted_apart() {
        let all = [
            ("a", "5/minute"),
            ("b", "5/minute"),
            ("a", "6/minute"),
            ("a", "5/hour"),
            ("a", "5/minute; burst 1"),
            ("a", "5/minute; sliding"),
            ("a", "5/minute, 5/minute"),
        ];
        let tags = all.map(|(name, text)| Quota::new(name, limits(text)).unwrap().tag());
        for (index, tag) in tags.iter().enumerate() {
            assert_eq!(
                tags.iter().position(|other| other == tag),
                Some(index),
                "{:?}",
                all[index]
            );
        }
        assert_eq!(Quota::new("a", limits("5/minute")).unwrap().tag(), tags[0]);
    }
}
