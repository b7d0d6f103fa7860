//! What commands print: tables for people, JSON for programs.
//!
//! Invariant: nothing that came from outside reaches a terminal with its control characters: a role's description
//! must not move the cursor or change the title.

use std::io::{self, Write as _};

use serde_json::{Map, Value};

/// Where results go, and in which form.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    json: bool,
}

impl Output {
    /// Tables, or JSON.
    pub(super) fn new(json: bool) -> Self {
        Self { json }
    }

    /// Text that is the same in both forms.
    ///
    /// # Errors
    /// If stdout takes no more.
    pub(crate) fn line(&self, text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        writeln!(out, "{text}")?;
        out.flush()
    }

    /// What was done: a sentence, or an object.
    pub(super) fn done(self, sentence: &str, object: &Value) -> io::Result<()> {
        if self.json {
            self.line(&object.to_string())
        } else {
            self.line(&plain(sentence))
        }
    }

    /// Lines for people, or an object.
    pub(super) fn text(self, lines: &[String], object: &Value) -> io::Result<()> {
        if self.json {
            return self.line(&object.to_string());
        }
        let lines: Vec<String> = lines.iter().map(|line| plain(line)).collect();
        self.line(&lines.join("\n"))
    }

    /// What is shown once, on a line of its own: for a person, and for `| head -1`.
    pub(super) fn secret(self, text: &str, object: &Value) -> io::Result<()> {
        if self.json {
            self.line(&object.to_string())
        } else {
            self.line(text)
        }
    }

    /// Sentences, a line each, or an object.
    pub(super) fn lines(self, sentences: &[String], object: &Value) -> io::Result<()> {
        if self.json {
            return self.line(&object.to_string());
        }
        let lines: Vec<String> = sentences.iter().map(|sentence| plain(sentence)).collect();
        self.line(&lines.join("\n"))
    }

    /// Many records: a line each.
    pub(super) fn list(self, columns: &[&str], rows: &[Vec<Value>]) -> io::Result<()> {
        if self.json {
            let items: Vec<Value> = rows.iter().map(|row| object(columns, row)).collect();
            return self.line(&Value::Array(items).to_string());
        }
        self.line(&table(columns, rows))
    }

    /// One record: a line for each of its fields.
    pub(super) fn record(self, columns: &[&str], row: &[Value]) -> io::Result<()> {
        if self.json {
            return self.line(&object(columns, row).to_string());
        }
        let width = columns.iter().map(|column| column.len()).max().unwrap_or(0);
        let lines = columns
            .iter()
            .zip(row)
            .map(|(column, value)| format!("{column:width$}  {}", cell(value)));
        self.line(
            &lines
                .map(|line| line.trim_end().to_owned())
                .collect::<Vec<_>>()
                .join("\n"),
        )
    }
}

fn object(columns: &[&str], row: &[Value]) -> Value {
    let fields = columns
        .iter()
        .zip(row)
        .map(|(column, value)| ((*column).to_owned(), value.clone()));
    Value::Object(fields.collect::<Map<_, _>>())
}

fn table(columns: &[&str], rows: &[Vec<Value>]) -> String {
    let heads: Vec<String> = columns
        .iter()
        .map(|column| column.to_uppercase().replace('_', " "))
        .collect();
    let lines: Vec<Vec<String>> = std::iter::once(heads)
        .chain(rows.iter().map(|row| row.iter().map(cell).collect()))
        .collect();
    let widths: Vec<usize> = (0..columns.len())
        .map(|column| {
            lines
                .iter()
                .filter_map(|line| line.get(column))
                .map(|text| text.chars().count())
                .max()
        })
        .map(Option::unwrap_or_default)
        .collect();
    let padded = lines.iter().map(|line| {
        let cells = line
            .iter()
            .zip(&widths)
            .map(|(text, width)| format!("{text:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    });
    padded.collect::<Vec<_>>().join("\n")
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => plain(text),
        Value::Array(values) if values.is_empty() => "-".to_owned(),
        Value::Array(values) => values.iter().map(cell).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// Text without control characters, and without those that turn the direction of writing.
fn plain(text: &str) -> String {
    let hostile = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars()
        .map(|c| if hostile(c) { '\u{fffd}' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_from_outside_commands_the_terminal() {
        let rows = vec![vec![
            json!("a\u{1b}[2Jb\r\n"),
            json!(["x\u{7}", "y\u{202e}z"]),
            json!(null),
        ]];
        let shown = table(&["name", "given_to", "since"], &rows);
        assert_eq!(
            shown,
            "NAME      GIVEN TO  SINCE\na\u{fffd}[2Jb\u{fffd}\u{fffd}  x\u{fffd}, y\u{fffd}z   -"
        );
    }

    #[test]
    fn columns_line_up() {
        let rows = vec![vec![json!("é"), json!(10)], vec![json!("longer"), json!([])]];
        assert_eq!(table(&["a", "b"], &rows), "A       B\né       10\nlonger  -");
        assert_eq!(object(&["a", "b"], &rows[0]), json!({ "a": "é", "b": 10 }));
    }
}
