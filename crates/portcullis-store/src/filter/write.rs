//! Writes conditions. Every part is true or false for every row: a column that may be null is asked for that first.

use portcullis_core::access::resource::{Comparison, FieldKind, Filter, Pattern, ResourceKind, Value};
use portcullis_core::defends;
use uuid::Uuid;

use super::column::{Column, Columns, Form};
use super::{Dialect, SqlError, SqlValue};

/// The most pieces of a [`Pattern`]: each is a query inside of another.
pub(super) const MOST_PIECES: usize = 32;

pub(super) struct Writer<'a> {
    kind: &'a ResourceKind,
    dialect: Dialect,
    columns: &'a Columns,
    first: usize,
    params: Vec<SqlValue>,
}

type Written = Result<String, SqlError>;

impl<'a> Writer<'a> {
    pub(super) fn new(kind: &'a ResourceKind, dialect: Dialect, columns: &'a Columns, first: usize) -> Self {
        Self {
            kind,
            dialect,
            columns,
            first,
            params: Vec::new(),
        }
    }

    pub(super) fn into_params(self) -> Vec<SqlValue> {
        self.params
    }

    pub(super) fn filter(&mut self, filter: &Filter) -> Written {
        match filter {
            Filter::Always => Ok(TRUE.to_owned()),
            Filter::Never => Ok(FALSE.to_owned()),
            Filter::All(parts) => self.join(parts, " AND ", TRUE),
            Filter::Any(parts) => self.join(parts, " OR ", FALSE),
            Filter::Not(inner) => Ok(format!("NOT {}", parenthesised(&self.filter(inner)?))),
            Filter::Compare(name, how, value) => self.compare(name, *how, value),
            Filter::OneOf(name, values) => self.one_of(name, values),
            Filter::Contains(name, text) => self.contains(name, text),
            Filter::Present("owner") => self.present(self.columns.owner),
            Filter::Present("organization") => self.present(self.columns.organization),
            Filter::Present(name) => {
                let (column, _) = self.field(name)?;
                self.present(Some(column))
            }
            Filter::Like(name, pattern) => self.like(name, pattern),
            Filter::OwnedBy(account) => self.is(self.columns.owner, "owner", account.as_uuid()),
            Filter::Of(organization) => {
                self.is(self.columns.organization, "organization", organization.as_uuid())
            }
            Filter::Ids(ids) => self.ids(ids),
        }
    }

    /// Joined in halves: SQLite bounds how deep an expression may be, not how long.
    fn join(&mut self, parts: &[Filter], word: &str, none: &str) -> Written {
        match parts {
            [] => Ok(none.to_owned()),
            [only] => self.filter(only),
            several => {
                let (left, right) = several.split_at(several.len() / 2);
                let left = self.join(left, word, none)?;
                let right = self.join(right, word, none)?;
                Ok(format!("({left}{word}{right})"))
            }
        }
    }

    /// The column of a field, and what the field holds.
    fn field(&self, name: &'static str) -> Result<(Column, FieldKind), SqlError> {
        let declared = self.kind.fields.iter().find(|field| field.name == name);
        let mapped = self.columns.fields.iter().find(|(field, _)| *field == name);
        let (Some(field), Some((_, column))) = (declared, mapped) else {
            return Err(SqlError::NoColumn(name));
        };
        if column.holds(field.kind) {
            Ok((*column, field.kind))
        } else {
            Err(SqlError::WrongColumn(name))
        }
    }

    fn compare(&mut self, name: &'static str, how: Comparison, value: &Value) -> Written {
        let (column, kind) = self.field(name)?;
        if !is_of(value, kind) {
            return Ok(FALSE.to_owned());
        }
        if let Value::TextSet(texts) = value {
            return match how {
                Comparison::Equal => self.same_set(column, texts),
                Comparison::Less | Comparison::LessOrEqual => Ok(FALSE.to_owned()),
            };
        }
        let operator = match (how, value) {
            (Comparison::Equal, _) => "=",
            (Comparison::Less, Value::Long(_)) => "<",
            (Comparison::LessOrEqual, Value::Long(_)) => "<=",
            (Comparison::Less | Comparison::LessOrEqual, _) => return Ok(FALSE.to_owned()),
        };
        let Some(value) = self.single(column, value) else {
            return Ok(FALSE.to_owned());
        };
        let quoted = column.quoted(self.dialect)?;
        let parameter = self.bind(value);
        Ok(format!(
            "({quoted} IS NOT NULL AND {quoted} {operator} {parameter})"
        ))
    }

    fn one_of(&mut self, name: &'static str, values: &[Value]) -> Written {
        let (column, kind) = self.field(name)?;
        let fitting = values.iter().filter(|value| is_of(value, kind));
        if kind == FieldKind::TextSet || kind == FieldKind::Bool {
            let each: Vec<_> = fitting
                .map(|value| Filter::Compare(name, Comparison::Equal, value.clone()))
                .collect();
            return self.join(&each, " OR ", FALSE);
        }
        self.among(column, fitting.filter_map(text_of).collect())
    }

    fn ids(&mut self, ids: &[String]) -> Written {
        defends!("T065");
        self.among(self.columns.id, ids.to_vec())
    }

    /// Whether the column is one of these, each given as text: one parameter, however many there are.
    fn among(&mut self, column: Column, texts: Vec<String>) -> Written {
        let quoted = column.quoted(self.dialect)?;
        let (listed, apart): (Vec<_>, Vec<_>) = texts.into_iter().partition(|text| !text.contains('\0'));
        let mut parts = Vec::new();
        if let Some(list) = self.list(column, listed) {
            parts.push(format!("({quoted} IS NOT NULL AND {quoted}{list})"));
        }
        // JSON of SQLite ends a text at a zero character, and PostgreSQL has none at all.
        if self.dialect == Dialect::Sqlite && column.form() == Form::Text {
            for text in apart {
                let parameter = self.bind(SqlValue::Text(text));
                parts.push(format!("({quoted} IS NOT NULL AND {quoted} = {parameter})"));
            }
        }
        Ok(balanced(&parts, " OR ").unwrap_or_else(|| FALSE.to_owned()))
    }

    /// What stands behind the column to ask whether it is in the list; `None` if nothing can be.
    fn list(&mut self, column: Column, texts: Vec<String>) -> Option<String> {
        let integers = || texts.iter().filter_map(|text| integer(text)).collect::<Vec<_>>();
        let uuids = || texts.iter().filter_map(|text| uuid(text)).collect::<Vec<_>>();
        let (value, from, cast) = match (self.dialect, column.form()) {
            (_, Form::Bool | Form::JsonTexts | Form::Query) => return None,
            (Dialect::Sqlite, Form::Integer) => (json(integers()), "value", ""),
            (Dialect::Sqlite, Form::Text | Form::UuidText) => (json(texts), "value", " COLLATE BINARY"),
            (Dialect::Sqlite, Form::Uuid) => {
                let hex: Vec<_> = uuids().iter().map(|id| id.simple().to_string()).collect();
                (json(hex), "unhex(value)", "")
            }
            (Dialect::Postgres, Form::Integer) => (SqlValue::Integers(integers()), "", "bigint[]"),
            (Dialect::Postgres, Form::Uuid) => (SqlValue::Uuids(uuids()), "", "uuid[]"),
            (Dialect::Postgres, Form::Text | Form::UuidText) => (SqlValue::Texts(texts), "", "text[]"),
        };
        if is_empty(&value) {
            return None;
        }
        self.params.push(value);
        let number = self.number();
        Some(match self.dialect {
            Dialect::Sqlite => format!("{cast} IN (SELECT {from} FROM json_each(?{number}))"),
            Dialect::Postgres => format!(" = ANY(${number}::{cast})"),
        })
    }

    /// Whether the column is this id.
    fn is(&mut self, column: Option<Column>, name: &'static str, id: Uuid) -> Written {
        let Some(column) = column else {
            return Ok(FALSE.to_owned());
        };
        let Some(value) = self.id(column, id) else {
            return Err(SqlError::WrongColumn(name));
        };
        let quoted = column.quoted(self.dialect)?;
        let parameter = self.bind(value);
        Ok(format!("({quoted} IS NOT NULL AND {quoted} = {parameter})"))
    }

    fn present(&self, column: Option<Column>) -> Written {
        match column {
            None => Ok(FALSE.to_owned()),
            Some(column) if column.form() == Form::Query => Ok(TRUE.to_owned()),
            Some(column) => Ok(format!("{} IS NOT NULL", column.quoted(self.dialect)?)),
        }
    }

    fn contains(&mut self, name: &'static str, text: &str) -> Written {
        let (column, kind) = self.field(name)?;
        if kind != FieldKind::TextSet || self.is_foreign(text) {
            return Ok(FALSE.to_owned());
        }
        let quoted = column.quoted(self.dialect)?;
        let parameter = self.bind(SqlValue::Text(text.to_owned()));
        Ok(match (self.dialect, column.form()) {
            (Dialect::Sqlite, Form::JsonTexts) => {
                format!("EXISTS (SELECT 1 FROM json_each({quoted}) WHERE value = {parameter})")
            }
            (Dialect::Postgres, Form::JsonTexts) => {
                format!("({quoted} IS NOT NULL AND {quoted} ? {parameter})")
            }
            _ => format!("({parameter} IN ({quoted})) IS TRUE"),
        })
    }

    /// Whether the column has each of these texts, and no other.
    fn same_set(&mut self, column: Column, texts: &[String]) -> Written {
        if texts.iter().any(|text| text.contains('\0')) {
            return Ok(FALSE.to_owned());
        }
        let quoted = column.quoted(self.dialect)?;
        self.params.push(json(texts.to_vec()));
        let number = self.number();
        let (theirs, each) = match self.dialect {
            Dialect::Sqlite => (
                format!("SELECT value FROM json_each(?{number})"),
                format!("SELECT value FROM json_each({quoted})"),
            ),
            Dialect::Postgres => (
                format!("SELECT jsonb_array_elements_text(CAST(${number}::text AS jsonb))"),
                format!("SELECT jsonb_array_elements_text({quoted})"),
            ),
        };
        let (ours, known) = match column.form() {
            Form::Query => (quoted, String::new()),
            _ => (each, format!("{quoted} IS NOT NULL AND ")),
        };
        Ok(format!(
            "({known}NOT EXISTS ({ours} EXCEPT {theirs}) AND NOT EXISTS ({theirs} EXCEPT {ours}))"
        ))
    }

    fn like(&mut self, name: &'static str, pattern: &Pattern) -> Written {
        let (column, kind) = self.field(name)?;
        let (first, middle, last) = match pattern.0.as_slice() {
            _ if kind != FieldKind::Text => return Ok(FALSE.to_owned()),
            [] => return Ok(FALSE.to_owned()),
            [whole] => return self.compare(name, Comparison::Equal, &Value::Text(whole.clone())),
            pieces if pieces.len() > MOST_PIECES => return Err(SqlError::TooManyPieces(name)),
            pieces if pieces.iter().any(|piece| self.is_foreign(piece)) => return Ok(FALSE.to_owned()),
            [first, middle @ .., last] => (first, middle, last),
        };
        let quoted = column.quoted(self.dialect)?;
        if self.dialect == Dialect::Postgres {
            let escaped: Vec<_> = pattern.0.iter().map(|piece| escape(piece)).collect();
            let parameter = self.bind(SqlValue::Text(escaped.join("%")));
            return Ok(format!("({quoted} IS NOT NULL AND {quoted} LIKE {parameter})"));
        }
        let mut rest = format!("CAST({quoted} AS BLOB)");
        if !first.is_empty() {
            rest = self.behind_start(&rest, first);
        }
        for piece in middle.iter().filter(|piece| !piece.is_empty()) {
            rest = self.behind(&rest, piece);
        }
        if last.is_empty() {
            return Ok(format!("({rest}) IS NOT NULL"));
        }
        let parameter = self.bind(SqlValue::Bytes(last.as_bytes().to_vec()));
        Ok(format!("(substr({rest}, -{}) = {parameter}) IS TRUE", last.len()))
    }

    /// What is left of a value of SQLite behind its beginning `piece`; null if it begins otherwise. SQLite's own LIKE
    /// takes capitals for small letters, and it and GLOB end at a zero character.
    fn behind_start(&mut self, value: &str, piece: &str) -> String {
        let parameter = self.bind(SqlValue::Bytes(piece.as_bytes().to_vec()));
        let length = piece.len();
        format!(
            "(SELECT CASE WHEN substr(r, 1, {length}) = {parameter} THEN substr(r, {length} + 1) END FROM (SELECT {value} AS r))"
        )
    }

    /// What is left of a value of SQLite behind the first `piece` in it; null if there is none.
    fn behind(&mut self, value: &str, piece: &str) -> String {
        let parameter = self.bind(SqlValue::Bytes(piece.as_bytes().to_vec()));
        let length = piece.len();
        format!(
            "(SELECT CASE WHEN instr(r, {parameter}) > 0 THEN substr(r, instr(r, {parameter}) + {length}) END \
             FROM (SELECT {value} AS r))"
        )
    }

    /// A value for a column that holds its kind; `None` where the database can't hold it.
    fn single(&self, column: Column, value: &Value) -> Option<SqlValue> {
        match value {
            Value::Bool(yes) if self.dialect == Dialect::Sqlite => Some(SqlValue::Integer((*yes).into())),
            Value::Bool(yes) => Some(SqlValue::Bool(*yes)),
            Value::Long(number) => Some(SqlValue::Integer(*number)),
            Value::Text(text) if self.is_foreign(text) => None,
            Value::Text(text) => Some(SqlValue::Text(text.clone())),
            Value::Account(id) => self.id(column, id.as_uuid()),
            Value::Organization(id) => self.id(column, id.as_uuid()),
            Value::TextSet(_) => None,
        }
    }

    /// An id for its column; `None` if the column holds none.
    fn id(&self, column: Column, id: Uuid) -> Option<SqlValue> {
        match (column.form(), self.dialect) {
            (Form::Uuid, Dialect::Sqlite) => Some(SqlValue::Bytes(id.as_bytes().to_vec())),
            (Form::Uuid, Dialect::Postgres) => Some(SqlValue::Uuid(id)),
            (Form::UuidText, _) => Some(SqlValue::Text(id.to_string())),
            _ => None,
        }
    }

    /// PostgreSQL has no text with a zero character.
    fn is_foreign(&self, text: &str) -> bool {
        self.dialect == Dialect::Postgres && text.contains('\0')
    }

    fn number(&self) -> usize {
        self.first + self.params.len() - 1
    }

    /// Keeps a value; answers how its parameter is written, with its type where the database would guess it.
    fn bind(&mut self, value: SqlValue) -> String {
        let cast = match (self.dialect, &value) {
            (Dialect::Sqlite, SqlValue::Text(_)) => " COLLATE BINARY",
            (Dialect::Postgres, SqlValue::Text(_)) => "::text",
            (Dialect::Postgres, SqlValue::Integer(_)) => "::bigint",
            (Dialect::Postgres, SqlValue::Bool(_)) => "::boolean",
            (Dialect::Postgres, SqlValue::Uuid(_)) => "::uuid",
            _ => "",
        };
        self.params.push(value);
        let number = self.number();
        match self.dialect {
            Dialect::Sqlite => format!("?{number}{cast}"),
            Dialect::Postgres => format!("${number}{cast}"),
        }
    }
}

/// Whether a field of this kind can hold the value: values of different kinds are never the same.
fn is_of(value: &Value, kind: FieldKind) -> bool {
    matches!(
        (value, kind),
        (Value::Bool(_), FieldKind::Bool)
            | (Value::Long(_), FieldKind::Long)
            | (Value::Text(_), FieldKind::Text)
            | (Value::Account(_), FieldKind::Account)
            | (Value::Organization(_), FieldKind::Organization)
            | (Value::TextSet(_), FieldKind::TextSet)
    )
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Long(number) => Some(number.to_string()),
        Value::Text(text) => Some(text.clone()),
        Value::Account(id) => Some(id.to_string()),
        Value::Organization(id) => Some(id.to_string()),
        Value::Bool(_) | Value::TextSet(_) => None,
    }
}

/// The number that this text is the one way to write of.
fn integer(text: &str) -> Option<i64> {
    let number: i64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

/// The id that this text is the one way to write of.
fn uuid(text: &str) -> Option<Uuid> {
    let id = Uuid::try_parse(text).ok()?;
    (id.to_string() == text).then_some(id)
}

fn json<T: Into<serde_json::Value>>(list: T) -> SqlValue {
    SqlValue::Text(list.into().to_string())
}

fn is_empty(value: &SqlValue) -> bool {
    match value {
        SqlValue::Text(text) => text == "[]",
        SqlValue::Integers(list) => list.is_empty(),
        SqlValue::Texts(list) => list.is_empty(),
        SqlValue::Uuids(list) => list.is_empty(),
        SqlValue::Integer(_) | SqlValue::Bytes(_) | SqlValue::Bool(_) | SqlValue::Uuid(_) => false,
    }
}

fn balanced(parts: &[String], word: &str) -> Option<String> {
    match parts {
        [] => None,
        [only] => Some(only.clone()),
        several => {
            let (left, right) = several.split_at(several.len() / 2);
            Some(format!(
                "({}{word}{})",
                balanced(left, word)?,
                balanced(right, word)?
            ))
        }
    }
}

fn parenthesised(sql: &str) -> String {
    format!("({sql})")
}

/// What PostgreSQL's LIKE takes for something else is escaped with a backslash.
fn escape(piece: &str) -> String {
    let mut escaped = String::with_capacity(piece.len());
    for character in piece.chars() {
        if matches!(character, '\\' | '%' | '_') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

const TRUE: &str = "TRUE";
const FALSE: &str = "FALSE";
