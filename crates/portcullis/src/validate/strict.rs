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
        let mut seen = Seen::default();
        while let Some(Name(name)) = map.next_key::<Name<'de>>()? {
            if seen.has(&name) {
                self.findings.twice = Some(name.into_owned());
                return Err(A::Error::custom("twice"));
            }
            if let Err(error) = map.next_value_seed(self.deeper()) {
                self.note(|| escape(&clip(&name)).into_owned());
                return Err(error);
            }
            seen.add(name);
        }
        Ok(())
    }
}

/// The members of an object so far. Most objects have a few, which are compared faster than hashed.
#[derive(Default)]
struct Seen<'de> {
    few: Vec<Cow<'de, str>>,
    many: HashSet<Cow<'de, str>>,
}

impl<'de> Seen<'de> {
    fn has(&self, name: &str) -> bool {
        self.few.iter().any(|seen| seen == name) || (!self.many.is_empty() && self.many.contains(name))
    }

    fn add(&mut self, name: Cow<'de, str>) {
        if self.few.len() < FEW {
            self.few.push(name);
        } else {
            self.many.insert(name);
        }
    }
}

/// So many are compared one by one.
const FEW: usize = 16;

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

#[cfg(test)]
mod tests {
    use super::*;

    fn object(members: impl Iterator<Item = usize>) -> String {
        let members: Vec<_> = members.map(|member| format!("\"m{member}\":{member}")).collect();
        format!("{{{}}}", members.join(","))
    }

    #[test]
    fn a_member_twice_is_found_wherever_it_stands_among_however_many() {
        for count in [1, FEW - 1, FEW, FEW + 1, 3 * FEW] {
            assert!(check(&object(0..count)).is_ok(), "{count}");
            for again in 0..count {
                let found = check(&object((0..count).chain([again])));
                assert!(
                    matches!(&found, Err(NotStrict::Twice(pointer)) if *pointer == format!("/m{again}")),
                    "{again} of {count}: {found:?}"
                );
            }
        }
    }
}
