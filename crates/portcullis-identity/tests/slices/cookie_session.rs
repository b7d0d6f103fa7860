//! Anonymous data in a sealed cookie.

use std::sync::Arc;
use std::time::Duration;

use portcullis_core::checks;
use portcullis_core::environment::Environment;
use portcullis_core::key::MasterKey;
use portcullis_identity::cookie::Settings;
use portcullis_identity::{Allow, Api, Authenticated, CookieSession, Json, Portcullis, Problem, Public};
use portcullis_testkit::{Answer, FakeClock, SeededEntropy, TestApp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
struct Basket {
    articles: Vec<String>,
}

#[derive(Deserialize, schemars::JsonSchema)]
struct Article {
    name: String,
}

async fn show(_: Public, basket: CookieSession<Basket>) -> Json<Value> {
    Json(json!(basket.get().articles))
}
async fn put(
    _: Public,
    mut basket: CookieSession<Basket>,
    Json(article): Json<Article>,
) -> Result<Json<Value>, Problem> {
    let mut articles = basket.get().articles.clone();
    articles.push(article.name);
    basket.insert(Basket { articles })?;
    Ok(Json(json!(basket.get().articles)))
}
async fn keep(_: Public, mut basket: CookieSession<Basket>) -> Result<(), Problem> {
    let same = basket.get().clone();
    basket.insert(same)?;
    Ok(())
}
/// Too much, and then whatever the handler does about it: the answer says what is still there.
async fn overfill(_: Public, mut basket: CookieSession<Basket>) -> Json<Value> {
    let articles = vec!["x".repeat(4_096)];
    let refused = basket.insert(Basket { articles }).unwrap_err();
    Json(json!({ "refused": refused.to_string(), "left": basket.get().articles }))
}
async fn empty(_: Public, mut basket: CookieSession<Basket>) -> Result<(), Problem> {
    Ok(basket.clear()?)
}
async fn swap(_: Public, mut basket: CookieSession<Basket>) -> Result<(), Problem> {
    basket.clear()?;
    let articles = vec!["after".to_owned()];
    basket.insert(Basket { articles })?;
    Ok(())
}
async fn another_type(_: Public, number: CookieSession<u32>) -> String {
    number.get().to_string()
}
async fn guarded(_: Allow<Authenticated>, basket: CookieSession<Basket>) -> Json<Value> {
    Json(json!(basket.get().articles))
}
async fn old_show(basket: CookieSession<Basket>) -> String {
    basket.get().articles.join(",")
}

fn api(portcullis: &Portcullis) -> Api {
    let old = axum::Router::new().route("/basket", axum::routing::get(old_show));
    Api::new("Shop", "1")
        .get("/basket", show)
        .post("/basket", put)
        .post("/basket/keep", keep)
        .post("/basket/overfill", overfill)
        .delete("/basket", empty)
        .post("/basket/swap", swap)
        .get("/number", another_type)
        .get("/guarded", guarded)
        .mount::<Public>("/old", old)
        .nest("/auth", portcullis.routes())
}

async fn start() -> TestApp {
    TestApp::with(|builder| builder, api).await
}

const NAME: &str = "__Host-portcullis-data";

/// The pair that a browser sends back, after looking at every attribute.
#[track_caller]
fn set(answer: &Answer, lifetime: u64) -> String {
    let header = answer.header("set-cookie");
    let (pair, attributes) = header
        .split_once("; ")
        .unwrap_or_else(|| panic!("no cookie: {header:?}"));
    let expected = format!("Max-Age={lifetime}; Path=/; Secure; HttpOnly; SameSite=Lax");
    assert_eq!(attributes, expected);
    assert!(
        pair.starts_with(&format!("{NAME}=")) && pair.len() <= 4_096,
        "{pair}"
    );
    pair.to_owned()
}

#[track_caller]
fn taken_back(answer: &Answer) {
    let expected = format!("{NAME}=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Lax");
    assert_eq!(answer.header("set-cookie"), expected);
}

async fn add(app: &TestApp, cookie: &str, name: &str) -> Answer {
    let request = app.post("/basket").json(&json!({ "name": name }));
    let request = if cookie.is_empty() {
        request
    } else {
        request.header("cookie", cookie)
    };
    request.send().await
}

async fn look(app: &TestApp, cookie: &str) -> Answer {
    app.get("/basket")
        .header("cookie", cookie)
        .send()
        .await
        .expect(200)
}

const FORTNIGHT: u64 = 14 * 24 * 3_600;

// Shows: SE-6
#[tokio::test]
async fn what_nobody_of_us_sealed_is_an_empty_session_and_taken_back() {
    checks!("T051");
    let app = start().await;
    let good = set(&add(&app, "", "pear").await.expect(200), FORTNIGHT);
    assert_eq!(look(&app, &good).await.json(), json!(["pear"]));
    let text = good.strip_prefix(&format!("{NAME}=")).unwrap();
    let other = TestApp::with(
        |builder| builder.master_key(MasterKey::generate(&environment(5))),
        api,
    )
    .await;
    let foreign = set(&add(&other, "", "stolen").await, FORTNIGHT);
    let mut forged = vec![
        format!("{NAME}="),
        format!("{NAME}=garbage"),
        format!("{NAME}={text}A"),
        format!("{NAME}={text}="),
        format!("{NAME}={}", &text[..text.len() / 2]),
        format!("{NAME}={}", "A".repeat(10_000)),
        format!("{good}; {good}"),
        foreign,
    ];
    for at in (0..text.len()).step_by(7) {
        let mut bytes = text.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        forged.push(format!("{NAME}={}", String::from_utf8(bytes).unwrap()));
    }
    for cookie in forged {
        let answer = look(&app, &cookie).await;
        assert_eq!(answer.json(), json!([]), "{cookie}");
        taken_back(&answer);
    }
}

// Shows: SE-6
#[tokio::test]
async fn another_cookie_of_ours_does_not_open_as_this_one() {
    checks!("T051");
    let mut settings = Settings::default();
    "other".clone_into(&mut settings.name);
    let key = MasterKey::generate(&environment(6));
    let (here, there) = (key.clone(), key);
    let other = TestApp::with(|builder| builder.cookies(settings).master_key(there), api).await;
    let app = TestApp::with(|builder| builder.master_key(here), api).await;
    let answer = add(&other, "", "pear").await.expect(200);
    let (pair, _) = answer.header("set-cookie").split_once(';').unwrap();
    let renamed = pair.replace("__Host-other-data", NAME);
    let answer = look(&app, &renamed).await;
    assert_eq!(answer.json(), json!([]), "the name is bound to the content");
    taken_back(&answer);
}

// Shows: SE-6
#[tokio::test]
async fn a_session_ends_when_its_time_is_over_and_a_change_renews_it() {
    let app = start().await;
    let first = set(&add(&app, "", "pear").await, FORTNIGHT);
    app.clock.advance_secs(FORTNIGHT - 1);
    assert_eq!(look(&app, &first).await.json(), json!(["pear"]));
    let second = set(&add(&app, &first, "plum").await, FORTNIGHT);
    app.clock.advance_secs(1);
    let over = look(&app, &first).await;
    assert_eq!(over.json(), json!([]));
    taken_back(&over);
    assert_eq!(look(&app, &second).await.json(), json!(["pear", "plum"]));
    // Sealed by a clock that is far ahead.
    app.clock
        .set(portcullis_core::environment::Clock::now(&*app.clock).minus(Duration::from_secs(120)));
    taken_back(&look(&app, &second).await);
}

// Shows: SE-6
#[tokio::test]
async fn only_a_change_is_sent() {
    let app = start().await;
    let nothing = |answer: &Answer| assert_eq!(answer.header("set-cookie"), "");
    nothing(&app.get("/basket").send().await.expect(200));
    nothing(&app.delete("/basket").send().await.expect(200));
    let cookie = set(&add(&app, "", "pear").await, FORTNIGHT);
    nothing(&look(&app, &cookie).await);
    let kept = app.post("/basket/keep").header("cookie", &cookie);
    nothing(&kept.send().await.expect(200));
    let emptied = app.delete("/basket").header("cookie", &cookie);
    taken_back(&emptied.send().await.expect(200));
    let swapped = app.post("/basket/swap").header("cookie", &cookie).send().await;
    let swapped = set(&swapped.expect(200), FORTNIGHT);
    assert_eq!(look(&app, &swapped).await.json(), json!(["after"]));
}

// Shows: SE-6
#[tokio::test]
async fn what_does_not_fit_is_refused_and_nothing_is_lost() {
    let app = start().await;
    let mut cookie = set(&add(&app, "", "pear").await, FORTNIGHT);
    let over = app.post("/basket/overfill").header("cookie", &cookie);
    let over = over.send().await.expect(200);
    assert_eq!(over.header("set-cookie"), "");
    assert_eq!(over.json()["left"], json!(["pear"]));
    let said = over.json()["refused"].as_str().unwrap().to_owned();
    assert!(said.contains("4096"), "{said}");
    // Until it is full: every cookie before is as long as browsers keep.
    let article = "x".repeat(100);
    let mut count = 1;
    let refused = loop {
        let answer = add(&app, &cookie, &article).await;
        if answer.status() != 200 {
            break answer;
        }
        cookie = set(&answer, FORTNIGHT);
        count += 1;
    };
    assert_eq!(
        (refused.status(), refused.code().as_str()),
        (409, "cookie_session_full")
    );
    assert_eq!(refused.header("set-cookie"), "");
    assert!((20..40).contains(&count), "{count}");
    assert_eq!(look(&app, &cookie).await.json().as_array().unwrap().len(), count);
}

#[tokio::test]
async fn data_of_another_type_is_an_empty_session() {
    let app = start().await;
    let cookie = set(&add(&app, "", "pear").await, FORTNIGHT);
    let answer = app
        .get("/number")
        .header("cookie", &cookie)
        .send()
        .await
        .expect(200);
    assert_eq!(answer.text(), "0");
    taken_back(&answer);
}

#[tokio::test]
async fn it_lets_nobody_in_and_says_nothing_of_what_is_in_it() {
    checks!("T051");
    let app = start().await;
    let cookie = set(&add(&app, "", "canary-pear").await, FORTNIGHT);
    assert!(!cookie.contains("canary"));
    let refused = app
        .get("/guarded")
        .header("cookie", &cookie)
        .send()
        .await
        .refused(401, "authentication_required");
    assert_eq!(refused.code(), "authentication_required");
    let anna = app.user("anna@example.com").await;
    let known = app
        .get("/guarded")
        .bearer(&anna.access_token)
        .header("cookie", &cookie);
    assert_eq!(known.send().await.expect(200).json(), json!(["canary-pear"]));
    // A session's token under its name is none.
    let planted = format!("{NAME}={}", anna.access_token);
    taken_back(&look(&app, &planted).await);
}

#[tokio::test]
async fn a_mounted_router_has_it_too() {
    let app = start().await;
    let cookie = set(&add(&app, "", "pear").await, FORTNIGHT);
    let answer = app
        .get("/old/basket")
        .header("cookie", &cookie)
        .send()
        .await
        .expect(200);
    assert_eq!(answer.text(), "pear");
    let forged = app
        .get("/old/basket")
        .header("cookie", &format!("{NAME}=x"))
        .send()
        .await;
    taken_back(&forged.expect(200));
}

// Shows: SE-6
#[tokio::test]
async fn a_rotated_master_key_opens_it_and_seals_it_anew_without_a_longer_life() {
    let old = MasterKey::generate(&environment(7));
    let new = old.rotated(&environment(8));
    let with = async |key: MasterKey| TestApp::with(|builder| builder.master_key(key), api).await;
    let (before, during, after) = (
        with(old.clone()).await,
        with(new.clone()).await,
        with(new.without(old.current_id())).await,
    );
    let cookie = set(&add(&before, "", "pear").await, FORTNIGHT);
    during.clock.advance_secs(1_000);
    let answer = look(&during, &cookie).await;
    assert_eq!(answer.json(), json!(["pear"]));
    let anew = set(&answer, FORTNIGHT - 1_000);
    assert_eq!(look(&during, &anew).await.header("set-cookie"), "", "once");
    assert_eq!(look(&after, &anew).await.json(), json!(["pear"]));
    taken_back(&look(&after, &cookie).await);
}

fn environment(seed: u64) -> Environment {
    Environment::new(Arc::new(FakeClock::new()), Arc::new(SeededEntropy::new(seed)))
}

// Shows: SE-6
#[tokio::test]
async fn another_site_replaces_nothing() {
    checks!("T088");
    let app = start().await;
    let body = json!({ "name": "planted" });
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://elsewhere.example"),
        ("origin", "null"),
    ] {
        for request in [
            app.post("/basket").json(&body),
            app.post("/basket/swap"),
            app.delete("/basket"),
        ] {
            let answer = request
                .header(name, value)
                .send()
                .await
                .refused(403, "cross_site_request");
            assert_eq!(answer.code(), "cross_site_request", "{name}: {value}");
            assert!(!answer.headers().contains_key("set-cookie"));
        }
        app.get("/basket").header(name, value).send().await.expect(200);
    }
    for (name, value) in [("sec-fetch-site", "same-origin"), ("x-program", "says nothing")] {
        let answer = app.post("/basket").json(&body).header(name, value).send().await;
        assert!(answer.header("set-cookie").starts_with(NAME), "{name}");
    }
}
