//! Attributes of a program's own on accounts, such as a department: declared once as a constant, typed, and shown to policies
//! and in tokens only where that is asked for.
//!
//! ```
//! use portcullis_core::attribute::Attribute;
//!
//! const DEPARTMENT: Attribute<String> = Attribute::new("department").in_policies().in_tokens();
//! const LEVEL: Attribute<i64> = Attribute::new("level");
//! ```
//!
//! Invariant: an attribute whose stored value is of another type than it is declared with isn't there (`T227`).
//!
//! **Deliberately absent:** attributes that nobody declared, and defaults.

use std::collections::{BTreeMap, BTreeSet};
use std::marker::PhantomData;

use serde_json::{Map, Value as Json};

use crate::defends;

/// An attribute that accounts may have, with a value of the type `T`: `String`, `i64`, `bool` or `BTreeSet<String>`.
pub struct Attribute<T> {
    definition: Definition,
    of: PhantomData<fn() -> T>,
}

impl<T> Clone for Attribute<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Attribute<T> {}

impl<T> std::fmt::Debug for Attribute<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.definition.fmt(f)
    }
}

impl<T: Held> Attribute<T> {
    /// An attribute of this name: a lower-case letter, then up to 63 lower-case letters, digits and `_`. Nobody sees it but
    /// the program.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self {
            definition: Definition {
                name,
                kind: T::KIND,
                in_policies: false,
                in_tokens: false,
            },
            of: PhantomData,
        }
    }

    /// The same, which policies may name: `principal has department && principal.department == "sales"`. Whoever sets it
    /// decides then what the account may do.
    #[must_use]
    pub const fn in_policies(mut self) -> Self {
        self.definition.in_policies = true;
        self
    }

    /// The same, which access tokens carry as a claim of this name, as it is when they are issued.
    #[must_use]
    pub const fn in_tokens(mut self) -> Self {
        self.definition.in_tokens = true;
        self
    }

    /// The change that gives an account this value.
    pub fn set(self, value: impl Into<T>) -> Change {
        Change {
            name: self.definition.name,
            value: Some(value.into().hold()),
        }
    }

    /// The change that takes the attribute from an account.
    pub fn clear(self) -> Change {
        Change {
            name: self.definition.name,
            value: None,
        }
    }
}

impl<T> Attribute<T> {
    /// The attribute as data.
    #[must_use]
    pub const fn definition(self) -> Definition {
        self.definition
    }
}

impl<T> From<Attribute<T>> for Definition {
    fn from(attribute: Attribute<T>) -> Self {
        attribute.definition
    }
}

/// An attribute as data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Definition {
    /// Its name: in policies, as a claim and in answers.
    pub name: &'static str,
    /// Of which type its values are.
    pub kind: Kind,
    /// Whether policies may name it.
    pub in_policies: bool,
    /// Whether access tokens carry it.
    pub in_tokens: bool,
}

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
pub enum Value {
    /// A text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// Yes or no.
    Flag(bool),
    /// A set of texts.
    Texts(BTreeSet<String>),
}

impl Value {
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

    fn fits(&self) -> bool {
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
    pub trait Sealed {}
    impl Sealed for String {}
    impl Sealed for i64 {}
    impl Sealed for bool {}
    impl Sealed for std::collections::BTreeSet<String> {}
}

/// A type that values of attributes have.
#[diagnostic::on_unimplemented(
    message = "an attribute can't hold a `{Self}`",
    note = "its type is `String`, `i64`, `bool` or `BTreeSet<String>`"
)]
pub trait Held: Sized + sealed::Sealed {
    /// The type as data.
    const KIND: Kind;
    /// The value as data.
    fn hold(self) -> Value;
    /// The value, if the data is of this type.
    fn of(value: &Value) -> Option<Self>;
}

macro_rules! held {
    ($($type:ty: $kind:ident),*) => {$(
        impl Held for $type {
            const KIND: Kind = Kind::$kind;

            fn hold(self) -> Value {
                Value::$kind(self)
            }

            fn of(value: &Value) -> Option<Self> {
                match value {
                    Value::$kind(value) => Some(value.clone()),
                    _ => None,
                }
            }
        }
    )*};
}
held!(String: Text, i64: Integer, bool: Flag, BTreeSet<String>: Texts);

/// A change of one attribute of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Which attribute.
    pub name: &'static str,
    /// Its new value; `None` takes it away.
    pub value: Option<Value>,
}

/// The attributes of an account, as they are stored.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Attributes(BTreeMap<String, Value>);

impl Attributes {
    /// The account's value of the attribute; `None` if it has none, or one of another type.
    #[must_use]
    pub fn get<T: Held>(&self, attribute: Attribute<T>) -> Option<T> {
        self.find(&attribute.definition).and_then(T::of)
    }

    /// The same as data.
    #[must_use]
    pub fn find(&self, definition: &Definition) -> Option<&Value> {
        defends!("T227");
        let value = self.0.get(definition.name)?;
        (value.kind() == definition.kind).then_some(value)
    }

    /// Reads the stored form; `None` if it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let members: Map<String, Json> = serde_json::from_str(text).ok()?;
        let read = |(name, json): (String, Json)| Value::from_json(&json).map(|value| (name, value));
        members.into_iter().map(read).collect::<Option<_>>().map(Self)
    }

    /// The stored form; `None` of nothing.
    #[must_use]
    pub fn stored(&self) -> Option<String> {
        let member = |(name, value): (&String, &Value)| (name.clone(), value.to_json());
        let members: Map<String, Json> = self.0.iter().map(member).collect();
        (!members.is_empty()).then(|| Json::Object(members).to_string())
    }

    /// Adds what a token says under this name, if an attribute can have it.
    pub(crate) fn add_claim(&mut self, name: &str, claim: &Json) {
        if let Some(value) = Value::from_json(claim).filter(|value| is_name(name) && value.fits()) {
            self.0.insert(name.to_owned(), value);
        }
    }

    /// Those that are declared, each with a value of its type.
    pub(crate) fn of(self, declared: &Declared) -> Self {
        let kept = |name: &String, value: &Value| {
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
        let texts = |value: &Value| match value {
            Value::Text(text) => text.len(),
            Value::Texts(texts) => texts.iter().map(|text| text.len() + 24).sum(),
            Value::Integer(_) | Value::Flag(_) => 0,
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
    pub fn change(&mut self, changes: &[Change]) -> Result<(), InvalidValue> {
        let mut changed = self.clone();
        for Change { name, value } in changes {
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

/// The attributes that a deployment declares.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Declared(Vec<Definition>);

impl Declared {
    /// These attributes.
    ///
    /// # Errors
    /// [`InvalidAttribute`]: a name that can't be one, that stands twice, or that means something else.
    pub fn new(all: Vec<Definition>) -> Result<Self, InvalidAttribute> {
        defends!("T228");
        for (index, Definition { name, .. }) in all.iter().enumerate() {
            if !is_name(name) {
                return Err(InvalidAttribute::Name(name));
            }
            if RESERVED.contains(name) {
                return Err(InvalidAttribute::Reserved(name));
            }
            if all.iter().take(index).any(|earlier| earlier.name == *name) {
                return Err(InvalidAttribute::Twice(name));
            }
        }
        Ok(Self(all))
    }

    /// All of them, in the order of their declaration.
    pub fn iter(&self) -> impl Iterator<Item = &Definition> {
        self.0.iter()
    }

    /// The one of this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Definition> {
        self.iter().find(|definition| definition.name == name)
    }

    /// Those that policies may name.
    pub fn in_policies(&self) -> impl Iterator<Item = &Definition> {
        self.iter().filter(|definition| definition.in_policies)
    }

    /// What access tokens carry of an account's.
    #[must_use]
    pub fn claims(&self, of: &Attributes) -> Map<String, Json> {
        let carried = self.iter().filter(|definition| definition.in_tokens);
        let claim = |definition: &Definition| {
            let value = of.find(definition)?;
            Some((definition.name.to_owned(), value.to_json()))
        };
        carried.filter_map(claim).collect()
    }

    /// Whether access tokens carry any.
    #[must_use]
    pub fn carries(&self) -> bool {
        self.iter().any(|definition| definition.in_tokens)
    }
}

/// Why attributes can't be declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAttribute {
    /// Its name.
    #[error(
        "the attribute `{0}` needs another name: a lower-case letter, then up to 63 lower-case letters, digits and _"
    )]
    Name(&'static str),
    /// It means something else.
    #[error(
        "the attribute `{0}` needs another name: in tokens or policies this one means something that a standard, or \
         Portcullis, defines"
    )]
    Reserved(&'static str),
    /// Two of one name.
    #[error("two attributes are named `{0}`: rename one of them")]
    Twice(&'static str),
}

fn is_name(name: &str) -> bool {
    let begins = name.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
    let goes_on = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    begins && name.len() <= 64 && name.bytes().all(goes_on)
}

/// Names with a meaning of their own: the claims of access and ID tokens, and what policies know of an account.
///
/// Source: RFC 7519 §4.1, RFC 7800 §3.1, RFC 8693 §4, RFC 9068 §2.2, OpenID Connect Core 1.0 §2 and §5.1
pub const RESERVED: &[&str] = &[
    "acr",
    "act",
    "address",
    "amr",
    "at_hash",
    "aud",
    "auth_time",
    "authorization_details",
    "azp",
    "birthdate",
    "c_hash",
    "client_id",
    "cnf",
    "email",
    "email_verified",
    "entitlements",
    "exp",
    "family_name",
    "gender",
    "given_name",
    "groups",
    "iat",
    "id",
    "iss",
    "jti",
    "locale",
    "may_act",
    "middle_name",
    "name",
    "nbf",
    "nickname",
    "nonce",
    "organization",
    "permissions",
    "phone_number",
    "phone_number_verified",
    "picture",
    "preferred_username",
    "profile",
    "roles",
    "s_hash",
    "scope",
    "sid",
    "stamp",
    "state",
    "sub",
    "token_use",
    "updated_at",
    "username",
    "website",
    "zoneinfo",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks;

    const DEPARTMENT: Attribute<String> = Attribute::new("department").in_tokens();
    const LEVEL: Attribute<i64> = Attribute::new("level");
    const STAFF: Attribute<bool> = Attribute::new("staff").in_policies();
    const TEAMS: Attribute<BTreeSet<String>> = Attribute::new("teams");

    fn of(changes: &[Change]) -> Attributes {
        let mut attributes = Attributes::default();
        attributes.change(changes).unwrap();
        attributes
    }

    #[test]
    fn values_are_what_they_were_when_they_are_read_again() {
        let teams = BTreeSet::from(["red".to_owned(), "blue".to_owned()]);
        let all = of(&[
            DEPARTMENT.set("sales"),
            LEVEL.set(-3),
            STAFF.set(true),
            TEAMS.set(teams.clone()),
        ]);
        let text = all.stored().unwrap();
        assert_eq!(
            text,
            r#"{"department":"sales","level":-3,"staff":true,"teams":["blue","red"]}"#
        );
        let again = Attributes::parse(&text).unwrap();
        assert_eq!(again, all);
        assert_eq!(again.get(DEPARTMENT).as_deref(), Some("sales"));
        assert_eq!(again.get(LEVEL), Some(-3));
        assert_eq!(again.get(STAFF), Some(true));
        assert_eq!(again.get(TEAMS), Some(teams));
        assert_eq!(of(&[]).stored(), None);
    }

    #[test]
    fn a_value_of_another_type_is_none() {
        checks!("T227");
        const AS_NUMBER: Attribute<i64> = Attribute::new("department").in_tokens();
        let all = of(&[DEPARTMENT.set("7")]);
        assert_eq!(all.get(AS_NUMBER), None);
        let declared = Declared::new(vec![AS_NUMBER.into()]).unwrap();
        assert!(declared.claims(&all).is_empty());
        for wrong in [
            "",
            "[]",
            "7",
            r#"{"a":null}"#,
            r#"{"a":{}}"#,
            r#"{"a":1.5}"#,
            r#"{"a":[1]}"#,
        ] {
            assert_eq!(Attributes::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_change_is_made_wholly_or_not_at_all() {
        let mut all = of(&[DEPARTMENT.set("sales"), LEVEL.set(1)]);
        let before = all.clone();
        let long = "x".repeat(LONGEST_TEXT + 1);
        assert_eq!(
            all.change(&[LEVEL.clear(), DEPARTMENT.set(long)]),
            Err(InvalidValue::TooLong("department"))
        );
        assert_eq!(
            all.change(&[DEPARTMENT.set("a\0")]),
            Err(InvalidValue::TooLong("department"))
        );
        let many: BTreeSet<String> = (0..=MOST_TEXTS).map(|number| number.to_string()).collect();
        assert_eq!(
            all.change(&[TEAMS.set(many)]),
            Err(InvalidValue::TooLong("teams"))
        );
        let heavy: BTreeSet<String> = (0..9).map(|n| n.to_string().repeat(LONGEST_TEXT)).collect();
        assert_eq!(all.change(&[TEAMS.set(heavy)]), Err(InvalidValue::TooMany));
        assert_eq!(all, before);
        all.change(&[LEVEL.clear()]).unwrap();
        assert_eq!(all, of(&[DEPARTMENT.set("sales")]));
        assert!(
            of(&[DEPARTMENT.set("x".repeat(LONGEST_TEXT))])
                .get(DEPARTMENT)
                .is_some()
        );
    }

    #[test]
    fn names_that_mean_something_else_can_not_be_declared() {
        checks!("T228");
        let declared = |name: &'static str| Declared::new(vec![Attribute::<bool>::new(name).into()]);
        for name in ["sub", "exp", "email", "roles", "cnf", "state"] {
            assert_eq!(declared(name), Err(InvalidAttribute::Reserved(name)));
        }
        for name in ["", "Level", "1st", "a-b", "é", "a b", "_a"] {
            assert_eq!(declared(name), Err(InvalidAttribute::Name(name)));
        }
        assert!(declared("a1_").is_ok());
        assert!(RESERVED.is_sorted());
        let twice = Declared::new(vec![LEVEL.into(), DEPARTMENT.into(), LEVEL.into()]);
        assert_eq!(twice, Err(InvalidAttribute::Twice("level")));
    }

    #[test]
    fn tokens_carry_what_is_declared_for_them_alone() {
        let all = of(&[DEPARTMENT.set("sales"), LEVEL.set(1)]);
        let declared = Declared::new(vec![DEPARTMENT.into(), LEVEL.into()]).unwrap();
        assert!(declared.carries());
        assert_eq!(
            Json::Object(declared.claims(&all)).to_string(),
            r#"{"department":"sales"}"#
        );
        let nothing = Declared::new(vec![LEVEL.into()]).unwrap();
        assert!(!nothing.carries() && nothing.claims(&all).is_empty());
    }
}
