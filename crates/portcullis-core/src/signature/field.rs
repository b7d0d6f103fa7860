//! Structured fields, as far as signatures and digests use them: dictionaries of byte sequences and of lists of texts.
//!
//! Invariant: what is read has one spelling, so what is written again is what was received, byte for byte. A duplicate name, which
//! RFC 9651 lets the last one win, is refused: two readers could take two signatures out of one field (`T262`).
//!
//! Source: RFC 9651 §3, §4.2

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::defends;

/// A value without members of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Bare {
    Integer(i64),
    Text(String),
    Token(String),
    Bytes(Vec<u8>),
    Boolean(bool),
}

/// A member's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    One(Bare),
    /// The texts of an inner list.
    Texts(Vec<String>),
}

/// A member of a dictionary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member<'t> {
    pub(super) name: &'t str,
    /// Value and parameters as they were received.
    pub(super) raw: &'t str,
    pub(super) value: Value,
    pub(super) parameters: Vec<(&'t str, Bare)>,
}

/// Reads a dictionary; `None` unless all of it is one.
pub(super) fn dictionary(text: &str) -> Option<Vec<Member<'_>>> {
    defends!("T262");
    let mut reader = Reader {
        rest: text.trim_matches(' '),
    };
    let mut members: Vec<Member<'_>> = Vec::new();
    loop {
        let member = reader.member()?;
        if members.iter().any(|known| known.name == member.name) {
            return None;
        }
        members.push(member);
        reader.skip(|byte| byte == b' ' || byte == b'\t');
        if reader.rest.is_empty() {
            return Some(members);
        }
        reader.take(',')?;
        reader.skip(|byte| byte == b' ' || byte == b'\t');
    }
}

/// Writes a text between quotes; `None` for what can't stand there.
pub(super) fn quoted(text: &str) -> Option<String> {
    if !text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return None;
    }
    Some(format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")))
}

/// Writes bytes between colons.
pub(super) fn bytes(bytes: &[u8]) -> String {
    format!(":{}:", STANDARD.encode(bytes))
}

struct Reader<'t> {
    rest: &'t str,
}

impl<'t> Reader<'t> {
    fn member(&mut self) -> Option<Member<'t>> {
        let name = self.key()?;
        self.take('=')?;
        let from = self.rest;
        let value = match self.peek()? {
            b'(' => Value::Texts(self.texts()?),
            _ => Value::One(self.bare()?),
        };
        let parameters = self.parameters()?;
        let raw = from.get(..from.len() - self.rest.len())?;
        Some(Member {
            name,
            raw,
            value,
            parameters,
        })
    }

    /// Texts between brackets, one space between two. A text with parameters of its own isn't read: whoever doesn't know them
    /// doesn't know what was signed.
    fn texts(&mut self) -> Option<Vec<String>> {
        self.take('(')?;
        let mut texts = Vec::new();
        if self.take(')').is_some() {
            return Some(texts);
        }
        loop {
            texts.push(self.text()?);
            if self.take(')').is_some() {
                return Some(texts);
            }
            self.take(' ')?;
        }
    }

    fn parameters(&mut self) -> Option<Vec<(&'t str, Bare)>> {
        let mut parameters: Vec<(&str, Bare)> = Vec::new();
        while self.take(';').is_some() {
            let name = self.key()?;
            let value = match self.take('=') {
                Some(()) => self.bare()?,
                None => Bare::Boolean(true),
            };
            if parameters.iter().any(|(known, _)| *known == name) {
                return None;
            }
            parameters.push((name, value));
        }
        Some(parameters)
    }

    fn bare(&mut self) -> Option<Bare> {
        match self.peek()? {
            b'"' => self.text().map(Bare::Text),
            b':' => self.byte_sequence().map(Bare::Bytes),
            b'?' => self.boolean().map(Bare::Boolean),
            b'-' | b'0'..=b'9' => self.integer().map(Bare::Integer),
            b'a'..=b'z' | b'A'..=b'Z' | b'*' => Some(Bare::Token(self.token()?.to_owned())),
            _ => None,
        }
    }

    /// Source: RFC 9651 §3.1.2
    fn key(&mut self) -> Option<&'t str> {
        let first = self.peek()?;
        if !(first.is_ascii_lowercase() || first == b'*') {
            return None;
        }
        Some(self.while_(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-' | b'.' | b'*')
        }))
    }

    fn token(&mut self) -> Option<&'t str> {
        let token = self.while_(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~:/".contains(&byte));
        (!token.is_empty()).then_some(token)
    }

    fn boolean(&mut self) -> Option<bool> {
        self.take('?')?;
        if self.take('1').is_some() {
            return Some(true);
        }
        self.take('0').map(|()| false)
    }

    /// At most fifteen digits, as a number is written: without a needless zero.
    fn integer(&mut self) -> Option<i64> {
        let negative = self.take('-').is_some();
        let digits = self.while_(|byte| byte.is_ascii_digit());
        let plain = digits == "0" && !negative || !digits.starts_with('0');
        if digits.is_empty() || digits.len() > 15 || !plain || self.peek() == Some(b'.') {
            return None;
        }
        let number: i64 = digits.parse().ok()?;
        Some(if negative { -number } else { number })
    }

    fn text(&mut self) -> Option<String> {
        self.take('"')?;
        let mut text = String::new();
        let mut characters = self.rest.char_indices();
        while let Some((at, character)) = characters.next() {
            match character {
                '"' => {
                    self.rest = self.rest.get(at + 1..)?;
                    return Some(text);
                }
                '\\' => match characters.next()?.1 {
                    escaped @ ('"' | '\\') => text.push(escaped),
                    _ => return None,
                },
                ' '..='~' => text.push(character),
                _ => return None,
            }
        }
        None
    }

    /// Base64 in its one spelling.
    fn byte_sequence(&mut self) -> Option<Vec<u8>> {
        self.take(':')?;
        let encoded = self.while_(|byte| byte != b':');
        self.take(':')?;
        STANDARD.decode(encoded).ok()
    }

    fn peek(&self) -> Option<u8> {
        self.rest.bytes().next()
    }

    fn take(&mut self, wanted: char) -> Option<()> {
        self.rest = self.rest.strip_prefix(wanted)?;
        Some(())
    }

    fn skip(&mut self, skipped: impl Fn(u8) -> bool) {
        self.while_(skipped);
    }

    fn while_(&mut self, belongs: impl Fn(u8) -> bool) -> &'t str {
        let end = self.rest.bytes().position(|byte| !belongs(byte));
        // A byte that ends it is never inside of a character: what belongs is ASCII, or ends at a colon.
        let (taken, rest) = self
            .rest
            .split_at_checked(end.unwrap_or(self.rest.len()))
            .unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_kept_as_it_was_received() {
        let text = r#"sig1=("@method" "x-a");keyid="a\"b";created=17;tag="t";alg=x, b=:AQI=:"#;
        let members = dictionary(text).unwrap();
        assert_eq!(members[0].name, "sig1");
        assert_eq!(
            members[0].raw,
            r#"("@method" "x-a");keyid="a\"b";created=17;tag="t";alg=x"#
        );
        assert_eq!(
            members[0].value,
            Value::Texts(vec!["@method".into(), "x-a".into()])
        );
        assert_eq!(members[0].parameters[0], ("keyid", Bare::Text("a\"b".into())));
        assert_eq!(members[0].parameters[1], ("created", Bare::Integer(17)));
        assert_eq!(members[0].parameters[3], ("alg", Bare::Token("x".into())));
        assert_eq!(members[1].value, Value::One(Bare::Bytes(vec![1, 2])));
        assert_eq!(quoted("a\"b\\").unwrap(), r#""a\"b\\""#);
    }

    #[test]
    fn whatever_has_another_spelling_is_refused() {
        crate::checks!("T262");
        for text in [
            "",
            " ",
            "a",
            "a=",
            "a=1,",
            "a=1,,b=2",
            "a=1 b=2",
            "A=1",
            "1=1",
            "a=1, a=2",
            "a=1;b=1;b=2",
            "a=01",
            "a=-0",
            "a=1.5",
            "a=1234567890123456",
            "a=\"x",
            "a=\"\\x\"",
            "a=\"ä\"",
            "a=ä",
            "a=:AQI:",
            "a=:AQJ=:",
            "a=:AQI=",
            "a=:AQ I=:",
            "a=( \"x\")",
            "a=(\"x\" )",
            "a=(\"x\"  \"y\")",
            "a=(\"x\";sf)",
            "a=(x)",
            "a=(\"x\"",
            "a=?2",
            "a=@17",
            "a= 1",
            "a=1; b=2",
            "a=:ä:",
        ] {
            assert_eq!(dictionary(text), None, "{text}");
        }
    }
}
