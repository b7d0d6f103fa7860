//! What a route calls: axum's handlers, with what their types say.
//!
//! A handler is recognised in two steps, so that the compiler can say which part of it is wrong: [`HandlerFn`] finds its
//! parameters, whatever they are; [`RouteHandler`] asks something of each.

use axum::extract::{FromRequest, FromRequestParts};

use super::answering::Answering;
use crate::describe::{Input, Operation, Output};

/// A function whose parameters are `T`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a handler",
    label = "not a handler",
    note = "a handler is an `async fn`, or a closure that gives a future, of at most 16 parameters, which can be cloned: what it captures too"
)]
pub trait HandlerFn<T>: Sized {
    /// What calling it gives.
    type Future;
}

/// A function that a route of state `S` can call: each parameter is read of a request and describes itself, and so does
/// the answer. `M` is how axum tells apart what reads a body.
pub trait RouteHandler<T, M, S>: HandlerFn<T> {
    /// Says what parameters and answer say.
    #[doc(hidden)]
    fn describe(operation: &mut Operation<'_>);

    /// What answers the route's requests.
    #[doc(hidden)]
    fn into_answering(self) -> Answering<S>;
}

impl<F, Fut> HandlerFn<()> for F
where
    F: FnOnce() -> Fut,
{
    type Future = Fut;
}

impl<F, Fut, S> RouteHandler<(), (), S> for F
where
    F: FnOnce() -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output: Output> + Send,
    S: Clone + Send + Sync + 'static,
{
    fn describe(operation: &mut Operation<'_>) {
        Fut::Output::answers(operation);
    }

    fn into_answering(self) -> Answering<S> {
        Answering::by(self)
    }
}

macro_rules! handlers {
    ($([$($name:ident)*] $last:ident;)+) => {$(
        impl<F, Fut, $($name,)* $last> HandlerFn<($($name,)* $last,)> for F
        where
            F: FnOnce($($name,)* $last) -> Fut,
        {
            type Future = Fut;
        }

        impl<F, Fut, M, S, $($name,)* $last> RouteHandler<($($name,)* $last,), M, S> for F
        where
            F: FnOnce($($name,)* $last) -> Fut + Clone + Send + Sync + 'static,
            Fut: Future<Output: Output> + Send,
            // What a type says of itself comes first: an extractor whose type has no schema is none, and the compiler tells the
            // first of the two.
            $($name: Input + FromRequestParts<S> + Send + 'static,)*
            $last: Input + FromRequest<S, M> + Send + 'static,
            M: 'static,
            S: Clone + Send + Sync + 'static,
        {
            fn describe(operation: &mut Operation<'_>) {
                $($name::reads(operation);)*
                $last::reads(operation);
                Fut::Output::answers(operation);
            }

            fn into_answering(self) -> Answering<S> {
                Answering::by(self)
            }
        }
    )+};
}

handlers! {
    [] A;
    [A] B;
    [A B] C;
    [A B C] D;
    [A B C D] E;
    [A B C D E] G;
    [A B C D E G] H;
    [A B C D E G H] I;
    [A B C D E G H I] J;
    [A B C D E G H I J] K;
    [A B C D E G H I J K] L;
    [A B C D E G H I J K L] N;
    [A B C D E G H I J K L N] O;
    [A B C D E G H I J K L N O] P;
    [A B C D E G H I J K L N O P] Q;
    [A B C D E G H I J K L N O P Q] R;
}
