//! The refusal matrix: every route of an API, called with every kind of bad credential.
//!
//! ```
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! use portcullis::{Allow, Api, Json, Public, permissions};
//! use portcullis_testkit::Matrix;
//!
//! permissions! { PostsRead = "posts:read": "Read posts"; }
//!
//! async fn list(_: Allow<PostsRead>) -> Json<Vec<String>> {
//!     Json(Vec::new())
//! }
//! async fn status(_: Public) -> &'static str {
//!     "up"
//! }
//!
//! fn api() -> Api {
//!     Api::new("Blog", "1.0").get("/posts", list).get("/status", status)
//! }
//! // Better: `include_str!("../authz.lock")`, a file that is committed and reviewed.
//! let lock = api().authz_lock();
//! let report = Matrix::of(|_portcullis| api()).lock(&lock).run().await;
//! report.assert_sound();
//! # });
//! ```
//!
//! Flow: the API is put on a deployment of its own ([`TestApp`]); a cast of accounts logs in, some long ago, some to
//! be locked, disabled or logged out; every route that isn't public is called with each credential that it must
//! refuse, and, where a rule asks for a member of an organization, by members of others, by removed members and without
//! a clear word for which organization it is; at last each is called with a good one, so that a route that refuses everybody is noticed too. What a
//! route must refuse is worked out here from its [`Rule`](portcullis::core::access::Rule), a second time and apart
//! from the decision that is tested.
//!
//! Invariants: the credential stands before anything else a route reads, so no call needs a body. The clock stands
//! still while routes are called.
//!
//! **Deliberately absent:** a way to leave a route or a credential out.

mod basic;
mod call;
mod cases;
mod cast;
mod csrf;
mod forge;
mod keys;
mod lock;
mod privileges;
mod report;
mod route;
mod tenants;
#[cfg(test)]
mod tests;

use portcullis::{Api, Portcullis};

use self::cast::Cast;
pub use self::report::Report;
use crate::TestApp;

/// Calls every route of an API with credentials that it must refuse.
#[must_use = "run it"]
pub struct Matrix<A> {
    api: A,
    lock: Option<String>,
    parameters: Vec<(String, String)>,
}

impl<A: FnOnce(&Portcullis) -> Api> Matrix<A> {
    /// The matrix of what `api` makes.
    pub fn of(api: A) -> Self {
        Self {
            api,
            lock: None,
            parameters: Vec::new(),
        }
    }

    /// Compares the routes with the text of an `authz.lock`, too. How the lines are aligned makes no difference.
    pub fn lock(mut self, text: &str) -> Self {
        self.lock = Some(text.to_owned());
        self
    }

    /// What stands in a path for the parameter `name`: an id that nothing has unless said otherwise.
    pub fn parameter(mut self, name: &str, value: &str) -> Self {
        self.parameters.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Calls them all.
    pub async fn run(self) -> Report {
        let (mut routes, mut lock) = (Vec::new(), String::new());
        let app = TestApp::with(
            |builder| builder,
            |portcullis| {
                let api = (self.api)(portcullis);
                routes = route::all(&api, &self.parameters);
                lock = api.authz_lock();
                api
            },
        )
        .await;
        let cast = Cast::gather(&app, &routes).await;
        let mut report = Report::of(&routes);
        if let Some(expected) = &self.lock {
            lock::compare(expected, &lock, &mut report);
        }
        for case in cases::all(&cast) {
            let mut row = report.row(&case.name);
            for (index, route) in routes.iter().enumerate() {
                if (case.applies)(route) {
                    call::refused(&app, route, &case, row.cell(index)).await;
                }
            }
        }
        let mut row = report.row("nothing, and the route is public");
        for (index, route) in routes.iter().enumerate().filter(|(_, route)| route.is_open()) {
            call::open(&app, route, row.cell(index)).await;
        }
        // Last: a good credential changes things.
        let mut row = report.row("a good one of each kind");
        for (index, route) in routes.iter().enumerate() {
            call::accepted(&app, &cast, route, row.cell(index)).await;
        }
        report
    }
}

impl<A> std::fmt::Debug for Matrix<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Matrix").finish_non_exhaustive()
    }
}
