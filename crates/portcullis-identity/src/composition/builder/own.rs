//! Rules of the program's own: its roles.

use portcullis_core::authz::RoleRef;

use super::Builder;

impl Builder {
    /// Makes these roles what the code says, when the database is opened: with these permissions and no others. A second
    /// start changes nothing, and each change is in the audit log as the system's. What the code says is the truth: this
    /// process refuses changes of what a declared role gives (`declared_role`), and what another program changed is set
    /// back. Who has a role isn't said here. Roles that aren't declared are untouched; one that was once and isn't any
    /// more stays as it is, and the log tells.
    ///
    /// ```
    /// # async fn demo() -> Result<(), Box<dyn std::error::Error>> {
    /// use portcullis_identity::{DeclaredRole as _, Portcullis, permissions, roles};
    ///
    /// permissions! {
    ///     pub PostsRead  = "posts:read":  "Read posts";
    ///     pub PostsWrite = "posts:write": "Create and change posts";
    /// }
    ///
    /// roles! {
    ///     pub Reader = "reader": "Reads posts" { PostsRead };
    ///     pub Editor = "editor": "Writes posts" inherits(Reader) { PostsWrite };
    /// }
    ///
    /// let portcullis = Portcullis::builder().roles([Reader::ROLE, Editor::ROLE]).open().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// **When a new version declares other roles than the running one**, the version that started last counts: a version
    /// writes its roles when it starts and never again. Going back to the former one sets its roles back.
    ///
    /// **A role that somebody made before** is taken over if nobody has it, or if its holders gain nothing; otherwise the
    /// program doesn't start ([`DeclarationError::Held`](portcullis_core::roles::DeclarationError::Held)).
    pub fn roles(mut self, roles: impl IntoIterator<Item = RoleRef>) -> Self {
        self.roles.extend(roles);
        self
    }
}
