//! Reads JSON for its form only: no member twice, no depth bomb.
//!
//! serde keeps the last of two equal members where a type allows unknown ones; another layer may keep the first.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::errors::{clip, escape};

/// Why a text isn't JSON that is read one way only.
#[derive(Debug)]
pub(super) enum NotStrict {
    /// It isn't JSON at all (RFC 8259).
    Syntax(serde_json::Error),
    /// Nested deeper than [`DEPTH`].
    Depth,
    /// The member at this JSON pointer comes twice.
    Twice(String),
}

/// Checks the form of `text`.
pub(super) fn check(text: &str) -> Result<(), NotStrict> {
    let mut findings = Findings::default();
    let mut reader = serde_json::Deserializer::from_str(text);
    let scan = Scan {
        findings: &mut findings,
        depth: 0,
    };
    let read = scan.deserialize(&mut reader).and_then(|()| reader.end());
    match (read, findings.deep, findings.twice) {
        (Ok(()), ..) => Ok(()),
        (Err(_), true, _) => Err(NotStrict::Depth),
        (Err(_), false, Some(name)) => {
            let mut pointer: String = findings.path.iter().rev().flat_map(|part| ["/", part]).collect();
            pointer.push('/');
            pointer.push_str(&escape(&clip(&name)));
            Err(NotStrict::Twice(pointer))
        }
        (Err(error), false, None) => Err(NotStrict::Syntax(error)),
    }
}

/// How deep arrays and objects may be nested.
const DEPTH: usize = 32;

#[derive(Default)]
struct Findings {
    deep: bool,
    twice: Option<String>,
    /// The member or index of every level on the way, innermost first.
    path: Vec<String>,
}

struct Scan<'f> {
    findings: &'f mut Findings,
    depth: usize,
}

impl Scan<'_> {
    fn deeper(&mut self) -> Scan<'_> {
        Scan {
            findings: self.findings,
            depth: self.depth + 1,
        }
    }

    /// Whether a member came twice somewhere below: then the way up to the root is noted.
    fn note(&mut self, part: impl FnOnce() -> String) {
        if self.findings.twice.is_some() {
            self.findings.path.push(part());
        }
    }

    fn enter<E: serde::de::Error>(&mut self) -> Result<(), E> {
        if self.depth >= DEPTH {
            self.findings.deep = true;
            return Err(E::custom("too deep"));
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Scan<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Scan<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<(), A::Error> {
        self.enter()?;
        let mut index = 0_usize;
        loop {
            match seq.next_element_seed(self.deeper()) {
                Ok(Some(())) => index += 1,
                Ok(None) => return Ok(()),
                Err(error) => {
                    self.note(|| index.to_string());
                    return Err(error);
                }
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        self.enter()?;
        let mut seen = HashSet::new();
        while let Some(Name(name)) = map.next_key::<Name<'de>>()? {
            if let Some(name) = seen.replace(name.clone()) {
                self.findings.twice = Some(name.into_owned());
                return Err(A::Error::custom("twice"));
            }
            if let Err(error) = map.next_value_seed(self.deeper()) {
                self.note(|| escape(&clip(&name)).into_owned());
                return Err(error);
            }
        }
        Ok(())
    }
}

/// A member's name, borrowed from the text where it has no escapes.
pub(super) struct Name<'de>(pub(super) Cow<'de, str>);

impl<'de> serde::Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a member's name")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Text)
    }
}
