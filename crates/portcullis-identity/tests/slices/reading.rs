//! What only reads changes nothing: pages, caches and scanners call it as often as they like.

use std::collections::BTreeMap;
use std::path::Path;

use portcullis_core::checks;
use portcullis_identity::Portcullis;
use portcullis_testkit::{Account, TestApp};
use serde_json::json;

use crate::fixtures::{session_of, text};

/// Every table's rows as text, but those that say who was seen, and what was refused.
fn tables(file: &Path) -> BTreeMap<String, Vec<String>> {
    let database = rusqlite::Connection::open(file).unwrap();
    let mut tables = database
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")
        .unwrap();
    let names = tables.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let mut all = BTreeMap::new();
    for name in names.map(Result::unwrap) {
        if name.contains("audit") || name.contains("decision") {
            continue;
        }
        let mut select = database.prepare(&format!("SELECT * FROM {name}")).unwrap();
        let columns: Vec<String> = select.column_names().map(str::to_owned).collect();
        let mut rows = select.query([]).unwrap();
        let mut lines = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            let seen = |column: &str| column.starts_with("last_");
            let cells = columns.iter().enumerate().filter(|(_, column)| !seen(column));
            lines.push(
                cells
                    .map(|(at, column)| format!("{column}={:?} ", row.get_ref(at).unwrap()))
                    .collect(),
            );
        }
        // Readiness finds out whether the database takes writes by writing this row.
        let probe = format!("subject={:?} ", rusqlite::types::ValueRef::Blob(b"writable"));
        lines.retain(|line: &String| !line.starts_with(&probe));
        lines.sort();
        all.insert(name, lines);
    }
    all
}

/// The path with something in place of each parameter.
fn filled(path: &str, organization: &str, root: &Account) -> String {
    let path = path
        .replace("{organization}", organization)
        .replace("{account}", &root.id.to_string())
        .replace("{role}", "administrator")
        .replace("{id}", "0198c5a4-0000-7000-8000-000000000000")
        .replace("{trace}", "0198c5a4-0000-7000-8000-000000000000");
    assert!(!path.contains('{'), "{path}: say what stands for it");
    path
}

async fn acme(app: &TestApp, root: &Account) -> String {
    let made = app.post("/auth/organizations").bearer(&root.access_token);
    let made = made.json(&json!({ "name": "Acme", "slug": "acme" })).send().await;
    text(&made.expect(201).json(), "id")
}

#[tokio::test]
async fn no_get_changes_anything() {
    checks!("T029");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("app.db");
    let url = format!("sqlite:{}", file.display());
    let app = TestApp::with(|builder| builder.database(&url), Portcullis::api).await;
    let root = app.administrator("root@example.com").await;
    let session = session_of(&app, "root@example.com").await;
    let organization = acme(&app, &root).await;
    let before = tables(&file);
    assert!(before.len() > 10 && before.values().filter(|rows| !rows.is_empty()).count() > 5);
    let (mut called, mut good) = (0, 0);
    for route in app.portcullis.gate().routes() {
        if route.verb().as_str() != "GET" {
            continue;
        }
        let path = filled(route.path(), &organization, &root);
        for token in [&root.access_token, &session] {
            let answer = app.get(&path).bearer(token).send().await;
            good += usize::from(answer.status() == 200);
            called += 1;
        }
    }
    assert!(
        called > 30 && good > called / 2,
        "{good} of {called} were answered"
    );
    app.portcullis.gate().settled().await;
    assert_eq!(tables(&file), before);
}

/// No browser takes an answer for a script, nor a cache for a file that it may keep, however it was asked for.
#[tokio::test]
async fn no_get_answers_with_a_script_or_without_its_type() {
    let app = TestApp::new().await;
    let root = app.administrator("root@example.com").await;
    let organization = acme(&app, &root).await;
    let mut types = BTreeMap::new();
    for route in app.portcullis.gate().routes() {
        if route.verb().as_str() != "GET" {
            continue;
        }
        let path = filled(route.path(), &organization, &root);
        for query in ["", "?callback=evil&jsonp=evil"] {
            let answer = app
                .get(&format!("{path}{query}"))
                .bearer(&root.access_token)
                .send()
                .await;
            let kind = answer.header("content-type").to_owned();
            assert!(
                matches!(
                    kind.as_str(),
                    "application/json" | "application/problem+json" | "text/html; charset=utf-8"
                ),
                "{path}{query}: {kind}"
            );
            assert!(!answer.text().starts_with("evil"), "{path}{query}");
            *types.entry(kind).or_insert(0) += 1;
        }
        for ending in [
            "/x.css",
            "%2fx.css",
            "%2f..%2fx.js",
            ";x.js",
            ";.png",
            ".css",
            "%00.css",
            "%0ax.css",
        ] {
            let answer = app
                .get(&format!("{path}{ending}"))
                .bearer(&root.access_token)
                .send()
                .await;
            assert!(answer.status() >= 400, "{path}{ending}: {}", answer.text());
            assert_eq!(answer.header("cache-control"), "no-store", "{path}{ending}");
        }
    }
    assert_eq!(types.len(), 3, "{types:?}");
}
