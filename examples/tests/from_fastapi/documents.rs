//! The OpenAPI document and the pages that show it.

use portcullis_identity::docs::{Contact, Docs};
use portcullis_identity::{Allow, Api, Authenticated, Portcullis};
use portcullis_testkit::TestApp;
use serde_json::json;

async fn notes(_: Allow<Authenticated>) -> &'static str {
    "all notes"
}

fn tagged() -> Api {
    Api::new("Notes", "1.0")
        .about("Keeps what you want to remember.")
        .get("/notes", notes)
        .tag("notes")
        .group("notes", "Everything about notes")
}

fn elsewhere(api: Api) -> Api {
    let mut docs = Docs::default();
    docs.openapi = Some("/api/openapi.json".into());
    docs.swagger = Some("/api/docs".into());
    docs.redoc = None;
    docs.license = Some("MIT".into());
    docs.contact = Some(Contact {
        email: Some("notes@example.com".into()),
        ..Contact::default()
    });
    docs.logo = Some("/logo.png".into());
    api.docs(docs)
}

fn changed(api: Api) -> Api {
    api.change_openapi(|document| {
        document["servers"] = json!([{ "url": "https://notes.example.com" }]);
    })
}

fn api(portcullis: &Portcullis) -> Api {
    changed(elsewhere(tagged())).nest("/oauth", portcullis.oauth_routes())
}

#[tokio::test]
async fn the_document_says_what_the_program_says() {
    let app = TestApp::with(|builder| builder, api).await;
    for (path, status) in [
        ("/api/docs", 200),
        ("/docs", 404),
        ("/redoc", 404),
        ("/scalar", 200),
    ] {
        assert_eq!(app.get(path).send().await.status(), status, "{path}");
    }
    let document = app.get("/api/openapi.json").send().await.expect(200).json();
    let info = &document["info"];
    assert_eq!(
        (&info["title"], &info["version"]),
        (&json!("Notes"), &json!("1.0"))
    );
    assert!(info["description"].to_string().contains("remember"), "{info}");
    assert_eq!(info["license"]["identifier"], "MIT");
    assert_eq!(info["contact"]["email"], "notes@example.com");
    assert_eq!(info["x-logo"]["url"], "/logo.png");
    assert_eq!(document["servers"][0]["url"], "https://notes.example.com");
    let operation = &document["paths"]["/notes"]["get"];
    assert_eq!(operation["tags"], json!(["notes"]));
    let tags = document["tags"].as_array().unwrap();
    assert!(tags.contains(&json!({ "name": "notes", "description": "Everything about notes" })));
    // Who may call stands there by itself, with a way to log in.
    assert_eq!(operation["x-portcullis-rule"], "authenticated");
    assert!(document["components"]["securitySchemes"]["oauth2"].is_object());
}
