//! How a port is declared: once, with [`port!`].
//!
//! A port is a trait whose verbs a store makes real. All of them have one form: they take what they own, and answer
//! `Result<_, Fault>`. So the declaration says only what differs, in the order of a sentence:
//!
//! ```text
//! port! {
//!     /// What is kept.
//!     pub trait Store => grants_port;
//!
//!     /// What the verb promises.
//!     write fn share(grant: Grant, on: Ground, by: audit::Context) -> Outcome;
//!     read fn grants_of(target: Target, now: Timestamp) -> Vec<Record>;
//! }
//! ```
//!
//! From it come
//! - the trait, here `grants::Store`;
//! - its stub for tests, here `grants::Stub` (feature `stub`): a trait with the same verbs, each of which fails the test
//!   that calls it unless the test says what it does. What has the stub has the port;
//! - a macro of the name behind the arrow, exported and hidden, that hands the list of verbs to the macro called `implement`
//!   where it is used: `grants_port!()` becomes `implement! { write fn share(…) -> Outcome; … }`. So `portcullis-store` makes a
//!   port real on its database, or beside another store, without writing a signature again.
//!
//! `write` is one transaction, `read` sees one snapshot; it is `implement` that gives the words their meaning. The types are
//! found where a macro is used, so whoever uses one imports the names that the declaration has.

/// Declares a port; [the module](self) says how.
macro_rules! port {
    (
        $(#[doc = $about:expr])*
        pub trait Store $(: $above:path)? => $handed:ident;
        $(
            $(#[doc = $doc:expr])*
            $kind:ident fn $verb:ident($($argument:ident: $type:ty),* $(,)?) -> $answer:ty;
        )*
    ) => {
        $(#[doc = $about])*
        #[async_trait::async_trait]
        pub trait Store: Send + Sync $(+ $above)? {
            $(
                $(#[doc = $doc])*
                async fn $verb(&self, $($argument: $type),*) -> Result<$answer, $crate::fault::Fault>;
            )*
        }

        /// A [`Store`] of a test: a verb of which the test does not say what it does fails it.
        #[cfg(any(test, feature = "stub"))]
        #[async_trait::async_trait]
        pub trait Stub: Send + Sync $(+ $above)? {
            $(
                #[doc = concat!("As [`Store::", stringify!($verb), "`]; fails the test unless it says what happens.")]
                async fn $verb(&self, $($argument: $type),*) -> Result<$answer, $crate::fault::Fault> {
                    let _ = ($($argument,)*);
                    $crate::port::unstubbed(stringify!($verb))
                }
            )*
        }

        #[cfg(any(test, feature = "stub"))]
        #[async_trait::async_trait]
        impl<T: Stub + ?Sized> Store for T {
            $(
                async fn $verb(&self, $($argument: $type),*) -> Result<$answer, $crate::fault::Fault> {
                    Stub::$verb(self, $($argument),*).await
                }
            )*
        }

        #[doc(hidden)]
        #[macro_export]
        macro_rules! $handed {
            () => { implement! { $($kind fn $verb($($argument: $type),*) -> $answer;)* } };
        }
    };
}
pub(crate) use port;

/// Fails a test whose store was called as nobody expected.
///
/// # Panics
/// Always: that is all it does.
#[cfg(any(test, feature = "stub"))]
#[allow(clippy::panic)]
pub(crate) fn unstubbed<T>(verb: &str) -> T {
    panic!("the test's store has no `{verb}`")
}
