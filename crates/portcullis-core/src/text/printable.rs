//! Which characters may stand in a name that people give and others read: in e-mails, lists, logs and terminals.

use unicode_script::{Script, UnicodeScript as _};

/// Whether the character shows itself and nothing else: no control character, no line or paragraph separator, no mark
/// of direction, nothing of no width, nothing that only selects how others look. A name made of such characters breaks no line and turns no text around.
pub(crate) fn is_printable(c: char) -> bool {
    !c.is_control() && !hides(c)
}

/// Whether every character is [printable](is_printable), or a joiner that its neighbours need: without it, words of
/// living scripts are spelt wrongly.
///
/// Source: RFC 5892 appendix A.1 and A.2
pub(crate) fn reads_plainly(text: &str) -> bool {
    text.chars().all(|c| is_printable(c) || is_joiner(c)) && joiners_join(text)
}

/// Whether the character is invisible, or changes only how others are shown: what Unicode calls default-ignorable, and
/// the blank of Braille.
pub(crate) const fn hides(c: char) -> bool {
    matches!(c,
        '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

const fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

/// Whether each joiner stands where RFC 5892 lets it: IDNA's own check knows the rules.
fn joiners_join(text: &str) -> bool {
    if !text.contains(is_joiner) {
        return true;
    }
    // What is around a joiner decides, not the whole text: a word at a time, as a label of a domain name.
    text.split(|c: char| !c.is_alphanumeric() && !is_joiner(c) && c.script() == Script::Common)
        .filter(|word| word.contains(is_joiner))
        .all(|word| {
            let idna = idna::uts46::Uts46::new();
            let (deny, hyphens) = (idna::AsciiDenyList::STD3, idna::uts46::Hyphens::Allow);
            let length = idna::uts46::DnsLength::Ignore;
            idna.to_ascii(word.as_bytes(), deny, hyphens, length).is_ok()
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks;

    #[test]
    fn what_turns_hides_or_breaks_a_line_is_not_printable() {
        checks!("T141");
        for c in [
            '\0',
            '\n',
            '\r',
            '\t',
            '\u{1b}',
            '\u{7f}',
            '\u{85}',
            '\u{ad}',
            '\u{61c}',
            '\u{200b}',
            '\u{200e}',
            '\u{2028}',
            '\u{2029}',
            '\u{202a}',
            '\u{202e}',
            '\u{2060}',
            '\u{2066}',
            '\u{2069}',
            '\u{2800}',
            '\u{3164}',
            '\u{feff}',
            '\u{1bca0}',
            '\u{e0061}',
        ] {
            assert!(!is_printable(c), "{c:?}");
        }
        for c in ['a', ' ', 'é', '株', 'א', 'ع', '\u{301}', '🗝', '…'] {
            assert!(is_printable(c), "{c:?}");
        }
    }

    #[test]
    fn joiners_stand_where_words_need_them_and_nowhere_else() {
        checks!("T141");
        for text in [
            "plain",
            "می\u{200c}خواهم",
            "क्\u{200d}ष x",
            "شرکت می\u{200c}خواهم 2",
        ] {
            assert!(reads_plainly(text), "{text:?}");
        }
        for text in [
            "an\u{200c}na",
            "\u{200d}anna",
            "anna\u{200d}",
            "क\u{200d}",
            "a \u{200c}",
            "👨\u{200d}👩",
        ] {
            assert!(!reads_plainly(text), "{text:?}");
        }
    }
}
