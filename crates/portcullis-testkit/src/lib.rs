//! Tests with Portcullis, in milliseconds and without a network.
//!
//! [`TestApp`] is a whole deployment on a database in memory, with a clock you move, randomness that repeats and a
//! mailer that hands you the e-mails. `RemoteApp` is an application detached from its accounts. [`Matrix`] sends every
//! route of an API, in either place, every kind of bad credential.
//! Whatever a [`TestApp`] answers is compared with what its OpenAPI document says: a test fails where they differ (feature
//! `documented`). `contract` holds the suites that every store must pass (feature `contract`); `RemoteApp` is there with the
//! feature `remote`.
//!
//! ```
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! use portcullis_testkit::TestApp;
//!
//! let app = TestApp::new().await;
//! let anna = app.user("anna@example.com").await;
//! assert_eq!(app.get("/auth/me").bearer(&anna.access_token).send().await.status(), 200);
//! app.clock.advance_secs(16 * 60);
//! assert_eq!(app.get("/auth/me").bearer(&anna.access_token).send().await.status(), 401);
//! # });
//! ```
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test kit reports by panicking"
)]

mod answer;
mod app;
#[cfg(feature = "contract")]
pub mod contract;
#[cfg_attr(not(feature = "documented"), path = "undocumented.rs")]
mod documented;
mod environment;
mod mailer;
mod matrix;
#[cfg(feature = "remote")]
mod remote;
mod request;

pub use self::answer::Answer;
pub use self::app::{Account, PASSWORD, TestApp};
pub use self::environment::{FakeClock, SeededEntropy, environment};
pub use self::mailer::FakeMailer;
pub use self::matrix::{Matrix, Report};
#[cfg(feature = "remote")]
pub use self::remote::RemoteApp;
pub use self::request::Request;
