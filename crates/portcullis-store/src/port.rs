//! How [`Database`](crate::Database) implements the ports.
//!
//! The list of a port's verbs comes from its declaration in `portcullis-core`; a slice invokes it, as
//! `portcullis_core::grants_port!()`, beside functions of the verbs' names:
//! - for `write`, `async fn share(tx: &mut Tx<'_>, grant: &Grant, on: Ground, by: &Context)`: it runs in one transaction, and
//!   may be run again, so it borrows what it is given. What is `Copy` comes by value;
//! - for `read`, `async fn held(on: &Database, holder: Holder, …)`: it owns what it is given.
//!
//! A verb without its function doesn't compile.

/// Implements the port in scope as `Store` for the database, by the functions in scope; [the module](self) says how.
macro_rules! on_database {
    ($($kind:ident fn $verb:ident($($argument:ident: $type:ty),*) -> $answer:ty;)*) => {
        #[async_trait::async_trait]
        impl Store for $crate::Database {
            $(
                async fn $verb(&self, $($argument: $type),*) -> Result<$answer, portcullis_core::fault::Fault> {
                    $crate::port::on_database!(@$kind self, $verb, $($argument),*)
                }
            )*
        }
    };
    (@write $database:ident, $verb:ident, $($argument:ident),*) => {
        $database
            .write(($($argument,)*), |tx, ($($argument,)*)| {
                #[allow(unused_imports)]
                use $crate::port::{ByReference as _, ByValue as _, InOption as _};
                Box::pin($verb(tx, $((&&&$crate::port::Borrowed($argument)).pass()),*))
            })
            .await
    };
    (@read $database:ident, $verb:ident, $($argument:ident),*) => {
        $verb($database, $($argument),*).await
    };
}
pub(crate) use on_database;

/// What a transaction was given, on its way to a function: by value where it is `Copy`, an `Option<T>` as an `Option<&T>`,
/// anything else by reference. Method resolution takes the first of the three that fits.
pub(crate) struct Borrowed<'a, T>(pub(crate) &'a T);

pub(crate) trait ByValue {
    type Passed;
    fn pass(&self) -> Self::Passed;
}

impl<T: Copy> ByValue for &&Borrowed<'_, T> {
    type Passed = T;

    fn pass(&self) -> T {
        *self.0
    }
}

pub(crate) trait InOption {
    type Passed;
    fn pass(&self) -> Self::Passed;
}

impl<'a, T> InOption for &Borrowed<'a, Option<T>> {
    type Passed = Option<&'a T>;

    fn pass(&self) -> Option<&'a T> {
        self.0.as_ref()
    }
}

pub(crate) trait ByReference {
    type Passed;
    fn pass(&self) -> Self::Passed;
}

impl<'a, T> ByReference for Borrowed<'a, T> {
    type Passed = &'a T;

    fn pass(&self) -> &'a T {
        self.0
    }
}
