//! What only reads changes nothing: pages, caches and scanners call it as often as they like.

use std::collections::BTreeMap;
use std::path::Path;

use portcullis::Portcullis;
use portcullis_core::checks;
use portcullis_testkit::TestApp;
use serde_json::json;

use crate::given::{session_of, text};

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
        lines.sort();
        all.insert(name, lines);
    }
    all
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
    let made = app.post("/auth/organizations").bearer(&root.access_token);
    let made = made.json(&json!({ "name": "Acme", "slug": "acme" })).send().await;
    let organization = text(&made.expect(201).json(), "id");
    let before = tables(&file);
    assert!(before.len() > 10 && before.values().filter(|rows| !rows.is_empty()).count() > 5);
    let (mut called, mut good) = (0, 0);
    for route in app.portcullis.gate().routes() {
        if route.verb().as_str() != "GET" {
            continue;
        }
        let path = route
            .path()
            .replace("{organization}", &organization)
            .replace("{account}", &root.id.to_string())
            .replace("{role}", "administrator")
            .replace("{id}", "0198c5a4-0000-7000-8000-000000000000")
            .replace("{trace}", "0198c5a4-0000-7000-8000-000000000000");
        assert!(!path.contains('{'), "{path}: say what stands for it");
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
