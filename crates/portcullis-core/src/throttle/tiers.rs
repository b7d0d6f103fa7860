//! Tiers: limits by the name of a plan, changed while the program runs.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::limits::{InvalidLimits, Limits};

/// What is wrong with one tier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTier {
    /// The name is none.
    #[error(
        "the name of a tier has 1 to {} lower-case letters, digits and -",
        Tiers::LONGEST_NAME
    )]
    Name,
    /// The limits are none.
    #[error(transparent)]
    Limits(#[from] InvalidLimits),
    /// There are two of the name.
    #[error("it is there twice: remove one")]
    Twice,
    /// Everybody without another tier has it, and it isn't there.
    #[error("it is the default, and isn't there: add it, or name another")]
    NoDefault,
}

/// All that is wrong with tiers, each with its name: one line each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidTiers(pub Vec<(String, InvalidTier)>);

impl fmt::Display for InvalidTiers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (name, why)) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "tier {name:?}: {why}")?;
        }
        Ok(())
    }
}

impl std::error::Error for InvalidTiers {}

/// Limits by the name of a plan. Cloning it is cheap and gives the same tiers: what is changed holds for the next request.
#[derive(Clone)]
pub struct Tiers(Arc<ArcSwap<Table>>);

#[derive(Debug, Clone)]
struct Table {
    default: String,
    tiers: BTreeMap<String, Limits>,
}

impl Tiers {
    /// How long a name may be, in bytes.
    pub const LONGEST_NAME: usize = 64;

    /// Tiers by name, and which of them whoever has no other is in.
    ///
    /// ```
    /// use portcullis_core::throttle::Tiers;
    ///
    /// let tiers = Tiers::new("free", [
    ///     ("free", "60/minute, 1000/day"),
    ///     ("basic", "300/minute, 10000/day"),
    ///     ("pro", "1000/minute, 100000/day"),
    /// ])?;
    /// assert_eq!(tiers.limits(Some("pro")).to_string(), "1000/minute, 100000/day");
    /// # Ok::<_, portcullis_core::throttle::InvalidTiers>(())
    /// ```
    ///
    /// # Errors
    /// [`InvalidTiers`]: all that is wrong.
    pub fn new<N: Into<String>, L: AsRef<str>>(
        default: &str,
        tiers: impl IntoIterator<Item = (N, L)>,
    ) -> Result<Self, InvalidTiers> {
        let table = Table::read(default, tiers)?;
        Ok(Self(Arc::new(ArcSwap::from_pointee(table))))
    }

    /// Puts others in their place, all at once. A tier whose limits are another's than before begins anew.
    ///
    /// # Errors
    /// [`InvalidTiers`]: all that is wrong; then those of before stay.
    pub fn replace<N: Into<String>, L: AsRef<str>>(
        &self,
        default: &str,
        tiers: impl IntoIterator<Item = (N, L)>,
    ) -> Result<(), InvalidTiers> {
        self.0.store(Arc::new(Table::read(default, tiers)?));
        Ok(())
    }

    /// What the tier of this name allows, or the default where there is none.
    pub fn limits(&self, name: Option<&str>) -> Limits {
        let table = self.0.load();
        let named = name.and_then(|name| table.tiers.get(name));
        let limits = named.or_else(|| table.tiers.get(&table.default));
        // There always is a default.
        limits.copied().unwrap_or(Limits::STRICTEST)
    }

    /// All tiers, by name.
    pub fn all(&self) -> BTreeMap<String, Limits> {
        self.0.load().tiers.clone()
    }

    /// In which tier whoever has no other is.
    pub fn default_name(&self) -> String {
        self.0.load().default.clone()
    }
}

impl Table {
    fn read<N: Into<String>, L: AsRef<str>>(
        default: &str,
        said: impl IntoIterator<Item = (N, L)>,
    ) -> Result<Self, InvalidTiers> {
        let (mut tiers, mut wrong) = (BTreeMap::new(), Vec::new());
        for (name, text) in said {
            let name = name.into();
            if !is_name(&name) {
                wrong.push((
                    name.chars().take(Tiers::LONGEST_NAME).collect(),
                    InvalidTier::Name,
                ));
                continue;
            }
            match Limits::parse(text.as_ref()) {
                Err(why) => wrong.push((name, why.into())),
                Ok(_) if tiers.contains_key(&name) => wrong.push((name, InvalidTier::Twice)),
                Ok(limits) => drop(tiers.insert(name, limits)),
            }
        }
        let is_said = tiers.contains_key(default) || wrong.iter().any(|(name, _)| name == default);
        if !is_said {
            wrong.push((default.to_owned(), InvalidTier::NoDefault));
        }
        if !wrong.is_empty() {
            return Err(InvalidTiers(wrong));
        }
        Ok(Self {
            default: default.to_owned(),
            tiers,
        })
    }
}

fn is_name(name: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=Tiers::LONGEST_NAME).contains(&name.len()) && name.bytes().all(good)
}

impl fmt::Debug for Tiers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.all()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{InvalidLimit, InvalidRate};
    use super::*;

    fn wrong(default: &str, tiers: &[(&str, &str)]) -> String {
        let Err(wrong) = Tiers::new(default, tiers.iter().copied()) else {
            panic!("{tiers:?}")
        };
        wrong.to_string()
    }

    #[test]
    fn all_that_is_wrong_is_said_at_once_with_the_tiers_name() {
        let said = wrong(
            "basic",
            &[
                ("free", "60/min"),
                ("Pro", "1/day"),
                ("x", "1/day"),
                ("x", "2/day"),
                ("", "1/day"),
            ],
        );
        let lines: Vec<_> = said.lines().collect();
        for (line, begins) in lines.iter().zip([
            "tier \"free\": ",
            "tier \"Pro\": ",
            "tier \"x\": it is there twice",
            "tier \"\": ",
            "tier \"basic\": it is the default",
        ]) {
            assert!(line.starts_with(begins), "{line}");
        }
        assert_eq!(lines.len(), 5, "{said}");
        assert!(wrong("free", &[]).contains("it is the default"));
        // Whoever wrote the default wrongly is told once.
        assert_eq!(wrong("free", &[("free", "60")]).lines().count(), 1);
    }

    #[test]
    fn a_change_holds_for_whoever_has_the_tiers_and_a_wrong_one_changes_nothing() {
        let tiers = Tiers::new("free", [("free", "1/day"), ("pro", "9/day")]).unwrap();
        let elsewhere = tiers.clone();
        let seen = |name| elsewhere.limits(name).to_string();
        assert_eq!(
            (seen(Some("pro")), seen(None), seen(Some("gone"))),
            ("9/day".into(), "1/day".into(), "1/day".into())
        );
        let error = tiers
            .replace("free", [("free", "2/day"), ("pro", "many")])
            .unwrap_err();
        let why = InvalidLimits::Limit {
            text: "many".into(),
            why: InvalidLimit::Rate(InvalidRate::Form),
        };
        assert_eq!(error.0, [("pro".to_owned(), InvalidTier::Limits(why))]);
        assert_eq!(seen(Some("pro")), "9/day");
        tiers
            .replace("basic", [("basic", "2/day"), ("pro", "8/day")])
            .unwrap();
        assert_eq!(
            (seen(Some("pro")), seen(None), elsewhere.default_name()),
            ("8/day".into(), "2/day".into(), "basic".into())
        );
    }
}
