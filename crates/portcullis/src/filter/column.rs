//! Which column holds what.

use portcullis_core::authz::resource::FieldKind;

use super::{Dialect, SqlError};

/// Where a table keeps what decisions look at.
#[derive(Debug, Clone, Copy)]
pub struct Columns {
    /// The id: what [`ResourceFacts::id`](portcullis_core::authz::ResourceFacts::id) says as text.
    pub id: Column,
    /// The owner's account; `None` if no resource of the kind has an owner.
    pub owner: Option<Column>,
    /// The organization; `None` if no resource of the kind belongs to one.
    pub organization: Option<Column>,
    /// The columns of fields, by the fields' names.
    pub fields: &'static [(&'static str, Column)],
}

/// One column, or what stands for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    name: &'static str,
    form: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Bool,
    Integer,
    Text,
    Uuid,
    UuidText,
    JsonTexts,
    Query,
}

impl Column {
    /// True or false: `boolean` on PostgreSQL, 1 or 0 on SQLite.
    pub const fn bool(name: &'static str) -> Self {
        Self {
            name,
            form: Form::Bool,
        }
    }

    /// A whole number, or an id that is one.
    pub const fn integer(name: &'static str) -> Self {
        Self {
            name,
            form: Form::Integer,
        }
    }

    /// Text, or an id that is one.
    pub const fn text(name: &'static str) -> Self {
        Self {
            name,
            form: Form::Text,
        }
    }

    /// An id: `uuid` on PostgreSQL, 16 bytes on SQLite.
    pub const fn uuid(name: &'static str) -> Self {
        Self {
            name,
            form: Form::Uuid,
        }
    }

    /// An id as text: 36 characters, lower case.
    pub const fn uuid_text(name: &'static str) -> Self {
        Self {
            name,
            form: Form::UuidText,
        }
    }

    /// A set of texts as an array in JSON: `jsonb` on PostgreSQL, text on SQLite.
    pub const fn json_set(name: &'static str) -> Self {
        Self {
            name,
            form: Form::JsonTexts,
        }
    }

    /// A set of texts that a query with one column answers, such as `SELECT tag FROM tags WHERE post = posts.id`. It
    /// goes into statements as it stands: write it down, never put it together. Every row has such a set, if an empty
    /// one: it is no column for an optional field.
    pub const fn set_of(query: &'static str) -> Self {
        Self {
            name: query,
            form: Form::Query,
        }
    }

    pub(super) const fn form(self) -> Form {
        self.form
    }

    /// Whether it can hold what a field of this kind holds.
    pub(super) const fn holds(self, kind: FieldKind) -> bool {
        matches!(
            (kind, self.form),
            (FieldKind::Bool, Form::Bool)
                | (FieldKind::Long, Form::Integer)
                | (FieldKind::Text, Form::Text)
                | (
                    FieldKind::Account | FieldKind::Organization,
                    Form::Uuid | Form::UuidText
                )
                | (FieldKind::TextSet, Form::JsonTexts | Form::Query)
        )
    }

    /// How it is written. SQLite reads a name in double quotes that it doesn't know as a text; in brackets it never does.
    pub(super) fn quoted(self, dialect: Dialect) -> Result<String, SqlError> {
        if self.form == Form::Query {
            return Ok(self.name.to_owned());
        }
        let (open, close) = match dialect {
            Dialect::Sqlite => ('[', ']'),
            Dialect::Postgres => ('"', '"'),
        };
        let mut quoted = String::with_capacity(self.name.len() + 4);
        for (index, part) in self.name.split('.').enumerate() {
            if !is_name(part) {
                return Err(SqlError::InvalidName(self.name));
            }
            if index > 0 {
                quoted.push('.');
            }
            quoted.push(open);
            quoted.push_str(part);
            quoted.push(close);
        }
        Ok(quoted)
    }
}

fn is_name(part: &str) -> bool {
    part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && part
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
