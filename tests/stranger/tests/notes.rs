//! The notes, through the test kit.

use portcullis_identity::core::account::{EmailAddress, Registration};
use portcullis_identity::core::secret::SecretText;
use portcullis_testkit::{Account, PASSWORD, TestApp};
use serde_json::{Value, json};
use stranger::{booking, layers, notes, own, page, rules, versions};

async fn app() -> (TestApp, Account) {
    let app = TestApp::with(
        notes::settings,
        |portcullis| layers::around(notes::api(portcullis, Default::default()).merge(page::pages())),
    )
    .await;
    let anna = app.user("anna@example.com").await;
    app.assign(&anna, "writer").await;
    (app, anna)
}

#[tokio::test]
async fn an_error_and_an_extractor_of_its_own_are_served_and_documented() {
    let (app, anna) = app().await;
    let write = async |text: &str| {
        let request = app.post("/notes").bearer(&anna.access_token);
        request.json(&json!({ "text": text })).send().await
    };
    write("milk").await.expect(201);
    write("bread").await.expect(201);
    let twice = write("milk").await.expect(409).json();
    assert_eq!(twice, json!({ "error": "said_already", "hint": "say something new" }));
    let get = async |path: &str| app.get(path).bearer(&anna.access_token).send().await;
    assert_eq!(get("/notes?skip=1&limit=5").await.expect(200).json()[0]["text"], "bread");
    get("/notes?limit=0").await.refused(400, "invalid_limit");
    assert_eq!(get("/notes/7").await.expect(404).json()["error"], "no_such_note");
    let document: Value = app.get("/openapi.json").send().await.expect(200).json();
    let list = &document["paths"]["/notes"]["get"];
    let named: Vec<_> = list["parameters"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(named, ["skip", "limit"]);
    let refused = &document["paths"]["/notes"]["post"]["responses"]["409"];
    assert_eq!(refused["content"]["application/json"]["schema"]["$ref"], "#/components/schemas/ErrorBody");
}

#[tokio::test]
async fn its_own_rows_and_attributes_come_with_the_accounts() {
    let app = TestApp::with(own::settings, |portcullis| {
        portcullis.api().merge(own::api(portcullis))
    })
    .await;
    let stranger = json!({ "email": "eve@example.net", "password": PASSWORD });
    app.post("/auth/register").json(&stranger).send().await.refused(403, "authors_only");
    let line = async |email: &str| {
        let author = app.log_in(email).await;
        app.get("/by-line").bearer(&author.access_token).send().await.expect(200).text().to_owned()
    };
    app.user("anna@example.com").await;
    assert_eq!(line("anna@example.com").await, "anna on everything");
    let form = |email: &str| Registration {
        email: Some(EmailAddress::parse(email).unwrap()),
        username: None,
        password: SecretText::new(PASSWORD.to_owned()),
    };
    let hire = async |email: &str| own::hire(&app.portcullis, form(email), "Botanicus", app.by_operator()).await;
    assert!(hire("eve@example.net").await.is_err());
    hire("bert@example.com").await.unwrap();
    assert_eq!(line("bert@example.com").await, "Botanicus on gardens");
}

#[tokio::test]
async fn what_is_wrong_with_a_booking_is_said_at_once() {
    let app = TestApp::with(|settings| settings, |_| booking::api()).await;
    let book = async |body: Value| app.post("/bookings").json(&body).send().await;
    let good = json!({
        "guest": "Ada", "email": "ada@example.com", "rooms": [2, 4], "voucher": "1236", "firstNight": 3, "lastNight": 4,
    });
    assert_eq!(book(good.clone()).await.expect(201).json(), json!({ "nights": 2 }));
    let mut bad = good.clone();
    bad["email"] = json!("ada");
    bad["rooms"] = json!([2, 9]);
    bad["voucher"] = json!("1234");
    let said = book(bad).await.expect(422).json();
    let fields: Vec<_> = said["errors"].as_array().unwrap().iter().map(|error| &error["field"]).collect();
    assert_eq!(fields, ["/email", "/rooms/1", "/voucher"]);
    let mut early = good;
    early["lastNight"] = json!(2);
    assert_eq!(book(early).await.expect(422).json()["errors"][0]["code"], "ends_too_early");
}

#[tokio::test]
async fn the_old_version_says_when_it_will_be_gone() {
    let app = TestApp::with(|settings| settings, |_| versions::versions()).await;
    let old = app.get("/v1/first").send().await.expect(200);
    assert_eq!(old.header("sunset"), "Fri, 01 Jan 2027 00:00:00 GMT");
    assert_eq!(app.get("/v2/first").send().await.expect(200).header("sunset"), "");
    app.get("/v2/openapi.json").send().await.expect(200);
}

#[tokio::test]
async fn layers_reach_every_route_and_document() {
    let (app, anna) = app().await;
    let front = "http://localhost:5173";
    for path in ["/notes", "/openapi.json", "/auth/me", "/"] {
        let request = app.get(path).header("origin", front).header("accept-encoding", "gzip");
        let answer = request.bearer(&anna.access_token).send().await.expect(200);
        assert_eq!(answer.header("access-control-allow-origin"), front, "{path}");
        let packed = answer.header("content-encoding") == "gzip";
        assert_eq!(packed, path == "/openapi.json", "{path}");
    }
}

#[tokio::test]
async fn a_page_of_its_own_has_its_policy() {
    let (app, _) = app().await;
    let page = app.get("/").send().await.expect(200);
    let policy = page.header("content-security-policy").to_owned();
    assert!(policy.contains("style-src 'nonce-"), "{policy}");
}

#[tokio::test]
async fn rules_of_its_own_are_kept() {
    let app = TestApp::with(
        |settings| rules::settings(notes::settings(settings)),
        |portcullis| notes::api(portcullis, Default::default()).merge(rules::api(portcullis)),
    )
    .await;
    let body = json!({ "username": "ben", "password": "my notes of today" });
    let refused = app.post("/auth/register").json(&body).send().await.expect(422).json();
    assert_eq!(refused["errors"][0]["detail"], "don't use the name of this program");
    let anna = app.user("anna@example.com").await;
    app.assign(&anna, "writer").await;
    let export = async || app.get("/export").bearer(&anna.access_token).send().await.status();
    assert_eq!(export().await, 403, "the clock begins at midnight");
    let link = app.post("/notes/7/link").bearer(&anna.access_token).send().await.expect(200);
    let path = format!("/links/{}", link.text());
    assert_eq!(app.get(&path).send().await.expect(200).text(), "note 7");
    app.get(&format!("/links/{}", anna.access_token)).send().await.expect(404);
    app.clock.advance_secs(8 * 3_600);
    app.get(&path).send().await.expect(404);
    let again = app.log_in("anna@example.com").await;
    app.get("/export").bearer(&again.access_token).send().await.expect(200);
}
