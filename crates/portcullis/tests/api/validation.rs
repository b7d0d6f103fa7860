//! What a caller may send, and what the answer says of the rest.

use axum::body::Body;
use http::{Method, Request};
use portcullis::core::checks;
use portcullis::{Api, FieldErrors, Form, Json, NoContent, Path, Public, Query, Result};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::support::{Bench, Client};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Person {
    #[expect(dead_code, reason = "only read")]
    name: String,
    #[expect(dead_code, reason = "only read")]
    age: Option<u8>,
    #[expect(dead_code, reason = "only read")]
    #[serde(default)]
    address: Vec<Address>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Address {
    #[expect(dead_code, reason = "only read")]
    city: String,
    #[expect(dead_code, reason = "only read")]
    kind: Option<Kind>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Home,
    Work,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Page {
    limit: Option<u32>,
    after: Option<String>,
    #[serde(default)]
    all: bool,
    kind: Option<Kind>,
}

async fn person(_: Public, Json(_): Json<Person>) -> NoContent {
    NoContent
}
async fn anything(_: Public, Json(value): Json<Value>) -> Json<Value> {
    Json(value)
}
async fn form(_: Public, Form(page): Form<Page>) -> Json<Value> {
    show(&page)
}
async fn query(_: Public, Query(page): Query<Page>) -> Json<Value> {
    show(&page)
}
async fn path(_: Public, Path((id, name)): Path<(u32, String)>) -> String {
    format!("{id} {name}")
}
async fn meaning(_: Public, Form(page): Form<Page>) -> Result<NoContent> {
    let mut fields = FieldErrors::new();
    let even = |n: u32| n.is_multiple_of(2).then_some(n).ok_or("must be even");
    fields.check("limit", "odd", even(page.limit.unwrap_or(1)));
    fields.check(
        "after",
        "not_a_number",
        page.after.unwrap_or_default().parse::<u8>(),
    );
    fields.done(NoContent)
}

fn show(page: &Page) -> Json<Value> {
    let kind = page.kind.as_ref().map(|kind| match kind {
        Kind::Home => "home",
        Kind::Work => "work",
    });
    Json(json!([page.limit, page.after, page.all, kind]))
}

fn client() -> Client {
    Bench::default().client(
        Api::new("Test", "1")
            .post("/person", person)
            .post("/anything", anything)
            .post("/form", form)
            .get("/query", query)
            .get("/path/{id}/{name}", path)
            .post("/meaning", meaning)
            .post("/small", anything)
            .body_limit(10),
    )
}

// Shows: KIT-3
#[tokio::test]
async fn good_bodies_are_read() {
    let client = client();
    for body in [
        r#"{"name":"Ada"}"#,
        r#" {"name":"Ada","age":36,"address":[{"city":"London","kind":"home"}]} "#,
        r#"{"name":"a\u0000\"b","address":[]}"#,
    ] {
        assert_eq!(client.post_json("/person", body).await.status, 204, "{body}");
    }
}

// Shows: WP-8
#[tokio::test]
async fn wrong_fields_are_named_by_json_pointers() {
    checks!("T026");
    let client = client();
    let table = [
        (r#"{}"#, "/name", "required"),
        // Members have names: their order is no other way to write them.
        (r#"["a",7,[]]"#, "", "wrong_type"),
        (r#" ["a"]"#, "", "wrong_type"),
        (r#"{"name":5}"#, "/name", "wrong_type"),
        (r#"{"name":null}"#, "/name", "wrong_type"),
        (r#"{"name":"a","age":300}"#, "/age", "wrong_type"),
        (r#"{"name":"a","age":-1}"#, "/age", "wrong_type"),
        (r#"{"name":"a","age":"5"}"#, "/age", "wrong_type"),
        (r#"{"name":"a","role":"admin"}"#, "/role", "unknown"),
        (r#"{"name":"a","account_id":1}"#, "/account_id", "unknown"),
        (r#"{"name":"a","a/b~c":1}"#, "/a~1b~0c", "unknown"),
        (
            r#"{"name":"a","address":[{"city":"x"},{"city":7}]}"#,
            "/address/1/city",
            "wrong_type",
        ),
        (r#"{"name":"a","address":[{}]}"#, "/address/0/city", "required"),
        (
            r#"{"name":"a","address":[{"city":"x","zip":1}]}"#,
            "/address/0/zip",
            "unknown",
        ),
        (
            r#"{"name":"a","address":[{"city":"x","kind":"moon"}]}"#,
            "/address/0/kind",
            "unknown_value",
        ),
        (r#"{"name":"a","name":"b"}"#, "/name", "duplicate"),
        (r#"{"name":"a","n\u0061me":"b"}"#, "/name", "duplicate"),
        (
            r#"{"name":"a","address":[{"city":"x"},{"city":"x","city":"y"}]}"#,
            "/address/1/city",
            "duplicate",
        ),
        (
            r#"{"name":"a","address":[{"city":"x"},{"kind":"work"}]}"#,
            "/address/1/city",
            "required",
        ),
        (r#"{"name":"a","x`, expected y":1}"#, "/x`, expected y", "unknown"),
        (r#"[]"#, "", "wrong_type"),
        (r#"5"#, "", "wrong_type"),
    ];
    for (body, field, code) in table {
        let answer = client.post_json("/person", body).await;
        let problem = answer.problem();
        assert_eq!(
            (answer.status.as_u16(), problem["code"].as_str()),
            (422, Some("invalid_fields")),
            "{body}"
        );
        assert_eq!(problem["errors"].as_array().unwrap().len(), 1, "{body}");
        assert_eq!(problem["errors"][0]["field"], field, "{body}: {problem}");
        assert_eq!(problem["errors"][0]["code"], code, "{body}: {problem}");
    }
}

#[tokio::test]
async fn what_is_no_json_is_refused_with_its_place() {
    let client = client();
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    let bomb = "[".repeat(60_000);
    let wide = format!("{}1{}", r#"{"a":"#.repeat(33), "}".repeat(33));
    let table = [
        ("", "invalid_json", "line 1, column 0"),
        ("{", "invalid_json", "line 1, column 1"),
        ("{\n\"name\": }", "invalid_json", "line 2, column 9"),
        ("{\"name\":\"a\"} x", "invalid_json", "line 1, column 14"),
        ("{\"name\":'a'}", "invalid_json", "line 1, column 9"),
        ("{\"name\":\"\\ud800\"}", "invalid_json", "line 1"),
        ("{\"name\":1e999}", "invalid_json", "line 1"),
        ("NaN", "invalid_json", "line 1"),
        ("\u{feff}{\"name\":\"a\"}", "invalid_json", "line 1, column 1"),
        (deep.as_str(), "json_too_deep", "nested"),
        (bomb.as_str(), "json_too_deep", "nested"),
        (wide.as_str(), "json_too_deep", "nested"),
    ];
    for (body, code, detail) in table {
        for path in ["/person", "/anything"] {
            let answer = client.post_json(path, body).await;
            let shown = body.get(..40).unwrap_or(body);
            assert_eq!(
                (answer.status.as_u16(), answer.code().as_str()),
                (400, code),
                "{path} {shown}"
            );
            assert!(
                answer.json()["detail"].as_str().unwrap().contains(detail),
                "{shown}: {}",
                answer.text
            );
        }
    }
    let twice = client
        .post_json("/anything", r#"{"a":{"b":[0,{"c":1,"c":2}]}}"#)
        .await;
    assert_eq!(twice.problem()["errors"][0]["field"], "/a/b/1/c");
    let level = format!("{}1{}", r#"{"a":"#.repeat(32), "}".repeat(32));
    assert_eq!(
        client.post_json("/anything", &level).await.status,
        200,
        "32 levels are taken"
    );
}

#[tokio::test]
async fn a_value_is_not_sent_back() {
    checks!("T030");
    let client = client();
    for body in [
        r#"{"name":"a","age":"canary"}"#,
        r#"{"name":"a","address":"canary"}"#,
        r#"{"name":"a","address":[{"city":"x","kind":"canary"}]}"#,
        r#""canary""#,
        r#"{"name":"canary}"#,
        r#"{"name":"a","age":"x, expected canary"}"#,
    ] {
        let answer = client.post_json("/person", body).await;
        assert!(
            answer.status.is_client_error() && !answer.text.contains("canary"),
            "{body}: {}",
            answer.text
        );
    }
    let long = format!(r#"{{"name":"a","{}":1}}"#, "k".repeat(50_000));
    assert!(client.post_json("/person", &long).await.text.len() < 500);
}

#[tokio::test]
async fn text_must_be_utf8_typed_and_short_enough() {
    checks!("T032");
    let client = client();
    let send = async |path: &str, types: &[&str], body: Vec<u8>| {
        let mut request = Request::builder().method(Method::POST).uri(path);
        for kind in types {
            request = request.header("content-type", *kind);
        }
        let answer = client.send(request.body(Body::from(body)).unwrap()).await;
        (answer.status.as_u16(), answer.code())
    };
    let json: &[&str] = &["application/json"];
    let body = || br#"{"name":"a"}"#.to_vec();
    let not_utf8 = b"{\"name\":\"\xff\"}".to_vec();
    assert_eq!(
        send("/person", json, not_utf8).await,
        (400, "invalid_utf8".into())
    );
    for types in [
        &[][..],
        &["text/plain"],
        &["application/x-www-form-urlencoded"],
        &["application/json", "text/plain"],
        &["application/jsonp"],
    ] {
        assert_eq!(
            send("/person", types, body()).await,
            (415, "unsupported_media_type".into()),
            "{types:?}"
        );
    }
    for kind in [
        "application/json; charset=utf-8",
        "Application/JSON",
        "application/json;x=y",
    ] {
        assert_eq!(send("/person", &[kind], body()).await.0, 204, "{kind}");
    }
    let filled = |length: usize| format!("\"{}\"", "x".repeat(length - 2)).into_bytes();
    assert_eq!(send("/anything", json, filled(65_536)).await.0, 200);
    assert_eq!(
        send("/anything", json, filled(65_537)).await,
        (413, "body_too_large".into())
    );
    assert_eq!(send("/small", json, filled(10)).await.0, 200);
    assert_eq!(
        send("/small", json, filled(11)).await,
        (413, "body_too_large".into())
    );
    assert_eq!(
        send(
            "/form",
            &["application/x-www-form-urlencoded"],
            vec![b'a'; 65_537]
        )
        .await
        .0,
        413
    );
}

// Shows: WP-7
#[tokio::test]
async fn an_endless_body_is_cut_off() {
    checks!("T032");
    let endless = futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b' '; 1_024]));
    let request = Request::post("/anything")
        .header("content-type", "application/json")
        .body(Body::from_stream(endless))
        .unwrap();
    assert_eq!(client().send(request).await.code(), "body_too_large");
}

#[tokio::test]
async fn a_body_that_breaks_off_is_a_callers_error() {
    let broken = futures_util::stream::iter([Ok("{"), Err(std::io::Error::other("gone"))]);
    let request = Request::post("/anything")
        .header("content-type", "application/json")
        .body(Body::from_stream(broken))
        .unwrap();
    let answer = client().send(request).await;
    assert_eq!(
        (answer.status.as_u16(), answer.code().as_str()),
        (400, "incomplete_body")
    );
}

#[tokio::test]
async fn parameters_are_read_strictly_from_forms_and_queries() {
    checks!("T026");
    let client = client();
    let table: [(&str, std::result::Result<Value, (u16, &str, &str)>); 19] = [
        ("", Ok(json!([null, null, false, null]))),
        (
            "limit=5&after=a+b%20c&all=true&kind=work",
            Ok(json!([5, "a b c", true, "work"])),
        ),
        ("after=", Ok(json!([null, "", false, null]))),
        ("after", Ok(json!([null, "", false, null]))),
        ("after=a%3Db%26c=d", Ok(json!([null, "a=b&c=d", false, null]))),
        ("after=%2541", Ok(json!([null, "%41", false, null]))),
        ("after=%EF%BF%BD", Ok(json!([null, "\u{fffd}", false, null]))),
        ("&&limit=5&", Ok(json!([5, null, false, null]))),
        ("limit=x", Err((422, "limit", "wrong_type"))),
        ("limit=", Err((422, "limit", "wrong_type"))),
        ("limit=-1", Err((422, "limit", "wrong_type"))),
        ("limit=4294967296", Err((422, "limit", "wrong_type"))),
        ("all=yes", Err((422, "all", "wrong_type"))),
        ("kind=moon", Err((422, "kind", "unknown_value"))),
        ("limit=1&limit=2", Err((422, "limit", "duplicate"))),
        ("limit=1&l%69mit=1", Err((422, "limit", "duplicate"))),
        ("role=admin", Err((422, "role", "unknown"))),
        ("after=%ff", Err((400, "", "invalid_utf8"))),
        ("after=%4", Err((400, "", "invalid_encoding"))),
    ];
    for (text, expected) in table {
        let typed = [("content-type", "application/x-www-form-urlencoded")];
        let answers = [
            client.call(Method::POST, "/form", &typed, text).await,
            client.get(&format!("/query?{text}"), &[]).await,
        ];
        for answer in answers {
            match &expected {
                Ok(value) => assert_eq!(answer.json(), *value, "{text}"),
                Err((status, field, code)) => {
                    let problem = answer.problem();
                    assert_eq!(answer.status.as_u16(), *status, "{text}: {problem}");
                    if *status == 422 {
                        assert_eq!(problem["errors"][0]["field"], *field, "{text}: {problem}");
                        assert_eq!(problem["errors"][0]["code"], *code, "{text}: {problem}");
                    } else {
                        assert_eq!(problem["code"], *code, "{text}");
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn path_parameters_are_decoded_once_and_typed() {
    let client = client();
    assert_eq!(client.get("/path/7/a%2Fb", &[]).await.text, "7 a/b");
    assert_eq!(client.get("/path/7/%252e", &[]).await.text, "7 %2e");
    for path in ["/path/x/a", "/path/-1/a", "/path/4294967296/a", "/path/7/%ff"] {
        let answer = client.get(path, &[]).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (422, "invalid_fields"),
            "{path}"
        );
    }
}

// Shows: WP-8
#[tokio::test]
async fn everything_that_is_wrong_with_the_meaning_is_said_at_once() {
    let typed = [("content-type", "application/x-www-form-urlencoded")];
    let answer = client()
        .call(Method::POST, "/meaning", &typed, "limit=3&after=x")
        .await;
    insta::assert_json_snapshot!(answer.problem());
}
