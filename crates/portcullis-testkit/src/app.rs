//! A whole deployment in a test.

use std::sync::Arc;

use axum::Router;
use http::Method;
use portcullis_core::authz::Permit;
use portcullis_core::environment::Clock as _;
use portcullis_core::roles::MayGive;
use portcullis_core::{account, audit, password};
use portcullis_identity::{Api, Builder, Portcullis};
use serde_json::json;

use crate::documented::Documented;
use crate::{FakeClock, FakeMailer, Request, environment};

/// A deployment on a database in memory, with its router.
pub struct TestApp {
    /// The deployment that the router serves.
    pub portcullis: Portcullis,
    /// The clock that the deployment runs by; it stands still until a test moves it.
    pub clock: Arc<FakeClock>,
    /// What the deployment mails.
    pub mailer: Arc<FakeMailer>,
    router: Router,
    documented: Option<Arc<Documented>>,
}

/// A registered and logged-in account.
#[derive(Debug, Clone)]
pub struct Account {
    /// The account's id.
    pub id: account::Id,
    /// The account's address, as it was registered.
    pub email: String,
    /// A good access token.
    pub access_token: String,
    /// The refresh token that came with it.
    pub refresh_token: String,
    /// The session of both.
    pub session_id: String,
}

/// The password of every [`TestApp::user`].
pub const PASSWORD: &str = "correct horse battery";

impl TestApp {
    /// With all of Portcullis' own routes.
    pub async fn new() -> Self {
        Self::with(|builder| builder, Portcullis::api).await
    }

    /// With settings and an API of your own.
    pub async fn with(
        settings: impl FnOnce(Builder) -> Builder,
        api: impl FnOnce(&Portcullis) -> Api,
    ) -> Self {
        let clock = Arc::new(FakeClock::new());
        let mailer = Arc::new(FakeMailer::default());
        let mut passwords = password::Settings::default();
        passwords.cost = password::Cost::DANGEROUSLY_CHEAP;
        // A test that calls a hundred times at once is about something else than a full queue.
        passwords.waiting = 1_024;
        let builder = Portcullis::builder()
            .database("sqlite::memory:")
            .environment(environment(&clock, 1))
            .mailer(Arc::clone(&mailer) as _)
            .public_url("https://id.example.com/".parse().unwrap())
            .passwords(passwords);
        let portcullis = settings(builder).open().await.unwrap();
        let api = api(&portcullis);
        let documented = Documented::of(&api);
        let router = portcullis.router(api).await.unwrap();
        Self {
            portcullis,
            clock,
            mailer,
            router,
            documented,
        }
    }

    /// The router itself, for a request that is made by hand.
    pub fn router(&self) -> &Router {
        &self.router
    }

    /// Begins a `GET` request.
    pub fn get(&self, path: &str) -> Request {
        self.request(Method::GET, path)
    }

    /// Begins a `POST` request.
    pub fn post(&self, path: &str) -> Request {
        self.request(Method::POST, path)
    }

    /// Begins a `PUT` request.
    pub fn put(&self, path: &str) -> Request {
        self.request(Method::PUT, path)
    }

    /// Begins a `PATCH` request.
    pub fn patch(&self, path: &str) -> Request {
        self.request(Method::PATCH, path)
    }

    /// Begins a `DELETE` request.
    pub fn delete(&self, path: &str) -> Request {
        self.request(Method::DELETE, path)
    }

    /// A request of any method.
    pub fn request(&self, method: Method, path: &str) -> Request {
        Request::new(&self.router, method, path)
            .behind(self.portcullis.gate())
            .documented(self.documented.clone())
    }

    /// Sends the e-mails that are due: after it, [`TestApp::mailer`] has everything that was written.
    pub async fn emails_sent(&self) {
        self.portcullis.send_emails().await.unwrap();
    }

    /// The circumstances of a change made by the test itself.
    pub fn by_operator(&self) -> audit::Context {
        audit::Context::operator(self.clock.now())
    }

    /// Registers an account with [`PASSWORD`] and logs it in.
    pub async fn user(&self, email: &str) -> Account {
        let body = json!({ "email": email, "password": PASSWORD });
        self.post("/auth/register").json(&body).send().await.expect(201);
        self.log_in(email).await
    }

    /// Logs an account with [`PASSWORD`] in once more.
    pub async fn log_in(&self, email: &str) -> Account {
        let body = json!({ "identifier": email, "password": PASSWORD });
        let tokens = self
            .post("/auth/login")
            .json(&body)
            .send()
            .await
            .expect(200)
            .json();
        let text = |name: &str| tokens[name].as_str().unwrap().to_owned();
        let me = self
            .get("/auth/me")
            .bearer(&text("access_token"))
            .send()
            .await
            .expect(200)
            .json();
        Account {
            id: me["id"].as_str().unwrap().parse().unwrap(),
            email: email.to_owned(),
            access_token: text("access_token"),
            refresh_token: text("refresh_token"),
            session_id: text("session_id"),
        }
    }

    /// An account with exactly these permissions, given through a role of its own, and logged in.
    pub async fn user_with(&self, email: &str, permissions: &[&str]) -> Account {
        let user = self.user(email).await;
        let role = format!("r-{}", user.id.as_uuid().simple());
        let permit = Permit::<MayGive>::dangerous_for_operator();
        let roles = self.portcullis.roles();
        assert!(
            roles
                .create(&permit, &role, "made for a test", self.by_operator())
                .await
                .is_ok()
        );
        for permission in permissions {
            assert!(
                roles
                    .allow(&permit, &role, permission, self.by_operator())
                    .await
                    .is_ok()
            );
        }
        self.assign(&user, &role).await;
        user
    }

    /// Gives an account a role.
    pub async fn assign(&self, user: &Account, role: &str) {
        let permit = Permit::<MayGive>::dangerous_for_operator();
        assert!(
            self.portcullis
                .roles()
                .assign(&permit, user.id, role, self.by_operator())
                .await
                .is_ok()
        );
    }

    /// An administrator, logged in.
    pub async fn administrator(&self, email: &str) -> Account {
        let user = self.user(email).await;
        self.assign(&user, portcullis_core::scopes::ADMINISTRATOR).await;
        user
    }
}

impl std::fmt::Debug for TestApp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TestApp").finish_non_exhaustive()
    }
}
