//! Which kinds of credential a route accepts, as types.
//!
//! A new kind is a variant of [`CredentialKind`], a marker here, and a file in `scheme/` that finds it.

use std::marker::PhantomData;

use portcullis_core::authz::{CredentialKind, Kinds};

/// The kinds of credential a route accepts: `Via<Jwt>`, `Via<(Jwt, Session)>`.
#[derive(Debug)]
pub struct Via<K: KindList>(PhantomData<fn() -> K>);

/// A set of credential kinds: [`Via`].
pub trait Accepts: Send + Sync + 'static {
    /// The kinds of credential that the route accepts.
    const KINDS: Kinds;
}

impl<K: KindList> Accepts for Via<K> {
    const KINDS: Kinds = K::KINDS;
}

/// What stands in [`Via`]: one marker, a tuple of markers, [`Usual`] or [`Personal`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a kind of credential",
    label = "not a kind of credential",
    note = "write `Via<Jwt>`, `Via<Session>` or a tuple such as `Via<(Jwt, Session)>`"
)]
pub trait KindList: Send + Sync + 'static {
    /// The kinds of credential that the list names.
    const KINDS: Kinds;
}

/// One kind of credential as a type.
pub trait KindMarker: Send + Sync + 'static {
    /// The kind of credential that the type stands for.
    const KIND: CredentialKind;
}

/// What a route accepts that names nothing else: JWT, session and API key.
#[derive(Debug)]
pub enum Usual {}

impl KindList for Usual {
    const KINDS: Kinds = Kinds::DEFAULT;
}

/// What stands for a login by a person: JWT and session.
#[derive(Debug)]
pub enum Personal {}

impl KindList for Personal {
    const KINDS: Kinds = Kinds::PERSONAL;
}

macro_rules! markers {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub enum $name {}

        impl KindMarker for $name {
            const KIND: CredentialKind = CredentialKind::$name;
        }

        impl KindList for $name {
            const KINDS: Kinds = Kinds::of(&[CredentialKind::$name]);
        }
    )+};
}

markers! {
    /// A signed access token.
    Jwt;
    /// A session token: cookie, bearer or `X-Session-Token`.
    Session;
    /// An API key: `X-API-Key` or bearer.
    ApiKey;
    /// An identifier and a password with every request. Browsers remember and attach it by themselves.
    Basic;
    /// A signature over the request, with a key that the program knows (RFC 9421).
    Signature;
    /// An address that this program signed.
    SignedUrl;
}

macro_rules! tuples {
    ($($($name:ident)+;)+) => {$(
        impl<$($name: KindMarker),+> KindList for ($($name,)+) {
            const KINDS: Kinds = Kinds::of(&[$($name::KIND),+]);
        }
    )+};
}

tuples! {
    A;
    A B;
    A B C;
    A B C D;
}
