//! A whole deployment in a test.

use std::panic::Location;
use std::sync::Arc;

use axum::Router;
use http::Method;
use portcullis_core::authz::Permit;
use portcullis_core::environment::Clock as _;
use portcullis_core::roles::MayGive;
use portcullis_core::{account, audit, password};
use portcullis_identity::{Api, Builder, Dependencies, Portcullis};
use serde_json::{Value, json};

use crate::documented::Documented;
use crate::{Answer, FakeClock, FakeMailer, Request, environment};

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
    dependencies: Dependencies,
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
        let dependencies = api.dependencies();
        let router = portcullis.router(api).await.unwrap();
        Self {
            portcullis,
            clock,
            mailer,
            router,
            documented,
            dependencies,
        }
    }

    /// Puts another value in the place of one that the API [provides](Api::provide), for all requests from now on.
    ///
    /// # Panics
    /// If the API provides nothing of this type: a trait object is of another type than what is behind it, so name the
    /// trait, `app.replace::<dyn Weather>(Arc::new(Rain))`.
    #[track_caller]
    pub fn replace<T: ?Sized + Send + Sync + 'static>(&self, value: Arc<T>) {
        let name = std::any::type_name::<T>();
        assert!(self.dependencies.replace(value), "the API provides no {name}");
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
    #[track_caller]
    pub fn user<'a>(&'a self, email: &'a str) -> impl Future<Output = Account> + 'a {
        self.user_at(email, Location::caller())
    }

    /// Logs an account with [`PASSWORD`] in once more.
    #[track_caller]
    pub fn log_in<'a>(&'a self, email: &'a str) -> impl Future<Output = Account> + 'a {
        self.log_in_at(email, Location::caller())
    }

    /// An account with exactly these permissions, given through a role of its own, and logged in.
    #[track_caller]
    pub fn user_with<'a>(
        &'a self,
        email: &'a str,
        permissions: &'a [&'a str],
    ) -> impl Future<Output = Account> + 'a {
        let caller = Location::caller();
        async move {
            let user = self.user_at(email, caller).await;
            let role = format!("r-{}", user.id.as_uuid().simple());
            let permit = Permit::<MayGive>::dangerous_for_operator();
            let roles = self.portcullis.roles();
            let created = roles.create(&permit, &role, "made for a test", self.by_operator());
            done(created.await, caller);
            for permission in permissions {
                done(
                    roles.allow(&permit, &role, permission, self.by_operator()).await,
                    caller,
                );
            }
            self.assign_at(&user, &role, caller).await;
            user
        }
    }

    /// Gives an account a role.
    #[track_caller]
    pub fn assign<'a>(&'a self, user: &'a Account, role: &'a str) -> impl Future<Output = ()> + 'a {
        self.assign_at(user, role, Location::caller())
    }

    /// An administrator, logged in.
    #[track_caller]
    pub fn administrator<'a>(&'a self, email: &'a str) -> impl Future<Output = Account> + 'a {
        let caller = Location::caller();
        async move {
            let user = self.user_at(email, caller).await;
            self.assign_at(&user, portcullis_core::scopes::ADMINISTRATOR, caller)
                .await;
            user
        }
    }

    async fn user_at(&self, email: &str, caller: &'static Location<'static>) -> Account {
        let body = json!({ "email": email, "password": PASSWORD });
        self.ask("/auth/register", &body, 201, caller).await;
        self.log_in_at(email, caller).await
    }

    async fn log_in_at(&self, email: &str, caller: &'static Location<'static>) -> Account {
        let body = json!({ "identifier": email, "password": PASSWORD });
        let tokens = self.ask("/auth/login", &body, 200, caller).await;
        let text = |name: &str| tokens[name].as_str().unwrap().to_owned();
        let me = self.get("/auth/me").bearer(&text("access_token")).send().await;
        let me = expected(me, 200, caller).json();
        Account {
            id: me["id"].as_str().unwrap().parse().unwrap(),
            email: email.to_owned(),
            access_token: text("access_token"),
            refresh_token: text("refresh_token"),
            session_id: text("session_id"),
        }
    }

    async fn assign_at(&self, user: &Account, role: &str, caller: &'static Location<'static>) {
        let permit = Permit::<MayGive>::dangerous_for_operator();
        let roles = self.portcullis.roles();
        done(
            roles.assign(&permit, user.id, role, self.by_operator()).await,
            caller,
        );
    }

    async fn ask(&self, path: &str, body: &Value, status: u16, caller: &'static Location<'static>) -> Value {
        expected(self.post(path).json(body).send().await, status, caller).json()
    }
}

/// The answer, if it has this status; otherwise the test that called stops.
fn expected(answer: Answer, status: u16, caller: &Location<'_>) -> Answer {
    let (found, text) = (answer.status(), String::from_utf8_lossy(answer.bytes()));
    assert_eq!(found, status, "{caller}: {text}");
    answer
}

/// Stops the test that called if something it needs could not be done.
fn done<T, E: std::fmt::Display>(result: Result<T, E>, caller: &Location<'_>) {
    if let Err(error) = result {
        panic!("{caller}: {error}");
    }
}

impl std::fmt::Debug for TestApp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TestApp").finish_non_exhaustive()
    }
}
