//! The values that attributes have.

use std::collections::BTreeSet;

use serde_json::Value as Json;

/// Of which type the values of an attribute are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text of up to [`LONGEST_TEXT`] bytes.
    Text,
    /// A whole number.
    Integer,
    /// Yes or no.
    Flag,
    /// A set of up to [`MOST_TEXTS`] texts.
    Texts,
}

/// A value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttributeValue {
    /// A text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// Yes or no.
    Flag(bool),
    /// A set of texts.
    Texts(BTreeSet<String>),
}

impl AttributeValue {
    /// Of which type it is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Text(_) => Kind::Text,
            Self::Integer(_) => Kind::Integer,
            Self::Flag(_) => Kind::Flag,
            Self::Texts(_) => Kind::Texts,
        }
    }

    /// The value as JSON: a string, a number, a truth value, an array of strings.
    #[must_use]
    pub fn to_json(&self) -> Json {
        match self {
            Self::Text(text) => Json::from(text.as_str()),
            Self::Integer(number) => Json::from(*number),
            Self::Flag(yes) => Json::from(*yes),
            Self::Texts(texts) => texts.iter().map(String::as_str).collect(),
        }
    }

    /// The value that JSON says; `None` if it says no value that an attribute can have.
    #[must_use]
    pub fn from_json(json: &Json) -> Option<Self> {
        match json {
            Json::String(text) => Some(Self::Text(text.clone())),
            Json::Number(number) => number.as_i64().map(Self::Integer),
            Json::Bool(yes) => Some(Self::Flag(*yes)),
            Json::Array(texts) => {
                let texts = texts.iter().map(|text| text.as_str().map(str::to_owned));
                texts.collect::<Option<_>>().map(Self::Texts)
            }
            Json::Null | Json::Object(_) => None,
        }
    }

    pub(super) fn fits(&self) -> bool {
        let fits = |text: &str| text.len() <= LONGEST_TEXT && !text.contains('\0');
        match self {
            Self::Text(text) => fits(text),
            Self::Integer(_) | Self::Flag(_) => true,
            Self::Texts(texts) => texts.len() <= MOST_TEXTS && texts.iter().all(|text| fits(text)),
        }
    }
}

/// How many bytes a text may have.
pub const LONGEST_TEXT: usize = 256;

/// How many texts a set may have.
pub const MOST_TEXTS: usize = 32;

/// How many bytes all attributes of an account may have together, as JSON: so that a token holds them.
pub const MOST_BYTES: usize = 2_048;

mod sealed {
    pub trait IsHeld {}
    impl IsHeld for String {}
    impl IsHeld for i64 {}
    impl IsHeld for bool {}
    impl IsHeld for std::collections::BTreeSet<String> {}
}

/// A type that values of attributes have.
#[diagnostic::on_unimplemented(
    message = "an attribute can't hold a `{Self}`",
    note = "its type is `String`, `i64`, `bool` or `BTreeSet<String>`"
)]
pub trait Held: Sized + sealed::IsHeld {
    /// The type as data.
    const KIND: Kind;
    /// The value as data.
    fn hold(self) -> AttributeValue;
    /// The value, if the data is of this type.
    fn of(value: &AttributeValue) -> Option<Self>;
}

macro_rules! held {
    ($($type:ty: $kind:ident),*) => {$(
        impl Held for $type {
            const KIND: Kind = Kind::$kind;

            fn hold(self) -> AttributeValue {
                AttributeValue::$kind(self)
            }

            fn of(value: &AttributeValue) -> Option<Self> {
                match value {
                    AttributeValue::$kind(value) => Some(value.clone()),
                    _ => None,
                }
            }
        }
    )*};
}
held!(String: Text, i64: Integer, bool: Flag, BTreeSet<String>: Texts);
