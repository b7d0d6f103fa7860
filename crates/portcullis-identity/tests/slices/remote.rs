//! A resource server without a database behind the tokens of a Portcullis that has one: both are real, the network
//! between them is loopback, and they share a clock that only the test moves.

use std::sync::Arc;

use axum::Router;
use portcullis_core::checks;
use portcullis_core::environment::Environment;
use portcullis_core::key::{Algorithm, MasterKey};
use portcullis_core::token::{InvalidToken, Purpose, RemoteTokenError};
use portcullis_identity::remote::{Builder, RemoteError};
use portcullis_identity::{
    Allow, Any, Api, Attribute, Authenticated, CookieSession, FreshLogin, Json, Jwt, Member, OpenError,
    OptionalAuth, Portcullis, Problem, Public, Remote, Role, SecondFactor, Session, Via, listener,
    permissions, roles,
};
use portcullis_testkit::{Account, Answer, FakeClock, PASSWORD, Request, TestApp, environment};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::fixtures::{events, log_in_with, refresh, session_of, text};

permissions! {
    pub PostsRead = "remote:read": "Read posts";
    pub PostsWrite = "remote:write": "Write posts";
}

roles! {
    pub Editor = "editor";
}

async fn list(who: Allow<PostsRead>) -> String {
    who.id().to_string()
}

async fn create(_: Allow<PostsWrite>) {}

async fn edit(_: Allow<Role<Editor>>) {}

async fn fresh(_: Allow<FreshLogin<300>>) {}

async fn strong(_: Allow<SecondFactor>) {}

async fn either(_: Allow<Any<(Role<Editor>, PostsRead)>, Via<Jwt>>) {}

async fn inside(_: Allow<Member<PostsRead>>) {}

async fn by_session(_: Allow<PostsRead, Via<Session>>) {}

async fn greet(visitor: OptionalAuth) -> Json<bool> {
    Json(visitor.principal().is_some())
}

async fn status(_: Public) -> &'static str {
    "up"
}

/// The application: it doesn't know which of the two it runs behind.
pub(super) fn blog() -> Api {
    Api::new("Blog", "1.0")
        .get("/posts", list)
        .post("/posts", create)
        .put("/posts", edit)
        .get("/fresh", fresh)
        .get("/strong", strong)
        .get("/either", either)
        .get("/inside", inside)
        .get("/session", by_session)
        .get("/greet", greet)
        .get("/status", status)
}

/// A Portcullis on a loopback address. Dropping it shuts it down.
struct Issuer {
    app: TestApp,
    url: String,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<()>,
}

impl Issuer {
    async fn start() -> Self {
        Self::with(|builder| builder).await
    }

    async fn with(
        settings: impl FnOnce(portcullis_identity::Builder) -> portcullis_identity::Builder,
    ) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), settings).await
    }

    /// One that serves another API.
    async fn of(api: impl FnOnce(&Portcullis) -> Api) -> Self {
        Self::serving(
            TcpListener::bind("127.0.0.1:0").await.unwrap(),
            |builder| builder,
            api,
        )
        .await
    }

    async fn on(
        listener: TcpListener,
        settings: impl FnOnce(portcullis_identity::Builder) -> portcullis_identity::Builder,
    ) -> Self {
        Self::serving(listener, settings, |portcullis| {
            portcullis.api().nest("/blog", blog())
        })
        .await
    }

    async fn serving(
        listener: TcpListener,
        settings: impl FnOnce(portcullis_identity::Builder) -> portcullis_identity::Builder,
        api: impl FnOnce(&Portcullis) -> Api,
    ) -> Self {
        let url = format!("http://{}", listener.local_addr().unwrap());
        let public = url.parse().unwrap();
        let app = TestApp::with(|builder| settings(builder.public_url(public)), api).await;
        let (stop, stopped) = oneshot::channel();
        let router = app.router().clone();
        let serving = tokio::spawn(async move {
            let shutdown = async {
                let _ = stopped.await;
            };
            listener::serve(router, listener, shutdown, listener::Limits::default()).await;
        });
        Self {
            app,
            url,
            stop: Some(stop),
            serving,
        }
    }

    /// Ends it: nobody answers at its address any more.
    async fn stop(mut self) -> TestApp {
        self.stop.take().unwrap().send(()).unwrap();
        self.serving.await.unwrap();
        self.app
    }

    fn environment(&self) -> Environment {
        environment(&self.app.clock, 99)
    }

    fn remote(&self) -> Builder {
        Remote::builder(&self.url)
            .environment(self.environment())
            .dangerous_allow_loopback()
    }
}

/// A resource server with the application on it.
struct Detached {
    _remote: Remote,
    router: Router,
}

impl Detached {
    async fn of(builder: Builder) -> Self {
        let remote = builder.open().await.unwrap();
        let api = blog().nest("/health", remote.health_routes());
        let router = api.into_router(remote.gate().clone()).unwrap();
        Self {
            _remote: remote,
            router,
        }
    }

    fn request(&self, method: &str, path: &str) -> Request {
        Request::new(&self.router, method.parse().unwrap(), path)
    }

    async fn get(&self, path: &str, token: &str) -> Answer {
        self.request("GET", path).bearer(token).send().await
    }
}

/// An account with a permission and a role that says another, and its tokens of now.
async fn editor(app: &TestApp) -> Account {
    let user = app.user_with("editor@example.com", &["remote:read"]).await;
    let permit = portcullis_identity::Permit::<roles::MayGive>::dangerous_for_operator();
    let roles = app.portcullis.roles();
    assert!(
        roles
            .create(&permit, "editor", "", app.by_operator())
            .await
            .is_ok()
    );
    app.assign(&user, "editor").await;
    app.log_in("editor@example.com").await
}

// Shows: TK-3
#[tokio::test]
async fn attributes_in_tokens_are_attributes_afar_if_they_are_of_the_declared_type() {
    checks!("T227");
    const DEPARTMENT: Attribute<String> = Attribute::new("department").in_tokens();
    const LEVEL: Attribute<i64> = Attribute::new("level").in_tokens();
    const SECRET: Attribute<String> = Attribute::new("secret");
    /// Declared here as something else than what the issuer says.
    const AS_TEXT: Attribute<String> = Attribute::new("level");

    async fn desk(who: Allow<Authenticated>) -> Json<Value> {
        Json(json!([
            who.attribute(DEPARTMENT),
            who.attribute(LEVEL),
            who.attribute(AS_TEXT),
            who.attribute(SECRET)
        ]))
    }
    let issuer = Issuer::with(|builder| {
        builder
            .attribute(DEPARTMENT)
            .attribute(LEVEL)
            .attribute(SECRET)
            .on_registration("all", |new| async move {
                let all = [DEPARTMENT.set("sales"), LEVEL.set(7), SECRET.set("canary")];
                new.set(all).await
            })
    })
    .await;
    let anna = issuer.app.user("anna@example.com").await;
    let ask = async |builder: Builder| {
        let remote = builder.open().await.unwrap();
        let router = Api::new("Desk", "1")
            .get("/desk", desk)
            .into_router(remote.gate().clone())
            .unwrap();
        let request = Request::new(&router, http::Method::GET, "/desk");
        request.bearer(&anna.access_token).send().await.expect(200).json()
    };
    assert_eq!(ask(issuer.remote()).await, json!([null, null, null, null]));
    let both = issuer
        .remote()
        .attribute(DEPARTMENT)
        .attribute(LEVEL)
        .attribute(SECRET);
    assert_eq!(ask(both).await, json!(["sales", 7, null, null]));
    let other = issuer.remote().attribute(AS_TEXT);
    assert_eq!(ask(other).await, json!([null, null, null, null]));
    let twice = issuer.remote().attribute(LEVEL).attribute(AS_TEXT);
    assert!(matches!(twice.open().await, Err(RemoteError::Attribute(_))));
}

// Shows: TK-3
#[tokio::test]
async fn the_same_handlers_answer_the_same_embedded_and_detached() {
    checks!("T056");
    let issuer = Issuer::start().await;
    let editor = editor(&issuer.app).await;
    let nobody = issuer.app.user("nobody@example.com").await;
    let narrow = log_in_with(
        &issuer.app,
        "editor@example.com",
        &json!({ "scope": "remote:read" }),
    )
    .await;
    let narrow = narrow.expect(200).json()["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    let detached = Detached::of(issuer.remote()).await;
    for (who, token) in [
        ("editor", editor.access_token.as_str()),
        ("nobody", &nobody.access_token),
        ("narrowed", &narrow),
        ("garbage", "a.b.c"),
    ] {
        for (method, path) in [
            ("GET", "/posts"),
            ("POST", "/posts"),
            ("PUT", "/posts"),
            ("GET", "/fresh"),
            ("GET", "/strong"),
            ("GET", "/either"),
            ("GET", "/inside"),
            ("GET", "/greet"),
            ("GET", "/status"),
        ] {
            let embedded = issuer
                .app
                .request(method.parse().unwrap(), &format!("/blog{path}"));
            let embedded = embedded.bearer(token).send().await;
            let detached = detached.request(method, path).bearer(token).send().await;
            assert_eq!(
                (embedded.status(), code(&embedded)),
                (detached.status(), code(&detached)),
                "{who}: {method} {path}"
            );
            if embedded.status() == 200 {
                assert_eq!(embedded.text(), detached.text(), "{who}: {method} {path}");
            }
        }
    }
    assert_eq!(detached.get("/posts", &editor.access_token).await.status(), 200);
    assert_eq!(detached.get("/posts", &narrow).await.status(), 200);
    assert_eq!(detached.get("/posts", &nobody.access_token).await.status(), 403);
}

fn code(answer: &Answer) -> Option<String> {
    let body = serde_json::from_str::<Value>(answer.text()).ok()?;
    Some(body["code"].as_str()?.to_owned())
}

// Shows: TK-3
#[tokio::test]
async fn a_token_for_one_application_is_refused_by_its_issuer_and_by_another() {
    checks!("T094");
    const BLOG: &str = "https://blog.example.com";
    const SHOP: &str = "https://shop.example.com";
    let issuer = Issuer::with(|builder| builder.resource(BLOG).resource(SHOP)).await;
    let app = &issuer.app;
    app.administrator("root@example.com").await;
    let remote = async |audience: &str| Detached::of(issuer.remote().audience(audience)).await;
    let (blog, shop) = (remote(BLOG).await, remote(SHOP).await);
    let careless = Detached::of(issuer.remote()).await;

    let login = log_in_with(app, "root@example.com", &json!({ "resource": BLOG })).await;
    let login = login.expect(200).json();
    let form = [
        ("grant_type", "password"),
        ("username", "root@example.com"),
        ("password", PASSWORD),
        ("resource", BLOG),
    ];
    let by_form = app
        .post("/oauth/token")
        .form(&form)
        .send()
        .await
        .expect(200)
        .json();
    let refresh_token = text(&login, "refresh_token");
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", &refresh_token),
        ("resource", BLOG),
    ];
    let refreshed = app
        .post("/oauth/token")
        .form(&form)
        .send()
        .await
        .expect(200)
        .json();
    for (how, tokens) in [("login", &login), ("form", &by_form), ("refresh", &refreshed)] {
        let token = text(tokens, "access_token");
        let status = async |detached: &Detached| detached.get("/posts", &token).await.status();
        assert_eq!(status(&blog).await, 200, "{how}");
        assert_eq!(status(&shop).await, 401, "{how}: at another application");
        assert_eq!(
            status(&careless).await,
            401,
            "{how}: at one that insists on the issuer's"
        );
        for path in ["/blog/posts", "/auth/me", "/admin/api/v1/accounts"] {
            let refused = app
                .get(path)
                .bearer(&token)
                .send()
                .await
                .refused(401, "invalid_token");
            assert_eq!(refused.code(), "invalid_token", "{how}: {path} at the issuer");
        }
    }
    // The next refresh names another application, or none: the session is what it was.
    let own = refresh(app, &text(&refreshed, "refresh_token"))
        .await
        .expect(200)
        .json();
    let token = text(&own, "access_token");
    app.get("/auth/me").bearer(&token).send().await.expect(200);
    for detached in [&blog, &shop] {
        detached.get("/posts", &token).await.refused(401, "invalid_token");
    }
    // The issuer takes its word back, whoever it was for.
    let revoked = text(&refreshed, "access_token");
    app.post("/oauth/revoke")
        .form(&[("token", &revoked)])
        .send()
        .await
        .expect(200);
    assert_eq!(events(app, "token.revoked").await.len(), 1);
}

// Shows: AZ-1
#[tokio::test]
async fn permissions_declared_at_an_issuer_that_only_has_accounts_reach_the_application() {
    let issuer = Issuer::of(Portcullis::api).await;
    let app = &issuer.app;
    let root = app.administrator("root@example.com").await;
    let admin = async |method: &str, path: &str, body: Value| {
        let request = app.request(method.parse().unwrap(), &format!("/admin/api/v1{path}"));
        let answer = request.bearer(&root.access_token).json(&body).send().await;
        answer.expect(204);
    };
    app.user("writer@example.com").await;
    let writer = app.log_in("writer@example.com").await;
    // The application has not been started yet: here nobody's code names its permissions.
    let description = json!({ "description": "Read and write posts" });
    for name in ["remote-alone:read", "remote-alone:write"] {
        admin("PUT", &format!("/permissions/{name}"), description.clone()).await;
    }
    admin("POST", "/roles", json!({ "name": "writer" })).await;
    for name in ["remote-alone:read", "remote-alone:write"] {
        admin("PUT", &format!("/roles/writer/permissions/{name}"), json!({})).await;
    }
    admin("PUT", &format!("/accounts/{}/roles/writer", writer.id), json!({})).await;
    let whole = app.log_in("writer@example.com").await.access_token;
    let narrow = json!({ "scope": "remote-alone:read" });
    let narrow = log_in_with(app, "writer@example.com", &narrow)
        .await
        .expect(200)
        .json()["access_token"]
        .as_str()
        .unwrap()
        .to_owned();

    permissions! {
        AloneRead = "remote-alone:read": "Read posts";
        AloneWrite = "remote-alone:write": "Write posts";
    }
    async fn read(_: Allow<AloneRead>) {}
    async fn write(_: Allow<AloneWrite>) {}
    let remote = issuer.remote().open().await.unwrap();
    let api = Api::new("Blog", "1").get("/posts", read).post("/posts", write);
    let router = api.into_router(remote.gate().clone()).unwrap();
    for (token, method, status) in [
        (&whole, "GET", 200),
        (&whole, "POST", 200),
        (&narrow, "GET", 200),
        (&narrow, "POST", 403),
        // Issued before the role was given.
        (&writer.access_token, "GET", 403),
    ] {
        let asked = Request::new(&router, method.parse().unwrap(), "/posts").bearer(token);
        asked.send().await.expect(status);
    }
}

#[tokio::test]
async fn only_signed_tokens_are_honoured_and_the_refusal_says_so() {
    checks!("T056");
    let issuer = Issuer::start().await;
    let editor = editor(&issuer.app).await;
    let session = session_of(&issuer.app, "editor@example.com").await;
    let detached = Detached::of(issuer.remote()).await;
    let get = || detached.request("GET", "/posts");
    for (how, request) in [
        ("bearer", get().bearer(&session)),
        ("header", get().header("x-session-token", &session)),
        ("cookie", get().cookie(&session)),
        ("basic", get().header("authorization", "Basic YW5uYTpwYXNz")),
        ("visitor", detached.request("GET", "/greet").bearer(&session)),
        (
            "no kind is left",
            detached.request("GET", "/session").bearer(&editor.access_token),
        ),
    ] {
        let refused = request.send().await.refused(401, "credential_not_accepted");
        assert_eq!(refused.code(), "credential_not_accepted", "{how}");
        assert!(!refused.text().contains("session, "), "{how}: {}", refused.text());
    }
    let nothing = get().send().await.refused(401, "authentication_required");
    assert_eq!(nothing.code(), "authentication_required");
    assert!(nothing.text().contains("credential: jwt\""), "{}", nothing.text());
    let twice = get().bearer(&editor.access_token).cookie(&session).send().await;
    assert_eq!(twice.expect(400).code(), "multiple_credentials");
}

#[tokio::test]
async fn the_docs_of_a_resource_server_ask_for_what_it_honours() {
    checks!("T018");
    let issuer = Issuer::start().await;
    let detached = Detached::of(issuer.remote()).await;
    let document = detached
        .request("GET", "/openapi.json")
        .send()
        .await
        .expect(200)
        .json();
    let security = &document["paths"]["/posts"]["get"]["security"];
    assert_eq!(
        *security,
        json!([{ "bearer": ["remote:read"] }]),
        "nobody gives tokens for a password here"
    );
    assert_eq!(document["components"]["securitySchemes"].get("oauth2"), None);
    let nobody_passes = &document["paths"]["/session"]["get"]["security"];
    assert_ne!(*nobody_passes, json!([]), "no list would read: open to anybody");
}

// Shows: TK-3
#[tokio::test]
async fn tokens_of_new_and_old_keys_pass_while_the_keys_roll_over() {
    let issuer = Issuer::start().await;
    let detached = Detached::of(issuer.remote()).await;
    let mut users = vec![editor(&issuer.app).await];
    assert_eq!(detached.get("/posts", &users[0].access_token).await.status(), 200);
    // The first rotation is known beforehand, the second one makes the resource server ask.
    for _ in 0..2 {
        issuer.app.clock.advance_secs(10);
        let keyring = issuer.app.portcullis.signing_keys();
        assert!(
            keyring
                .rotate_at_once(
                    &portcullis_identity::Permit::dangerous_for_operator(),
                    issuer.app.by_operator()
                )
                .await
                .unwrap()
        );
        users.push(issuer.app.log_in("editor@example.com").await);
        for user in &users {
            assert_eq!(detached.get("/posts", &user.access_token).await.status(), 200);
        }
    }
}

// Shows: TK-3
#[tokio::test]
async fn a_first_start_without_the_issuer_is_503_and_heals_by_itself() {
    checks!("T053");
    // A port that nobody else is given, and on which nobody listens yet.
    let kept = TcpSocket::new_v4().unwrap();
    kept.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = kept.local_addr().unwrap();
    let clock = Arc::new(FakeClock::new());
    let builder = Remote::builder(&format!("http://{address}"))
        .environment(environment(&clock, 5))
        .dangerous_allow_loopback();
    let detached = Detached::of(builder).await;
    for _ in 0..3 {
        let answer = detached.get("/posts", "a.b.c").await.refused(503, "unavailable");
        assert_eq!(answer.code(), "unavailable");
        let wait: u64 = answer.header("retry-after").parse().unwrap();
        assert!((1..=60).contains(&wait), "{wait}");
    }
    assert_eq!(detached.request("GET", "/status").send().await.status(), 200);
    assert_eq!(detached.request("GET", "/health/live").send().await.status(), 200);
    assert_eq!(
        detached.request("GET", "/health/ready").send().await.status(),
        503
    );

    let issuer = Issuer::on(kept.listen(64).unwrap(), |builder| builder).await;
    let editor = editor(&issuer.app).await;
    clock.advance_secs(60);
    assert_eq!(
        detached.request("GET", "/health/ready").send().await.status(),
        200
    );
    assert_eq!(detached.get("/posts", &editor.access_token).await.status(), 200);
    detached
        .get("/posts", "a.b.c")
        .await
        .refused(401, "invalid_token");
}

#[tokio::test]
async fn an_issuer_that_goes_away_is_survived_for_a_day() {
    let issuer = Issuer::start().await;
    let editor = editor(&issuer.app).await;
    let detached = Detached::of(issuer.remote()).await;
    assert_eq!(detached.get("/posts", &editor.access_token).await.status(), 200);
    let app = issuer.stop().await;
    app.clock.advance_secs(23 * 3_600);
    let later = app.log_in("editor@example.com").await;
    assert_eq!(detached.get("/posts", &later.access_token).await.status(), 200);
    assert_eq!(
        detached.request("GET", "/health/ready").send().await.status(),
        200
    );
    app.clock.advance_secs(3_600);
    let later = app.log_in("editor@example.com").await;
    assert_eq!(detached.get("/posts", &later.access_token).await.status(), 503);
    assert_eq!(
        detached.request("GET", "/health/ready").send().await.status(),
        503
    );
}

#[tokio::test]
async fn what_the_issuer_revokes_is_refused_here_when_the_token_ends() {
    let issuer = Issuer::start().await;
    let editor = editor(&issuer.app).await;
    let detached = Detached::of(issuer.remote()).await;
    let token = editor.access_token.as_str();
    issuer
        .app
        .post("/auth/logout/all")
        .bearer(token)
        .send()
        .await
        .expect(204);
    issuer
        .app
        .get("/blog/posts")
        .bearer(token)
        .send()
        .await
        .refused(401, "invalid_token");
    // Fifteen minutes and the leeway of thirty seconds.
    detached.get("/posts", token).await.expect(200);
    issuer.app.clock.advance_secs(15 * 60 + 29);
    detached.get("/posts", token).await.expect(200);
    issuer.app.clock.advance_secs(1);
    assert_eq!(
        detached.get("/posts", token).await.expect(401).code(),
        "invalid_token"
    );
}

#[tokio::test]
async fn a_login_is_fresh_afar_until_the_second_it_is_stale() {
    let issuer = Issuer::start().await;
    let editor = editor(&issuer.app).await;
    let detached = Detached::of(issuer.remote()).await;
    issuer.app.clock.advance_secs(299);
    detached.get("/fresh", &editor.access_token).await.expect(200);
    issuer.app.clock.advance_secs(1);
    let stale = detached
        .get("/fresh", &editor.access_token)
        .await
        .refused(401, "login_too_old");
    assert_eq!(stale.code(), "login_too_old");
}

#[tokio::test]
async fn tokens_of_another_audience_issuer_or_key_are_refused() {
    checks!("T055");
    let issuer = Issuer::start().await;
    let other = Issuer::start().await;
    let (good, foreign) = (editor(&issuer.app).await, editor(&other.app).await);
    let detached = Detached::of(issuer.remote()).await;
    detached.get("/posts", &good.access_token).await.expect(200);
    detached
        .get("/posts", &foreign.access_token)
        .await
        .refused(401, "invalid_token");
    let elsewhere = Detached::of(issuer.remote().audience("another")).await;
    elsewhere
        .get("/posts", &good.access_token)
        .await
        .refused(401, "invalid_token");
    let strict = Detached::of(issuer.remote().algorithms([Algorithm::EdDSA])).await;
    strict
        .get("/posts", &good.access_token)
        .await
        .refused(401, "invalid_token");
    // The refresh token and a token with its signature cut off.
    let cut = good.access_token.rsplit_once('.').unwrap().0;
    for token in [good.refresh_token.as_str(), cut, &format!("{cut}.")] {
        detached.get("/posts", token).await.refused(401, "invalid_token");
    }
}

#[tokio::test]
async fn a_token_of_a_purpose_opens_nothing_afar() {
    checks!("T217");
    const LINK: Purpose<Value> = Purpose::new("link");
    let issuer = Issuer::start().await;
    let editor = editor(&issuer.app).await;
    let detached = Detached::of(issuer.remote()).await;
    let tokens = issuer.app.portcullis.tokens_for(LINK);
    let claims = json!({ "roles": ["editor"], "entitlements": ["remote:read"] });
    let link = tokens.sign(&claims, Some(editor.id), std::time::Duration::from_secs(60));
    let link = link.unwrap();
    assert!(tokens.verify(&link).is_ok());
    detached.get("/posts", &editor.access_token).await.expect(200);
    detached.get("/posts", &link).await.refused(401, "invalid_token");
}

#[tokio::test]
async fn a_shared_secret_can_not_be_followed() {
    let issuer = Issuer::with(|builder| builder.algorithm(Algorithm::HS256)).await;
    let editor = editor(&issuer.app).await;
    let detached = Detached::of(issuer.remote()).await;
    issuer
        .app
        .get("/blog/posts")
        .bearer(&editor.access_token)
        .send()
        .await
        .expect(200);
    detached
        .get("/posts", &editor.access_token)
        .await
        .refused(401, "invalid_token");
}

#[tokio::test]
async fn tokens_that_carry_nothing_allow_nothing_afar() {
    checks!("T056");
    let tokens = portcullis_core::token::Settings {
        carry_permissions: false,
        ..portcullis_core::token::Settings::default()
    };
    let issuer = Issuer::with(|builder| builder.tokens(tokens)).await;
    let editor = editor(&issuer.app).await;
    let detached = Detached::of(issuer.remote()).await;
    issuer
        .app
        .get("/blog/posts")
        .bearer(&editor.access_token)
        .send()
        .await
        .expect(200);
    let refused = detached
        .get("/posts", &editor.access_token)
        .await
        .refused(403, "missing_permission");
    assert_eq!(refused.code(), "missing_permission");
    detached
        .request("PUT", "/posts")
        .bearer(&editor.access_token)
        .send()
        .await
        .refused(403, "missing_role");
    // Narrowed tokens say what they may.
    let narrow = log_in_with(
        &issuer.app,
        "editor@example.com",
        &json!({ "scope": "remote:read" }),
    )
    .await;
    let narrow = narrow.expect(200).json()["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    detached.get("/posts", &narrow).await.expect(200);
}

#[tokio::test]
async fn what_is_too_long_for_a_token_is_left_out_of_it() {
    checks!("T056");
    let issuer = Issuer::start().await;
    let app = &issuer.app;
    let user = app.user_with("many@example.com", &["remote:read"]).await;
    let detached = Detached::of(issuer.remote()).await;
    detached
        .get("/posts", &app.log_in(&user.email).await.access_token)
        .await
        .expect(200);
    let permit = portcullis_identity::Permit::<roles::MayGive>::dangerous_for_operator();
    for n in 0..130 {
        let role = format!("r{n:063}");
        assert!(
            app.portcullis
                .roles()
                .create(&permit, &role, "", app.by_operator())
                .await
                .is_ok()
        );
        app.assign(&user, &role).await;
    }
    let token = app.log_in(&user.email).await.access_token;
    assert!(token.len() < 2_048, "{}", token.len());
    app.get("/blog/posts").bearer(&token).send().await.expect(200);
    detached
        .get("/posts", &token)
        .await
        .refused(403, "missing_permission");
}

#[tokio::test]
async fn the_metadata_says_what_there_is_and_nothing_else() {
    let issuer = Issuer::start().await;
    let at = |path: &str| format!("{}{path}", issuer.url);
    let answer = issuer
        .app
        .get("/.well-known/oauth-authorization-server")
        .send()
        .await
        .expect(200);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "public, max-age=3600");
    assert_eq!(
        answer.json(),
        json!({
            "issuer": issuer.url,
            "token_endpoint": at("/oauth/token"),
            "token_endpoint_auth_methods_supported": ["none"],
            "revocation_endpoint": at("/oauth/revoke"),
            "revocation_endpoint_auth_methods_supported": ["none"],
            "jwks_uri": at("/.well-known/jwks.json"),
            "response_types_supported": [],
            "id_token_signing_alg_values_supported": ["ES256"],
            "grant_types_supported": ["password", "refresh_token"],
        })
    );
    issuer
        .app
        .get("/.well-known/openid-configuration")
        .send()
        .await
        .refused(404, "not_found");

    let without = TestApp::with(|builder| builder.password_grant(false), Portcullis::api).await;
    let said = without
        .get("/.well-known/oauth-authorization-server")
        .send()
        .await
        .expect(200)
        .json();
    assert_eq!(said["grant_types_supported"], json!(["refresh_token"]));
    assert_eq!(said["issuer"], "https://id.example.com");

    for other in ["another", "https://elsewhere.example"] {
        let tokens = portcullis_core::token::Settings {
            issuer: other.to_owned(),
            ..portcullis_core::token::Settings::default()
        };
        let app = TestApp::with(|builder| builder.tokens(tokens), Portcullis::api).await;
        let answer = app
            .get("/.well-known/oauth-authorization-server")
            .send()
            .await
            .refused(404, "no_public_address");
        assert_eq!(answer.code(), "no_public_address", "{other}");
    }
}

#[tokio::test]
async fn a_challenge_names_the_realm_of_the_resource_server() {
    let issuer = Issuer::start().await;
    let detached = Detached::of(issuer.remote().realm("Blog, internal")).await;
    let answer = detached
        .request("GET", "/posts")
        .send()
        .await
        .refused(401, "authentication_required");
    assert_eq!(
        answer.header("www-authenticate"),
        "Bearer realm=\"Blog, internal\""
    );
}

#[tokio::test]
async fn addresses_that_are_no_issuers_are_refused_at_once() {
    checks!("T052");
    for text in [
        "",
        "id.example.com",
        "http://id.example.com",
        "http://127.0.0.1:8080",
        "ftp://id.example.com",
        "file:///etc/passwd",
        "https://",
        "https://user@id.example.com",
        "https://user:secret@id.example.com",
        "https://id.example.com?x=1",
        "https://id.example.com#x",
        "https://id.example.com\\@evil.example",
        " https://id.example.com",
        "https://id.exa\tmple.com",
    ] {
        let refused = Remote::builder(text).open().await.unwrap_err();
        assert!(matches!(refused, RemoteError::Issuer(_)), "{text}: {refused}");
    }
    let symmetric = Remote::builder("https://id.example.com").algorithms([Algorithm::HS256]);
    assert!(matches!(symmetric.open().await, Err(RemoteError::Symmetric(_))));
    let none = Remote::builder("https://id.example.com").algorithms([]);
    assert!(matches!(none.open().await, Err(RemoteError::NoAlgorithm)));
    let roots = Remote::builder("https://id.example.com").root_certificates(b"none");
    assert!(matches!(roots.open().await, Err(RemoteError::Roots(_))));
    let realm = Remote::builder("https://id.example.com").realm("a\"b");
    assert!(matches!(realm.open().await, Err(RemoteError::Realm(_))));
    let plain = Remote::builder("http://127.0.0.1:9").dangerous_allow_loopback();
    assert!(plain.open().await.is_ok());
}

#[tokio::test]
async fn a_resource_that_is_none_is_refused_at_the_start() {
    let open = |resource: &'static str| {
        Portcullis::builder()
            .database("sqlite::memory:")
            .resource(resource)
            .open()
    };
    for resource in ["blog", "https://blog.example.com#x", "https:", ""] {
        let refused = open(resource).await.unwrap_err();
        assert!(matches!(refused, OpenError::Resource(_)), "{resource}: {refused}");
    }
    let tokens = portcullis_core::token::Settings {
        audience: "https://id.example.com".to_owned(),
        ..portcullis_core::token::Settings::default()
    };
    let own = Portcullis::builder()
        .database("sqlite::memory:")
        .tokens(tokens)
        .resource("https://id.example.com");
    assert!(matches!(own.open().await, Err(OpenError::Resource(_))));
}

#[tokio::test]
async fn data_in_a_cookie_outlives_the_process_under_a_given_master_key() {
    async fn count(_: Public, mut seen: CookieSession<u32>) -> Result<String, Problem> {
        let before = *seen.get();
        seen.insert(before + 1)?;
        Ok(before.to_string())
    }
    let clock = Arc::new(FakeClock::new());
    let key = MasterKey::generate(&environment(&clock, 7));
    let start = async |key: Option<&MasterKey>, seed: u64| {
        let mut builder = Remote::builder("https://id.example.com").environment(environment(&clock, seed));
        if let Some(key) = key {
            builder = builder.master_key(key.clone());
        }
        let remote = builder.open().await.unwrap();
        let api = Api::new("Counter", "1").get("/count", count);
        api.into_router(remote.gate().clone()).unwrap()
    };
    let first = start(Some(&key), 1).await;
    let ask = |router: &Router| Request::new(router, "GET".parse().unwrap(), "/count");
    let answer = ask(&first).send().await.expect(200);
    let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
    for (router, seen) in [(start(Some(&key), 2).await, "1"), (start(None, 3).await, "0")] {
        let answer = ask(&router).header("cookie", &cookie).send().await.expect(200);
        assert_eq!(answer.text(), seen);
    }
}

// Shows: TK-3
#[cfg(feature = "policies")]
#[tokio::test]
async fn policies_in_a_folder_decide_detached_as_they_do_embedded() {
    use portcullis_identity::{Policy, actions};
    actions! {
        Export = "remote-reports:export";
    }
    async fn export(_: Allow<Policy<Export>>) {}
    let api = || Api::new("Reports", "1").get("/export", export);
    let text = r#"permit(principal, action == Action::"remote-reports:export", resource)
        when { context.permissions.contains("remote:read") };"#;
    let folder = tempfile::tempdir().unwrap();
    let write = |text: &str| std::fs::write(folder.path().join("a.cedar"), text).unwrap();
    write("permit(principal, action, resource) when { principal.nonsense };");
    let issuer = Issuer::start().await;
    let editor = editor(&issuer.app).await;
    let nobody = issuer.app.user("nobody@example.com").await;

    let remote = issuer.remote().policies(folder.path()).open().await.unwrap();
    assert!(remote.router(api()).await.is_err(), "the policies are wrong");
    write(text);
    let router = remote.router(api()).await.unwrap();
    let status = async |account: &Account| {
        let asked = Request::new(&router, "GET".parse().unwrap(), "/export").bearer(&account.access_token);
        asked.send().await.status()
    };
    assert_eq!(status(&editor).await, 200);
    assert_eq!(status(&nobody).await, 403);

    write("forbid(principal, action, resource);");
    for _ in 0..2 {
        remote.watch_policies().await.unwrap();
    }
    assert_eq!(
        status(&editor).await,
        403,
        "a change is loaded when it stood still"
    );
    assert_eq!(remote.policy_status().generation, 2);
}

#[tokio::test]
async fn an_issuer_that_ends_in_a_slash_is_refused() {
    let tokens = portcullis_core::token::Settings {
        issuer: "https://id.example.com/".to_owned(),
        ..portcullis_core::token::Settings::default()
    };
    let builder = Portcullis::builder().database("sqlite::memory:");
    let refused = builder.tokens(tokens).open().await;
    assert!(matches!(refused, Err(OpenError::Issuer)));
}

const DOWNLOAD: Purpose<Value> = Purpose::new("download");
const OTHER: Purpose<Value> = Purpose::new("other");

// Shows: TK-6, TK-3
#[tokio::test]
async fn a_token_of_a_purpose_is_verified_by_the_published_keys() {
    checks!("T217");
    checks!("T242");
    let issuer = Issuer::start().await;
    let remote = issuer.remote().open().await.unwrap();
    let (here, there) = (
        remote.tokens_for(DOWNLOAD),
        issuer.app.portcullis.tokens_for(DOWNLOAD),
    );
    let anna = issuer.app.user("anna@example.com").await;
    let claims = json!({ "file": "report.pdf" });
    let minute = std::time::Duration::from_secs(60);
    let token = there.sign(&claims, Some(anna.id), minute).unwrap();
    let read = here.verify(&token).await.unwrap();
    assert_eq!((read.claims, read.subject), (claims.clone(), Some(anna.id)));
    let once = issuer.app.portcullis.kept_tokens_for(DOWNLOAD.once());
    let once = once.sign(&claims, None, minute).unwrap();
    for (refused, why) in [
        (&*once, InvalidToken::WrongType),
        (&*anna.access_token, InvalidToken::WrongType),
        ("a.b.c", InvalidToken::Malformed),
    ] {
        let verified = here.verify(refused).await;
        assert!(
            matches!(&verified, Err(RemoteTokenError::Invalid(is)) if *is == why),
            "{verified:?}"
        );
    }
    let other = remote.tokens_for(OTHER).verify(&token).await;
    assert!(matches!(
        other,
        Err(RemoteTokenError::Invalid(InvalidToken::WrongType))
    ));
    issuer.app.clock.advance(minute);
    let late = here.verify(&token).await;
    assert!(matches!(
        late,
        Err(RemoteTokenError::Invalid(InvalidToken::Expired))
    ));
    // The issuer may be gone, as long as its keys are known.
    let token = there.sign(&claims, None, minute).unwrap();
    issuer.stop().await;
    here.verify(&token).await.unwrap();
}

#[tokio::test]
async fn without_the_issuers_keys_no_token_of_a_purpose_is_believed() {
    let issuer = Issuer::start().await;
    let remote = issuer.remote().open().await.unwrap();
    let there = issuer.app.portcullis.tokens_for(DOWNLOAD);
    let token = there
        .sign(&json!({}), None, std::time::Duration::from_secs(60))
        .unwrap();
    issuer.stop().await;
    let verified = remote.tokens_for(DOWNLOAD).verify(&token).await;
    assert!(
        matches!(verified, Err(RemoteTokenError::Fault(_))),
        "{verified:?}"
    );
}
