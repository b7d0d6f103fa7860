//! Writes conditions. Every part is true or false for every row: a column that may be null is asked for that first.

use portcullis_core::authz::resource::{
    Comparison, FieldKind, Filter, ORGANIZATION, OWNER, ResourceKind, Value,
};
use portcullis_core::defends;
use uuid::Uuid;

mod list;
mod text;

pub(in crate::filter) use self::text::MOST_PIECES;
use super::column::{Column, Columns, Form};
use super::{Dialect, SqlError, SqlValue};

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
            Filter::Present(OWNER) => self.present(self.columns.owner),
            Filter::Present(ORGANIZATION) => self.present(self.columns.organization),
            Filter::Present(name) => {
                let (column, _) = self.field(name)?;
                self.present(Some(column))
            }
            Filter::Like(name, pattern) => self.like(name, pattern),
            Filter::OwnedBy(account) => self.is(self.columns.owner, OWNER, account.as_uuid()),
            Filter::Of(organization) => {
                self.is(self.columns.organization, ORGANIZATION, organization.as_uuid())
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
        // A query answers a set for every row, so what it answers is never absent.
        let always = column.form() == Form::Query;
        if column.holds(field.kind) && !(always && field.optional) {
            Ok((*column, field.kind))
        } else {
            Err(SqlError::WrongColumn(name))
        }
    }

    fn compare(&mut self, name: &'static str, how: Comparison, value: &Value) -> Written {
        let (column, kind) = self.field(name)?;
        if !kind.holds(value) {
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
        let fitting = values.iter().filter(|value| kind.holds(value));
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

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Long(number) => Some(number.to_string()),
        Value::Text(text) => Some(text.clone()),
        Value::Account(id) => Some(id.to_string()),
        Value::Organization(id) => Some(id.to_string()),
        Value::Bool(_) | Value::TextSet(_) => None,
    }
}

fn parenthesised(sql: &str) -> String {
    format!("({sql})")
}

const TRUE: &str = "TRUE";
const FALSE: &str = "FALSE";
