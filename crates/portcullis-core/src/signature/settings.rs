//! What a signature must cover, and how old it may be.

use std::time::Duration;

use super::{Component, Nonce, SimpleForm};

/// What is asked of signed requests.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// What every signature must cover: method, authority, path and query. `content-digest` is asked for besides where there is a
    /// body, whatever stands here.
    pub required: Vec<Component>,
    /// How old a signature may be: five minutes.
    pub max_age: Duration,
    /// How far the clocks may differ, in either direction: thirty seconds.
    pub leeway: Duration,
    /// The `tag` of the signature that counts, where others may come along: a signature with another tag, or none, is left out.
    pub tag: Option<String>,
    /// The simple form of a signature, if it is accepted, too: it isn't unless said so.
    pub simple: Option<SimpleForm>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            required: vec![
                Component::Method,
                Component::Authority,
                Component::Path,
                Component::Query,
            ],
            max_age: Duration::from_secs(300),
            leeway: Duration::from_secs(30),
            tag: None,
            simple: None,
        }
    }
}

/// Why signatures can't be verified so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSettings {
    /// No signature would ever be good.
    #[error("max_age must be at least a second")]
    NoTime,
    /// Nonces would have to be remembered for too long.
    #[error("max_age and twice the leeway are at most a day together")]
    TooLong,
    /// A signature of the method alone opens every path.
    #[error("a signature must cover @method and @path at least")]
    Open,
    /// The headers of the simple form aren't five names.
    #[error("the headers of the simple form are five different names in lower case, such as x-signature")]
    Headers,
}

impl Settings {
    /// Whether signatures can be verified so.
    pub(super) fn check(&self) -> Result<(), InvalidSettings> {
        if self.max_age < Duration::from_secs(1) {
            return Err(InvalidSettings::NoTime);
        }
        if self.remembered() > Nonce::MAX_LIFETIME {
            return Err(InvalidSettings::TooLong);
        }
        if ![Component::Method, Component::Path]
            .iter()
            .all(|needed| self.required.contains(needed))
        {
            return Err(InvalidSettings::Open);
        }
        match &self.simple {
            Some(simple) if !simple.is_valid() => Err(InvalidSettings::Headers),
            _ => Ok(()),
        }
    }

    /// From the earliest moment at which a signature is good to the last.
    pub(super) fn remembered(&self) -> Duration {
        self.max_age.saturating_add(self.leeway.saturating_mul(2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_protect_nothing_are_refused() {
        let check = |change: fn(&mut Settings)| {
            let mut settings = Settings::default();
            change(&mut settings);
            settings.check()
        };
        assert_eq!(check(|_| {}), Ok(()));
        assert_eq!(
            check(|s| s.max_age = Duration::ZERO),
            Err(InvalidSettings::NoTime)
        );
        assert_eq!(check(|s| s.max_age = Duration::from_secs(86_340)), Ok(()));
        assert_eq!(
            check(|s| s.max_age = Duration::from_secs(86_341)),
            Err(InvalidSettings::TooLong)
        );
        assert_eq!(check(|s| s.leeway = Duration::MAX), Err(InvalidSettings::TooLong));
        assert_eq!(check(|s| s.required.clear()), Err(InvalidSettings::Open));
        let same = |s: &mut Settings| {
            s.simple = Some(SimpleForm {
                nonce: SimpleForm::default().signature,
                ..SimpleForm::default()
            });
        };
        assert_eq!(check(same), Err(InvalidSettings::Headers));
    }
}
