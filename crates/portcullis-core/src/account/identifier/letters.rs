//! Which letters a name is written with: those of living languages, with their marks, and none that hide or imitate.
//!
//! A word may have what its script needs: marks after a letter, at most four on each; joiners where RFC 5892 lets
//! them stand. What can't be seen is refused, and letters of two scripts in one name, unless people write them together (Japanese,
//! Chinese and Korean with Latin): the "highly restrictive" level of UTS 39.
//!
//! Source: RFC 8264 §9, RFC 8265 §3.3, UTS 39 §4 and §5.2

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory as _};
use unicode_script::{Script, UnicodeScript as _};
use unicode_security::confusable_detection::skeleton;
use unicode_security::mixed_script::AugmentedScriptSet;

use crate::text::{hides, reads_plainly};

/// What is wrong with the letters of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLetters {
    /// Neither a letter nor a digit nor a mark, or one that can't be seen.
    #[error("only letters and digits that can be seen may be used, with the marks that belong to them")]
    Hidden,
    /// A mark without a letter before it, or too many on one.
    #[error(
        "a mark, such as an accent or a vowel sign, follows its letter, and a letter has at most four of them"
    )]
    Marks,
    /// Letters of several scripts.
    #[error("all letters are of one script: a Cyrillic or Greek letter can look like a Latin one")]
    Scripts,
}

/// Checks a name in NFKC and lower case. `between` are the further characters that may stand in it.
pub(super) fn check(text: &str, between: impl Fn(char) -> bool) -> Result<(), InvalidLetters> {
    let mut marks = None;
    for c in text.chars() {
        marks = match kind(c) {
            _ if between(c) => None,
            AccountKind::Letter => Some(0),
            AccountKind::Joiner => marks,
            AccountKind::Mark => match marks {
                Some(marks) if marks < MOST_MARKS => Some(marks + 1),
                _ => return Err(InvalidLetters::Marks),
            },
            AccountKind::Other => return Err(InvalidLetters::Hidden),
        };
    }
    if !reads_plainly(text) {
        return Err(InvalidLetters::Hidden);
    }
    if one_script(text) {
        Ok(())
    } else {
        Err(InvalidLetters::Scripts)
    }
}

/// Whether a name could begin with the character.
pub(super) fn begins(c: char) -> bool {
    matches!(kind(c), AccountKind::Letter)
}

/// Whether a name could end with the character: some words of living scripts end in a mark.
pub(super) fn ends(c: char) -> bool {
    matches!(kind(c), AccountKind::Letter | AccountKind::Mark)
}

enum AccountKind {
    Letter,
    Mark,
    Joiner,
    Other,
}

fn kind(c: char) -> AccountKind {
    use GeneralCategory as G;
    if matches!(c, '\u{200c}' | '\u{200d}') {
        return AccountKind::Joiner;
    }
    if hides(c) || never_in_names(c) {
        return AccountKind::Other;
    }
    match c.general_category() {
        G::UppercaseLetter | G::LowercaseLetter | G::TitlecaseLetter | G::ModifierLetter => {
            AccountKind::Letter
        }
        G::OtherLetter | G::DecimalNumber => AccountKind::Letter,
        G::NonspacingMark | G::SpacingMark => AccountKind::Mark,
        _ if c == '\u{3007}' => AccountKind::Letter,
        _ => AccountKind::Other,
    }
}

/// Letters and marks that PRECIS leaves out of identifiers: fillers and stretchers, parts of Hangul syllables, and the
/// iota below that stands apart, which its letter has taken in wherever it has one.
///
/// Source: RFC 5892 §2.6 and §2.9, RFC 8264 §9.8
const fn never_in_names(c: char) -> bool {
    matches!(c,
        '\u{0345}' | '\u{0640}' | '\u{07fa}' | '\u{302e}' | '\u{302f}' | '\u{3031}'..='\u{3035}' | '\u{303b}'
        | '\u{1100}'..='\u{11ff}' | '\u{a960}'..='\u{a97f}' | '\u{d7b0}'..='\u{d7ff}')
}

/// Source: UTS 39 §5.2, "highly restrictive"
fn one_script(text: &str) -> bool {
    if !AugmentedScriptSet::for_str(text).is_empty() {
        return true;
    }
    let mut rest = AugmentedScriptSet::default();
    for c in text.chars().filter(|c| c.script() != Script::Latin) {
        rest.intersect_with(c.into());
    }
    rest.hanb || rest.jpan || rest.kore
}

/// What a name looks like: two names with one skeleton can't be told apart. Zero and the letter O count as one.
///
/// Source: UTS 39 §4
pub(super) fn look(text: &str) -> String {
    let look = skeleton(text).collect::<String>().to_lowercase();
    look.replace('0', "o")
}

/// Whether a text that isn't ASCII looks as if it were: `сосо` in Cyrillic.
pub(super) fn passes_for_ascii(text: &str) -> bool {
    !text.is_ascii() && skeleton(text).all(|c| c.is_ascii())
}

const MOST_MARKS: u8 = 4;
