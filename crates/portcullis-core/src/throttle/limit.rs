//! A rate and how it is kept, as people write it.

use std::fmt;
use std::time::Duration;

use super::rate::{InvalidRate, Rate};

/// How a rate is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Keeping {
    /// So many at once, and then one after the other at the rate's pace: a bucket that fills evenly.
    Burst(u32),
    /// Never more than the rate's count in any span of its period.
    Sliding,
}

/// Why a text is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLimit {
    /// The rate is none.
    #[error(transparent)]
    Rate(#[from] InvalidRate),
    /// What follows the rate is neither a burst nor `sliding`.
    #[error("after the rate comes nothing, \"; burst 50\" or \"; sliding\"")]
    Keeping,
    /// The burst is no number, or out of range.
    #[error("a burst is a number from 1 to {}", Rate::MOST)]
    Burst,
    /// The burst would take too long to come back.
    #[error(
        "at this rate the burst takes more than {} days to come back: make it smaller",
        Limit::LONGEST_DAYS
    )]
    Slow,
}

/// How often something may happen, and how that is kept: `100/minute`, `1000/day; burst 50`, `5/minute; sliding`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Limit {
    rate: Rate,
    keeping: Keeping,
}

impl Limit {
    /// How many days it may take until all of a burst is back.
    pub const LONGEST_DAYS: u64 = 90;

    /// A rate whose whole count may come at once, and which comes back evenly.
    pub const fn of(rate: Rate) -> Self {
        Self {
            rate,
            keeping: Keeping::Burst(rate.count()),
        }
    }

    /// A rate of which `burst` may come at once.
    ///
    /// # Errors
    /// [`InvalidLimit`]: the burst is out of range, or takes too long to come back.
    pub fn with_burst(rate: Rate, burst: u32) -> Result<Self, InvalidLimit> {
        if burst == 0 || burst > Rate::MOST {
            return Err(InvalidLimit::Burst);
        }
        let limit = Self {
            rate,
            keeping: Keeping::Burst(burst),
        };
        if burst > rate.count() && limit.span() > Duration::from_secs(Self::LONGEST_DAYS * 86_400) {
            return Err(InvalidLimit::Slow);
        }
        Ok(limit)
    }

    /// A rate of which never more than the count come in any span of its period.
    pub const fn sliding(rate: Rate) -> Self {
        Self {
            rate,
            keeping: Keeping::Sliding,
        }
    }

    /// Reads `100/minute`, `1000/day; burst 50` or `5/minute; sliding`; spaces around its parts are left away.
    ///
    /// # Errors
    /// [`InvalidLimit`]: what is wrong, and what to write.
    pub fn parse(text: &str) -> Result<Self, InvalidLimit> {
        let Some((rate, keeping)) = text.split_once(';') else {
            return Ok(Self::of(Rate::parse(text.trim())?));
        };
        let (rate, keeping) = (Rate::parse(rate.trim())?, keeping.trim());
        if keeping == "sliding" {
            return Ok(Self::sliding(rate));
        }
        let burst = keeping
            .strip_prefix("burst ")
            .ok_or(InvalidLimit::Keeping)?
            .trim();
        if burst.starts_with('0') || !burst.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(InvalidLimit::Burst);
        }
        Self::with_burst(rate, burst.parse().map_err(|_| InvalidLimit::Burst)?)
    }

    /// How many in which period.
    pub const fn rate(self) -> Rate {
        self.rate
    }

    /// How that is kept.
    pub const fn keeping(self) -> Keeping {
        self.keeping
    }

    /// How many may come at once.
    pub const fn at_once(self) -> u32 {
        match self.keeping {
            Keeping::Burst(burst) => burst,
            Keeping::Sliding => self.rate.count(),
        }
    }

    /// How long it takes at most until all that was used is back.
    pub fn span(self) -> Duration {
        match self.keeping {
            Keeping::Burst(burst) => self.rate.interval().saturating_mul(burst),
            Keeping::Sliding => self.rate.per().duration(),
        }
    }

    /// What a cost counts as: one that is more than may ever come at once counts as all of it.
    pub(super) fn cost(self, cost: u32) -> u32 {
        cost.min(self.at_once())
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rate.fmt(f)?;
        match self.keeping {
            Keeping::Burst(burst) if burst == self.rate.count() => Ok(()),
            Keeping::Burst(burst) => write!(f, "; burst {burst}"),
            Keeping::Sliding => f.write_str("; sliding"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_other_text_is_refused_and_the_error_says_what_to_write() {
        for (text, error) in [
            ("", InvalidLimit::Rate(InvalidRate::Form)),
            ("5/min", InvalidLimit::Rate(InvalidRate::Period)),
            ("0/minute; sliding", InvalidLimit::Rate(InvalidRate::Count)),
            ("5/minute;", InvalidLimit::Keeping),
            ("5/minute; fixed", InvalidLimit::Keeping),
            ("5/minute; burst", InvalidLimit::Keeping),
            ("5/minute; burst5", InvalidLimit::Keeping),
            ("5/minute; Sliding", InvalidLimit::Keeping),
            ("5/minute; sliding; burst 5", InvalidLimit::Keeping),
            ("5/minute; burst 0", InvalidLimit::Burst),
            ("5/minute; burst 05", InvalidLimit::Burst),
            ("5/minute; burst -5", InvalidLimit::Burst),
            ("5/minute; burst 5; sliding", InvalidLimit::Burst),
            ("5/minute; burst 1000001", InvalidLimit::Burst),
            ("1/day; burst 91", InvalidLimit::Slow),
        ] {
            assert_eq!(Limit::parse(text), Err(error), "{text:?}");
            assert!(!error.to_string().is_empty(), "{text:?}");
        }
    }

    #[test]
    fn a_limit_is_written_as_it_is_read() {
        for (text, written) in [
            ("5/minute", "5/minute"),
            ("1000/day; burst 50", "1000/day; burst 50"),
            ("1000/day;burst 50", "1000/day; burst 50"),
            (" 1000/day ;  burst 50 ", "1000/day; burst 50"),
            ("10/second; burst 100", "10/second; burst 100"),
            ("5/minute; burst 5", "5/minute"),
            ("5/minute; sliding", "5/minute; sliding"),
            ("1/day; burst 90", "1/day; burst 90"),
        ] {
            let limit = Limit::parse(text).unwrap();
            assert_eq!(limit.to_string(), written, "{text}");
            assert_eq!(Limit::parse(written), Ok(limit), "{text}");
        }
    }

    #[test]
    fn all_is_back_after_the_span() {
        for (text, seconds) in [
            ("5/minute", 60),
            ("1000/day; burst 50", 4_320),
            ("10/second; burst 100", 10),
            ("5/minute; sliding", 60),
        ] {
            assert_eq!(
                Limit::parse(text).unwrap().span(),
                Duration::from_secs(seconds),
                "{text}"
            );
        }
    }
}
