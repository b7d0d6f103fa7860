//! Which characters may stand in a name that people give and others read: in letters, lists, logs and terminals.

/// Whether the character shows itself and nothing else: no control character, no line or paragraph separator, no mark
/// of direction, nothing of no width, nothing that only selects how others look. A name made of such characters breaks no line and turns no text around.
pub(crate) fn is_printable(c: char) -> bool {
    !c.is_control() && !turns_or_hides(c)
}

const fn turns_or_hides(c: char) -> bool {
    matches!(c,
        '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_turns_hides_or_breaks_a_line_is_not_printable() {
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
            '\u{feff}',
            '\u{e0061}',
        ] {
            assert!(!is_printable(c), "{c:?}");
        }
        for c in ['a', ' ', 'é', '株', 'א', 'ع', '\u{301}', '🗝', '…'] {
            assert!(is_printable(c), "{c:?}");
        }
    }
}
