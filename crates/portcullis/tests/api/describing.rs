//! Whatever axum takes as a handler's types is taken here, and described as far as its types say.

use std::convert::Infallible;

use axum::body::Bytes;
use axum::extract::{Extension, MatchedPath, OriginalUri, RawQuery, State};
use axum::response::sse::{Event, Sse};
use axum::response::{AppendHeaders, Html, IntoResponse, Redirect, Response};
use futures_util::Stream;
use http::{HeaderMap, Method, StatusCode, Uri};
use portcullis::docs::{Input, Opaque, Operation, Output};
use portcullis::{Api, Json, JsonSchema, Problem, Public};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::support::Bench;

#[derive(Serialize, Deserialize, JsonSchema)]
struct Note {
    text: String,
}

#[derive(Deserialize, JsonSchema)]
struct PageQuery {
    /// Which page, from 1.
    page: u32,
    size: Option<u32>,
}

#[allow(clippy::too_many_arguments, reason = "as many kinds as there are")]
async fn plain_extractors(
    _: Public,
    _: State<()>,
    _: HeaderMap,
    _: Method,
    _: Uri,
    _: OriginalUri,
    _: MatchedPath,
    _: RawQuery,
    _: Option<Extension<u8>>,
    axum::extract::Path(id): axum::extract::Path<u32>,
    axum::extract::Query(page): axum::extract::Query<PageQuery>,
    axum::Json(note): axum::Json<Note>,
) -> (
    StatusCode,
    AppendHeaders<[(&'static str, &'static str); 1]>,
    axum::Json<Note>,
) {
    let text = format!("{id} {} {:?} {}", page.page, page.size, note.text);
    (
        StatusCode::ACCEPTED,
        AppendHeaders([("x-a", "b")]),
        axum::Json(Note { text }),
    )
}

async fn bytes(_: Public, body: Bytes) -> Vec<u8> {
    body.to_vec()
}

async fn maybe(_: Public, note: Option<Json<Note>>) -> Html<String> {
    Html(note.map(|Json(note)| note.text).unwrap_or_default())
}

async fn events(_: Public) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    Sse::new(futures_util::stream::iter([Ok(Event::default().data("one"))]))
}

async fn elsewhere(_: Public) -> Redirect {
    Redirect::to("/")
}

async fn anything(_: Public, Opaque(method): Opaque<Method>) -> Opaque<impl IntoResponse> {
    Opaque((StatusCode::IM_A_TEAPOT, method.to_string()))
}

async fn raw_request(_: Public, Opaque(request): Opaque<axum::extract::Request>) -> Response {
    request.uri().path().to_owned().into_response()
}

/// How a program of its own says that something went wrong.
enum NoteError {
    Locked,
    Problem(Problem),
}

impl From<Problem> for NoteError {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl IntoResponse for NoteError {
    fn into_response(self) -> Response {
        match self {
            Self::Locked => (StatusCode::LOCKED, Json(json!({ "error": "locked" }))).into_response(),
            Self::Problem(problem) => problem.into_response(),
        }
    }
}

impl Output for NoteError {
    fn answers(operation: &mut Operation<'_>) {
        operation.answer::<Note>(StatusCode::LOCKED, "application/json", "Somebody else writes it");
        Problem::answers(operation);
    }
}

/// A page, as every list of a program takes it.
struct Page(PageQuery);

impl<S: Send + Sync> axum::extract::FromRequestParts<S> for Page {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut http::request::Parts, state: &S) -> Result<Self, Problem> {
        let portcullis::Query(page) = portcullis::Query::from_request_parts(parts, state).await?;
        Ok(Self(page))
    }
}

impl Input for Page {
    fn reads(operation: &mut Operation<'_>) {
        operation.query::<PageQuery>();
        operation.header::<String>("X-Reader", "Who reads", false);
        operation.refusal(StatusCode::UNPROCESSABLE_ENTITY, "There is no such page");
    }
}

async fn own(_: Public, Page(page): Page) -> Result<Json<Note>, NoteError> {
    match page.page {
        0 => Err(Problem::not_found())?,
        1 => Err(NoteError::Locked),
        _ => Ok(Json(Note { text: String::new() })),
    }
}

fn api() -> Api {
    Api::new("Notes", "1")
        .post("/plain/{id}", plain_extractors)
        .post("/bytes", bytes)
        .post("/maybe", maybe)
        .get("/events", events)
        .get("/elsewhere", elsewhere)
        .get("/anything", anything)
        .get("/raw", raw_request)
        .get("/own", own)
}

fn operation(document: &Value, method: &str, path: &str) -> Value {
    document["paths"][path][method].clone()
}

// Shows: KIT-1
#[test]
fn what_axums_types_say_is_in_the_document() {
    let document = api().openapi();
    let plain = operation(&document, "post", "/plain/{id}");
    let named: Vec<_> = plain["parameters"]
        .as_array()
        .unwrap()
        .iter()
        .map(|parameter| (&parameter["in"], &parameter["name"], &parameter["required"]))
        .map(|(place, name, required)| (place.clone(), name.clone(), required.clone()))
        .collect();
    assert_eq!(
        named,
        [
            (json!("query"), json!("page"), json!(true)),
            (json!("query"), json!("size"), Value::Null),
            (json!("path"), json!("id"), json!(true)),
        ]
    );
    let note = json!({ "schema": { "$ref": "#/components/schemas/Note" } });
    assert_eq!(plain["requestBody"]["content"]["application/json"], note);
    assert_eq!(plain["responses"]["default"]["content"]["application/json"], note);
    assert_eq!(
        operation(&document, "post", "/bytes")["requestBody"]["content"],
        json!({ "*/*": {} })
    );
    let maybe = operation(&document, "post", "/maybe");
    assert_eq!(maybe["requestBody"]["required"], Value::Null);
    assert_eq!(maybe["responses"]["200"]["content"], json!({ "text/html": {} }));
    let events = operation(&document, "get", "/events");
    assert_eq!(
        events["responses"]["200"]["content"],
        json!({ "text/event-stream": {} })
    );
    let anything = operation(&document, "get", "/anything");
    assert_eq!(
        anything["responses"]["default"]["description"],
        "An answer that isn't described"
    );
}

#[test]
fn what_a_programs_own_types_say_is_in_the_document() {
    let own = operation(&api().openapi(), "get", "/own");
    assert_eq!(own["parameters"][0]["name"], "page");
    assert_eq!(own["parameters"][2]["in"], "header");
    let responses = &own["responses"];
    assert_eq!(responses["422"]["description"], "There is no such page");
    assert_eq!(responses["423"]["description"], "Somebody else writes it");
    assert_eq!(
        responses["200"]["content"]["application/json"]["schema"]["$ref"],
        "#/components/schemas/Note"
    );
    assert!(responses["default"]["content"]["application/problem+json"].is_object());
}

#[tokio::test]
async fn what_axum_takes_is_served() {
    let client = Bench::default().client(api());
    let plain = client.post_json("/plain/7?page=2", r#"{"text": "hi"}"#).await;
    assert_eq!((plain.status.as_u16(), plain.header("x-a")), (202, "b"));
    assert_eq!(plain.json()["text"], "7 2 None hi");
    assert_eq!(client.post_json("/bytes", "abc").await.text, "abc");
    assert_eq!(client.post_json("/maybe", r#"{"text": "x"}"#).await.text, "x");
    assert_eq!(client.get("/events", &[]).await.text, "data: one\n\n");
    assert_eq!(client.get("/elsewhere", &[]).await.header("location"), "/");
    let anything = client.get("/anything", &[]).await;
    assert_eq!((anything.status.as_u16(), anything.text.as_str()), (418, "GET"));
    assert_eq!(client.get("/raw", &[]).await.text, "/raw");
    for (page, status) in [(0, 404), (1, 423), (2, 200)] {
        assert_eq!(
            client
                .get(&format!("/own?page={page}"), &[])
                .await
                .status
                .as_u16(),
            status
        );
    }
}
