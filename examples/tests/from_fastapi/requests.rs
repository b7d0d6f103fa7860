//! What handlers read and answer.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::response::sse::{Event, Sse};
use futures_util::Stream;
use futures_util::stream::{self, StreamExt as _};
use portcullis_identity::router::Deprecation;
use portcullis_identity::validate::{rule, text_rule};
use portcullis_identity::{
    Api, CleanHtml, Created, FieldErrors, Json, Path, Portcullis, Problem, Public, Query, State,
};
use portcullis_testkit::TestApp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Notify;

#[derive(Serialize, JsonSchema)]
struct Article {
    id: u64,
    name: String,
}

async fn article(_: Public, Path(id): Path<u64>) -> Json<Article> {
    let name = format!("article {id}");
    Json(Article { id, name })
}

#[derive(Deserialize, JsonSchema)]
#[serde(default)]
struct Paging {
    skip: usize,
    #[schemars(range(min = 1, max = 100))]
    limit: usize,
}

impl Default for Paging {
    fn default() -> Self {
        Self { skip: 0, limit: 20 }
    }
}

async fn articles(_: Public, Query(paging): Query<Paging>) -> Json<Vec<usize>> {
    Json((0..1_000).skip(paging.skip).take(paging.limit).collect())
}

#[derive(Deserialize, JsonSchema)]
#[schemars(transform = rule(NewOrder::a_gift_has_a_message))]
struct NewOrder {
    #[schemars(email)]
    email: String,
    #[schemars(range(min = 1, max = 100))]
    pieces: u32,
    #[schemars(regex(pattern = "^[A-Z]{2}[0-9]{4}$"), transform = text_rule("sold_out", still_sold))]
    article: String,
    #[schemars(length(min = 1, max = 200))]
    message: Option<String>,
    gift: bool,
}

impl NewOrder {
    fn a_gift_has_a_message(&self, errors: &mut FieldErrors) {
        if self.gift && self.message.is_none() {
            errors.push("/message", "message_missing", "a gift comes with a message");
        }
    }
}

fn still_sold(article: &str) -> Result<(), &'static str> {
    match article.starts_with("XX") {
        true => Err("must be one that is still sold"),
        false => Ok(()),
    }
}

async fn place(_: Public, Json(new): Json<NewOrder>) -> String {
    format!("{} of {} for {}", new.pieces, new.article, new.email)
}

#[derive(Deserialize, JsonSchema)]
struct NewComment {
    text: CleanHtml<2_000>,
}

async fn comment(_: Public, Json(new): Json<NewComment>) -> String {
    new.text.to_string()
}

enum ShopError {
    SoldOut,
}

impl From<ShopError> for Problem {
    fn from(error: ShopError) -> Self {
        match error {
            ShopError::SoldOut => Self::conflict("sold_out", "choose another article"),
        }
    }
}

async fn buy(_: Public, Path(id): Path<u64>) -> Result<Created<Article>, Problem> {
    let article = find(id)?;
    Ok(Created(article))
}

fn find(id: u64) -> Result<Article, ShopError> {
    match id {
        7 => Err(ShopError::SoldOut),
        _ => Ok(Article {
            id,
            name: format!("article {id}"),
        }),
    }
}

async fn broken(_: Public) -> &'static str {
    panic!("a slip, with a secret in it")
}

async fn upload(_: Public, Json(lines): Json<Vec<String>>) -> String {
    lines.len().to_string()
}

async fn order(_: Public, State(done): State<Arc<Notify>>) -> &'static str {
    tokio::spawn(async move { done.notify_one() });
    "ordered"
}

async fn export(_: Public) -> ([(axum::http::HeaderName, &'static str); 1], Body) {
    let rows = stream::iter(0..3).map(|id| Ok::<_, Infallible>(format!("{id},article {id}\n")));
    ([(CONTENT_TYPE, "text/csv")], Body::from_stream(rows))
}

async fn events(_: Public) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    Sse::new(stream::iter(["one", "two"]).map(|text| Ok(Event::default().data(text))))
}

mod v1 {
    use super::{Api, Public};

    async fn articles_of_v1(_: Public) -> &'static str {
        "old"
    }

    pub(super) fn api() -> Api {
        Api::new("", "").get("/articles", articles_of_v1)
    }
}

fn until_2027() -> Deprecation {
    Deprecation::since("2026-06-01")
        .sunset("2027-01-01")
        .successor("/v2")
}

async fn prices(_: Public) -> &'static str {
    "what partners pay"
}

fn partners() -> Api {
    Api::new("Shop for partners", "1.0").get("/prices", prices)
}

mod v2 {
    use super::{Api, Public};

    async fn articles_of_v2(_: Public) -> &'static str {
        "new"
    }

    pub(super) fn api() -> Api {
        Api::new("", "").get("/articles", articles_of_v2)
    }
}

fn api(_: &Portcullis, done: &Arc<Notify>) -> Api {
    Api::new("Shop", "1.0")
        .get("/articles", articles)
        .get("/articles/{id}", article)
        .post("/articles/{id}/orders", buy)
        .get("/broken", broken)
        .post("/upload", upload)
        .body_limit(1024)
        .post("/orders", order)
        .put("/orders", place)
        .post("/comments", comment)
        .with_state(done.clone())
        .get("/articles.csv", export)
        .get("/events", events)
        .nest("/v1", v1::api().deprecated(until_2027()))
        .nest("/v2", v2::api())
        .sub("/partners", partners())
}

async fn app() -> (TestApp, Arc<Notify>) {
    let done = Arc::new(Notify::new());
    let app = TestApp::with(|builder| builder, |portcullis| api(portcullis, &done)).await;
    (app, done)
}

#[tokio::test]
async fn paths_and_queries_are_typed() {
    let (app, _) = app().await;
    let article = app.get("/articles/3").send().await.expect(200).json();
    assert_eq!(article, json!({ "id": 3, "name": "article 3" }));
    app.get("/articles/three")
        .send()
        .await
        .refused(422, "invalid_fields");
    let some = app
        .get("/articles?skip=5&limit=2")
        .send()
        .await
        .expect(200)
        .json();
    assert_eq!(some, json!([5, 6]));
    app.get("/articles?limit=0")
        .send()
        .await
        .refused(422, "invalid_fields");
}

#[tokio::test]
async fn everything_that_is_wrong_with_an_order_is_said_at_once() {
    let (app, _) = app().await;
    let order = async |order: Value| {
        let answer = app.put("/orders").json(&order).send().await;
        let problem = if answer.status() == 422 {
            answer.json()
        } else {
            json!({ "errors": [] })
        };
        let errors = problem["errors"].as_array().unwrap().iter();
        errors
            .map(|error| error["field"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let good = json!({ "email": "anna@example.com", "pieces": 1, "article": "AB1234", "message": null, "gift": false });
    assert!(order(good.clone()).await.is_empty());
    let bad = json!({ "email": "anna", "pieces": 0, "article": "ab", "message": "", "gift": true });
    assert_eq!(order(bad).await, ["/email", "/pieces", "/article", "/message"]);
    for (field, value) in [("article", json!("XX1234")), ("gift", json!(true))] {
        let mut one = good.clone();
        one[field] = value;
        assert_eq!(
            order(one).await,
            [if field == "gift" { "/message" } else { "/article" }]
        );
    }
}

#[tokio::test]
async fn what_people_write_has_no_script_in_it() {
    let (app, _) = app().await;
    let text = json!({ "text": "<b onclick=alert(1)>Nice</b><script>alert(1)</script>" });
    let said = app.post("/comments").json(&text).send().await.expect(200);
    assert_eq!(said.text(), "<b>Nice</b>");
}

#[tokio::test]
async fn errors_of_the_program_and_panics_are_problems_that_tell_no_secret() {
    let (app, _) = app().await;
    app.post("/articles/3/orders").send().await.expect(201);
    app.post("/articles/7/orders")
        .send()
        .await
        .refused(409, "sold_out");
    let broken = app.get("/broken").send().await.expect(500);
    assert!(!broken.text().contains("secret"), "{}", broken.text());
}

#[tokio::test]
async fn a_body_is_as_long_as_its_route_says() {
    let (app, _) = app().await;
    let send = async |length: usize| {
        // Brackets and quotes are four bytes more.
        let lines = json!(["a".repeat(length - 4)]);
        app.post("/upload").json(&lines).send().await.status()
    };
    assert_eq!((send(1024).await, send(1025).await), (200, 413));
}

#[tokio::test]
async fn what_goes_on_after_the_answer_goes_on() {
    let (app, done) = app().await;
    app.post("/orders").send().await.expect(200);
    done.notified().await;
}

#[tokio::test]
async fn rows_and_events_are_streamed() {
    let (app, _) = app().await;
    let rows = app.get("/articles.csv").send().await.expect(200);
    assert_eq!(rows.header("content-type"), "text/csv");
    assert_eq!(rows.text(), "0,article 0\n1,article 1\n2,article 2\n");
    let events = app.get("/events").send().await.expect(200);
    assert_eq!(events.text(), "data: one\n\ndata: two\n\n");
}

#[tokio::test]
async fn versions_stand_beside_each_other() {
    let (app, _) = app().await;
    for (path, text) in [("/v1/articles", "old"), ("/v2/articles", "new")] {
        assert_eq!(app.get(path).send().await.expect(200).text(), text);
    }
    let old = app.get("/v1/articles").send().await;
    assert_eq!(old.header("deprecation"), "@1780272000");
    assert_eq!(old.header("sunset"), "Fri, 01 Jan 2027 00:00:00 GMT");
    let new = app.get("/v2/articles").send().await;
    assert!(new.headers().get("deprecation").is_none());
}

#[tokio::test]
async fn a_part_has_a_document_of_its_own() {
    let (app, _) = app().await;
    let document = app.get("/partners/openapi.json").send().await.expect(200).json();
    assert_eq!(document["info"]["title"], "Shop for partners");
    assert_eq!(document["paths"].as_object().unwrap().len(), 1);
    app.get("/partners/docs").send().await.expect(200);
    let whole = app.get("/openapi.json").send().await.expect(200).json();
    assert!(whole["paths"].get("/partners/prices").is_none());
}
