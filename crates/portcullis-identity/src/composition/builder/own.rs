//! Rules of the program's own: its roles, what it asks of passwords, its policies.

use portcullis_core::authz::function::{PolicyFunction, Question};
use portcullis_core::authz::{RoleRef, Verdict};
use portcullis_core::password::{PasswordContext, PasswordRule};
use portcullis_core::secret::SecretText;

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

    /// A further rule for new passwords: the sentence of its `Err` is told beside what the built-in rules say
    /// ([`Builder::password_policy`]), with the code `password_rule`, wherever somebody chooses a password. It can't let
    /// through what another rule refuses. One that panics refuses.
    ///
    /// It runs once or twice for each chosen password, on the thread that answers the request: look at what is in memory, for less than a
    /// millisecond, and wait for nothing.
    ///
    /// ```
    /// # use portcullis_identity::Portcullis;
    /// let builder = Portcullis::builder().password_rule(|password, _account| {
    ///     if password.expose().to_lowercase().contains("acme") {
    ///         return Err("don't use the company's name".to_owned());
    ///     }
    ///     Ok(())
    /// });
    /// ```
    ///
    /// **In a panic** the program's own panic hook may print what the rule panics with: don't `assert!` on the password.
    pub fn password_rule(
        mut self,
        rule: impl Fn(&SecretText, PasswordContext<'_>) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        self.password_rules.push(PasswordRule::new(rule));
        self
    }

    /// A policy that is a function of the program, for these actions: those of [`Policy`](crate::Policy) and of resources. It
    /// decides together with the policies of the folder, if there are any: one that forbids outweighs all that permit.
    /// Explanations name it like a policy of a file. Works without the feature `policies`.
    ///
    /// ```
    /// use portcullis_identity::core::authz::Verdict;
    /// use portcullis_identity::{ActionName as _, FreshLogin, Portcullis, Role, actions, roles};
    ///
    /// actions! { pub ExportReports = "reports:export"; }
    /// roles! { pub Auditor = "auditor"; }
    ///
    /// let builder = Portcullis::builder().policy("auditors-export", &[ExportReports::NAME], |question| {
    ///     match question.holds::<(Role<Auditor>, FreshLogin<600>)>() {
    ///         true => Verdict::Permitted,
    ///         false => Verdict::Silent,
    ///     }
    /// });
    /// ```
    ///
    /// It is called with every decision about its actions, on the thread that answers: no waiting, and the same answer to the same
    /// question. One that panics forbids. An action by which a route lists ([`Visible`](crate::Visible)) can't be decided by a function,
    /// and one that no route asks for is a slip of the pen: both are refused when the routes are known
    /// ([`Portcullis::declare_actions`](crate::Portcullis::declare_actions)).
    pub fn policy(
        mut self,
        name: &'static str,
        actions: &[&'static str],
        function: impl Fn(&Question<'_>) -> Verdict + Send + Sync + 'static,
    ) -> Self {
        self.policies = self
            .policies
            .function(PolicyFunction::new(name, actions, function));
        self
    }
}
