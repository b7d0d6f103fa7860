//! What the program adds to its accounts: a row of its own for each, an attribute, and code when somebody registers.

use portcullis_identity::core::account::{Id, Registration};
use portcullis_identity::core::audit;
use portcullis_identity::{
    Allow, Api, Attribute, Authenticated, Builder, HookError, Mine, OfCaller, Portcullis, Principal, Problem, Registering,
};

const AUTHORS: &str = "CREATE TABLE IF NOT EXISTS authors (
    account BLOB PRIMARY KEY REFERENCES portcullis_accounts (id), pen_name TEXT NOT NULL)";

/// What an author writes about.
pub const SUBJECT: Attribute<String> = Attribute::new("subject_matter").in_tokens();

async fn become_author(new: Registering) -> Result<(), HookError> {
    let email = new.account.email.as_deref().unwrap_or_default();
    let Some(pen_name) = email.strip_suffix("@example.com") else {
        return Err(HookError::refused("authors_only", "register with your address at example.com"));
    };
    let sql = "INSERT INTO authors (account, pen_name) VALUES ($1, $2)";
    new.tx.execute(sql, [new.account.id.into(), pen_name.into()]).await?;
    new.set([SUBJECT.set("everything")]).await
}

/// What the program adds to Portcullis.
pub fn settings(builder: Builder) -> Builder {
    builder.tables([AUTHORS]).attribute(SUBJECT).on_registration("author", become_author)
}

/// The row of an author.
pub struct Author {
    pen_name: String,
}

impl OfCaller<Portcullis> for Author {
    async fn of_caller(caller: &Principal, portcullis: &Portcullis) -> Result<Self, Problem> {
        let sql = "SELECT pen_name FROM authors WHERE account = $1";
        let rows = portcullis.query(sql, [caller.id().into()]).await?;
        let row = rows.first().ok_or_else(Problem::not_found)?;
        Ok(Self { pen_name: row.get(0)? })
    }
}

async fn by_line(who: Allow<Authenticated>, Mine(me): Mine<Author>) -> String {
    format!("{} on {}", me.pen_name, who.attribute(SUBJECT).unwrap_or_default())
}

/// Registers somebody under another name, or not at all.
pub async fn hire(
    portcullis: &Portcullis,
    form: Registration,
    pen_name: &str,
    by: audit::Context,
) -> Result<Id, Problem> {
    portcullis
        .transaction(|tx| async move {
            let id = portcullis.register(form, by).await?.account.id;
            let sql = "UPDATE authors SET pen_name = $2 WHERE account = $1";
            tx.execute(sql, [id.into(), pen_name.into()]).await?;
            let accounts = portcullis.accounts();
            accounts.change_attributes_by_program(id, [SUBJECT.set("gardens")]).await?;
            Ok(id)
        })
        .await
}

/// The routes about oneself.
pub fn api(portcullis: &Portcullis) -> Api {
    Api::new("", "").get("/by-line", by_line).with_state(portcullis.clone())
}
