//! Pages of other origins, and layers around the whole API.

use axum::Json;
use axum::response::Response;
use http::{HeaderValue, Method};
use portcullis::core::checks;
use portcullis::{Allow, Api, ApiError, Authenticated, Cors, CorsError, NoContent, Public};

use super::support::{Answer, Bench, Client, bearer, cookie};

const APP: &str = "https://app.example.com";

async fn status(_: Public) -> &'static str {
    "up"
}

async fn mine(_: Allow<Authenticated>) -> Json<u8> {
    Json(1)
}

async fn change(_: Allow<Authenticated>) -> NoContent {
    NoContent
}

fn blog() -> Api {
    Api::new("Blog", "1")
        .get("/status", status)
        .get("/mine", mine)
        .post("/mine", change)
}

async fn preflight(client: &Client, path: &str, origin: &str) -> Answer {
    let headers = [
        ("origin", origin),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization,content-type"),
    ];
    client.call(Method::OPTIONS, path, &headers, "").await
}

// Shows: WP-6
#[tokio::test]
async fn a_page_of_another_origin_that_is_named_may_call_every_route_and_document() {
    let bench = Bench::default();
    let client = bench.client(
        blog()
            .mount::<Public>("/files", axum::Router::new())
            .cors(Cors::origins([APP])),
    );
    for path in ["/status", "/mine", "/files/a", "/openapi.json", "/nowhere"] {
        let asked = preflight(&client, path, APP).await;
        assert_eq!(asked.status.as_u16(), 200, "{path}");
        assert_eq!(asked.header("access-control-allow-origin"), APP, "{path}");
        assert!(asked.header("access-control-allow-methods").contains("DELETE"));
        let allowed = asked.header("access-control-allow-headers");
        for header in [
            "authorization",
            "content-type",
            "x-api-key",
            "x-csrf-token",
            "x-organization-id",
        ] {
            assert!(allowed.contains(header), "{header} in {allowed}");
        }
        assert_eq!(asked.header("access-control-allow-credentials"), "");
        let got = client.get(path, &[("origin", APP)]).await;
        assert_eq!(got.header("access-control-allow-origin"), APP, "{path}");
        assert!(
            got.header("access-control-expose-headers")
                .contains("x-request-id")
        );
        assert!(got.header("vary").contains("origin"), "{path}");
    }
    // A refusal can be read too.
    let refused = client.get("/mine", &[("origin", APP)]).await;
    assert_eq!(
        (
            refused.status.as_u16(),
            refused.header("access-control-allow-origin")
        ),
        (401, APP)
    );
    let token = bearer(&bench.token());
    let answered = client
        .get("/mine", &[("origin", APP), ("authorization", &token)])
        .await;
    assert_eq!(answered.text, "1");
}

#[tokio::test]
async fn an_origin_that_is_not_named_is_told_nothing() {
    let client = Bench::default().client(blog().cors(Cors::origins([APP])));
    for origin in [
        "https://evil.example",
        "http://app.example.com",
        "https://app.example.com.evil.example",
        "null",
    ] {
        let asked = preflight(&client, "/mine", origin).await;
        assert_eq!(asked.header("access-control-allow-origin"), "", "{origin}");
        let got = client.get("/status", &[("origin", origin)]).await;
        assert_eq!(got.header("access-control-allow-origin"), "", "{origin}");
    }
    let client = Bench::default().client(blog());
    assert_eq!(preflight(&client, "/mine", APP).await.status.as_u16(), 405);
    let client = Bench::default().client(blog().cors(Cors::any_origin()));
    let asked = preflight(&client, "/mine", "https://any.example").await;
    assert_eq!(asked.header("access-control-allow-origin"), "*");
}

#[tokio::test]
async fn a_change_by_cookie_from_another_origin_passes_only_where_it_has_credentials_and_a_csrf_token() {
    checks!("T189");
    let evil = "https://evil.example";
    for (credentials, origin, with_csrf, expected) in [
        (true, APP, true, (204, "")),
        (true, APP, false, (403, "csrf_token_missing")),
        (true, evil, true, (403, "cross_site_request")),
        (false, APP, true, (403, "cross_site_request")),
    ] {
        let bench = Bench::default();
        let cors = Cors::origins([APP, "http://localhost:5173"]);
        let cors = if credentials { cors.credentials() } else { cors };
        let client = bench.client(blog().cors(cors));
        let token = bench.token();
        let (cookie, csrf) = (cookie(&token), bench.csrf(&token));
        let mut headers = vec![
            ("cookie", &*cookie),
            ("origin", origin),
            ("sec-fetch-site", "same-site"),
        ];
        if with_csrf {
            headers.push(("x-csrf-token", &csrf));
        }
        let answer = client.call(Method::POST, "/mine", &headers, "").await;
        assert_eq!(
            (answer.status.as_u16(), &*answer.code()),
            expected,
            "{credentials} {origin} {with_csrf}"
        );
        let allowed = if credentials && origin == APP { "true" } else { "" };
        assert_eq!(
            preflight(&client, "/mine", origin)
                .await
                .header("access-control-allow-origin"),
            if origin == APP { APP } else { "" }
        );
        assert_eq!(
            answer.header("access-control-allow-credentials"),
            if credentials { "true" } else { allowed }
        );
    }
}

#[tokio::test]
async fn what_no_browser_accepts_is_refused_when_the_app_is_built() {
    let errors = |api: Api| api.into_router(Bench::default().gate).unwrap_err().0;
    assert_eq!(
        errors(blog().cors(Cors::any_origin().credentials())),
        [ApiError::Cors(CorsError::Credentials)]
    );
    let slip = errors(blog().cors(Cors::origins(["https://app.example.com/"])));
    assert!(slip[0].to_string().contains("without path"), "{}", slip[0]);
    let nested = Api::new("Shop", "1").nest("/blog", blog().cors(Cors::origins([APP])));
    assert_eq!(errors(nested), [ApiError::NestedCors("/blog".to_owned())]);
}

/// An answer with one more of a header.
fn mark(mut response: Response, name: &'static str) -> std::future::Ready<Response> {
    response
        .headers_mut()
        .append("x-mark", HeaderValue::from_static(name));
    std::future::ready(response)
}

#[tokio::test]
async fn a_layer_is_around_every_route_and_document_and_what_is_nowhere() {
    use axum::middleware::map_response;
    let inner = blog()
        .mount::<Public>("/files", axum::Router::new())
        .layer(map_response(|answer| mark(answer, "inner")));
    let api = Api::new("Shop", "1")
        .get("/status", status)
        .layer(map_response(|answer| mark(answer, "first")))
        .nest("/blog", inner)
        .layer(map_response(|answer| mark(answer, "last")));
    let client = Bench::default().client(api);
    let marks = async |path: &str| {
        let answer = client.get(path, &[]).await;
        let marks = answer.headers.get_all("x-mark").iter();
        marks
            .map(|mark| mark.to_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    for path in ["/status", "/openapi.json", "/docs", "/nowhere"] {
        assert_eq!(marks(path).await, ["first", "last"], "{path}");
    }
    for path in ["/blog/status", "/blog/mine", "/blog/files/a"] {
        assert_eq!(marks(path).await, ["inner", "first", "last"], "{path}");
    }
    let wrong = client.call(Method::DELETE, "/status", &[], "").await;
    assert_eq!(wrong.headers.get_all("x-mark").iter().count(), 2);
}
