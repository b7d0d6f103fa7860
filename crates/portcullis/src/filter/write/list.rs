//! Lists and sets: each is one parameter, however long it is.

use std::collections::BTreeSet;

use portcullis_core::authz::resource::FieldKind;
use uuid::Uuid;

use super::{FALSE, Writer, Written};
use crate::filter::column::{Column, Form};
use crate::filter::{Dialect, SqlValue};

impl Writer<'_> {
    /// Whether the column is one of these, each given as text: one parameter, however many there are.
    pub(super) fn among(&mut self, column: Column, texts: Vec<String>) -> Written {
        let quoted = column.quoted(self.dialect)?;
        let storable = texts.into_iter().filter(|text| !self.is_foreign(text)).collect();
        Ok(match self.list(column, storable) {
            Some(list) => format!("({quoted} IS NOT NULL AND {quoted}{list})"),
            None => FALSE.to_owned(),
        })
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

    pub(super) fn contains(&mut self, name: &'static str, text: &str) -> Written {
        let (column, kind) = self.field(name)?;
        if kind != FieldKind::TextSet || self.is_foreign(text) {
            return Ok(FALSE.to_owned());
        }
        let quoted = column.quoted(self.dialect)?;
        let parameter = self.bind(SqlValue::Text(text.to_owned()));
        Ok(match (self.dialect, column.form()) {
            (Dialect::Sqlite, Form::JsonTexts) => {
                let each = texts_in(&quoted);
                format!("EXISTS (SELECT 1 FROM {each} WHERE e.value = {parameter})")
            }
            (Dialect::Postgres, Form::JsonTexts) => {
                format!("({quoted} IS NOT NULL AND {quoted} ? {parameter})")
            }
            _ => format!("({parameter} IN ({quoted})) IS TRUE"),
        })
    }

    /// Whether the column has each of these texts, and no other.
    pub(super) fn same_set(&mut self, column: Column, texts: &BTreeSet<String>) -> Written {
        if texts.iter().any(|text| self.is_foreign(text)) {
            return Ok(FALSE.to_owned());
        }
        let quoted = column.quoted(self.dialect)?;
        self.params.push(json(texts.iter().cloned().collect::<Vec<_>>()));
        let number = self.number();
        let (theirs, each) = match self.dialect {
            Dialect::Sqlite => (
                format!("SELECT value FROM json_each(?{number})"),
                format!("SELECT e.value FROM {}", texts_in(&quoted)),
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
}

/// The texts in a column of SQLite, as `e.value`. `json_each` has columns of its own (`value`, `key`, `type` …) that hide
/// those of the table inside its argument: a column is given another name first.
fn texts_in(quoted: &str) -> String {
    format!(
        "(SELECT {quoted} AS portcullis_set) AS portcullis_row, json_each(portcullis_row.portcullis_set) AS e"
    )
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
