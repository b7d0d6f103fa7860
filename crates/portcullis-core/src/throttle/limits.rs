//! Several limits that must all admit, as people write them.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::limit::{InvalidLimit, Limit};
use super::rate::{Per, Rate};

/// Why a text is no list of limits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLimits {
    /// One of them is none.
    #[error("{text:?}: {why}")]
    Limit {
        /// The part of the text that is no limit, cut off where it is very long.
        text: String,
        /// What is wrong with it, and what to write.
        why: InvalidLimit,
    },
    /// There are more than may be.
    #[error("at most {} limits may be said together", Limits::MOST)]
    TooMany,
}

/// From one to four limits, each of which must admit: `60/minute, 1000/day`.
#[derive(Clone, Copy)]
pub struct Limits {
    first: Limit,
    rest: [Limit; Self::MOST - 1],
    len: usize,
}

impl Limits {
    /// How many may be said together.
    pub const MOST: usize = 4;

    /// Once a day: what stands in where there is nothing.
    pub(super) const STRICTEST: Self = Self::one(Limit::of(Rate::clamped(1, Per::Day)));

    /// This one alone.
    pub const fn one(limit: Limit) -> Self {
        Self {
            first: limit,
            rest: [limit; Self::MOST - 1],
            len: 1,
        }
    }

    /// Reads limits with commas between them.
    ///
    /// # Errors
    /// [`InvalidLimits`]: which of them is wrong, and what to write.
    pub fn parse(text: &str) -> Result<Self, InvalidLimits> {
        let mut parts = text.split(',').map(parse_one);
        let Some(first) = parts.next() else {
            return parse_one("").map(Self::one);
        };
        let mut limits = Self::one(first?);
        for part in parts {
            let part = part?;
            let place = limits
                .rest
                .get_mut(limits.len - 1)
                .ok_or(InvalidLimits::TooMany)?;
            *place = part;
            limits.len += 1;
        }
        Ok(limits)
    }

    /// The first of them.
    pub const fn first(&self) -> Limit {
        self.first
    }

    /// Those after the first.
    pub fn rest(&self) -> &[Limit] {
        self.rest.get(..self.len - 1).unwrap_or_default()
    }

    /// All of them, in the order in which they were said.
    pub fn iter(&self) -> impl Iterator<Item = Limit> {
        std::iter::once(self.first).chain(self.rest().iter().copied())
    }
}

fn parse_one(text: &str) -> Result<Limit, InvalidLimits> {
    Limit::parse(text).map_err(|why| InvalidLimits::Limit {
        text: text.trim().chars().take(SHOWN).collect(),
        why,
    })
}

/// How much of a wrong text is repeated.
const SHOWN: usize = 60;

impl From<Limit> for Limits {
    fn from(limit: Limit) -> Self {
        Self::one(limit)
    }
}

impl PartialEq for Limits {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Limits {}

impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.first.fmt(f)?;
        self.rest().iter().try_for_each(|limit| write!(f, ", {limit}"))
    }
}

impl fmt::Debug for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

impl Serialize for Limits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Limits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'_, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::super::rate::InvalidRate;
    use super::*;

    #[test]
    fn one_that_is_wrong_is_named() {
        for (text, named) in [
            ("", ""),
            ("60/minute,", ""),
            ("60/minute, 1000/dya", "1000/dya"),
            ("60 minute, 1000/day", "60 minute"),
            ("60/minute; sliding; 1000/day", "60/minute; sliding; 1000/day"),
        ] {
            let Err(InvalidLimits::Limit { text: shown, .. }) = Limits::parse(text) else {
                panic!("{text:?}")
            };
            assert_eq!(shown, named, "{text:?}");
        }
        let five = ["1/day"; 5].join(",");
        assert_eq!(Limits::parse(&five), Err(InvalidLimits::TooMany));
        let long = InvalidLimits::Limit {
            text: "x".repeat(SHOWN),
            why: InvalidLimit::Rate(InvalidRate::Form),
        };
        assert_eq!(Limits::parse(&"x".repeat(100_000)), Err(long));
    }

    #[test]
    fn they_are_written_as_they_are_read() {
        for (text, count) in [
            ("60/minute", 1),
            ("60/minute, 1000/day", 2),
            (
                "1/second; burst 5, 60/minute; sliding, 100/hour, 1000/day; burst 50",
                4,
            ),
        ] {
            let limits = Limits::parse(text).unwrap();
            assert_eq!(limits.to_string(), text);
            assert_eq!(limits.iter().count(), count);
            let json = serde_json::to_string(&limits).unwrap();
            assert_eq!(serde_json::from_str::<Limits>(&json).unwrap(), limits);
        }
        assert_ne!(Limits::parse("1/day"), Limits::parse("1/day, 1/day"));
    }
}
