//! Compile-time default deny: which handlers a router takes.

use portcullis_core::authz::{Kinds, Rule};

/// A type that says who may call a handler and enforces it: [`Allow`](crate::Allow), [`Public`](crate::Public) or
/// [`OptionalAuth`](crate::OptionalAuth).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an access rule",
    label = "a route's first parameter must say who may call it",
    note = "write `_: Allow<SomePermission>`, `_: Allow<Authenticated>` or `_: Public` as the handler's first parameter"
)]
pub trait Access: sealed::Sealed {
    /// What is asked of the caller.
    const RULE: Rule;
    /// The kinds of credential that are read at all.
    const KINDS: Kinds;
    /// Whether a caller without a credential is refused.
    const CALLER: Caller;
}

/// Whether a rule wants a known caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// Nobody is looked at.
    Ignored,
    /// A credential is honoured if there is one.
    Optional,
    /// A credential is needed.
    Required,
}

pub(crate) mod sealed {
    pub trait Sealed {}
}

/// The parameters of a handler whose first one is an [`Access`] rule.
#[diagnostic::on_unimplemented(
    message = "this handler doesn't say who may call it",
    label = "the handler's first parameter is not an access rule",
    note = "write `_: Allow<SomePermission>`, `_: Allow<Authenticated>` or `_: Public` as the handler's first parameter"
)]
pub trait Guarded {
    /// The type of the handler's first parameter, which says the rule.
    type Access: Access;
}

macro_rules! guarded {
    ($($($name:ident)*;)+) => {$(
        impl<First: Access, $($name),*> Guarded for (First, $($name,)*) {
            type Access = First;
        }
    )+};
}

guarded! {
    ;
    A;
    A B;
    A B C;
    A B C D;
    A B C D E;
    A B C D E F;
    A B C D E F G;
    A B C D E F G H;
    A B C D E F G H I;
    A B C D E F G H I J;
    A B C D E F G H I J K;
    A B C D E F G H I J K L;
    A B C D E F G H I J K L N;
    A B C D E F G H I J K L N O;
    A B C D E F G H I J K L N O P;
}
