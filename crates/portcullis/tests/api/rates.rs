//! How often routes may be called.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Body;
use axum::extract::ConnectInfo;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use portcullis::core::checks;
use portcullis::core::environment::Timestamp;
use portcullis::core::fault::Fault;
use portcullis::core::throttle::{Ask, LimitKey, LimitVerdict, Limiter, Rate, SharedCounts, Throttle, Tiers};
use portcullis::rates::{Allowance, Asking, LimitHeaders, RateLimit};
use portcullis::{Allow, Api, Authenticated, Docs, OptionalAuth, Public, permissions};
use tower::ServiceExt as _;

use crate::support::{Bench, Client, START, bearer};

permissions! {
    Secrets = "secrets:read": "Read secrets";
}

async fn open(_: Public) -> &'static str {
    "open"
}
async fn known(_: Allow<Authenticated>) -> &'static str {
    "known"
}
async fn secrets(_: Allow<Secrets>) -> &'static str {
    "secrets"
}
async fn either(_: OptionalAuth) -> &'static str {
    "either"
}

fn test() -> Api {
    Api::new("Test", "1")
}

fn limited(limit: RateLimit) -> Client {
    Bench::default().client(test().get("/open", open).rate_limit(limit))
}

/// How many of so many calls are answered 200, from this address.
async fn admitted(client: &Client, calls: usize, from: &str, headers: &[(&str, &str)], path: &str) -> usize {
    let mut admitted = 0;
    for _ in 0..calls {
        let mut request = Request::get(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(Body::empty()).unwrap();
        let peer = SocketAddr::new(from.parse().unwrap(), 1);
        request.extensions_mut().insert(ConnectInfo(peer));
        let answer = client.0.clone().oneshot(request).await.unwrap();
        match answer.status() {
            StatusCode::OK => admitted += 1,
            StatusCode::TOO_MANY_REQUESTS => {}
            other => panic!("{other}"),
        }
    }
    admitted
}

// Shows: AB-1
#[tokio::test]
async fn one_call_too_many_is_told_when_to_come_back() {
    let bench = Bench::default();
    let client = bench.client(
        test()
            .get("/open", open)
            .rate_limit(RateLimit::by_address("2/minute")),
    );
    for left in ["1", "0"] {
        let answer = client.get("/open", &[]).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.header("ratelimit-policy"), "\"get-open\";q=2;w=60");
        assert!(
            answer
                .header("ratelimit")
                .starts_with(&format!("\"get-open\";r={left};t="))
        );
        assert_eq!(answer.header("retry-after"), "", "only refusals say so");
    }
    bench.pass(Duration::from_micros(1));
    let refused = client.get("/open", &[]).await;
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (StatusCode::TOO_MANY_REQUESTS, "rate_limited")
    );
    assert_eq!(
        (refused.header("retry-after"), refused.header("ratelimit")),
        ("30", "\"get-open\";r=0;t=30")
    );
    assert_eq!(refused.header("x-content-type-options"), "nosniff");
    // What is refused costs nothing: the wait that was told is long enough.
    for _ in 0..100 {
        assert_eq!(
            client.get("/open", &[]).await.status,
            StatusCode::TOO_MANY_REQUESTS
        );
    }
    bench.pass(Duration::from_secs(30));
    assert_eq!(client.get("/open", &[]).await.status, StatusCode::OK);
    bench.pass(Duration::from_millis(29_500));
    assert_eq!(
        client.get("/open", &[]).await.header("retry-after"),
        "1",
        "rounded up, never 0"
    );
}

#[tokio::test]
async fn older_clients_are_told_in_their_own_fields_and_in_no_others() {
    for (how, fields) in [
        (LimitHeaders::XRateLimit, Some(("5", "4"))),
        (LimitHeaders::Off, None),
    ] {
        let bench = Bench::with(|settings| settings.limit_headers = how);
        let api = test()
            .get("/open", open)
            .rate_limit(RateLimit::by_address("60/hour, 5/minute"));
        let answer = bench.client(api).get("/open", &[]).await;
        for field in ["ratelimit", "ratelimit-policy", "ratelimit-reset"] {
            assert_eq!(answer.header(field), "", "{how:?} {field}");
        }
        let told = (
            answer.header("x-ratelimit-limit"),
            answer.header("x-ratelimit-remaining"),
        );
        assert_eq!(told, fields.unwrap_or_default(), "{how:?}");
        let reset = START.plus(Duration::from_secs(12)).as_seconds().to_string();
        assert_eq!(
            answer.header("x-ratelimit-reset"),
            fields.map_or("", |_| &reset),
            "{how:?}"
        );
    }
}

#[tokio::test]
async fn every_limit_is_told_under_a_name_of_its_own() {
    let client =
        limited(RateLimit::by_address("60/minute, 10/minute; sliding, 1000/day; burst 50").named("search"));
    let answer = client.get("/open", &[]).await;
    assert_eq!(
        answer.header("ratelimit-policy"),
        "\"search-minute\";q=60;w=60, \"search-minute-2\";q=10;w=60, \"search-day\";q=1000;w=86400"
    );
    assert_eq!(
        answer.header("ratelimit"),
        "\"search-minute\";r=59;t=1, \"search-minute-2\";r=9;t=60, \"search-day\";r=49;t=87"
    );
}

#[tokio::test]
async fn a_network_is_one_client_and_its_neighbour_another() {
    checks!("T244");
    let client = limited(RateLimit::by_address("3/hour"));
    assert_eq!(admitted(&client, 5, "192.0.2.1", &[], "/open").await, 3);
    assert_eq!(admitted(&client, 5, "::ffff:192.0.2.1", &[], "/open").await, 0);
    assert_eq!(admitted(&client, 5, "192.0.2.2", &[], "/open").await, 3);
    let mut all = 0;
    for host in 0..50 {
        all += admitted(&client, 1, &format!("2001:db8::{host:x}"), &[], "/open").await;
    }
    assert_eq!(all, 3, "whoever has a network has all of its addresses");
    assert_eq!(admitted(&client, 5, "2001:db8:0:1::1", &[], "/open").await, 3);
    // What somebody claims to be sent for changes nothing, unless a trusted proxy says it.
    let claimed = [
        ("x-forwarded-for", "203.0.113.9"),
        ("forwarded", "for=203.0.113.9"),
    ];
    assert_eq!(admitted(&client, 5, "192.0.2.1", &claimed, "/open").await, 0);
    let wide = limited(RateLimit::by_address("3/hour").v6_prefix(48));
    assert_eq!(admitted(&wide, 5, "2001:db8:0:1::1", &[], "/open").await, 3);
    assert_eq!(admitted(&wide, 5, "2001:db8:0:2::1", &[], "/open").await, 0);
}

#[tokio::test]
async fn whoever_has_no_known_address_shares_one_count() {
    let client = limited(RateLimit::by_address("2/hour"));
    let mut statuses = Vec::new();
    for _ in 0..3 {
        let request = Request::get("/open").body(Body::empty()).unwrap();
        statuses.push(client.0.clone().oneshot(request).await.unwrap().status().as_u16());
    }
    assert_eq!(statuses, [200, 200, 429]);
}

#[tokio::test]
async fn guessing_at_credentials_is_limited_before_they_are_looked_at() {
    checks!("T245");
    let bench = Bench::default();
    let client = bench.client(
        test()
            .get("/known", known)
            .rate_limit(RateLimit::by_address("5/minute")),
    );
    for guess in 0..5 {
        let token = bearer(&format!("pcs_{guess:043}"));
        assert_eq!(
            client.get("/known", &[("authorization", &token)]).await.status,
            StatusCode::UNAUTHORIZED
        );
    }
    // Not even the right one is told from a wrong one now.
    let right = bearer(&bench.token());
    let answers = [&right, &bearer(&format!("pcs_{:043}", 9))];
    for token in answers {
        assert_eq!(
            client.get("/known", &[("authorization", token)]).await.code(),
            "rate_limited"
        );
    }
    assert_eq!(client.get("/known", &[]).await.code(), "rate_limited");
}

#[tokio::test]
async fn an_account_is_one_caller_wherever_it_comes_from() {
    let bench = Bench::default();
    let api = test()
        .get("/known", known)
        .rate_limit(RateLimit::by_user("4/minute"))
        .get("/secrets", secrets)
        .rate_limit(RateLimit::by_user("2/minute"))
        .get("/either", either)
        .rate_limit(RateLimit::by_user("3/minute"));
    let client = bench.client(api);
    let (session, jwt) = (bearer(&bench.token()), bearer(&bench.jwt(None)));
    assert_eq!(
        admitted(&client, 2, "192.0.2.1", &[("authorization", &session)], "/known").await,
        2
    );
    assert_eq!(
        admitted(&client, 5, "198.51.100.1", &[("authorization", &jwt)], "/known").await,
        2
    );
    // What is denied is counted all the same.
    let mut codes = Vec::new();
    for _ in 0..3 {
        codes.push(
            client
                .get("/secrets", &[("authorization", &session)])
                .await
                .code(),
        );
    }
    assert_eq!(
        codes,
        ["missing_permission", "missing_permission", "rate_limited"]
    );
    // Strangers are counted by their address, and apart from whoever is known.
    assert_eq!(admitted(&client, 5, "192.0.2.1", &[], "/either").await, 3);
    assert_eq!(admitted(&client, 5, "192.0.2.2", &[], "/either").await, 3);
    assert_eq!(
        admitted(&client, 5, "192.0.2.1", &[("authorization", &session)], "/either").await,
        3
    );
}

#[tokio::test]
async fn a_function_says_for_whom_and_at_what_cost() {
    let tenant = |asking: &Asking<'_>| match asking.header("x-tenant") {
        Some("ours") => None,
        Some(tenant) => Some(LimitKey::named(tenant)),
        None => Some(LimitKey::NOBODY),
    };
    let dear = |asking: &Asking<'_>| {
        if asking.path().ends_with("open") && asking.header("x-dear").is_some() {
            3
        } else {
            1
        }
    };
    let client = limited(RateLimit::by_request("4/minute", tenant).cost_of(dear));
    for (headers, calls) in [
        (&[("x-tenant", "a")][..], 4),
        (&[("x-tenant", "b"), ("x-dear", "1")], 1),
        (&[("x-tenant", "b")], 1),
        (&[], 4),
        // Two of one header are none.
        (&[("x-tenant", "c"), ("x-tenant", "d")], 0),
        (&[("x-tenant", "ours")], 9),
    ] {
        assert_eq!(
            admitted(&client, 9, "192.0.2.1", headers, "/open").await,
            calls,
            "{headers:?}"
        );
    }
    let bench = Bench::default();
    let by_caller = |asking: &Asking<'_>| {
        asking
            .principal()
            .map(|who| LimitKey::named(&who.id().to_string()))
    };
    let api = test()
        .get("/known", known)
        .rate_limit(RateLimit::by_caller("2/minute", by_caller));
    let token = bearer(&bench.token());
    assert_eq!(
        admitted(
            &bench.client(api),
            5,
            "192.0.2.1",
            &[("authorization", &token)],
            "/known"
        )
        .await,
        2
    );
}

#[tokio::test]
async fn the_whole_api_has_a_limit_beside_those_of_its_routes() {
    let bench = Bench::default();
    let inner = test()
        .get("/a", open)
        .get("/b", open)
        .rate_limit(RateLimit::by_address("1/hour"))
        .rate_limit_all(RateLimit::by_address("4/hour").named("inner"));
    let api = test()
        .get("/c", open)
        .nest("/in", inner)
        .rate_limit_all(RateLimit::by_address("6/hour"));
    let client = bench.client(api);
    let from = "192.0.2.1";
    assert_eq!(admitted(&client, 9, from, &[], "/in/b").await, 1, "its own");
    assert_eq!(
        admitted(&client, 9, from, &[], "/in/a").await,
        3,
        "what the inner one has left"
    );
    assert_eq!(
        admitted(&client, 9, from, &[], "/c").await,
        2,
        "what the outer one has left"
    );
    assert_eq!(client.get("/missing", &[]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        client.call(Method::DELETE, "/c", &[], "").await.status,
        StatusCode::METHOD_NOT_ALLOWED
    );
    for _ in 0..4 {
        client.get("/missing", &[]).await;
    }
    assert_eq!(
        client.get("/missing", &[]).await.code(),
        "rate_limited",
        "also where there is no route"
    );
    let other = client.get("/in/a", &[]).await;
    assert_eq!(
        other.header("ratelimit-policy"),
        "\"api\";q=6;w=3600",
        "it costs nothing of the inner one"
    );
}

#[tokio::test]
async fn limits_of_callers_count_strangers_by_address_where_nobody_is_looked_at() {
    let bench = Bench::default();
    let api = test()
        .get("/open", open)
        .get("/known", known)
        .rate_limit_all(RateLimit::by_user("3/hour"));
    let client = bench.client(api);
    assert_eq!(admitted(&client, 9, "192.0.2.1", &[], "/open").await, 3);
    let token = bearer(&bench.token());
    assert_eq!(
        admitted(&client, 9, "192.0.2.1", &[("authorization", &token)], "/known").await,
        3
    );
}

// Shows: AB-1
#[tokio::test]
async fn a_tier_is_changed_without_a_new_router() {
    let tiers = Tiers::new("free", [("free", "2/minute, 3/day"), ("pro", "5/minute")]).unwrap();
    let plan = |asking: &Asking<'_>| {
        asking
            .principal()
            .and_then(|who| who.has_role("pro").then_some("pro".into()))
    };
    let bench = Bench::default();
    let api = test()
        .get("/known", known)
        .rate_limit(RateLimit::by_user(Allowance::tier(&tiers, plan)));
    assert!(
        api.authz_lock().contains("at most by tier by user"),
        "{}",
        api.authz_lock()
    );
    let client = bench.client(api);
    let token = bearer(&bench.token());
    let headers = [("authorization", token.as_str())];
    let calls = || admitted(&client, 9, "192.0.2.1", &headers, "/known");
    assert_eq!(calls().await, 2);
    bench.pass(Duration::from_secs(60));
    assert_eq!(calls().await, 1, "the day's limit");
    bench.grant(&[], &["pro"]);
    assert_eq!(calls().await, 5);
    assert_eq!(calls().await, 0);
    tiers
        .replace("free", [("free", "1/day"), ("pro", "7/minute")])
        .unwrap();
    assert_eq!(calls().await, 7);
    bench.grant(&[], &[]);
    assert_eq!(calls().await, 1);
}

// Shows: AB-1
#[test]
fn everything_that_is_wrong_with_limits_is_said_at_once() {
    checks!("T249");
    let api = test()
        .get("/a", open)
        .rate_limit(RateLimit::by_address("5/min"))
        .get("/b", open)
        .rate_limit(
            RateLimit::by_address("5/minute; burst 0")
                .named("B b")
                .v6_prefix(8),
        )
        .get("/c", open)
        .rate_limit(RateLimit::by_address("5/minute").cost(6))
        .get("/d", open)
        .rate_limit(RateLimit::by_address("5/minute").cost(0))
        .get("/e", open)
        .rate_limit(RateLimit::by_user("5/minute"))
        .get("/f", known)
        .rate_limit(RateLimit::by_organization("5/minute"))
        .rate_limit_all(RateLimit::by_address("lots"));
    let error = api.into_router(Bench::default().gate).unwrap_err().to_string();
    let lines: Vec<_> = error.lines().collect();
    let expected = [
        "the whole API is limited wrongly: \"lots\": write a number",
        "GET /a is limited wrongly: \"5/min\": the period after the slash",
        "GET /b is limited wrongly: \"5/minute; burst 0\": a burst is a number",
        "GET /b is limited wrongly: \"B b\": the name of a limit",
        "GET /b is limited wrongly: a prefix of 8 bits: write 16 to 128",
        "GET /c is limited wrongly: 5/minute: a call that costs 6 is more than may ever come at once",
        "GET /d is limited wrongly: a cost of 0 limits nothing",
        "GET /e is limited wrongly: at most 5/minute by user: the route lets anybody in unseen",
        "GET /f is limited wrongly: at most 5/minute by organization: the route selects no organization",
    ];
    for line in &lines {
        assert!(expected.iter().any(|begin| line.starts_with(begin)), "{line}");
    }
    assert_eq!(lines.len(), expected.len(), "{error}");
    let before = test().rate_limit(RateLimit::by_address("5/minute"));
    assert!(
        before
            .into_router(Bench::default().gate)
            .unwrap_err()
            .to_string()
            .contains("`.rate_limit(…)`")
    );
}

#[tokio::test]
async fn limits_stand_in_the_document_and_in_authz_lock() {
    let api = test()
        .get("/open", open)
        .rate_limit(RateLimit::by_address(Rate::ONCE_A_MINUTE))
        .get("/known", known)
        .rate_limit_all(RateLimit::by_user("60/minute, 1000/day").cost(2));
    let all = "at most 60/minute, 1000/day by user, each counts 2";
    let lock = api.authz_lock();
    assert!(
        lock.contains(&format!("via jwt, session, api_key; {all}")) || lock.contains(&format!("; {all}")),
        "{lock}"
    );
    assert!(
        lock.contains(&format!("at most 1/minute by address; {all}")),
        "{lock}"
    );
    let document = api.openapi();
    let open = &document["paths"]["/open"]["get"];
    assert_eq!(
        open["x-portcullis-limits"],
        serde_json::json!(["at most 1/minute by address", all])
    );
    assert_eq!(
        open["responses"]["429"]["description"],
        format!("Too many requests: at most 1/minute by address; {all}")
    );
    assert_eq!(
        open["responses"]["200"]["headers"]["RateLimit"]["$ref"],
        "#/components/headers/RateLimit"
    );
    // The same once it is served.
    let client = Bench::default().client(api.docs(Docs::default()));
    let served = client.get("/openapi.json", &[]).await.json();
    assert_eq!(served["paths"], document["paths"]);
    assert_eq!(served["components"]["headers"], document["components"]["headers"]);
}

/// What several nodes share, at a clock of its own, or nothing.
struct Elsewhere {
    counts: Limiter,
    away: AtomicBool,
}

#[async_trait]
impl SharedCounts for Elsewhere {
    async fn take(&self, ask: &Ask<'_>) -> Result<LimitVerdict, Fault> {
        tokio::task::yield_now().await;
        match self.away.load(Ordering::Relaxed) {
            true => Err(Fault::Unreachable("away".into())),
            false => Ok(self.counts.take(ask, Timestamp::from_seconds(1))),
        }
    }

    async fn ping(&self) -> Result<(), Fault> {
        Ok(())
    }
}

#[tokio::test]
async fn two_nodes_share_their_limits_and_each_goes_on_alone_when_it_must() {
    checks!("T246");
    checks!("T247");
    let elsewhere = Arc::new(Elsewhere {
        counts: Limiter::new(1_000),
        away: AtomicBool::new(false),
    });
    let node = || {
        let throttle = Throttle::sharing(Arc::clone(&elsewhere) as _, Limiter::new(1_000));
        let bench = Bench::with(|settings| settings.throttle = Some(Arc::new(throttle)));
        let api = test()
            .post("/open", echo)
            .rate_limit(RateLimit::by_address("6/hour"))
            .get("/known", known)
            .rate_limit(RateLimit::by_user("4/hour"));
        let client = bench.client(api);
        (bench, client)
    };
    let ((bench, one), (_, other)) = (node(), node());
    let post = |client: Client| async move {
        let answer = client.call(Method::POST, "/open", &[], "the body").await;
        if answer.status == StatusCode::OK {
            assert_eq!(answer.text, "the body");
        }
        answer.status == StatusCode::OK
    };
    let mut admitted = 0;
    for _ in 0..5 {
        admitted += usize::from(post(one.clone()).await) + usize::from(post(other.clone()).await);
    }
    assert_eq!(admitted, 6);
    let token = bearer(&bench.token());
    for _ in 0..2 {
        assert_eq!(
            one.get("/known", &[("authorization", &token)]).await.status,
            StatusCode::OK
        );
    }
    elsewhere.away.store(true, Ordering::Relaxed);
    let mut alone = 0;
    for _ in 0..9 {
        alone += usize::from(post(one.clone()).await);
    }
    assert_eq!(alone, 3, "the node knows of three that came to it");
    for status in [200, 200, 429] {
        assert_eq!(
            one.get("/known", &[("authorization", &token)])
                .await
                .status
                .as_u16(),
            status
        );
    }
}

async fn echo(_: Public, body: axum::body::Bytes) -> axum::body::Bytes {
    body
}

#[tokio::test]
async fn a_body_that_is_refused_is_not_read() {
    let client = limited(RateLimit::by_address("1/hour"));
    assert_eq!(client.get("/open", &[]).await.status, StatusCode::OK);
    let endless = Body::from_stream(futures_util::stream::pending::<
        Result<axum::body::Bytes, std::io::Error>,
    >());
    let mut request = Request::get("/open").body(endless).unwrap();
    request
        .extensions_mut()
        .insert(ConnectInfo(SocketAddr::from(([192, 0, 2, 7], 1))));
    let answer = client.0.clone().oneshot(request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    let _ = answer.into_body().collect().await.unwrap();
}
