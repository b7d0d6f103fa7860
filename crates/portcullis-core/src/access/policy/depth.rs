//! How deep a policy is nested, measured on its text.
//!
//! Parsing and checking recurse, and a stack that overflows ends the process: a file that is too deep must be refused
//! before anything else looks at it. So this reads tokens only, with a stack of its own that is bounded.
//!
//! Invariant: what it measures is at least the depth of the expression that the text means. It may be more.

/// Where the text is nested too deep; `None` if nowhere.
pub(super) fn too_deep(text: &str) -> Option<usize> {
    let mut levels = vec![Level::default()];
    let mut tokens = Tokens { text, at: 0 };
    while let Some((at, token)) = tokens.next() {
        let outside = levels.len() == 1;
        let level = levels.last_mut()?;
        match token {
            Token::Open => levels.push(Level::default()),
            Token::Close if outside => {}
            Token::Close => {
                let inside = level.depth() + BRACKET;
                levels.pop();
                let around = levels.last_mut()?;
                around.operand = around.operand.max(inside) + 1;
            }
            Token::Member => level.operand += 1,
            Token::Link => level.link(),
            Token::Comma => level.next(),
            Token::End if outside => *level = Level::default(),
            Token::End => {}
        }
        let deepest = levels.last().map_or(0, Level::depth);
        if levels.len() > MOST_OPEN || deepest > DEEPEST {
            return Some(at);
        }
    }
    None
}

/// What stands between two brackets.
#[derive(Default)]
struct Level {
    /// The operators so far: a chain of them is as deep as it is long.
    links: usize,
    /// The depth of the operand that is being read.
    operand: usize,
    /// That of the deepest operand before it.
    operands: usize,
    /// That of the deepest part before the last comma.
    parts: usize,
}

impl Level {
    fn depth(&self) -> usize {
        self.parts.max(self.links + self.operand.max(self.operands))
    }

    fn link(&mut self) {
        self.operands = self.operands.max(self.operand);
        self.operand = 0;
        self.links += 1;
    }

    fn next(&mut self) {
        *self = Self {
            parts: self.depth(),
            ..Self::default()
        };
    }
}

/// What can make an expression deeper.
#[derive(Clone, Copy)]
enum Token {
    Open,
    Close,
    /// `.`
    Member,
    /// An operator, or a word that begins or joins conditions.
    Link,
    Comma,
    /// `;`
    End,
}

struct Tokens<'t> {
    text: &'t str,
    at: usize,
}

impl Tokens<'_> {
    fn next(&mut self) -> Option<(usize, Token)> {
        loop {
            let rest = self.text.as_bytes().get(self.at..)?;
            let at = self.at;
            let (length, token) = match rest {
                [] => return None,
                [b'"', inside @ ..] => (1 + string(inside), None),
                [b'/', b'/', ..] => (until(rest, |byte| byte == b'\n'), None),
                [b'(' | b'[' | b'{', ..] => (1, Some(Token::Open)),
                [b')' | b']' | b'}', ..] => (1, Some(Token::Close)),
                [b'.', ..] => (1, Some(Token::Member)),
                [b',', ..] => (1, Some(Token::Comma)),
                [b';', ..] => (1, Some(Token::End)),
                [b'!' | b'<' | b'>' | b'=', b'=', ..] => (2, None),
                [b'&', b'&', ..] | [b'|', b'|', ..] => (2, Some(Token::Link)),
                [b'+' | b'-' | b'*' | b'!', ..] => (1, Some(Token::Link)),
                [letter, ..] if is_word(*letter) => {
                    let length = until(rest, |byte| !is_word(byte));
                    let joins = matches!(rest.get(..length), Some(b"if" | b"when" | b"unless"));
                    (length, joins.then_some(Token::Link))
                }
                _ => (1, None),
            };
            self.at += length;
            if let Some(token) = token {
                return Some((at, token));
            }
        }
    }
}

/// How long a string is with its closing quote.
fn string(inside: &[u8]) -> usize {
    let mut escaped = false;
    let end = inside.iter().position(|byte| {
        let ends = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        ends
    });
    end.map_or(inside.len(), |end| end + 1)
}

fn until(rest: &[u8], ends: impl Fn(u8) -> bool) -> usize {
    rest.iter().position(|byte| ends(*byte)).unwrap_or(rest.len())
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// What a pair of brackets costs, in operators: the parser passes every level of precedence again.
const BRACKET: usize = 4;

/// How many brackets may be open.
const MOST_OPEN: usize = 64;

/// How deep a policy may be, in operators. The smallest stack there is (2 MiB, without optimization) bears half as much
/// again.
const DEEPEST: usize = 400;

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(open: &str, close: &str, times: usize) -> String {
        format!("when {{ {}a{} }};", open.repeat(times), close.repeat(times))
    }

    #[test]
    fn both_sides_of_the_deepest() {
        for (open, close, most) in [
            ("(", ")", 62),
            ("f(", ")", 62),
            ("[", "]", 62),
            ("a && ", "", 394),
            ("", " || a", 394),
            ("", ".a", 394),
            ("", "[\"a\"]", 390),
            ("if ", " then a else a", 394),
            ("!", "", 394),
        ] {
            let found = (0..500).find(|times| too_deep(&nested(open, close, *times)).is_some());
            assert_eq!(found, Some(most + 1), "{open}…{close}");
        }
    }

    #[test]
    fn what_is_deep_is_deep_wherever_it_stands() {
        let deep = format!("{}a{}", "(".repeat(60), ")".repeat(60));
        let long = "a && ".repeat(200);
        for text in [
            format!("when {{ {deep} && {long} a }};"),
            format!("when {{ {long} {deep} }};"),
            format!("when {{ [a, {long} {deep}, a] }};"),
            format!("when {{ a }} unless {{ f({long} {deep}).g }};"),
        ] {
            assert!(too_deep(&text).is_some(), "{text}");
        }
        assert!(too_deep(&"when { a } ".repeat(400)).is_some());
    }

    #[test]
    fn what_is_long_is_not_deep() {
        let policy =
            "permit(principal, action, resource) when { resource.a == 1 && !(resource.b in [c, d]) };\n";
        let strings = format!("when {{ a == \"{}\\\"{}\" }};", "(".repeat(100), "[".repeat(100));
        let comment = format!("// {}\n", "{".repeat(100));
        let list = format!("when {{ [{}] }};", "A::\"a\", (b && c).d, ".repeat(1_000));
        for text in [policy.repeat(1_000), strings, comment, list, String::new()] {
            assert_eq!(
                too_deep(&text),
                None,
                "{}",
                text.chars().take(100).collect::<String>()
            );
        }
    }

    #[test]
    fn no_text_is_too_strange() {
        for text in [
            "\"", "\"\\", "//", ")", "]]}}", "ü", "&", "|", "=", "!", ";;", "if",
        ] {
            assert_eq!(too_deep(text), None, "{text}");
        }
    }
}
