//! The documentation as one's own: its paths, its name and logo, whom to ask, its headings, and changes of one's own.
//! `cargo run -p examples --example docs_branding`
//!
//! Open http://localhost:8080/reference in a browser, or in another terminal:
//!
//! ```console
//! $ curl -s localhost:8080/api.json
//! {…"title":"Bakery"…"contact":{"name":"The bakers","email":"bakers@example.com"}…"x-logo":{"url":"/logo.svg"…
//! $ curl -s -o /dev/null -w '%{http_code}' localhost:8080/reference
//! 200
//! $ curl -s -o /dev/null -w '%{http_code}' localhost:8080/docs
//! 404
//! ```

use axum::http::header::CONTENT_TYPE;
use portcullis_identity::docs::{Contact, Opaque};
use portcullis_identity::{Api, Docs, Json, Portcullis, Public};
use serde_json::{Value, json};

async fn list_bread(_: Public) -> Json<Vec<&'static str>> {
    Json(vec!["rye", "wheat"])
}

/// The picture that Redoc shows: pages load pictures from this server only.
async fn logo(_: Public) -> Opaque<([(axum::http::HeaderName, &'static str); 1], &'static str)> {
    Opaque(([(CONTENT_TYPE, "image/svg+xml")], LOGO))
}

/// What else the document says.
fn handbook(document: &mut Value) {
    document["externalDocs"] = json!({ "url": "https://example.com/handbook" });
}

/// Where the documents are, and who answers for them.
fn docs() -> Docs {
    let mut docs = Docs::default();
    docs.openapi = Some("/api.json".into());
    docs.redoc = Some("/reference".into());
    docs.swagger = None;
    docs.scalar = None;
    docs.logo = Some("/logo.svg".into());
    docs.terms_of_service = Some("https://example.com/terms".into());
    docs.license = Some("MIT".into());
    docs.contact = Some(Contact {
        name: Some("The bakers".into()),
        email: Some("bakers@example.com".into()),
        url: None,
    });
    docs
}

/// The routes, under a heading that says what they are about, in a document that the program changes last.
pub fn api(portcullis: &Portcullis) -> Api {
    Api::new("Bakery", "1.0")
        .about("Everything that is **baked** here.")
        .get("/bread", list_bread)
        .summary("What there is today")
        .group("Bread", "Loaves and rolls.")
        .get("/logo.svg", logo)
        .group("Looks", "What the pages show.")
        .docs(docs())
        .change_openapi(handbook)
        .nest("/auth", portcullis.routes())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let portcullis = Portcullis::open("sqlite:docs_branding.db").await?;
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:8080".to_owned());
    portcullis.serve(api(&portcullis), address).await?;
    Ok(())
}

const LOGO: &str =
    "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 8 8\"><circle cx=\"4\" cy=\"4\" r=\"4\"/></svg>";
