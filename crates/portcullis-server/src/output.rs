//! What commands print: tables for people, JSON for programs.
//!
//! Invariant: nothing that came from outside reaches a terminal with its control characters: a role's description
//! must not move the cursor or change the title. No cell of a table makes every line as wide as itself: of many values the
//! first are named and all counted where a person looks at a terminal (they are whole as JSON, in a pipe, and where one
//! record is shown). On a terminal a line is no longer than it; in a pipe nothing is cut, and what is longer than [`WIDEST`]
//! makes its own line longer, not the others.

use std::io::{self, IsTerminal as _, Write as _};

use serde_json::{Map, Value};

/// Where results go, and in which form.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    json: bool,
    /// How many characters a line of the terminal has; `None` if nobody looks at one.
    room: Option<usize>,
}

impl Output {
    /// Results as JSON for programs, or as tables for people.
    pub(crate) fn new(json: bool) -> Self {
        Self {
            json,
            room: terminal(),
        }
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
        self.line(&table(columns, rows, self.room))
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

/// The width of the terminal that results go to: what `COLUMNS` says, or the terminal itself.
#[expect(
    clippy::disallowed_methods,
    reason = "it says how wide the terminal is, and configures nothing"
)]
fn terminal() -> Option<usize> {
    let out = io::stdout();
    if !out.is_terminal() {
        return None;
    }
    let told = std::env::var_os("COLUMNS").and_then(|text| text.to_str()?.parse().ok());
    let asked = || {
        rustix::termios::tcgetwinsize(&out)
            .ok()
            .map(|size| usize::from(size.ws_col))
    };
    told.or_else(asked).filter(|columns| *columns > 0)
}

/// Columns that line up, in lines of at most `room` characters; without a bound nothing is cut.
fn table(columns: &[&str], rows: &[Vec<Value>], room: Option<usize>) -> String {
    let heads: Vec<String> = columns
        .iter()
        .map(|column| column.to_uppercase().replace('_', " "))
        .collect();
    let shown = |value: &Value| match room {
        Some(_) => short_cell(value, WIDEST),
        None => cell(value),
    };
    let width = |column: usize, head: &String| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        let widest = cells.map(|value| shown(value).chars().count()).max();
        widest.unwrap_or_default().min(WIDEST).max(head.chars().count())
    };
    let natural: Vec<usize> = heads
        .iter()
        .enumerate()
        .map(|(column, head)| width(column, head))
        .collect();
    let widths = room.map_or_else(|| natural.clone(), |room| fitted(columns, &natural, room));
    let line = |cells: Vec<String>| {
        let cells = cells
            .iter()
            .zip(&widths)
            .map(|(text, width)| format!("{text:width$}"));
        cells.collect::<Vec<_>>().join(GAP).trim_end().to_owned()
    };
    let cut = |value: &Value, width: usize| match room {
        Some(_) => clipped(short_cell(value, width), width),
        None => cell(value),
    };
    let head = heads.into_iter().zip(&widths).map(|(head, width)| match room {
        Some(_) => clipped(head, *width),
        None => head,
    });
    let lines = rows.iter().map(|row| {
        let cells = row.iter().zip(&widths).map(|(value, width)| cut(value, *width));
        line(cells.collect())
    });
    std::iter::once(line(head.collect()))
        .chain(lines)
        .collect::<Vec<_>>()
        .join("\n")
}

/// The widths with which a line fits: the widest columns give way first, and ids, which are copied, last.
fn fitted(columns: &[&str], natural: &[usize], room: usize) -> Vec<usize> {
    let room = room.saturating_sub(GAP.len() * columns.len().saturating_sub(1));
    let kept = |column: usize| {
        columns
            .get(column)
            .is_some_and(|name| *name == "id" || name.ends_with("_id"))
    };
    let capped = |cap: usize, ids: bool| -> Vec<usize> {
        let width = |(column, width): (usize, &usize)| {
            if ids && kept(column) {
                *width
            } else {
                cap.min(*width)
            }
        };
        natural.iter().enumerate().map(width).collect()
    };
    let whole = (LEAST..=WIDEST).rev().map(|cap| capped(cap, true));
    let all = (1..=WIDEST).rev().map(|cap| capped(cap, false));
    let mut widths = std::iter::once(natural.to_vec()).chain(whole).chain(all);
    widths
        .find(|widths| widths.iter().sum::<usize>() <= room)
        .unwrap_or_else(|| capped(1, false))
}

/// The text, or its beginning with a sign that there is more.
fn clipped(text: String, width: usize) -> String {
    if text.chars().count() <= width {
        return text;
    }
    let kept = text.chars().take(width.saturating_sub(1));
    kept.chain(std::iter::once('…')).collect()
}

/// A cell among others, of about `width` characters.
fn short_cell(value: &Value, width: usize) -> String {
    let whole = cell(value);
    let Value::Array(values) = value else {
        return whole;
    };
    if whole.chars().count() <= width {
        return whole;
    }
    let ending = format!(", … ({})", values.len());
    let room = width.saturating_sub(ending.chars().count());
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

/// To how few characters a column shrinks before an id does.
const LEAST: usize = 6;

/// What stands between two columns.
const GAP: &str = "  ";

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
        let shown = table(&["name", "given_to", "since"], &rows, None);
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
        let shown = table(&["name", "description", "permissions"], &rows, None);
        for line in shown.lines().filter(|line| !line.starts_with("xx")) {
            let text: usize = line.split_whitespace().map(|word| word.chars().count() + 1).sum();
            assert!(line.chars().count() <= text + 2 * WIDEST, "{line}");
        }
        assert!(shown.contains("orders:warehouse-499:r"), "a pipe gets everything");
        assert!(shown.contains(&"é".repeat(61)), "no text is lost: {shown}");
        let seen = table(&["name", "description", "permissions"], &rows, Some(500));
        assert!(
            seen.contains("orders:warehouse-000:r, orders:warehouse-001:r, … (500)"),
            "{seen}"
        );
        assert_eq!(
            object(&["permissions"], &[json!(many)])["permissions"],
            json!(many)
        );
    }

    #[test]
    fn what_fits_to_the_last_character_is_not_cut() {
        let fits = json!("x".repeat(WIDEST));
        assert_eq!(short_cell(&fits, WIDEST), cell(&fits));
        let list = json!(["a".repeat(29), "b".repeat(29)]);
        assert_eq!(short_cell(&list, WIDEST), cell(&list));
    }

    #[test]
    fn columns_line_up() {
        let rows = vec![vec![json!("é"), json!(10)], vec![json!("longer"), json!([])]];
        assert_eq!(
            table(&["a", "b"], &rows, None),
            "A       B\né       10\nlonger  -"
        );
        assert_eq!(object(&["a", "b"], &rows[0]), json!({ "a": "é", "b": 10 }));
    }

    #[test]
    fn a_list_is_no_wider_than_the_terminal() {
        let id = "01890000-0000-7000-8000-000000000000";
        let many: Vec<String> = (0..500).map(|n| format!("orders:warehouse-{n:03}:r")).collect();
        let columns = ["id", "email", "roles", "created_at"];
        let rows = vec![
            vec![
                json!(id),
                json!("x".repeat(100)),
                json!(many),
                json!("2026-01-31T00:00:00Z"),
            ],
            vec![json!(id), json!("anna@example.com"), json!([]), json!(null)],
        ];
        for room in 0..300 {
            let shown = table(&columns, &rows, Some(room));
            assert_eq!(shown.lines().count(), 3, "{room}");
            for line in shown.lines() {
                // A character of each column is the least that a table has.
                assert!(line.chars().count() <= room.max(10), "{room}: {line}");
            }
            let whole = shown.lines().skip(1).all(|line| line.starts_with(id));
            assert_eq!(whole, room >= 60, "{room}: {shown}");
        }
        let shown = table(&columns, &rows, Some(100));
        assert!(shown.contains("xxx…  ") && shown.contains("… (500)"), "{shown}");
        let last: Vec<&str> = shown.lines().last().unwrap().split_whitespace().collect();
        assert_eq!(last, [id, "anna@example.com", "-", "-"]);
    }
}
