//! Rules for passwords that a program adds to the built-in ones.
//!
//! **Invariant:** a rule can refuse and nothing else: the built-in rules are checked whatever it says, and one that panics
//! refuses. Neither the password nor what a panic says reaches an answer or a log of ours.
//!
//! **Deliberately absent:** rules that wait. One runs on the thread that answers, so it looks at what is in memory.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::policy::Broken;
use crate::defends;
use crate::secret::SecretText;
use crate::text::reads_plainly;

/// What a rule of one's own knows besides the password.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct PasswordContext<'a> {
    /// What the account is called, normalised: its address, its user name, or both.
    pub identifiers: &'a [&'a str],
}

/// A rule that a program adds. `Ok` lets the password through to the other rules; `Err` refuses it, with one sentence that says
/// what to do, for whoever chose the password.
#[derive(Clone)]
pub struct PasswordRule(Arc<Check>);

type Check = dyn Fn(&SecretText, PasswordContext<'_>) -> Result<(), String> + Send + Sync;

impl PasswordRule {
    /// A rule of this function. It gets the password as it is hashed, in NFC and no longer than the built-in rules
    /// allow; it is called once or twice for each password that somebody chooses, on the thread that answers the request, so it must not wait
    /// for anything.
    pub fn new(
        check: impl Fn(&SecretText, PasswordContext<'_>) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(check))
    }

    /// What it says against the password.
    pub(super) fn breaks(&self, password: &SecretText, context: PasswordContext<'_>) -> Option<Broken> {
        defends!("T213");
        let Ok(answer) = catch_unwind(AssertUnwindSafe(|| (self.0)(password, context))) else {
            tracing::error!("a password rule of the program's own panicked: the password is refused");
            return Some(Broken::Own(UNCHECKED.to_owned()));
        };
        answer
            .err()
            .map(|sentence| Broken::Own(shown(sentence, password)))
    }
}

/// The sentence of a rule, unless it can't be shown or quotes the password.
fn shown(sentence: String, password: &SecretText) -> String {
    let quoted = || {
        let secret = password.expose();
        secret.chars().count() >= 4 && sentence.to_lowercase().contains(&secret.to_lowercase())
    };
    let fits = !sentence.is_empty() && sentence.len() <= 800 && reads_plainly(&sentence);
    if fits && !quoted() {
        sentence
    } else {
        UNSAID.to_owned()
    }
}

/// What is said for a rule that panics.
const UNCHECKED: &str = "this password couldn't be checked: choose another";

/// What is said for a rule whose sentence can't be shown.
const UNSAID: &str = "choose another password";

impl fmt::Debug for PasswordRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordRule")
    }
}

#[cfg(test)]
mod tests {
    use super::super::PasswordPolicy;
    use super::*;
    use crate::checks;

    fn said(rule: PasswordRule, password: &str) -> Vec<(&'static str, String)> {
        let policy = PasswordPolicy::default().with_rule(rule);
        let broken = policy.broken_by(&SecretText::new(password.into()), &["anna@example.com", "anna"]);
        broken
            .iter()
            .map(|rule| (rule.code(), rule.to_string()))
            .collect()
    }

    fn own(sentence: &str) -> (&'static str, String) {
        ("password_rule", sentence.to_owned())
    }

    // Shows: PW-4
    #[test]
    fn a_rule_of_ones_own_is_named_beside_the_others_and_replaces_none() {
        let no_years = || {
            PasswordRule::new(|password, _| match password.expose().contains("2026") {
                true => Err("leave the year out".to_owned()),
                false => Ok(()),
            })
        };
        assert_eq!(said(no_years(), "correct horse battery"), []);
        let sentence = "leave the year out";
        assert_eq!(said(no_years(), "winter-of-2026"), [own(sentence)]);
        let both = said(no_years(), "2026");
        assert_eq!(both.first().map(|(code, _)| *code), Some("password_too_short"));
        assert_eq!(both.get(1), Some(&own(sentence)));
        // One that lets everything through lets no more through than there was.
        let lax = PasswordRule::new(|_, _| Ok(()));
        assert_eq!(
            said(lax, "aaaaaaaa").first().map(|(code, _)| *code),
            Some("password_single_character")
        );
    }

    #[test]
    fn a_rule_knows_what_the_account_is_called_and_gets_what_is_hashed() {
        let rule = PasswordRule::new(|password, context| {
            Err(format!(
                "{} for {}",
                password.expose().len(),
                context.identifiers.join(" and ")
            ))
        });
        // NFC makes one character of two.
        assert_eq!(
            said(rule, "cafe\u{301} noir"),
            [own("10 for anna@example.com and anna")]
        );
    }

    #[test]
    fn a_rule_that_panics_refuses() {
        checks!("T213");
        let rule = PasswordRule::new(|password, _| panic!("{}", password.expose()));
        assert_eq!(said(rule, "correct horse battery"), [own(UNCHECKED)]);
    }

    #[test]
    fn a_sentence_that_quotes_the_password_or_cannot_be_shown_is_not_said() {
        checks!("T213");
        for sentence in [
            "Correct Horse Battery is in a list",
            "",
            "two\nlines",
            "\u{202e}backwards",
        ] {
            let rule = PasswordRule::new(move |_, _| Err(sentence.to_owned()));
            assert_eq!(said(rule, "correct horse battery"), [own(UNSAID)], "{sentence:?}");
        }
        let long = PasswordRule::new(|_, _| Err("a".repeat(801)));
        assert_eq!(said(long, "correct horse battery"), [own(UNSAID)]);
    }

    #[test]
    fn a_rule_never_reads_more_than_the_built_in_ones_allow() {
        let rule = PasswordRule::new(|_, _| Err("read".to_owned()));
        for password in ["ab".repeat(129), "ab".repeat(600)] {
            let codes: Vec<_> = said(rule.clone(), &password)
                .into_iter()
                .map(|(code, _)| code)
                .collect();
            assert_eq!(codes, ["password_too_long"]);
        }
    }
}
