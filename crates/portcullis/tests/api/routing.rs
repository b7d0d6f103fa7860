//! What a router takes, refuses and says of itself.

use axum::extract::State;
use axum::response::Response;
use http::{HeaderValue, Method};
use portcullis::core::checks;
use portcullis::{
    Allow, Any, Api, ApiError, Authenticated, Docs, FreshLogin, Jwt, OptionalAuth, Public, Role, Session,
    Via, permissions, roles,
};

use crate::support::{Bench, bearer};

permissions! {
    PostsRead = "posts:read": "Read posts";
    PostsWrite = "posts:write": "Create and change posts";
}
roles! { Admin = "admin"; Auditor = "auditor"; }

async fn read(_: Allow<PostsRead>) {}
async fn edit(_: Allow<(PostsWrite, FreshLogin<300>)>) {}
async fn export(_: Allow<Any<(Role<Admin>, Role<Auditor>)>, Via<Jwt>>) {}
async fn end(_: Allow<Authenticated, Via<Session>>) {}
async fn nested(_: Allow<(PostsRead, Any<(Role<Admin>, (PostsWrite, FreshLogin<60>))>)>) {}
async fn status(_: Public) -> &'static str {
    "up"
}
async fn visitor(_: OptionalAuth) {}

fn blog() -> Api {
    Api::new("Blog", "1")
        .get("/posts", read)
        .put("/posts/{id}", edit)
        .get("/posts/{id}", read)
        .get("/posts.csv", export)
        .delete("/session", end)
        .get("/nested", nested)
        .get("/visitor", visitor)
        .get("/status", status)
        .mount::<Allow<Role<Admin>>>("/metrics", metrics())
}

fn metrics() -> axum::Router {
    axum::Router::new().route("/cpu", axum::routing::get(|| async { "42" }))
}

#[test]
fn authz_lock_has_a_line_for_every_route() {
    checks!("T018");
    insta::assert_snapshot!(blog().authz_lock());
}

#[test]
fn the_routes_are_what_the_lock_says() {
    let api = blog();
    let lock = api.authz_lock();
    assert_eq!(
        lock.lines().filter(|line| !line.starts_with('#')).count(),
        api.routes().count()
    );
    for route in api.routes() {
        let line = lock
            .lines()
            .find(|line| {
                let mut words = line.split_whitespace();
                words.next() == Some(route.verb().as_str()) && words.next() == Some(route.path())
            })
            .unwrap_or_else(|| panic!("{route:?} is missing"));
        assert!(line.contains(&route.rule().to_string()), "{route:?}: {line}");
    }
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let bench = Bench::default();
    let mut docs = Docs::default();
    docs.redoc = Some("redoc".into());
    let api: Api = Api::new("Broken", "1")
        .docs(docs)
        .summary("of nothing")
        .get("posts", status)
        .get("/posts/:id", status)
        .get("/a", status)
        .get("/a", read)
        .post("/a", status)
        .get("/b/{id}", status)
        .post("/b/{name}", status)
        .get("/docs", status)
        .mount::<Public>("/", metrics())
        .mount::<Public>("/m", metrics())
        .get("/m/cpu", status)
        .get("/m", status);
    let errors = api.into_router(bench.gate.clone()).unwrap_err();
    insta::assert_snapshot!(errors);
    assert!(matches!(errors.0[0], ApiError::NoRoute("summary")));
}

/// The router below panics on paths it can't tell apart: nobody may get that far.
#[test]
fn no_pair_of_paths_panics() {
    let parts = ["a", "b", "{x}", "{y}", "{*r}", ""];
    let mut paths: Vec<String> = parts.iter().map(|part| format!("/{part}")).collect();
    for first in parts {
        paths.extend(parts.iter().map(|second| format!("/{first}/{second}")));
    }
    let bench = Bench::default();
    let mut good = 0;
    for first in &paths {
        for second in &paths {
            let pair = || Api::new("Pair", "1").docs(Docs::off()).get(first, status);
            good += usize::from(
                pair()
                    .post(second, status)
                    .into_router(bench.gate.clone())
                    .is_ok(),
            );
            good += usize::from(
                pair()
                    .mount::<Public>(second, metrics())
                    .into_router(bench.gate.clone())
                    .is_ok(),
            );
        }
    }
    assert!(good > 500, "only {good} pairs are taken");
}

#[tokio::test]
async fn nested_and_merged_routes_keep_their_rules() {
    let bench = Bench::default();
    let inner = Api::new("Inner", "1").get("/posts", read).get("/", status);
    let other = Api::new("Other", "1")
        .get("/status", status)
        .mount::<Allow<Role<Admin>>>("/metrics", metrics());
    let client = bench.client(Api::new("Outer", "1").nest("/v1", inner).merge(other));
    for (path, expected) in [
        ("/v1/posts", 401),
        ("/v1", 200),
        ("/status", 200),
        ("/posts", 404),
        ("/metrics/cpu", 401),
    ] {
        assert_eq!(client.get(path, &[]).await.status.as_u16(), expected, "{path}");
    }
}

#[tokio::test]
async fn everything_below_a_mount_is_behind_its_rule() {
    checks!("T017");
    let bench = Bench::default();
    let client = bench.client(blog());
    let header = bearer(&bench.token());
    let paths = [
        "/metrics",
        "/metrics/",
        "/metrics/cpu",
        "/metrics/unknown",
        "/metrics/%2e%2e/status",
        "/metrics//cpu",
    ];
    for path in paths {
        for method in [Method::GET, Method::POST, Method::OPTIONS] {
            let nobody = client.call(method.clone(), path, &[], "").await;
            assert_eq!(nobody.status, 401, "{method} {path}");
            let wrong = client
                .call(method.clone(), path, &[("authorization", &header)], "")
                .await;
            assert_eq!(wrong.status, 403, "{method} {path}");
        }
    }
    bench.grant(&[], &["admin"]);
    let answer = client.get("/metrics/cpu", &[("authorization", &header)]).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, "42"));
}

#[tokio::test]
async fn state_and_layers_reach_the_handlers() {
    async fn greet(_: Public, State(name): State<&'static str>) -> &'static str {
        name
    }
    let bench = Bench::default();
    let mark = axum::middleware::map_response(|mut response: Response| async {
        response
            .headers_mut()
            .insert("x-marked", HeaderValue::from_static("yes"));
        response
    });
    let api: Api<&'static str> = Api::new("Greeter", "1")
        .get("/greet", greet)
        .route_layer(mark)
        .get("/plain", status);
    let client = bench.client(api.with_state("ada"));
    let answer = client.get("/greet", &[]).await;
    assert_eq!((answer.text.as_str(), answer.header("x-marked")), ("ada", "yes"));
    assert_eq!(client.get("/plain", &[]).await.header("x-marked"), "");
}

#[tokio::test]
async fn paths_and_methods_that_nobody_wrote_down_are_problems() {
    let bench = Bench::default();
    let client = bench.client(blog());
    let missing = client.get("/posts/1/2", &[]).await;
    assert_eq!(
        (missing.status.as_u16(), missing.code().as_str()),
        (404, "not_found")
    );
    let wrong = client.call(Method::DELETE, "/posts/1", &[], "").await;
    assert_eq!(
        (wrong.status.as_u16(), wrong.code().as_str()),
        (405, "method_not_allowed")
    );
    let mut allowed: Vec<_> = wrong.header("allow").split(',').collect();
    allowed.sort_unstable();
    assert_eq!(allowed, ["GET", "HEAD", "PUT"]);
    assert_eq!(
        client.call(Method::HEAD, "/posts", &[], "").await.status,
        401,
        "HEAD is guarded as GET is"
    );
    for method in ["TRACE", "OPTIONS", "PATCH", "POST", "FOO", "get"] {
        let answer = client.call(method.parse().unwrap(), "/posts/1", &[], "").await;
        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (405, "method_not_allowed"),
            "{method}"
        );
    }
    for path in [
        "/.git/HEAD",
        "/.git/",
        "/.env",
        "/posts/",
        "/posts/1/",
        "/posts/1/x.css",
        "/debug",
        "/metrics.json",
        "/server-status",
    ] {
        let answer = client.get(path, &[]).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (404, "not_found"),
            "{path}"
        );
    }
}
