//! Tokens, sessions and cookies.

use std::time::Duration;

use portcullis_identity::cookie;
use portcullis_identity::core::audit;
use portcullis_identity::core::authz::KeysWrite;
use portcullis_identity::core::key::{Algorithm, SigningKey};
use portcullis_identity::core::token::{self, Purpose};
use portcullis_identity::{
    Allow, Api, Attribute, Authenticated, Basic, Builder, CookieSession, Jwt, OptionalAuth, OwnClaim, Path,
    Permit, Portcullis, Problem, Public, Session, SessionStore, State, Via,
};
use portcullis_testkit::{Answer, PASSWORD, TestApp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

fn shared_secret(builder: Builder) -> Builder {
    builder.algorithm(Algorithm::HS256)
}

fn key_pair(builder: Builder) -> Builder {
    builder.algorithm(Algorithm::RS256)
}

/// Brings a private key from elsewhere; one more rotation makes it sign.
async fn import_key(portcullis: &Portcullis, algorithm: Algorithm, pem: &str) -> anyhow::Result<bool> {
    let key = SigningKey::from_pem(algorithm, pem)?;
    let by = audit::Context::operator(portcullis.environment().now());
    let permit = Permit::<KeysWrite>::dangerous_for_operator();
    Ok(portcullis.signing_keys().import(&permit, key, by).await?)
}

const DEPARTMENT: Attribute<String> = Attribute::new("department").in_tokens();

fn own_claims(builder: Builder) -> Builder {
    builder
        .attribute(DEPARTMENT)
        .claim(OwnClaim::new("tier", |whose| {
            let proven = whose.account.email_verified_at.is_some();
            Some(if proven { "full" } else { "trial" }.into())
        }))
}

fn short_tokens(builder: Builder) -> Builder {
    builder.tokens(token::Settings {
        access_lifetime: Duration::from_secs(5 * 60),
        ..token::Settings::default()
    })
}

fn in_redis(builder: Builder) -> Builder {
    builder.session_store(SessionStore::Redis("redis://127.0.0.1:6379/".to_owned()))
}

fn in_memory(builder: Builder) -> Builder {
    builder.session_store(SessionStore::Memory)
}

fn for_all_hosts(builder: Builder) -> Builder {
    let mut cookies = cookie::Settings::default();
    cookies.domain = Some("example.com".to_owned());
    builder.cookies(cookies)
}

#[derive(Serialize, Deserialize)]
struct Download {
    file: String,
}

const DOWNLOAD: Purpose<Download> = Purpose::new("download");

async fn offer(
    who: Allow<Authenticated>,
    State(portcullis): State<Portcullis>,
    Path(file): Path<String>,
) -> Result<String, Problem> {
    let (tokens, lifetime) = (portcullis.tokens_for(DOWNLOAD), Duration::from_secs(300));
    let token = tokens.sign(&Download { file }, Some(who.id()), lifetime);
    Ok(format!("/downloads/{}", token.map_err(Problem::internal)?))
}

async fn download(
    _: Public,
    State(portcullis): State<Portcullis>,
    Path(token): Path<String>,
) -> Result<String, Problem> {
    let tokens = portcullis.tokens_for(DOWNLOAD);
    let good = tokens.verify(&token).map_err(|_| Problem::not_found())?;
    Ok(format!("what is in {}", good.claims.file))
}

#[derive(Clone, Default, Serialize, Deserialize)]
struct Basket {
    articles: Vec<u32>,
}

async fn put(
    _: Public,
    mut basket: CookieSession<Basket>,
    Path(article): Path<u32>,
) -> Result<String, Problem> {
    let mut articles = basket.get().articles.clone();
    articles.push(article);
    let count = articles.len();
    basket.insert(Basket { articles })?;
    Ok(format!("{count} articles"))
}

async fn home(who: OptionalAuth) -> String {
    match who.principal() {
        Some(known) => format!("Hello, {}", known.id()),
        None => "Hello, stranger".to_owned(),
    }
}

async fn metrics(_: Allow<Authenticated, Via<Basic>>) -> &'static str {
    "requests 42"
}

async fn by_session(_: Allow<Authenticated, Via<Session>>) -> &'static str {
    "a session"
}

async fn by_token(_: Allow<Authenticated, Via<Jwt>>) -> &'static str {
    "a token"
}

fn api(portcullis: &Portcullis) -> Api {
    Api::new("Shop", "1.0")
        .get("/", home)
        .put("/basket/{article}", put)
        .get("/metrics", metrics)
        .get("/by-session", by_session)
        .get("/by-token", by_token)
        .post("/files/{file}/links", offer)
        .get("/downloads/{token}", download)
        .with_state(portcullis.clone())
        .nest("/auth", portcullis.routes())
        .nest("/oauth", portcullis.oauth_routes())
        .nest("/.well-known", portcullis.well_known_routes())
}

const ANNA: &str = "anna@example.com";

async fn log_in(app: &TestApp, delivery: &str) -> Answer {
    let form = json!({ "identifier": ANNA, "password": PASSWORD, "delivery": delivery });
    app.post("/auth/login").json(&form).send().await.expect(200)
}

/// The part of a token that is JSON: 0 is its head, 1 its claims.
fn part(token: &str, which: usize) -> Value {
    let text = token.split('.').nth(which).unwrap();
    serde_json::from_slice(&base64url(text)).unwrap()
}

/// RFC 4648 §5, without padding.
fn base64url(text: &str) -> Vec<u8> {
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0u32, 0);
    for byte in text.bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'-' => 62,
            _ => 63,
        };
        bits = (bits << 6) | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from((bits >> count) & 0xff).unwrap());
        }
    }
    bytes
}

#[tokio::test]
async fn the_program_chooses_how_tokens_are_signed() {
    for (settings, algorithm) in [
        (shared_secret as fn(Builder) -> Builder, "HS256"),
        (key_pair, "RS256"),
    ] {
        let app = TestApp::with(settings, api).await;
        let anna = app.user(ANNA).await;
        assert_eq!(part(&anna.access_token, 0)["alg"], algorithm);
        app.get("/by-token")
            .bearer(&anna.access_token)
            .send()
            .await
            .expect(200);
        let published = app.get("/.well-known/jwks.json").send().await.expect(200).json();
        let keys = published["keys"].as_array().unwrap().len();
        assert_eq!(keys > 0, algorithm == "RS256", "a shared secret isn't published");
    }
}

#[tokio::test]
async fn a_key_from_elsewhere_is_published_before_it_signs() {
    let app = TestApp::with(|builder| builder.algorithm(Algorithm::EdDSA), api).await;
    assert!(
        import_key(&app.portcullis, Algorithm::EdDSA, "no key")
            .await
            .is_err()
    );
    let before = app.get("/.well-known/jwks.json").send().await.expect(200).json();
    // The published key of RFC 8410 §10.3: everybody knows it.
    let pem = include_str!("../../../fuzz/seeds/pem/rfc8410-private.pem");
    assert!(import_key(&app.portcullis, Algorithm::EdDSA, pem).await.unwrap());
    let after = app.get("/.well-known/jwks.json").send().await.expect(200).json();
    let count = |keys: &Value| keys["keys"].as_array().unwrap().len();
    assert_eq!(count(&after), count(&before) + 1);
}

#[tokio::test]
async fn tokens_say_what_the_program_adds_and_live_as_long_as_it_says() {
    let app = TestApp::with(|builder| own_claims(short_tokens(builder)), api).await;
    let anna = app.user(ANNA).await;
    let accounts = app.portcullis.accounts();
    let set = accounts.change_attributes_by_program(anna.id, [DEPARTMENT.set("sales")]);
    assert!(set.await.is_ok());
    let anna = app.log_in(ANNA).await;
    let claims = part(&anna.access_token, 1);
    assert_eq!(
        (&claims["department"], &claims["tier"]),
        (&json!("sales"), &json!("trial"))
    );
    let lifetime = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
    assert_eq!(lifetime, 300);
}

#[tokio::test]
async fn a_refresh_token_is_good_once_and_a_revoked_one_never() {
    let app = TestApp::with(|builder| builder, api).await;
    let anna = app.user(ANNA).await;
    let refresh = async |token: &str| {
        let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
        app.post("/oauth/token").form(&form).send().await
    };
    let next = refresh(&anna.refresh_token).await.expect(200).json();
    let newest = refresh(next["refresh_token"].as_str().unwrap())
        .await
        .expect(200)
        .json();
    // A copy that comes back late ends the session.
    app.clock.advance_secs(11);
    refresh(&anna.refresh_token).await.refused(400, "invalid_grant");
    let newest = newest["access_token"].as_str().unwrap();
    app.get("/by-token")
        .bearer(newest)
        .send()
        .await
        .refused(401, "invalid_token");

    let anna = app.log_in(ANNA).await;
    app.post("/oauth/revoke")
        .form(&[("token", &anna.access_token)])
        .send()
        .await
        .expect(200);
    let refused = app.get("/by-token").bearer(&anna.access_token).send().await;
    refused.refused(401, "invalid_token");
}

#[tokio::test]
async fn sessions_are_kept_in_memory_listed_and_ended() {
    let app = TestApp::with(in_memory, api).await;
    app.user(ANNA).await;
    let session = log_in(&app, "session").await.json();
    let token = session["session_token"].as_str().unwrap();
    let call = async || {
        app.get("/by-session")
            .header("x-session-token", token)
            .send()
            .await
    };
    call().await.expect(200);
    let laptop = app.log_in(ANNA).await;
    let list = app
        .get("/auth/sessions")
        .bearer(&laptop.access_token)
        .send()
        .await
        .expect(200)
        .json();
    assert_eq!(list["items"].as_array().unwrap().len(), 3);
    let path = format!("/auth/sessions/{}", session["session_id"].as_str().unwrap());
    app.delete(&path)
        .bearer(&laptop.access_token)
        .send()
        .await
        .expect(204);
    call().await.refused(401, "invalid_token");
    app.post("/auth/logout/all")
        .bearer(&laptop.access_token)
        .send()
        .await
        .expect(204);
    app.get("/by-token")
        .bearer(&laptop.access_token)
        .send()
        .await
        .refused(401, "invalid_token");
}

#[tokio::test]
async fn a_session_store_that_is_not_there_is_told_at_the_start() {
    let builder = Portcullis::builder().database("sqlite::memory:");
    let unreachable = builder.session_store(SessionStore::Redis("redis://127.0.0.1:1/".to_owned()));
    assert!(unreachable.open().await.is_err());
    let _ = in_redis(Portcullis::builder());
}

#[tokio::test]
async fn a_cookie_login_has_safe_cookies_of_the_domain_and_needs_its_csrf_token() {
    let app = TestApp::with(for_all_hosts, api).await;
    app.user(ANNA).await;
    let login = log_in(&app, "cookie").await;
    let cookies: Vec<_> = login.headers().get_all("set-cookie").iter().collect();
    let session = cookies[0].to_str().unwrap();
    for part in [
        "__Secure-portcullis=",
        "HttpOnly",
        "Secure",
        "SameSite=Lax",
        "Domain=example.com",
    ] {
        assert!(session.contains(part), "{session}");
    }
    let token = session.split(['=', ';']).nth(1).unwrap();
    let forged = app.post("/auth/logout").bare_cookie(token).send().await;
    forged.refused(403, "csrf_token_missing");
    app.post("/auth/logout").cookie(token).send().await.expect(204);
    app.get("/by-session")
        .cookie(token)
        .send()
        .await
        .refused(401, "invalid_token");
}

#[tokio::test]
async fn a_stranger_has_a_basket_and_a_caller_a_name() {
    let app = TestApp::with(|builder| builder, api).await;
    let anna = app.user(ANNA).await;
    assert_eq!(app.get("/").send().await.expect(200).text(), "Hello, stranger");
    let known = app.get("/").bearer(&anna.access_token).send().await.expect(200);
    assert_eq!(known.text(), format!("Hello, {}", anna.id));
    app.get("/")
        .bearer("forged")
        .send()
        .await
        .refused(401, "invalid_token");
    let first = app.put("/basket/7").send().await.expect(200);
    let cookie = first.header("set-cookie").split(';').next().unwrap().to_owned();
    let second = app
        .put("/basket/8")
        .header("cookie", &cookie)
        .send()
        .await
        .expect(200);
    assert_eq!(second.text(), "2 articles");
}

#[tokio::test]
async fn a_link_is_good_for_five_minutes_and_for_nothing_else() {
    let app = TestApp::with(|builder| builder, api).await;
    let anna = app.user(ANNA).await;
    let offered = app
        .post("/files/plan.pdf/links")
        .bearer(&anna.access_token)
        .send()
        .await;
    let link = offered.expect(200).text().to_owned();
    assert_eq!(
        app.get(&link).send().await.expect(200).text(),
        "what is in plan.pdf"
    );
    let token = link.strip_prefix("/downloads/").unwrap();
    app.get("/by-token")
        .bearer(token)
        .send()
        .await
        .refused(401, "invalid_token");
    let other = format!("/downloads/{}", anna.access_token);
    app.get(&other).send().await.expect(404);
    app.clock.advance_secs(331);
    app.get(&link).send().await.expect(404);
}

#[tokio::test]
async fn basic_is_taken_where_the_signature_says_so() {
    let app = TestApp::with(|builder| builder, api).await;
    let anna = app.user(ANNA).await;
    app.get("/metrics").basic(ANNA, PASSWORD).send().await.expect(200);
    app.get("/metrics")
        .basic(ANNA, "guessed")
        .send()
        .await
        .refused(401, "invalid_token");
    let token = app.get("/metrics").bearer(&anna.access_token).send().await;
    token.refused(401, "credential_not_accepted");
}
