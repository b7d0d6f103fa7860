//! What a program says of itself in the OpenAPI document, and what it can't say.

use portcullis::core::checks;
use portcullis::docs::{Contact, Docs};
use portcullis::{Allow, Api, ApiError, Authenticated, Basic, Json, Jwt, Public, Via, permissions};
use serde_json::{Value, json};

use super::support::Bench;

permissions! { NotesRead = "notes:read": "Read notes"; }

async fn list(_: Allow<NotesRead>) -> Json<u8> {
    Json(1)
}
async fn status(_: Public) -> &'static str {
    "up"
}
async fn token(_: Public) -> &'static str {
    "token"
}
async fn old(_: Allow<Authenticated, Via<(Jwt, Basic)>>) -> Json<u8> {
    Json(1)
}

fn schemes(document: &Value) -> Vec<&str> {
    let schemes = document["components"]["securitySchemes"].as_object().unwrap();
    schemes.keys().map(String::as_str).collect()
}

// Shows: KIT-1
#[test]
fn only_what_a_route_accepts_is_a_scheme_and_the_first_can_be_used_at_once() {
    let notes = || Api::<()>::new("Notes", "1").get("/notes", list);
    assert_eq!(
        schemes(&notes().openapi()),
        ["bearer", "session", "sessionCookie", "apiKey"],
        "nothing gives tokens here"
    );
    let with_tokens = notes().post("/oauth/token", token);
    assert_eq!(schemes(&with_tokens.openapi())[0], "oauth2");
    let mut elsewhere = Docs::default();
    elsewhere.token_url = Some("https://id.example.com/oauth/token".into());
    assert_eq!(schemes(&notes().docs(elsewhere).openapi())[0], "oauth2");
    assert!(schemes(&notes().get("/old", old).openapi()).contains(&"basic"));
    let open: Api = Api::new("Status", "1").get("/status", status);
    assert!(schemes(&open.openapi()).is_empty());
}

// Shows: KIT-1
#[tokio::test]
async fn a_program_says_who_answers_for_it_and_changes_all_but_its_rules() {
    checks!("T018");
    let mut docs = Docs::default();
    docs.contact = Some(Contact {
        name: Some("Notes team".into()),
        email: Some("notes@example.com".into()),
        ..Contact::default()
    });
    docs.license = Some("MIT".into());
    docs.logo = Some("/logo.png".into());
    docs.terms_of_service = Some("https://example.com/terms".into());
    let api = Api::new("Notes", "1")
        .get("/notes", list)
        .get("/status", status)
        .docs(docs)
        .change_openapi(|document| {
            document["servers"] = json!([{ "url": "https://notes.example.com" }]);
            document["paths"]["/notes"]["get"]["description"] = json!("All of them.");
            // A slip that would tell clients that the route is open.
            document["paths"]["/notes"]["get"]["security"] = json!([]);
            document["paths"]["/notes"]["get"]["x-portcullis-rule"] = json!("public");
        });
    let rule = api.openapi()["paths"]["/notes"]["get"]["security"].clone();
    let served = Bench::default()
        .client(api)
        .get("/openapi.json", &[])
        .await
        .json();
    let info = &served["info"];
    assert_eq!(
        info["contact"],
        json!({ "name": "Notes team", "email": "notes@example.com" })
    );
    assert_eq!(info["license"]["identifier"], "MIT");
    assert_eq!(info["x-logo"]["url"], "/logo.png");
    assert_eq!(info["termsOfService"], "https://example.com/terms");
    assert_eq!(served["servers"][0]["url"], "https://notes.example.com");
    let operation = &served["paths"]["/notes"]["get"];
    assert_eq!(operation["description"], "All of them.");
    assert_eq!(operation["x-portcullis-rule"], "notes:read");
    assert_eq!(operation["security"], rule);
    assert!(operation["security"].as_array().is_some_and(|all| all.len() == 4));
}

#[test]
fn a_heading_stands_for_one_thing() {
    let errors = |api: Api| api.into_router(Bench::default().gate).unwrap_err().0;
    let ours = || {
        Api::new("", "")
            .get("/status", status)
            .own_group("account", "Accounts")
    };
    let clash = [ApiError::Tag("account".to_owned())];
    let tagged = Api::new("Notes", "1")
        .get("/notes", list)
        .tag("account")
        .nest("/auth", ours());
    assert_eq!(errors(tagged), clash);
    let grouped = Api::new("Notes", "1")
        .get("/notes", list)
        .group("account", "Mine")
        .nest("/auth", ours());
    assert_eq!(errors(grouped), clash);
    let modules = |text: &'static str| Api::new("", "").get("/a", status).group("notes", text);
    let twice = Api::new("Notes", "1")
        .nest("/one", modules("One"))
        .nest("/two", modules("Two"));
    assert_eq!(errors(twice), [ApiError::Tag("notes".to_owned())]);
    let shared = Api::new("Notes", "1")
        .nest("/one", modules("One"))
        .nest("/two", modules("One"));
    assert!(shared.into_router(Bench::default().gate).is_ok());
}
