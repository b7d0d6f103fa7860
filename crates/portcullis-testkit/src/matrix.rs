//! The refusal matrix: every route of an API, called with every kind of bad credential.
//!
//! ```
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! use portcullis_identity::{Allow, Api, Json, Public, permissions};
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
//! a clear word for which organization it is; at last each is called with a good one of every kind that can satisfy its
//! rule, so that a route that refuses everybody is noticed too. What a route must refuse is worked out here from its
//! [`Rule`](portcullis_identity::core::authz::Rule), a second time and apart from the decision that is tested. Each 403 to a
//! known caller must have left one decision and one audit event under its trace id.
//!
//! The same over a gate without a database: [`Matrix::detached`]. There the cast's accounts are at the issuer.
//!
//! Invariants: the credential stands before anything else a route reads, so no call needs a body, and whoever may not
//! call a route never learns by a 404 what is behind it. The clock stands still while routes are called; detached it
//! moves once, to the end of all tokens.
//!
//! **Limits:** nobody of the cast has a second factor, and no policy permits anything: where a rule asks for either
//! and leaves no other way, only refusals are tried.
//!
//! **Deliberately absent:** a way to leave a route or a credential out.

mod basic;
mod call;
mod cases;
mod cast;
mod csrf;
mod forge;
mod keys;
mod ledger;
mod lock;
mod privileges;
mod report;
mod route;
mod target;
mod tenants;
#[cfg(test)]
mod tests;

use portcullis_identity::{Api, Gate, Portcullis};

use self::cases::Case;
use self::cast::Cast;
use self::ledger::Ledger;
pub use self::report::Report;
use self::route::Route;
use self::target::{Believes, Target};
#[cfg(feature = "remote")]
use crate::RemoteApp;
use crate::TestApp;

/// Calls every route of an API with credentials that it must refuse.
#[must_use = "run it"]
pub struct Matrix<A> {
    api: A,
    placed: Placed,
    lock: Option<String>,
    parameters: Vec<(String, String)>,
}

/// Where the API is.
#[derive(Debug, Clone, Copy)]
enum Placed {
    Embedded,
    #[cfg(feature = "remote")]
    Detached,
}

#[cfg(feature = "remote")]
impl Matrix<fn(&Portcullis) -> Api> {
    /// The matrix of what `api` makes, detached from its accounts: behind the tokens of a deployment that is elsewhere,
    /// where the permissions that it asks for are declared.
    ///
    /// Every credential that isn't a signed token is refused, and so is every token that was forged or has expired.
    /// What only the issuer's records know, such as a log out, isn't seen: such a token must pass exactly as the rule
    /// says, and must be refused once it has ended.
    pub fn detached<D: FnOnce() -> Api>(api: D) -> Matrix<impl FnOnce(&Portcullis) -> Api> {
        Matrix {
            placed: Placed::Detached,
            ..Matrix::of(|_: &Portcullis| api())
        }
    }
}

impl<A: FnOnce(&Portcullis) -> Api> Matrix<A> {
    /// The matrix of what `api` makes.
    pub fn of(api: A) -> Self {
        Self {
            api,
            placed: Placed::Embedded,
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

    /// Calls every route with every credential, and reports what was answered otherwise than it must be.
    pub async fn run(self) -> Report {
        let Self {
            api,
            placed,
            lock,
            parameters,
        } = self;
        let (mut routes, mut actual) = (Vec::new(), String::new());
        let mut look = |api: &Api, gate: &Gate| {
            routes = route::all(api, gate, &parameters);
            actual = api.authz_lock();
        };
        let target = match placed {
            Placed::Embedded => Target::embedded(
                TestApp::with(
                    // Every refusal is looked for in the record, and the clock stands still.
                    |builder| builder.recorded_refusals(u32::MAX),
                    |portcullis| {
                        let api = api(portcullis);
                        look(&api, portcullis.gate());
                        api
                    },
                )
                .await,
            ),
            #[cfg(feature = "remote")]
            Placed::Detached => {
                let issuer = TestApp::new().await;
                let api = api(&issuer.portcullis);
                Target::detached(
                    RemoteApp::beside(
                        issuer,
                        |builder| builder,
                        |remote| {
                            look(&api, remote.gate());
                            api
                        },
                    )
                    .await,
                )
            }
        };
        let mut report = Report::of(&routes);
        if let Some(expected) = &lock {
            lock::compare(expected, &actual, &mut report);
        }
        play(&target, &routes, &mut report).await;
        report
    }
}

/// Calls every route with everything.
async fn play(target: &Target, routes: &[Route], report: &mut Report) {
    let cast = Cast::gather(target, routes).await;
    let (mut refused, mut believed) = (cases::all(&cast), Vec::new());
    if target.believes() == Believes::Claims {
        (believed, refused) = refused.into_iter().partition(|case| case.claims.is_some());
    }
    let mut ledger = Ledger::default();
    refuse(target, routes, &refused, &mut ledger, report).await;
    if target.believes() == Believes::Records {
        ledger.compare(target, report).await;
    }
    let mut row = report.row("nothing, and the route is public");
    for (index, route) in routes.iter().enumerate().filter(|(_, route)| route.is_open()) {
        call::open(target, route, row.cell(index)).await;
    }
    for case in &believed {
        let mut row = report.believed(&case.name);
        for (index, route) in routes.iter().enumerate().filter(|(_, route)| route.is_guarded()) {
            if let Some(privileges) = &case.claims {
                call::believed(target, route, case, privileges, row.cell(index)).await;
            }
        }
    }
    // Late: a good credential changes things.
    let mut row = report.row("a good one of each kind");
    for (index, route) in routes.iter().enumerate() {
        call::accepted(target, &cast, route, row.cell(index)).await;
    }
    // Last: the clock moves.
    if target.believes() == Believes::Claims {
        for case in &mut believed {
            case.name.push_str(", ended");
        }
        believed.extend(cases::ended(&cast));
        let settings = target.issuer.portcullis.issuer().settings();
        target
            .issuer
            .clock
            .advance(settings.access_lifetime + settings.leeway);
        refuse(target, routes, &believed, &mut Ledger::default(), report).await;
    }
}

/// Calls every route with what it must refuse.
async fn refuse(target: &Target, routes: &[Route], cases: &[Case], ledger: &mut Ledger, report: &mut Report) {
    for case in cases {
        let mut row = report.row(&case.name);
        for (index, route) in routes.iter().enumerate() {
            if (case.applies)(route) {
                call::refused(target, route, case, ledger, row.cell(index)).await;
            }
        }
    }
}

impl<A> std::fmt::Debug for Matrix<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Matrix").finish_non_exhaustive()
    }
}
