//! Filters as conditions of SQLite mean what filters mean.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod filter;

use portcullis::filter::{Dialect, condition};
use portcullis_core::authz::resource::{ResourceFacts, Value};
use portcullis_core::checks;
use proptest::collection::vec;
use proptest::prelude::*;
use rusqlite::{Connection, params, params_from_iter};

use crate::filter::{IDS, KIND, columns, filters, json, meant, note, text_id, uuid};

#[allow(clippy::too_many_lines, reason = "a table is as long as its rows")]
fn table(notes: &[ResourceFacts]) -> Connection {
    let database = Connection::open_in_memory().unwrap();
    database
        .execute_batch(
            "CREATE TABLE notes (text_id TEXT, number_id INTEGER PRIMARY KEY, uuid_id BLOB, owner BLOB, organization TEXT,
                flag INTEGER, size INTEGER, title TEXT COLLATE NOCASE, editor TEXT COLLATE NOCASE, team BLOB, value TEXT);
             CREATE TABLE labels (note TEXT, label TEXT COLLATE NOCASE);",
        )
        .unwrap();
    for (number, note) in (0_i64..).zip(notes) {
        let field = |name: &str| note.fields.get(name);
        let flag = field("flag").map(|value| matches!(value, Value::Bool(true)));
        let size = field("size").map(|value| match value {
            Value::Long(size) => *size,
            other => panic!("{other:?}"),
        });
        let title = field("title").map(|value| match value {
            Value::Text(title) => title.clone(),
            other => panic!("{other:?}"),
        });
        let editor = field("editor").map(|value| match value {
            Value::Account(id) => id.to_string(),
            other => panic!("{other:?}"),
        });
        let team = field("team").map(|value| match value {
            Value::Organization(id) => id.as_uuid().as_bytes().to_vec(),
            other => panic!("{other:?}"),
        });
        let texts = |name: &str| {
            field(name).map(|value| match value {
                Value::TextSet(texts) => texts.clone(),
                other => panic!("{other:?}"),
            })
        };
        database
            .execute(
                "INSERT INTO notes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                params![
                    text_id(number),
                    number,
                    uuid(number).as_bytes().to_vec(),
                    note.owner.map(|id| id.as_uuid().as_bytes().to_vec()),
                    note.organization.map(|id| id.to_string()),
                    flag,
                    size,
                    title,
                    editor,
                    team,
                    texts("tags").map(|texts| json(&texts)),
                ],
            )
            .unwrap();
        for label in texts("labels").unwrap_or_default() {
            database
                .execute(
                    "INSERT INTO labels VALUES (?, ?)",
                    params![text_id(number), label],
                )
                .unwrap();
        }
    }
    database
}

proptest! {
    // Shows: AZ-5
    #[test]
    fn the_condition_finds_the_rows_that_the_filter_means(
        notes in vec(note(true), 0..12),
        (id, filters) in (0_usize..3).prop_flat_map(|id| (Just(id), vec(filters(id), 1..12))),
    ) {
        checks!("T065");
        let database = table(&notes);
        for filter in filters {
            let condition = condition(&filter, &KIND, Dialect::Sqlite, &columns(IDS[id]), 2).unwrap();
            let sql = format!("SELECT number_id FROM notes WHERE number_id >= ?1 AND {} ORDER BY number_id", condition.sql);
            let values = [portcullis::filter::SqlValue::Integer(0)];
            let mut statement = database.prepare(&sql).unwrap();
            let all = params_from_iter(values.iter().chain(&condition.params));
            let found = statement.query_map(all, |row| row.get(0)).unwrap();
            let found: Vec<i64> = found.map(Result::unwrap).collect();
            prop_assert_eq!(found, meant(&filter, &notes, id), "{:?}: {}", filter, sql);

            // It is never null: what it isn't true for, it is false for.
            let sql = format!("SELECT count(*) FROM notes WHERE ({}) IS NULL AND ?1 = 0", condition.sql);
            let all = params_from_iter(values.iter().chain(&condition.params));
            prop_assert_eq!(database.query_row(&sql, all, |row| row.get::<_, i64>(0)).unwrap(), 0, "{}", sql);
        }
    }
}
