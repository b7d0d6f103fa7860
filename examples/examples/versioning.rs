//! Versions: each below its path and with a document of its own; the old one says when it will be gone.
//! `cargo run -p examples --example versioning`
//!
//! In another terminal:
//!
//! ```console
//! $ curl -si localhost:8080/v1/notes
//! …deprecation: @1780272000…sunset: Fri, 01 Jan 2027 00:00:00 GMT…["milk"]
//! $ curl -s localhost:8080/v2/notes
//! {"items":[{"text":"milk"}]}
//! $ curl -s localhost:8080/v2/openapi.json
//! {…"version":"2.0"…"/v2/notes"…}
//! $ curl -s localhost:8080/openapi.json
//! {…"x-portcullis-documents":[{"title":"Notes 1.4","url":"/v1/openapi.json"},{"title":"Notes 2.0","url":"/v2/openapi.json"}]…}
//! ```

use portcullis_identity::router::Deprecation;
use portcullis_identity::{Api, Json, JsonSchema, Portcullis, Public, schemars};
use serde::Serialize;

/// Notes as the first version has them: texts, and no way to add anything.
async fn list_v1(_: Public) -> Json<Vec<&'static str>> {
    Json(vec!["milk"])
}

/// A note.
#[derive(Serialize, JsonSchema)]
#[schemars(crate = "schemars")]
struct Note {
    /// What it says.
    text: &'static str,
}

/// All notes.
#[derive(Serialize, JsonSchema)]
#[schemars(crate = "schemars")]
struct Notes {
    /// The notes, newest first.
    items: Vec<Note>,
}

async fn list_v2(_: Public) -> Json<Notes> {
    Json(Notes {
        items: vec![Note { text: "milk" }],
    })
}

fn v1() -> Api {
    let deprecation = Deprecation::since("2026-06-01")
        .sunset("2027-01-01")
        .successor("/v2");
    Api::new("Notes", "1.4")
        .get("/notes", list_v1)
        .deprecated(deprecation)
}

fn v2() -> Api {
    Api::new("Notes", "2.0").get("/notes", list_v2)
}

/// Both versions, and the routes of accounts, which have none.
pub fn api(portcullis: &Portcullis) -> Api {
    Api::new("Notes", "2.0")
        .sub("/v1", v1())
        .sub("/v2", v2())
        .nest("/auth", portcullis.routes())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let portcullis = Portcullis::open("sqlite:versioning.db").await?;
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:8080".to_owned());
    portcullis.serve(api(&portcullis), address).await?;
    Ok(())
}
