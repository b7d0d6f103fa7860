//! The form of a text.

use portcullis_core::authz::resource::{Comparison, FieldKind, Pattern, Value};

use super::{FALSE, Writer, Written};
use crate::filter::{Dialect, SqlError, SqlValue};

/// The most pieces of a [`Pattern`]: each is a query inside of another.
pub(in crate::filter) const MOST_PIECES: usize = 32;

impl Writer<'_> {
    pub(super) fn like(&mut self, name: &'static str, pattern: &Pattern) -> Written {
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
