//! What another login would have to bring, where a login is all that is missing.
//!
//! Source: RFC 9470 §3

use std::fmt;

use crate::authz::decide::{Evaluation, Within};
use crate::authz::{DecisionContext, Principal, Rule};
use crate::defends;
use crate::problem::{Challenge, Details};

/// The login that a rule asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StepUp {
    /// Less than this many seconds old.
    pub max_age: Option<u32>,
    /// With a second factor.
    pub second_factor: bool,
}

impl StepUp {
    /// A second factor alone.
    pub const SECOND_FACTOR: Self = Self {
        max_age: None,
        second_factor: true,
    };

    /// A fresh login alone.
    pub const fn max_age(seconds: u32) -> Self {
        Self {
            max_age: Some(seconds),
            second_factor: false,
        }
    }

    /// The login that satisfies both: the shorter age, and a second factor if either asks for one.
    const fn and(self, other: Self) -> Self {
        let max_age = match (self.max_age, other.max_age) {
            (Some(a), Some(b)) => Some(if a < b { a } else { b }),
            (Some(age), None) | (None, Some(age)) => Some(age),
            (None, None) => None,
        };
        Self {
            max_age,
            second_factor: self.second_factor || other.second_factor,
        }
    }

    /// 401: the login isn't fresh or sure enough.
    ///
    /// Source: RFC 9470 §3
    pub fn details(self, code: &'static str) -> Details {
        Details::unauthenticated(code).challenged(Challenge::Login {
            max_age: self.max_age,
            second_factor: self.second_factor,
        })
    }

    const fn is_nothing(self) -> bool {
        self.max_age.is_none() && !self.second_factor
    }
}

/// The sentence for whoever must log in again.
impl fmt::Display for StepUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.max_age, self.second_factor) {
            (Some(seconds), false) => {
                write!(
                    f,
                    "this needs a login less than {seconds} seconds old; log in again"
                )
            }
            (None, _) => f.write_str("this needs a login with a second factor; log in again with one"),
            (Some(seconds), true) => write!(
                f,
                "this needs a login less than {seconds} seconds old and with a second factor; log in again with one"
            ),
        }
    }
}

/// What of `rule` another login would satisfy. `None` if a login can't help: nothing of it is missing, or every way
/// to satisfy an alternative needs something else too. Where all of several things are asked, everything that a login
/// can bring is named at once, so that the client asks its user once.
pub fn step_up(rule: &Rule, principal: &Principal, context: &DecisionContext<'_>) -> Option<StepUp> {
    defends!("T078");
    let missing = Evaluation {
        principal,
        context,
        within: Within::Account,
    }
    .missing(rule);
    (!missing.login.is_nothing()).then_some(missing.login)
}

/// What is missing: a login, and perhaps something that no login brings.
#[derive(Clone, Copy, Default)]
struct Missing {
    login: StepUp,
    more: bool,
}

impl Evaluation<'_> {
    fn missing(self, rule: &Rule) -> Missing {
        if self.decide(rule).is_ok() {
            return Missing::default();
        }
        match *rule {
            Rule::FreshLogin(seconds) => Missing::only(StepUp::max_age(seconds)),
            Rule::SecondFactor => Missing::only(StepUp::SECOND_FACTOR),
            Rule::All(rules) => {
                rules
                    .iter()
                    .map(|rule| self.missing(rule))
                    .fold(Missing::default(), |all, one| Missing {
                        login: all.login.and(one.login),
                        more: all.more || one.more,
                    })
            }
            // The first alternative that needs nothing but a login; the others are no way for this caller.
            Rule::Any(rules) => rules
                .iter()
                .map(|rule| self.missing(rule))
                .find(|missing| !missing.more)
                .unwrap_or(Missing::SOMETHING_ELSE),
            Rule::Member(rule) if self.context.member.is_some() => self.inside().missing(rule),
            _ => Missing::SOMETHING_ELSE,
        }
    }
}

impl Missing {
    const SOMETHING_ELSE: Self = Self {
        login: StepUp {
            max_age: None,
            second_factor: false,
        },
        more: true,
    };

    const fn only(login: StepUp) -> Self {
        Self { login, more: false }
    }
}
