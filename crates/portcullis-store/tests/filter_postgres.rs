//! Filters as conditions of PostgreSQL mean what filters mean.
#![cfg(feature = "postgres")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod filter;
#[allow(dead_code, reason = "each test of PostgreSQL uses what it needs")]
mod postgres;

use portcullis::filter::{Dialect, SqlValue, condition};
use portcullis_core::authz::resource::{ResourceFacts, Value};
use portcullis_core::checks;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

use crate::filter::{IDS, KIND, columns, filters, json, meant, note, text_id, uuid};
use crate::postgres::{Borrowed, fresh, server};

const TABLES: &str = "CREATE TABLE notes (text_id TEXT, number_id INTEGER PRIMARY KEY, uuid_id UUID, owner UUID,
        organization VARCHAR(36), flag BOOLEAN, size BIGINT, title VARCHAR, editor TEXT, team UUID, value JSONB);
    CREATE TABLE labels (note TEXT, label TEXT);";

async fn fill(client: &Client, notes: &[ResourceFacts]) {
    client.batch_execute("TRUNCATE notes, labels").await.unwrap();
    for (number, note) in (0_i64..).zip(notes) {
        let field = |name: &str| note.fields.get(name);
        let texts = |name: &str| {
            field(name).map(|value| match value {
                Value::TextSet(texts) => texts.clone(),
                other => panic!("{other:?}"),
            })
        };
        let id = |name: &str| {
            field(name).map(|value| match value {
                Value::Account(id) => id.as_uuid(),
                Value::Organization(id) => id.as_uuid(),
                other => panic!("{other:?}"),
            })
        };
        let flag = field("flag").map(|value| *value == Value::Bool(true));
        let size = field("size").map(|value| match value {
            Value::Long(size) => *size,
            other => panic!("{other:?}"),
        });
        let title = field("title").map(|value| match value {
            Value::Text(title) => title.clone(),
            other => panic!("{other:?}"),
        });
        let insert = "INSERT INTO notes VALUES ($1, $2::bigint, $3, $4, $5, $6, $7, $8, $9, $10, CAST($11::text AS jsonb))";
        let values: [&(dyn ToSql + Sync); 11] = [
            &text_id(number),
            &number,
            &uuid(number),
            &note.owner.map(portcullis_core::account::Id::as_uuid),
            &note.organization.map(|id| id.to_string()),
            &flag,
            &size,
            &title,
            &id("editor").map(|id: Uuid| id.to_string()),
            &id("team"),
            &texts("tags").map(|texts| json(&texts)),
        ];
        client.execute(insert, &values).await.unwrap();
        for label in texts("labels").unwrap_or_default() {
            let insert = "INSERT INTO labels VALUES ($1, $2)";
            client.execute(insert, &[&text_id(number), &label]).await.unwrap();
        }
    }
}

// Shows: AZ-5
#[test]
fn the_condition_finds_the_rows_that_the_filter_means() {
    checks!("T065");
    let Some(server) = server() else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let (client, _kept) = runtime.block_on(async {
        let url = fresh(&server).await;
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
        tokio::spawn(connection);
        client.batch_execute(TABLES).await.unwrap();
        (client, Borrowed(url))
    });
    let cases = (0_usize..3).prop_flat_map(|id| (vec(note(false), 0..12), Just(id), vec(filters(id), 1..12)));
    let mut runner = TestRunner::new(Config {
        cases: 60,
        failure_persistence: None,
        ..Config::default()
    });
    let compared = runner.run(&cases, |(notes, id, filters)| {
        runtime.block_on(async {
            fill(&client, &notes).await;
            for filter in filters {
                let condition = condition(&filter, &KIND, Dialect::Postgres, &columns(IDS[id]), 2).unwrap();
                let sql = format!(
                    "SELECT number_id::bigint, ({0}) IS NULL FROM notes WHERE number_id >= $1::bigint AND ({0}) ORDER BY 1",
                    condition.sql
                );
                let least = SqlValue::Integer(0);
                let all = std::iter::once(&least).chain(&condition.params);
                let all: Vec<_> = all.map(|value| value as &(dyn ToSql + Sync)).collect();
                let rows = client.query(&sql, &all).await.unwrap();
                let found: Vec<i64> = rows.iter().map(|row| row.get(0)).collect();
                prop_assert_eq!(found, meant(&filter, &notes, id), "{:?}: {}", filter, sql);
                let sql = format!("SELECT count(*) FROM notes WHERE ({}) IS NULL AND $1::bigint = 0", condition.sql);
                let rows = client.query_one(&sql, &all).await.unwrap();
                prop_assert_eq!(rows.get::<_, i64>(0), 0, "{}", sql);
            }
            Ok(())
        })
    });
    compared.unwrap();
}
