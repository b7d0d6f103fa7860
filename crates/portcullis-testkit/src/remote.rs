//! A resource server in a test, and the deployment whose tokens it honours.

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use http::Method;
use portcullis_identity::core::environment::Clock as _;
use portcullis_identity::core::key::Keyring;
use portcullis_identity::core::key::remote::{Fetch, FetchFailed, Published};
use portcullis_identity::remote::Builder;
use portcullis_identity::{Api, Remote};

use crate::{FakeClock, Request, TestApp, environment};

/// An application detached from its accounts: they live at the issuer, and tokens are all it knows of them. Both are on
/// the issuer's clock, and nothing goes over a socket.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use portcullis_identity::{Allow, Api, permissions};
/// use portcullis_testkit::RemoteApp;
///
/// permissions! { PostsRead = "posts:read": "Read posts"; }
///
/// async fn list(_: Allow<PostsRead>) -> &'static str {
///     "posts"
/// }
///
/// let app = RemoteApp::of(|_remote| Api::new("Blog", "1.0").get("/posts", list)).await;
/// let anna = app.issuer.user_with("anna@example.com", &["posts:read"]).await;
/// // What an account may do is what its token says: log in after it was given.
/// let anna = app.issuer.log_in(&anna.email).await;
/// assert_eq!(app.get("/posts").bearer(&anna.access_token).send().await.status(), 200);
/// app.issuer.clock.advance_secs(16 * 60);
/// assert_eq!(app.get("/posts").bearer(&anna.access_token).send().await.status(), 401);
/// # });
/// ```
pub struct RemoteApp {
    /// Where the accounts are.
    pub issuer: TestApp,
    /// What verifies the issuer's tokens.
    pub remote: Remote,
    router: Router,
}

impl RemoteApp {
    /// With an API of your own, behind the tokens of a deployment that has nothing but Portcullis' own routes.
    pub async fn of(api: impl FnOnce(&Remote) -> Api) -> Self {
        Self::beside(TestApp::new().await, |builder| builder, api).await
    }

    /// Behind an issuer and with settings of your own. The permissions that the API asks for are declared at the issuer.
    pub async fn beside(
        issuer: TestApp,
        settings: impl FnOnce(Builder) -> Builder,
        api: impl FnOnce(&Remote) -> Api,
    ) -> Self {
        let issued = issuer.portcullis.issuer().settings();
        let published = KeysOf {
            keyring: Arc::clone(issuer.portcullis.keyring()),
            clock: Arc::clone(&issuer.clock),
        };
        let builder = Remote::builder(&issued.issuer)
            .audience(&issued.audience)
            .dangerous_keys_from(Arc::new(published))
            .environment(environment(&issuer.clock, 2));
        let remote = settings(builder).open().await.unwrap();
        let api = api(&remote);
        issuer.portcullis.declare_permissions(&api).await.unwrap();
        let router = remote.router(api).await.unwrap();
        Self {
            issuer,
            remote,
            router,
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

    /// A request of any method.
    pub fn request(&self, method: Method, path: &str) -> Request {
        Request::new(&self.router, method, path).behind(self.remote.gate())
    }
}

impl std::fmt::Debug for RemoteApp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RemoteApp")
            .field("remote", &self.remote)
            .finish_non_exhaustive()
    }
}

/// The keys that the issuer publishes at this moment.
struct KeysOf {
    keyring: Arc<Keyring>,
    clock: Arc<FakeClock>,
}

#[async_trait]
impl Fetch for KeysOf {
    async fn fetch(&self) -> Result<Published, FetchFailed> {
        Ok(Published {
            text: self.keyring.jwks(self.clock.now()).to_string().into_bytes(),
            max_age: None,
        })
    }
}
