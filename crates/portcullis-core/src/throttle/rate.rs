//! So many in so long, as people write it.

use std::fmt;
use std::time::Duration;

/// The period a [`Rate`] counts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Per {
    /// One second: `second` in a rate.
    Second,
    /// 60 seconds: `minute` in a rate.
    Minute,
    /// 3,600 seconds: `hour` in a rate.
    Hour,
    /// A day of 24 hours.
    Day,
}

impl Per {
    /// Every period there is, the shortest first.
    pub const ALL: [Self; 4] = [Self::Second, Self::Minute, Self::Hour, Self::Day];

    /// Its word in a rate.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    /// How long the period is, in whole seconds.
    pub const fn duration(self) -> Duration {
        Duration::from_secs(match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 3_600,
            Self::Day => 86_400,
        })
    }
}

/// Why a text is no rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRate {
    /// Not a number, a slash and a word.
    #[error("write a number, a slash and second, minute, hour or day, such as 100/minute")]
    Form,
    /// The period is none.
    #[error("the period after the slash is second, minute, hour or day")]
    Period,
    /// The number is none, or out of range.
    #[error("the number before the slash goes from 1 to {}", Rate::MOST)]
    Count,
}

/// How often something may happen: `100/minute`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rate {
    count: u32,
    per: Per,
}

impl Rate {
    /// The largest count that a rate may have, in whatever period.
    pub const MOST: u32 = 1_000_000;

    /// The rate `1/minute`: one each minute.
    pub const ONCE_A_MINUTE: Self = Self {
        count: 1,
        per: Per::Minute,
    };

    /// So many in a period.
    ///
    /// # Errors
    /// [`InvalidRate::Count`] unless the count is 1 to [`Rate::MOST`].
    pub const fn new(count: u32, per: Per) -> Result<Self, InvalidRate> {
        if count == 0 || count > Self::MOST {
            return Err(InvalidRate::Count);
        }
        Ok(Self { count, per })
    }

    /// The same for constants of code: a count out of range is brought to its bound.
    pub const fn clamped(count: u32, per: Per) -> Self {
        let count = match count {
            0 => 1,
            1..=Self::MOST => count,
            _ => Self::MOST,
        };
        Self { count, per }
    }

    /// Reads `100/minute`. One rate has one text: no spaces, no signs, no leading zeros.
    ///
    /// # Errors
    /// [`InvalidRate`]: the form, the count or the period is none.
    pub fn parse(text: &str) -> Result<Self, InvalidRate> {
        let (count, per) = text.split_once('/').ok_or(InvalidRate::Form)?;
        let per = Per::ALL.into_iter().find(|known| known.as_str() == per);
        let per = per.ok_or(InvalidRate::Period)?;
        if count.starts_with('0') || !count.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(InvalidRate::Count);
        }
        Self::new(count.parse().map_err(|_| InvalidRate::Count)?, per)
    }

    /// How many there may be in one period: 1 to [`Rate::MOST`].
    pub const fn count(self) -> u32 {
        self.count
    }

    /// The period that the count is for.
    pub const fn per(self) -> Per {
        self.per
    }

    /// How long one of them takes to come back: rounded up, so that the rate is never exceeded.
    pub(super) fn interval(self) -> Duration {
        let nanos = self.per.duration().as_nanos().div_ceil(u128::from(self.count));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.count, self.per.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_other_text_is_refused_and_the_error_says_what_to_write() {
        for (text, error) in [
            ("", InvalidRate::Form),
            ("5", InvalidRate::Form),
            ("minute", InvalidRate::Form),
            ("5/", InvalidRate::Period),
            ("5/min", InvalidRate::Period),
            ("5/Minute", InvalidRate::Period),
            ("5/minutes", InvalidRate::Period),
            ("5/minute ", InvalidRate::Period),
            ("5/10/minute", InvalidRate::Period),
            ("/minute", InvalidRate::Count),
            ("0/minute", InvalidRate::Count),
            ("05/minute", InvalidRate::Count),
            ("-5/minute", InvalidRate::Count),
            ("+5/minute", InvalidRate::Count),
            (" 5/minute", InvalidRate::Count),
            ("5.5/minute", InvalidRate::Count),
            ("٥/minute", InvalidRate::Count),
            ("1000001/minute", InvalidRate::Count),
            ("99999999999999999999/minute", InvalidRate::Count),
        ] {
            assert_eq!(Rate::parse(text), Err(error), "{text:?}");
        }
    }

    #[test]
    fn a_rate_has_one_text() {
        for text in ["1/second", "5/minute", "100/hour", "1000000/day"] {
            assert_eq!(Rate::parse(text).unwrap().to_string(), text);
        }
    }
}
