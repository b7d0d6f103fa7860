//! Rules as types: what stands in a handler's signature.

use crate::authz::{PermissionRef, Rule};

/// What a caller must be or have. The type is the rule: [`Requirement::RULE`] is what is enforced, documented and
/// locked.
///
/// Implemented by permissions ([`permissions!`](crate::permissions)), [`Role`], [`FreshLogin`], [`SecondFactor`],
/// [`Policy`], [`Member`], [`Authenticated`], [`Unscoped`], tuples (all of them) and [`Any`] (one of them).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an access requirement",
    label = "not a requirement",
    note = "use a permission made by `permissions!`, `Role<…>`, `FreshLogin<SECONDS>`, `Authenticated`, a tuple of requirements (all of them) or `Any<(…)>` (one of them)"
)]
pub trait Requirement: Send + Sync + 'static {
    /// The rule as data.
    const RULE: Rule;
}

/// A permission that code declares; made by [`permissions!`](crate::permissions).
pub trait Permission: Requirement {
    /// The permission's name, description and bit.
    const PERMISSION: PermissionRef;
}

/// The name of a role; made by [`roles!`](crate::roles!).
pub trait RoleName: Send + Sync + 'static {
    /// The role's name, as the database has it: what is compared.
    const NAME: &'static str;
}

/// A caller with the role `R`.
#[derive(Debug)]
pub struct Role<R>(std::marker::PhantomData<fn() -> R>);

impl<R: RoleName> Requirement for Role<R> {
    const RULE: Rule = Rule::Role(R::NAME);
}

/// A caller who is known, by whatever credential the route accepts.
#[derive(Debug)]
pub enum Authenticated {}

impl Requirement for Authenticated {
    const RULE: Rule = Rule::Authenticated;
}

/// A caller whose credential speaks for the account as a whole: no scopes narrow it. For what manages the account itself
/// and has no permission of its own: whoever gives somebody a token for `posts:read` gives no more. API keys are narrowed
/// by nature and never satisfy it.
#[derive(Debug)]
pub enum Unscoped {}

impl Requirement for Unscoped {
    const RULE: Rule = Rule::Unscoped;
}

/// A person who logged in less than `SECONDS` seconds ago. The login is what counts: refreshing a token makes none.
/// No leeway is given.
///
/// Source: RFC 9470 §3 (`max_age`)
#[derive(Debug)]
pub enum FreshLogin<const SECONDS: u32> {}

impl<const SECONDS: u32> Requirement for FreshLogin<SECONDS> {
    const RULE: Rule = Rule::FreshLogin(SECONDS);
}

/// A person who logged in with two factors.
///
/// Source: RFC 9470 §3 (`acr_values`)
#[derive(Debug)]
pub enum SecondFactor {}

impl Requirement for SecondFactor {
    const RULE: Rule = Rule::SecondFactor;
}

/// A caller who signed the request (RFC 9421) with a key that the program knows, or a visitor of an address that it signed: by which
/// of them, [`Kinds`](super::Kinds) say.
///
/// Source: RFC 9421
#[derive(Debug)]
pub enum Signed {}

impl Requirement for Signed {
    const RULE: Rule = Rule::Signed;
}

/// The name of an action that policies decide; made by [`actions!`](crate::actions).
pub trait ActionName: Send + Sync + 'static {
    /// The action's name, as policies write it: `Action::"…"`.
    const NAME: &'static str;
}

/// A caller whom the policies permit the action `A` on the application as a whole.
#[derive(Debug)]
pub struct Policy<A>(std::marker::PhantomData<fn() -> A>);

impl<A: ActionName> Requirement for Policy<A> {
    const RULE: Rule = Rule::Policy(A::NAME);
}

/// A member of the organization that the request selects who satisfies `R` there: permissions and roles are those
/// of the membership, not those of the account. `Member` alone asks for membership only.
#[derive(Debug)]
pub struct Member<R = Authenticated>(std::marker::PhantomData<fn() -> R>);

impl<R: Requirement> Requirement for Member<R> {
    const RULE: Rule = Rule::Member(&R::RULE);
}

/// A requirement that only a member of the selected organization satisfies: [`Member`], a tuple that begins with one,
/// or [`Any`] of such. Whoever satisfied it has an organization, without a doubt.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can be satisfied outside of every organization",
    label = "asks for no member",
    note = "write `Member<…>`, or a tuple that begins with it: `(Member<PostsWrite>, FreshLogin<300>)`"
)]
pub trait InOrganization: Requirement {}

impl<R: Requirement> InOrganization for Member<R> {}

/// At least one of the requirements in the tuple `T`.
///
/// Any is any: each alternative is a way of its own. `Any<(Policy<A>, PostsRead)>` lets somebody with `PostsRead` in
/// also where a policy forbids `A`; to let a policy forbid in any case, ask for both: `(Policy<A>, Any<(…)>)`.
#[derive(Debug)]
pub struct Any<T>(std::marker::PhantomData<fn() -> T>);

macro_rules! tuples {
    ($($first:ident $($rest:ident)*;)+) => {
        tuples! { @ $([$first] $first $($rest)*;)+ }
    };
    (@ $([$first:ident] $($name:ident)+;)+) => {$(
        impl<$($name: Requirement),+> Requirement for ($($name,)+) {
            const RULE: Rule = Rule::All(&[$($name::RULE),+]);
        }

        impl<$($name: Requirement),+> Requirement for Any<($($name,)+)> {
            const RULE: Rule = Rule::Any(&[$($name::RULE),+]);
        }

        impl<$($name: Requirement),+> InOrganization for ($($name,)+) where $first: InOrganization {}

        impl<$($name: InOrganization),+> InOrganization for Any<($($name,)+)> {}
    )+};
}

tuples! {
    A;
    A B;
    A B C;
    A B C D;
    A B C D E;
    A B C D E F;
    A B C D E F G;
    A B C D E F G H;
}

/// Declares permissions: a type for handlers' signatures, a name for the database and a description for people.
///
/// ```
/// portcullis_core::permissions! {
///     pub PostsRead  = "posts:read":  "Read posts";
///     pub PostsWrite = "posts:write": "Create and change posts";
/// }
/// ```
///
/// A name that isn't one does not compile:
///
/// ```compile_fail
/// portcullis_core::permissions! { Oops = "Posts Read": "Spaces and capitals are not allowed"; }
/// ```
#[macro_export]
macro_rules! permissions {
    ($($(#[$meta:meta])* $vis:vis $type:ident = $name:literal : $description:literal;)+) => {$(
        $(#[$meta])*
        #[doc = concat!("`", $name, "`: ", $description, ".")]
        #[derive(Debug)]
        $vis enum $type {}

        impl $crate::authz::Requirement for $type {
            const RULE: $crate::authz::Rule =
                $crate::authz::Rule::Permission(<$type as $crate::authz::Permission>::PERMISSION);
        }

        impl $crate::authz::Permission for $type {
            const PERMISSION: $crate::authz::PermissionRef = {
                assert!(
                    $crate::authz::valid_permission_name($name),
                    "a permission's name has 3 to 64 of a-z 0-9 _ - . and at least one colon inside, such as posts:read"
                );
                fn id() -> $crate::authz::PermissionId {
                    static ID: ::std::sync::OnceLock<$crate::authz::PermissionId> = ::std::sync::OnceLock::new();
                    *ID.get_or_init(|| $crate::authz::PermissionId::of_declared($name))
                }
                $crate::authz::PermissionRef { name: $name, description: $description, action: false, id }
            };
        }
    )+};
}

/// Declares the names of actions for use in [`Policy`].
///
/// ```
/// portcullis_core::actions! { pub ExportReports = "reports:export"; }
/// ```
#[macro_export]
macro_rules! actions {
    ($($(#[$meta:meta])* $vis:vis $type:ident = $name:literal;)+) => {$(
        $(#[$meta])*
        #[doc = concat!("The action `", $name, "`.")]
        #[derive(Debug)]
        $vis enum $type {}

        impl $crate::authz::ActionName for $type {
            const NAME: &'static str = {
                assert!(
                    $crate::authz::valid_permission_name($name),
                    "an action's name has 3 to 64 of a-z 0-9 _ - . and at least one colon inside, such as reports:export"
                );
                $name
            };
        }
    )+};
}

/// Declares roles for use in [`Role`]: the name alone, for a role that administrators make, or the role with its description,
/// its permissions and the roles it inherits, which the program makes when it starts ([`DeclaredRole`](crate::authz::DeclaredRole)).
///
/// ```
/// portcullis_core::permissions! {
///     pub PostsRead  = "posts:read":  "Read posts";
///     pub PostsWrite = "posts:write": "Create and change posts";
/// }
///
/// portcullis_core::roles! {
///     pub Auditor = "auditor";
///     pub Reader  = "reader": "Reads posts" { PostsRead };
///     pub Editor  = "editor": "Writes posts" inherits(Reader) { PostsWrite };
/// }
/// ```
///
/// What a declared role gives are permissions of the code:
///
/// ```compile_fail
/// portcullis_core::roles! { pub Reader = "reader": "Reads posts" { "posts:read" }; }
/// ```
#[macro_export]
macro_rules! roles {
    ($(
        $(#[$meta:meta])* $vis:vis $type:ident = $name:literal
        $(: $description:literal $(inherits($($parent:ty),+ $(,)?))? { $($permission:ty),* $(,)? })? ;
    )+) => {$(
        $(#[$meta])*
        #[doc = concat!("The role `", $name, "`.")]
        #[derive(Debug)]
        $vis enum $type {}

        impl $crate::authz::RoleName for $type {
            const NAME: &'static str = {
                assert!(
                    $crate::authz::valid_role_name($name),
                    "a role's name has 1 to 64 of a-z 0-9 _ - . and begins with a letter, such as editor"
                );
                $name
            };
        }

        $(
            impl $crate::authz::DeclaredRole for $type {
                const ROLE: $crate::authz::RoleRef = $crate::authz::RoleRef {
                    name: <$type as $crate::authz::RoleName>::NAME,
                    description: $description,
                    permissions: &[$(<$permission as $crate::authz::Permission>::PERMISSION),*],
                    inherits: &[$($(<$parent as $crate::authz::RoleName>::NAME),+)?],
                };
            }
        )?
    )+};
}
