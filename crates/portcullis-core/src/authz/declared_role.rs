//! Roles that code declares, with what they may: a type for rules, a constant for the database.

use crate::authz::{PermissionRef, RoleName};

/// A role that a program's code declares: its name, what it is for, the permissions it gives and the roles it inherits.
///
/// Made by [`roles!`](crate::roles!); handed over at the start, which writes it down.
#[derive(Debug, Clone, Copy)]
pub struct RoleRef {
    /// The role's name, such as `editor`.
    pub name: &'static str,
    /// What it is for, for people: one line of at most 200 characters.
    pub description: &'static str,
    /// The permissions that it gives by itself.
    pub permissions: &'static [PermissionRef],
    /// The names of the roles of which it has everything. They are declared in the same program.
    pub inherits: &'static [&'static str],
}

/// A role that code declares with what it may; made by [`roles!`](crate::roles!).
#[diagnostic::on_unimplemented(
    message = "`{Self}` doesn't say what the role may",
    label = "only the name of a role",
    note = "declare it with its permissions: `roles! {{ pub Editor = \"editor\": \"Writes posts\" {{ PostsRead, PostsWrite }}; }}`"
)]
pub trait DeclaredRole: RoleName {
    /// The role as data.
    const ROLE: RoleRef;
}
