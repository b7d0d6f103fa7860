//! What is known of a key, and which one a misspelt name was meant to be.

use super::KEYS;

/// What a key means, for `config show`, the help and the manual. Declared by `section!`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key {
    /// Its name in the file; the variable's name is made from it.
    pub(crate) name: &'static str,
    /// What it sets, in one sentence.
    pub(crate) about: &'static str,
    /// Its default in words, where it depends on something else; empty where the value itself says it.
    pub(crate) default: &'static str,
    /// What the manual says in place of `about`; empty where that is enough.
    pub(crate) manual: &'static str,
}

impl Key {
    /// The key of this name.
    pub(crate) fn find(name: &str) -> Option<Self> {
        KEYS.iter().copied().find(|key| key.name == name)
    }

    /// The name of the variable that sets it: `sessions.idle` is `PORTCULLIS_SESSIONS_IDLE`.
    pub(crate) fn variable(self) -> String {
        format!("{PREFIX}{}", self.name.replace('.', "_").to_uppercase())
    }
}

/// The known name that `name` was probably meant to be.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let last = |name: &'a str| name.rsplit('.').next().unwrap_or(name);
    known
        .map(|candidate| {
            // A right word in the wrong table is as near as a small slip.
            let words = if last(candidate) == name { 1 } else { usize::MAX };
            (distance(name, candidate).min(words), candidate)
        })
        .filter(|(slips, candidate)| *slips <= 1 + candidate.len() / 5)
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, candidate)| candidate)
}

/// How many e-mails must be added, dropped or changed to get from one word to the other.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (line, a) in from.chars().enumerate() {
        let mut left = line + 1;
        let mut next = vec![left];
        for (above, b) in row.windows(2).zip(&to) {
            let [diagonal, above] = above else { continue };
            left = (diagonal + usize::from(a != *b)).min(above + 1).min(left + 1);
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

/// What every variable of ours begins with.
pub(crate) const PREFIX: &str = "PORTCULLIS_";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_keys_share_a_variable() {
        let variables: std::collections::HashSet<String> = KEYS.iter().map(|key| key.variable()).collect();
        assert_eq!(variables.len(), KEYS.len());
    }

    #[test]
    fn slips_are_recognised_and_strangers_are_not() {
        let names = || KEYS.iter().map(|key| key.name);
        for (typed, meant) in [
            ("lisen", Some("listen")),
            ("listen_", Some("listen")),
            ("session.idle", Some("sessions.idle")),
            ("idle", Some("sessions.idle")),
            ("tokens.acess_lifetime", Some("tokens.access_lifetime")),
            ("public-url", Some("public_url")),
            ("flavour", None),
            ("", None),
        ] {
            assert_eq!(nearest(typed, names()), meant, "{typed}");
        }
    }

    #[test]
    fn distances_are_those_of_levenshtein() {
        for (a, b, slips) in [
            ("", "", 0),
            ("", "abc", 3),
            ("kitten", "sitting", 3),
            ("flaw", "lawn", 2),
            ("é", "e", 1),
        ] {
            assert_eq!(distance(a, b), slips, "{a} {b}");
            assert_eq!(distance(b, a), slips, "{b} {a}");
        }
    }
}
