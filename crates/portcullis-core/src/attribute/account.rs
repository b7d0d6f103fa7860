//! The attributes of one account, and their changes.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::declared::is_name;
use super::{Attribute, AttributeValue, Declared, Definition, Held, LONGEST_TEXT, MOST_BYTES, MOST_TEXTS};
use crate::defends;

/// A change of one attribute of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributeChange {
    /// Which attribute.
    pub name: &'static str,
    /// Its new value; `None` takes it away.
    pub value: Option<AttributeValue>,
}

/// The attributes of an account, as they are stored.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Attributes(BTreeMap<String, AttributeValue>);

impl Attributes {
    /// The account's value of the attribute; `None` if it has none, or one of another type.
    #[must_use]
    pub fn get<T: Held>(&self, attribute: Attribute<T>) -> Option<T> {
        self.find(&attribute.definition).and_then(T::of)
    }

    /// The same as data.
    #[must_use]
    pub fn find(&self, definition: &Definition) -> Option<&AttributeValue> {
        defends!("T227");
        let value = self.0.get(definition.name)?;
        (value.kind() == definition.kind).then_some(value)
    }

    /// Reads the stored form; `None` if it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let members: Map<String, Json> = serde_json::from_str(text).ok()?;
        let read = |(name, json): (String, Json)| AttributeValue::from_json(&json).map(|value| (name, value));
        members.into_iter().map(read).collect::<Option<_>>().map(Self)
    }

    /// The stored form; `None` of nothing.
    #[must_use]
    pub fn stored(&self) -> Option<String> {
        let member = |(name, value): (&String, &AttributeValue)| (name.clone(), value.to_json());
        let members: Map<String, Json> = self.0.iter().map(member).collect();
        (!members.is_empty()).then(|| Json::Object(members).to_string())
    }

    /// Adds what a token says under this name, if an attribute can have it.
    pub(crate) fn add_claim(&mut self, name: &str, claim: &Json) {
        if let Some(value) = AttributeValue::from_json(claim).filter(|value| is_name(name) && value.fits()) {
            self.0.insert(name.to_owned(), value);
        }
    }

    /// Those that are declared, each with a value of its type.
    pub(crate) fn of(self, declared: &Declared) -> Self {
        let kept = |name: &String, value: &AttributeValue| {
            declared
                .find(name)
                .is_some_and(|known| known.kind == value.kind())
        };
        Self(
            self.0
                .into_iter()
                .filter(|(name, value)| kept(name, value))
                .collect(),
        )
    }

    /// About how many bytes they take.
    pub(crate) fn weight(&self) -> usize {
        let texts = |value: &AttributeValue| match value {
            AttributeValue::Text(text) => text.len(),
            AttributeValue::Texts(texts) => texts.iter().map(|text| text.len() + 24).sum(),
            AttributeValue::Integer(_) | AttributeValue::Flag(_) => 0,
        };
        self.0
            .iter()
            .map(|(name, value)| name.len() + texts(value) + 96)
            .sum()
    }

    /// Makes the changes.
    ///
    /// # Errors
    /// [`InvalidValue`]; nothing was changed.
    pub fn change(&mut self, changes: &[AttributeChange]) -> Result<(), InvalidValue> {
        let mut changed = self.clone();
        for AttributeChange { name, value } in changes {
            match value {
                Some(value) if !value.fits() => return Err(InvalidValue::TooLong(name)),
                Some(value) => drop(changed.0.insert((*name).to_owned(), value.clone())),
                None => drop(changed.0.remove(*name)),
            }
        }
        if changed.stored().is_some_and(|text| text.len() > MOST_BYTES) {
            return Err(InvalidValue::TooMany);
        }
        *self = changed;
        Ok(())
    }
}

/// Why an account can't have a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidValue {
    /// One value by itself.
    #[error(
        "the attribute `{0}` holds texts of up to {LONGEST_TEXT} bytes without U+0000, and up to {MOST_TEXTS} of them: give it a \
         shorter value"
    )]
    TooLong(&'static str),
    /// All of an account.
    #[error(
        "all attributes of an account have up to {MOST_BYTES} bytes together, so that tokens can hold them: keep the rest in \
         a table of your own"
    )]
    TooMany,
}
