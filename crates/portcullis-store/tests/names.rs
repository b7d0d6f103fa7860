//! Names and addresses that an earlier version took by looser rules: they keep working, and are settled once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod postgres;

use portcullis_core::account::{Id, Identifier, Store as _};
use portcullis_core::checks;
use portcullis_store::{Database, Unsettled};
use rusqlite::params;
use tempfile::TempDir;
use uuid::Uuid;

use crate::postgres::{Borrowed, fresh, patient, server};

/// An account as the version before wrote it.
fn insert(raw: &rusqlite::Connection, id: u128, name: Option<&str>, email: Option<(&str, &str)>) -> Id {
    let id = Uuid::from_u128(id);
    let (email, compared) = email.unzip();
    let compared_name = name.map(str::to_lowercase);
    let sql = "INSERT INTO portcullis_accounts
        (id, email, email_normalised, username, username_normalised, state, stamp, created_at, kind, email_verified_at)
        VALUES (?1, ?2, ?3, ?4, ?5, 'active', ?1, 0, 'person', ?6)";
    let verified = email.map(|_| 1);
    let row = params![id.as_bytes(), email, compared, name, compared_name, verified];
    raw.execute(sql, row).unwrap();
    Id::from_uuid(id)
}

async fn found(database: &Database, typed: &str) -> Option<Id> {
    let who = Identifier::parse(typed).unwrap();
    let logins = database.find_logins(who).await.unwrap();
    logins.first().map(|login| login.account.id)
}

#[tokio::test]
async fn names_of_before_get_their_look_and_those_alike_are_told() {
    checks!("T142");
    checks!("T144");
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("names.db");
    let database = Database::open(&format!("sqlite:{}", file.display()))
        .await
        .unwrap();
    let raw = rusqlite::Connection::open(&file).unwrap();
    let carl = insert(&raw, 1, Some("Carl"), None);
    let imitation = insert(&raw, 2, Some("car1"), None);
    let filler = insert(&raw, 3, Some("anna\u{1160}"), None);
    let max = insert(&raw, 4, None, Some(("Max@MÜLLER.example", "max@müller.example")));
    let ligature = insert(&raw, 5, None, Some(("ﬁona@example.com", "fiona@example.com")));
    let plain = insert(&raw, 6, None, Some(("Ben@Example.com", "ben@example.com")));
    let unsettled = [
        Unsettled::Alike {
            account: imitation,
            username: "car1".into(),
            like: "Carl".into(),
        },
        Unsettled::Address {
            account: ligature,
            email: "ﬁona@example.com".into(),
        },
    ];
    // Twice: it may run on every node, at every start.
    for _ in 0..2 {
        assert_eq!(database.settle_names().await.unwrap(), unsettled);
    }
    for (typed, account) in [
        ("carl", carl),
        ("car1", imitation),
        ("anna\u{3164}", filler),
        ("max@müller.example", max),
        ("max@xn--mller-kva.example", max),
        ("fiona@example.com", ligature),
        ("ﬁona@example.com", ligature),
        ("ben@example.com", plain),
    ] {
        assert_eq!(found(&database, typed).await, Some(account), "{typed}");
    }
    let account = database.find(max).await.unwrap().unwrap();
    assert_eq!(account.email.as_deref(), Some("Max@xn--mller-kva.example"));
    let looks: i64 = raw
        .query_row("SELECT count(*) FROM portcullis_username_looks", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(looks, 2, "Carl's and the filler's");
}

#[tokio::test]
async fn settling_nothing_is_nothing_on_postgres_too() {
    let Some(server) = server() else { return };
    let url = fresh(&server).await;
    let database = Database::open_with(&url, &patient()).await.unwrap();
    let _borrowed = Borrowed(url);
    assert_eq!(database.settle_names().await.unwrap(), []);
}
