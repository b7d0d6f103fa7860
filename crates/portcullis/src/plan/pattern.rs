//! Patterns of texts, on an engine whose time is linear in the text.
//!
//! Source: JSON Schema 2020-12 §6.4 (regular expressions are those of ECMA-262, and not anchored)

use std::fmt;

use portcullis_core::defends;

use super::flaw::Why;

/// A pattern, and its text for people.
#[derive(Clone)]
pub(crate) struct Pattern {
    text: String,
    engine: Engine,
}

#[derive(Clone)]
enum Engine {
    /// A whole number: the names of members of a map by number.
    Digits { signed: bool },
    #[cfg(feature = "patterns")]
    Any(regex::Regex),
}

impl Pattern {
    /// Compiles a pattern.
    pub(super) fn new(text: &str) -> Result<Self, Why> {
        let engine = match text {
            r"^\d+$" => Engine::Digits { signed: false },
            r"^-?\d+$" => Engine::Digits { signed: true },
            _ => any(text).map_err(|why| Why(format!("the pattern {text:?} can't be checked: {why}")))?,
        };
        Ok(Self {
            text: text.to_owned(),
            engine,
        })
    }

    /// Whether some part of `text` matches.
    pub(crate) fn fits(&self, text: &str) -> bool {
        match &self.engine {
            Engine::Digits { signed } => {
                let digits = text.strip_prefix('-').filter(|_| *signed).unwrap_or(text);
                !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
            }
            #[cfg(feature = "patterns")]
            Engine::Any(engine) => engine.is_match(text),
        }
    }
}

#[cfg(feature = "patterns")]
fn any(text: &str) -> Result<Engine, String> {
    defends!("T201");
    // What `\d` and `.` mean is ECMA-262's word, as for whoever reads the document.
    let translated = jsonschema_regex::to_rust_regex(text)
        .map_err(|()| "it isn't a regular expression of ECMA-262, or takes more than linear time")?;
    let engine = regex::RegexBuilder::new(&translated)
        .size_limit(MOST_BYTES)
        .build();
    engine.map(Engine::Any).map_err(|error| error.to_string())
}

#[cfg(not(feature = "patterns"))]
fn any(_: &str) -> Result<Engine, String> {
    defends!("T200");
    Err("switch the feature `patterns` of this library on".to_owned())
}

/// The largest machine that a pattern may become.
#[cfg(feature = "patterns")]
const MOST_BYTES: usize = 1 << 20;

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(all(test, feature = "patterns"))]
mod tests {
    use portcullis_core::checks;

    use super::*;

    #[test]
    fn a_pattern_means_what_readers_of_the_document_take_it_for() {
        for (pattern, good, bad) in [
            (r"^\d+$", "2026", "\u{0662}\u{0660}"),
            (r"^\w+$", "abc_1", "\u{e9}"),
            ("^[A-Z]{2}[0-9]{4}$", "AB1234", "AB1234\n"),
            ("b", "abc", "ac"),
            (r"^a\/b$", "a/b", "a\\/b"),
        ] {
            let pattern = Pattern::new(pattern).unwrap();
            assert!(pattern.fits(good) && !pattern.fits(bad), "{pattern}");
        }
    }

    #[test]
    fn what_is_no_pattern_or_not_linear_is_refused() {
        checks!("T201");
        for pattern in [
            "(",
            "[",
            "a{2,1}",
            r"(a)\1",
            "(?=.*[A-Z]).+",
            "(?<!a)b",
            "((a{1,1000}){1,1000}){1,1000}",
        ] {
            let why = Pattern::new(pattern).unwrap_err();
            assert!(why.0.contains("can't be checked"), "{}", why.0);
        }
    }

    /// Engines that go back take longer than the sun for these.
    #[test]
    fn a_text_that_makes_others_go_back_is_read_once() {
        checks!("T201");
        for pattern in ["^(a+)+$", "^(a|a)*$", "^(.*a){20}$", "^([a-z]+)*[0-9]$"] {
            let pattern = Pattern::new(pattern).unwrap();
            assert!(!pattern.fits(&format!("{}!", "a".repeat(60_000))), "{pattern}");
        }
    }
}
