//! Versions and parts with documents of their own, and what is said of those that are deprecated.

use http::{Method, StatusCode};
use portcullis::core::checks;
use portcullis::router::Deprecation;
use portcullis::{Allow, Api, ApiError, Docs, Path, Public, permissions};
use serde_json::{Value, json};

use crate::support::{Bench, bearer};

permissions! {
    pub ReportsRead = "reports:read": "Read reports";
}

async fn list_notes(_: Public) -> &'static str {
    "[]"
}
async fn read_note(_: Public, Path(_): Path<u32>) -> &'static str {
    "{}"
}
async fn list_reports(_: Allow<ReportsRead>) -> &'static str {
    "[]"
}

fn v1() -> Api {
    Api::new("Notes", "1.4")
        .about("The first.")
        .get("/notes", list_notes)
        .get("/notes/{id}", read_note)
        .get("/reports", list_reports)
        .group("Notes", "What people write.")
}

fn v2() -> Api {
    Api::new("Notes", "2.0")
        .get("/notes", list_notes)
        .group("Notes", "Said otherwise than in the first.")
}

fn deprecation() -> Deprecation {
    Deprecation::since("2026-06-01")
        .sunset("2027-01-01")
        .link("https://example.com/to-v2")
        .successor("/v2")
}

fn both() -> Api {
    Api::new("Everything", "2.0")
        .about("All of it.")
        .get("/status", list_notes)
        .sub("/v1", v1().deprecated(deprecation()))
        .sub("/v2", v2())
}

fn paths(document: &Value) -> Vec<&str> {
    document["paths"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

// Shows: KIT-1, KIT-2
#[tokio::test]
async fn each_version_has_its_document_and_its_pages() {
    let client = Bench::default().client(both());
    let document = async |path: &str| {
        let answer = client.get(path, &[]).await;
        assert_eq!(answer.status, 200, "{path}");
        answer.json()
    };
    let outer = document("/openapi.json").await;
    assert_eq!(paths(&outer), ["/status"]);
    assert_eq!(
        outer["x-portcullis-documents"],
        json!([
            { "title": "Notes 1.4", "url": "/v1/openapi.json" },
            { "title": "Notes 2.0", "url": "/v2/openapi.json" },
        ])
    );
    let about = outer["info"]["description"].as_str().unwrap();
    assert!(
        about.starts_with("All of it.") && about.contains("[Notes 1.4](/v1/openapi.json)"),
        "{about}"
    );
    let first = document("/v1/openapi.json").await;
    assert_eq!(
        first["info"],
        json!({ "title": "Notes", "version": "1.4", "description": "The first." })
    );
    assert_eq!(paths(&first), ["/v1/notes", "/v1/notes/{id}", "/v1/reports"]);
    assert_eq!(
        first["tags"],
        json!([{ "name": "Notes", "description": "What people write." }])
    );
    assert!(
        first["components"]["securitySchemes"]["bearer"].is_object(),
        "{first}"
    );
    let second = document("/v2/openapi.json").await;
    assert_eq!(paths(&second), ["/v2/notes"]);
    assert_eq!(
        second["components"]["securitySchemes"],
        json!({}),
        "nothing of it asks for a credential"
    );
    assert!(
        client
            .get("/v1/docs", &[])
            .await
            .text
            .contains("../v1/openapi.json")
    );
    assert_eq!(client.get("/v1/notes", &[]).await.text, "[]");
    let served: Vec<_> = both()
        .openapi_documents()
        .into_iter()
        .map(|(path, _)| path)
        .collect();
    assert_eq!(served, ["/openapi.json", "/v1/openapi.json", "/v2/openapi.json"]);
}

// Shows: AZ-2
#[tokio::test]
async fn a_part_is_enforced_and_locked_like_everything() {
    checks!("T017");
    checks!("T018");
    let lock = both().authz_lock();
    for line in [
        "/v1/notes",
        "/v1/reports",
        "/v2/notes",
        "/v1/openapi.json",
        "/v1/docs",
        "/v2/openapi.json",
    ] {
        assert!(
            lock.lines()
                .any(|found| found.split_whitespace().nth(1) == Some(line)),
            "{line}: {lock}"
        );
    }
    assert!(lock.contains("reports:read"), "{lock}");
    let bench = Bench::default();
    let client = bench.client(both());
    assert_eq!(client.get("/v1/reports", &[]).await.status, 401);
    let token = bench.jwt(None);
    assert_eq!(
        client
            .get("/v1/reports", &[("authorization", &bearer(&token))])
            .await
            .status,
        403
    );
}

// Shows: KIT-2
#[tokio::test]
async fn every_answer_of_a_deprecated_version_says_so() {
    let bench = Bench::default();
    let client = bench.client(both());
    for (path, status) in [("/v1/notes", 200), ("/v1/notes/x", 422), ("/v1/reports", 401)] {
        let answer = client.get(path, &[]).await;
        assert_eq!(answer.status.as_u16(), status, "{path}");
        assert_eq!(answer.header("deprecation"), "@1780272000", "{path}");
        assert_eq!(answer.header("sunset"), "Fri, 01 Jan 2027 00:00:00 GMT", "{path}");
        let links: Vec<_> = answer.headers.get_all("link").iter().collect();
        assert_eq!(
            links,
            [
                "<https://example.com/to-v2>; rel=\"deprecation\"",
                "</v2>; rel=\"successor-version\""
            ],
            "{path}"
        );
    }
    for path in ["/v2/notes", "/status", "/v1/openapi.json", "/nowhere"] {
        let answer = client.get(path, &[]).await;
        assert!(!answer.headers.contains_key("deprecation"), "{path}");
    }
    let (_, first) = both().openapi_documents().remove(1);
    let operation = &first["paths"]["/v1/notes"]["get"];
    assert_eq!(operation["deprecated"], true);
    assert!(
        operation["description"]
            .as_str()
            .unwrap()
            .contains("Use `/v2` instead"),
        "{operation}"
    );
    assert!(
        operation["responses"]["200"]["headers"]["Sunset"].is_object(),
        "{operation}"
    );
    let (_, second) = both().openapi_documents().remove(2);
    assert!(second["paths"]["/v2/notes"]["get"].get("deprecated").is_none());
}

// Shows: KIT-2
#[tokio::test]
async fn a_path_that_is_not_there_says_it_too_below_a_version_that_is_all_deprecated() {
    let later = Deprecation::since("2026-07-01");
    let partly = v1().deprecated(deprecation()).get("/new", list_notes);
    let twice = Api::new("", "").get("/a", list_notes).deprecated(deprecation());
    let twice = twice.get("/b", list_notes).deprecated(later.clone());
    let inner = Api::new("", "").get("/deep", list_notes).deprecated(later);
    let outer = v1().deprecated(deprecation()).nest("/inner", inner);
    let api = both()
        .merge(Api::new("", "").get("/old", list_notes).deprecated(deprecation()))
        .nest("/partly", partly)
        .nest("/twice", twice)
        .nest("/of/{tenant}", outer);
    let client = Bench::default().client(api);
    let (since, later) = ("@1780272000", "@1782864000");
    for (path, said) in [
        ("/v1", since),
        ("/v1/", since),
        ("/v1/nowhere", since),
        ("/v1/notes/1/2", since),
        ("/of/acme/nowhere", since),
        ("/of/acme/inner/nowhere", later),
        ("/of/acme/innermost", since),
        ("/v10/notes", ""),
        ("/v2/nowhere", ""),
        ("/old/nowhere", ""),
        ("/partly/nowhere", ""),
        ("/twice/nowhere", ""),
        ("/of//nowhere", ""),
        ("/of", ""),
        ("/", ""),
        ("/nowhere", ""),
    ] {
        let answer = client.get(path, &[]).await;
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.header("deprecation"), said, "{path}");
        let ends = said == since;
        assert_eq!(answer.headers.contains_key("sunset"), ends, "{path}");
    }
    let wrong = client.call(Method::DELETE, "/v1/notes", &[], "").await;
    assert_eq!((wrong.status.as_u16(), wrong.header("deprecation")), (405, since));
    assert_eq!(wrong.headers.get_all("deprecation").iter().count(), 1);
}

fn errors(api: Api) -> Vec<ApiError> {
    api.into_router(Bench::default().gate)
        .map_or_else(|errors| errors.0, |_| Vec::new())
}

#[test]
fn a_version_that_ends_before_it_is_deprecated_is_refused() {
    checks!("T206");
    let api = Api::new("Everything", "1").sub(
        "/v1",
        v1().deprecated(Deprecation::since("2026-06-01").sunset("2026-01-01")),
    );
    let found = errors(api);
    let [ApiError::Deprecation(why)] = found.as_slice() else {
        panic!("{found:?}")
    };
    assert!(why.contains("before it is deprecated"), "{why}");
}

#[test]
fn parts_are_told_apart_and_their_conflicts_found() {
    let twice = Api::new("Everything", "1").sub("/v1", v1()).sub("/v1", v2());
    assert!(
        errors(twice)
            .iter()
            .any(|error| matches!(error, ApiError::Duplicate { .. }))
    );
    let same_names = Api::new("Everything", "1")
        .get("/notes", list_notes)
        .sub("/v1", v1());
    assert_eq!(errors(same_names), [], "an operation's id is its document's");
    let deeper = Api::new("Everything", "1").nest("/api", Api::new("", "").sub("/v1", v1()).sub("/v2", v2()));
    let served: Vec<_> = deeper
        .openapi_documents()
        .into_iter()
        .map(|(path, _)| path)
        .collect();
    assert_eq!(
        served,
        ["/openapi.json", "/api/v1/openapi.json", "/api/v2/openapi.json"]
    );
    let documents = deeper.openapi_documents();
    assert_eq!(paths(&documents[2].1), ["/api/v2/notes"]);
    let inside =
        Api::new("Everything", "1").sub("/a", Api::new("A", "1").get("/x", list_notes).sub("/b", v2()));
    let documents = inside.openapi_documents();
    assert_eq!(paths(&documents[1].1), ["/a/b/notes"]);
    assert_eq!(paths(&documents[2].1), ["/a/x"]);
}

#[tokio::test]
async fn a_part_without_docs_is_served_and_not_described() {
    let quiet = Api::new("Everything", "1").sub("/internal", v2().docs(Docs::off()));
    let client = Bench::default().client(quiet);
    assert_eq!(client.get("/internal/notes", &[]).await.status, StatusCode::OK);
    assert_eq!(
        client.get("/internal/openapi.json", &[]).await.status,
        StatusCode::NOT_FOUND
    );
    let outer = client.get("/openapi.json", &[]).await.json();
    assert!(
        outer["paths"].as_object().unwrap().is_empty() && outer.get("x-portcullis-documents").is_none(),
        "{outer}"
    );
}

// Shows: KIT-1
#[tokio::test]
async fn a_mounted_router_is_described_by_its_prefix_and_its_rule() {
    checks!("T018");
    let metrics = axum::Router::new().route("/all", axum::routing::get(async || "0"));
    let api = || {
        let change = |document: &mut Value| {
            document["paths"]["/metrics/{path}"]["x-portcullis-rule"] = json!("public");
        };
        Api::new("Everything", "1")
            .get("/status", list_notes)
            .mount::<Allow<ReportsRead>>("/metrics", metrics.clone())
            .deprecated(deprecation())
            .change_openapi(change)
    };
    let item = api().openapi()["paths"]["/metrics/{path}"].clone();
    assert_eq!(
        item["x-portcullis-rule"], "reports:read",
        "what is enforced is said whatever the program changes"
    );
    assert!(
        item["description"].as_str().unwrap().contains("reports:read"),
        "{item}"
    );
    let bench = Bench::default();
    let client = bench.client(api());
    let refused = client.call(Method::GET, "/metrics/all", &[], "").await;
    assert_eq!(
        (refused.status.as_u16(), refused.header("deprecation")),
        (401, "@1780272000")
    );
    let one_way = client.get("/openapi.json?scheme=bearer", &[]).await;
    assert!(one_way.status == 400 || one_way.json()["paths"].get("/metrics/{path}").is_none());
}
