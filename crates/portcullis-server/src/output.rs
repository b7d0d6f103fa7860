//! What commands print: tables for people, JSON for programs.
//!
//! Invariant: nothing that came from outside reaches a terminal with its control characters: a role's description
//! must not move the cursor or change the title. No cell of a table makes every line as wide as itself: of many values the
//! first are named and all counted (they are whole as JSON, and where one record is shown), and what is longer than
//! [`WIDEST`] makes its own line longer, not the others.

use std::io::{self, Write as _};

use serde_json::{Map, Value};

/// Where results go, and in which form.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    json: bool,
}

impl Output {
    /// Results as JSON for programs, or as tables for people.
    pub(crate) fn new(json: bool) -> Self {
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
    pub(crate) fn done(self, sentence: &str, object: &Value) -> io::Result<()> {
        if self.json {
            self.line(&object.to_string())
        } else {
            self.line(&plain(sentence))
        }
    }

    /// Lines for people, or an object.
    pub(crate) fn text(self, lines: &[String], object: &Value) -> io::Result<()> {
        if self.json {
            return self.line(&object.to_string());
        }
        let lines: Vec<String> = lines.iter().map(|line| plain(line)).collect();
        self.line(&lines.join("\n"))
    }

    /// What is shown once, on a line of its own: for a person, and for `| head -1`.
    pub(crate) fn secret(self, text: &str, object: &Value) -> io::Result<()> {
        if self.json {
            self.line(&object.to_string())
        } else {
            self.line(text)
        }
    }

    /// Sentences, a line each, or an object.
    pub(crate) fn lines(self, sentences: &[String], object: &Value) -> io::Result<()> {
        if self.json {
            return self.line(&object.to_string());
        }
        let lines: Vec<String> = sentences.iter().map(|sentence| plain(sentence)).collect();
        self.line(&lines.join("\n"))
    }

    /// Many records: a line each.
    pub(crate) fn list(self, columns: &[&str], rows: &[Vec<Value>]) -> io::Result<()> {
        if self.json {
            let items: Vec<Value> = rows.iter().map(|row| object(columns, row)).collect();
            return self.line(&Value::Array(items).to_string());
        }
        self.line(&table(columns, rows))
    }

    /// One record: a line for each of its fields.
    pub(crate) fn record(self, columns: &[&str], row: &[Value]) -> io::Result<()> {
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
        .chain(rows.iter().map(|row| row.iter().map(short_cell).collect()))
        .collect();
    let widths: Vec<usize> = (0..columns.len())
        .map(|column| {
            lines
                .iter()
                .filter_map(|line| line.get(column))
                .map(|text| text.chars().count())
                .max()
        })
        .map(|widest| widest.unwrap_or_default().min(WIDEST))
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

/// A cell among others.
fn short_cell(value: &Value) -> String {
    let whole = cell(value);
    let Value::Array(values) = value else {
        return whole;
    };
    if whole.chars().count() <= WIDEST {
        return whole;
    }
    let ending = format!(", … ({})", values.len());
    let room = WIDEST - ending.chars().count();
    let mut named = String::new();
    for value in values {
        let next = cell(value);
        let comma = if named.is_empty() { "" } else { ", " };
        if named.chars().count() + comma.len() + next.chars().count() > room {
            break;
        }
        named.push_str(comma);
        named.push_str(&next);
    }
    if named.is_empty() {
        let first = values.first().map(cell).unwrap_or_default();
        named = first.chars().take(room).collect();
    }
    named + &ending
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

/// Text without control characters, and without those that hide or turn others.
fn plain(text: &str) -> String {
    portcullis_core::text::shown(text).into_owned()
}

/// How wide a column gets, in characters: ids, times and addresses of usual length fit.
const WIDEST: usize = 60;

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
    fn one_long_cell_widens_no_other_line() {
        let many: Vec<String> = (0..500).map(|n| format!("orders:warehouse-{n:03}:r")).collect();
        let rows = vec![
            vec![json!("clerk"), json!("Clerks"), json!(many)],
            vec![
                json!("x".repeat(5_000)),
                json!("é".repeat(61)),
                json!(["y".repeat(300)]),
            ],
            vec![json!("reader"), json!("reads"), json!(["posts:read"])],
        ];
        let shown = table(&["name", "description", "permissions"], &rows);
        for line in shown.lines().filter(|line| !line.starts_with("xx")) {
            assert!(line.chars().count() <= 3 * WIDEST + 4, "{line}");
        }
        assert!(
            shown.contains("orders:warehouse-000:r, orders:warehouse-001:r, … (500)"),
            "{shown}"
        );
        assert!(shown.contains(&"é".repeat(61)), "no text is lost: {shown}");
        assert_eq!(
            object(&["permissions"], &[json!(many)])["permissions"],
            json!(many)
        );
    }

    #[test]
    fn what_fits_to_the_last_character_is_not_cut() {
        let fits = json!("x".repeat(WIDEST));
        assert_eq!(short_cell(&fits), cell(&fits));
        let list = json!(["a".repeat(29), "b".repeat(29)]);
        assert_eq!(short_cell(&list), cell(&list));
    }

    #[test]
    fn columns_line_up() {
        let rows = vec![vec![json!("é"), json!(10)], vec![json!("longer"), json!([])]];
        assert_eq!(table(&["a", "b"], &rows), "A       B\né       10\nlonger  -");
        assert_eq!(object(&["a", "b"], &rows[0]), json!({ "a": "é", "b": 10 }));
    }
}
