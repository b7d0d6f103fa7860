//! What goes into a statement and what comes out of one, the same for both databases.
//!
//! Parameters are [`Value`]s that may borrow; a [`Row`] gives its columns back in order, each read into the type
//! that the record wants ([`Stored`]). A column that doesn't hold what was written is [`Fault::Corrupt`], never a
//! default.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use portcullis_core::environment::Timestamp;
use portcullis_core::fault::Fault;
use portcullis_core::secret::Digest;
use portcullis_core::{account, api_key, job, organization, session, token};
use uuid::Uuid;

/// One parameter or column.
#[derive(Clone, PartialEq)]
pub(crate) enum Value<'v> {
    Null,
    Integer(i64),
    Text(Cow<'v, str>),
    Bytes(Cow<'v, [u8]>),
    Uuid(Uuid),
    /// Only PostgreSQL answers with it; SQLite has integers instead.
    Bool(bool),
}

/// Parameters of one statement.
macro_rules! params {
    ($($value:expr),* $(,)?) => { &[$($crate::value::Value::from($value)),*][..] };
}
pub(crate) use params;

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<u32> for Value<'_> {
    fn from(number: u32) -> Self {
        Self::Integer(number.into())
    }
}

impl<'v> From<&'v str> for Value<'v> {
    /// PostgreSQL can't keep U+0000, so neither database gets one.
    fn from(text: &'v str) -> Self {
        if text.contains('\0') {
            Self::Text(Cow::Owned(text.replace('\0', "\u{fffd}")))
        } else {
            Self::Text(Cow::Borrowed(text))
        }
    }
}

impl<'v> From<&'v String> for Value<'v> {
    fn from(text: &'v String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Value::from(text.as_str()).into_owned()
    }
}

impl<'v> From<&'v [u8]> for Value<'v> {
    fn from(bytes: &'v [u8]) -> Self {
        Self::Bytes(Cow::Borrowed(bytes))
    }
}

impl<'v> From<&'v Vec<u8>> for Value<'v> {
    fn from(bytes: &'v Vec<u8>) -> Self {
        Self::Bytes(Cow::Borrowed(bytes))
    }
}

impl<'v, K> From<&'v Digest<K>> for Value<'v> {
    fn from(digest: &'v Digest<K>) -> Self {
        Self::Bytes(Cow::Borrowed(digest.as_bytes()))
    }
}

impl From<Uuid> for Value<'_> {
    fn from(id: Uuid) -> Self {
        Self::Uuid(id)
    }
}

impl From<Timestamp> for Value<'_> {
    fn from(moment: Timestamp) -> Self {
        Self::Integer(moment.as_micros())
    }
}

impl From<Duration> for Value<'_> {
    /// Microseconds, at most what a sum with a present-day moment can hold.
    fn from(span: Duration) -> Self {
        Self::Integer(
            i64::try_from(span.as_micros())
                .unwrap_or(i64::MAX)
                .min(LONGEST_SPAN),
        )
    }
}

/// About a hundred thousand years, in microseconds.
const LONGEST_SPAN: i64 = i64::MAX / 4;

impl From<IpAddr> for Value<'_> {
    fn from(address: IpAddr) -> Self {
        Self::Text(Cow::Owned(address.to_string()))
    }
}

impl<'v, T> From<Option<T>> for Value<'v>
where
    Self: From<T>,
{
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Self::from)
    }
}

macro_rules! ids {
    ($($id:ty),*) => {$(
        impl From<$id> for Value<'_> {
            fn from(id: $id) -> Self {
                Self::Uuid(id.as_uuid())
            }
        }
        impl Stored for $id {
            fn read(value: Value<'static>) -> Option<Self> {
                Uuid::read(value).map(<$id>::from_uuid)
            }
        }
    )*};
}
ids!(
    account::Id,
    account::Stamp,
    api_key::Id,
    job::Id,
    job::Lease,
    session::Id,
    token::Id,
    organization::Id,
    organization::InvitationId
);

impl Value<'_> {
    pub(crate) fn into_owned(self) -> Value<'static> {
        match self {
            Self::Null => Value::Null,
            Self::Integer(number) => Value::Integer(number),
            Self::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Self::Bytes(bytes) => Value::Bytes(Cow::Owned(bytes.into_owned())),
            Self::Uuid(id) => Value::Uuid(id),
            Self::Bool(yes) => Value::Bool(yes),
        }
    }
}

impl Value<'_> {
    /// What kind of thing it is, for whoever wanted another. What goes into statements is in no log.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "NULL",
            Self::Integer(_) => "an integer",
            Self::Text(_) => "text",
            Self::Bytes(_) => "bytes",
            Self::Uuid(_) => "a uuid",
            Self::Bool(_) => "a truth value",
        }
    }
}

impl fmt::Debug for Value<'_> {
    /// What goes into statements is in no log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…value…")
    }
}

/// A type that a column can hold.
pub(crate) trait Stored: Sized {
    /// Reads the column; `None` if it holds something else.
    fn read(value: Value<'static>) -> Option<Self>;
}

impl Stored for i64 {
    fn read(value: Value<'static>) -> Option<Self> {
        match value {
            Value::Integer(number) => Some(number),
            _ => None,
        }
    }
}

macro_rules! smaller_numbers {
    ($($number:ty),*) => {$(
        impl Stored for $number {
            /// A number that it can't hold is another one, and never wrapped into it.
            fn read(value: Value<'static>) -> Option<Self> {
                i64::read(value)?.try_into().ok()
            }
        }
    )*};
}
smaller_numbers!(i8, i16, i32, u8, u16, u32, u64, usize);

impl Stored for bool {
    fn read(value: Value<'static>) -> Option<Self> {
        match value {
            Value::Bool(yes) => Some(yes),
            Value::Integer(0) => Some(false),
            Value::Integer(1) => Some(true),
            _ => None,
        }
    }
}

impl Stored for String {
    fn read(value: Value<'static>) -> Option<Self> {
        match value {
            Value::Text(text) => Some(text.into_owned()),
            _ => None,
        }
    }
}

impl Stored for Vec<u8> {
    fn read(value: Value<'static>) -> Option<Self> {
        match value {
            Value::Bytes(bytes) => Some(bytes.into_owned()),
            _ => None,
        }
    }
}

impl Stored for Uuid {
    fn read(value: Value<'static>) -> Option<Self> {
        match value {
            Value::Uuid(id) => Some(id),
            Value::Bytes(bytes) => Self::from_slice(&bytes).ok(),
            _ => None,
        }
    }
}

impl Stored for Timestamp {
    fn read(value: Value<'static>) -> Option<Self> {
        i64::read(value).map(Self::from_micros)
    }
}

impl Stored for Duration {
    fn read(value: Value<'static>) -> Option<Self> {
        let micros = u64::try_from(i64::read(value)?).ok()?;
        Some(Self::from_micros(micros))
    }
}

impl Stored for IpAddr {
    fn read(value: Value<'static>) -> Option<Self> {
        String::read(value)?.parse().ok()
    }
}

impl<K> Stored for Digest<K> {
    fn read(value: Value<'static>) -> Option<Self> {
        Self::from_slice(&Vec::read(value)?)
    }
}

impl<T: Stored> Stored for Option<T> {
    fn read(value: Value<'static>) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            value => T::read(value).map(Some),
        }
    }
}

/// One row of an answer; its columns are taken in order.
pub(crate) struct Row(std::vec::IntoIter<Value<'static>>);

impl Row {
    pub(crate) fn new(columns: Vec<Value<'static>>) -> Self {
        Self(columns.into_iter())
    }

    /// All its columns that weren't taken.
    pub(crate) fn into_columns(self) -> Vec<Value<'static>> {
        self.0.collect()
    }

    /// Takes the next column.
    pub(crate) fn take<T: Stored>(&mut self) -> Result<T, Fault> {
        self.0
            .next()
            .and_then(T::read)
            .ok_or_else(|| Fault::Corrupt(format!("a column does not hold a {}", std::any::type_name::<T>())))
    }
}

/// The one value of the one row.
pub(crate) fn one<T: Stored>(rows: Vec<Row>) -> Result<T, Fault> {
    let mut row = rows
        .into_iter()
        .next()
        .ok_or_else(|| Fault::Corrupt("an answer has no row".into()))?;
    row.take()
}

/// Reads a list of names that the database joined by line breaks, which no name contains; sorted.
pub(crate) fn names(row: &mut Row) -> Result<Vec<String>, Fault> {
    let joined: Option<String> = row.take()?;
    let mut names: Vec<_> = joined
        .iter()
        .flat_map(|text| text.split('\n'))
        .map(str::to_owned)
        .collect();
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_of_the_wrong_kind_is_corrupt_and_never_a_default() {
        let wrong = |value: Value<'static>| Row::new(vec![value]).take::<Uuid>();
        for value in [
            Value::Null,
            Value::Integer(0),
            Value::Bytes(Cow::Owned(vec![0; 15])),
            Value::Bytes(Cow::Owned(vec![0; 17])),
            Value::Text(Cow::Borrowed("")),
        ] {
            assert!(matches!(wrong(value), Err(Fault::Corrupt(_))));
        }
        assert!(Row::new(vec![]).take::<Option<i64>>().is_err());
        assert!(Row::new(vec![Value::Integer(2)]).take::<bool>().is_err());
        assert!(Row::new(vec![Value::Integer(256)]).take::<u8>().is_err());
        assert!(Row::new(vec![Value::Integer(-1)]).take::<Duration>().is_err());
        assert_eq!(wrong(Value::Bytes(Cow::Owned(vec![0; 16]))).unwrap(), Uuid::nil());
    }

    #[test]
    fn text_never_carries_a_zero_character() {
        assert!(Value::from("a\0b") == Value::from("a\u{fffd}b"));
    }

    #[test]
    fn the_longest_span_still_fits_beside_a_moment() {
        let Value::Integer(span) = Value::from(Duration::MAX) else {
            panic!("not a number")
        };
        assert!(span.checked_add(4_102_444_800_000_000).is_some());
    }
}
