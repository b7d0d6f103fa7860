//! `validation` through the test kit.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "../examples/validation.rs"]
#[allow(dead_code, unreachable_pub, reason = "its main is a program")]
mod validation;

use portcullis_testkit::{Answer, TestApp};
use serde_json::{Value, json};

async fn app() -> TestApp {
    TestApp::with(|settings| settings, validation::api).await
}

fn faults(answer: &Answer) -> Vec<(String, String)> {
    let problem = answer.json();
    let text = |error: &Value, name: &str| error[name].as_str().unwrap().to_owned();
    let errors = problem["errors"].as_array().unwrap();
    errors
        .iter()
        .map(|error| (text(error, "field"), text(error, "code")))
        .collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected
        .iter()
        .map(|(field, code)| ((*field).to_owned(), (*code).to_owned()))
        .collect()
}

fn booking() -> Value {
    json!({
        "guest": "Ada", "email": "ada@example.com", "room": "AB12",
        "firstNight": 3, "lastNight": 4, "beds": 2,
    })
}

// Shows: KIT-3, WP-8
#[tokio::test]
async fn a_booking_is_told_everything_that_is_wrong_with_it() {
    let app = app().await;
    let book = async |change: Value| {
        let mut body = booking();
        for (name, value) in change.as_object().unwrap() {
            body[name] = value.clone();
        }
        app.post("/bookings").json(&body).send().await
    };
    assert_eq!(book(json!({})).await.expect(201).json(), json!({ "nights": 2 }));
    let bad = book(json!({ "guest": "A", "email": "ada", "room": "12", "beds": 9, "vip": true }))
        .await
        .expect(422);
    let expected = [
        ("/guest", "too_short"),
        ("/email", "invalid_email"),
        ("/room", "pattern"),
        ("/beds", "out_of_range"),
        ("/vip", "unknown"),
    ];
    assert_eq!(faults(&bad), pairs(&expected));
    let early = book(json!({ "lastNight": 2 })).await.expect(422);
    assert_eq!(faults(&early), pairs(&[("/lastNight", "ends_too_early")]));
    let wing = book(json!({ "room": "ZZ12" })).await.expect(422);
    assert_eq!(faults(&wing), pairs(&[("/room", "no_such_wing")]));
}

#[tokio::test]
async fn a_path_and_a_query_are_asked_by_the_same_types() {
    let app = app().await;
    app.get("/rooms/AB12?beds=2").send().await.expect(200);
    let room = app.get("/rooms/AB1").send().await.expect(422);
    assert_eq!(faults(&room), pairs(&[("room", "pattern")]));
    let beds = app.get("/rooms/AB12?beds=9&view=sea").send().await.expect(422);
    assert_eq!(
        faults(&beds),
        pairs(&[("beds", "out_of_range"), ("view", "unknown")])
    );
}

// Shows: WP-8
#[tokio::test]
async fn a_comment_is_clean_before_the_handler_sees_it() {
    let app = app().await;
    let say = async |text: &str| app.post("/comments").json(&json!({ "text": text })).send().await;
    let said = say("<b onclick=alert(1)>Nice</b><script>alert(1)</script>")
        .await
        .expect(201);
    assert_eq!(said.json()["text"], "<b>Nice</b>");
    let long = say(&"x".repeat(2_001)).await.expect(422);
    assert_eq!(faults(&long), pairs(&[("/text", "too_long")]));
    let longer_when_clean = say(&"&".repeat(2_000)).await.expect(422);
    assert_eq!(faults(&longer_when_clean), pairs(&[("/text", "too_long")]));
}

#[tokio::test]
async fn the_document_says_what_is_asked() {
    let document = app().await.get("/openapi.json").send().await.expect(200).json();
    let schemas = &document["components"]["schemas"];
    assert_eq!(schemas["NewBooking"]["properties"]["beds"]["maximum"], 6);
    assert_eq!(schemas["Room"]["pattern"], "^[A-Z]{2}[0-9]{2}$");
    assert_eq!(
        schemas["Comment"]["properties"]["text"]["contentMediaType"],
        "text/html"
    );
}
