//! The program's own code when somebody registers and logs in: only staff may register, each gets a row and a department, and
//! whoever was let go logs in no more. `cargo run -p examples --example hooks`.
//!
//! In another terminal:
//!
//! ```console
//! $ json='Content-Type: application/json'
//! $ register() { curl -s localhost:8080/auth/register -H "$json" -d '{"email": "'$1'", "password": "correct horse battery"}'; }
//! $ register eve@example.net
//! {…"detail":"register with your address at example.com"…}
//! $ register sales-anna@example.com
//! {"id":"…"email":"sales-anna@example.com"…}
//! $ anna=$(curl -s localhost:8080/auth/login -H "$json" -d '{"identifier": "sales-anna@example.com", "password": "correct horse battery"}' | grep -o 'eyJ[^"]*')
//! $ curl -s localhost:8080/me -H "Authorization: Bearer $anna"
//! {"nickname":"sales-anna","department":"sales"}
//! ```
#![allow(clippy::print_stdout, reason = "it speaks to whoever starts it")]

use portcullis_identity::{
    Allow, Api, Attribute, Authenticated, Builder, HookError, Json, LoggingIn, Mine, OfCaller, Portcullis,
    Principal, Problem, Registering,
};
use schemars::JsonSchema;
use serde::Serialize;

/// In tokens, for services elsewhere, and for policies.
const DEPARTMENT: Attribute<String> = Attribute::new("department").in_tokens().in_policies();

const STAFF: &str = "CREATE TABLE IF NOT EXISTS staff (
    account BLOB PRIMARY KEY REFERENCES portcullis_accounts (id),
    nickname TEXT NOT NULL,
    let_go BIGINT NOT NULL DEFAULT 0)";

async fn employ(new: Registering) -> Result<(), HookError> {
    let email = new.account.email.as_deref().unwrap_or_default();
    let Some(nickname) = email.strip_suffix("@example.com") else {
        return Err(HookError::refused(
            "staff_only",
            "register with your address at example.com",
        ));
    };
    let sql = "INSERT INTO staff (account, nickname) VALUES ($1, $2)";
    new.tx
        .execute(sql, [new.account.id.into(), nickname.into()])
        .await?;
    let department = nickname
        .split_once('-')
        .map_or("reception", |(department, _)| department);
    new.set([DEPARTMENT.set(department)]).await
}

async fn still_here(login: LoggingIn) -> Result<(), HookError> {
    let sql = "SELECT 1 FROM staff WHERE account = $1 AND let_go = 1";
    match login.tx.query_one(sql, [login.account.id.into()]).await? {
        Some(_) => Err(HookError::refused(
            "let_go",
            "you don't work here any more: call the office",
        )),
        None => Ok(()),
    }
}

/// The row of somebody who works here.
#[derive(Debug, Serialize, JsonSchema)]
struct Person {
    nickname: String,
    department: Option<String>,
}

impl OfCaller<Portcullis> for Person {
    async fn of_caller(caller: &Principal, portcullis: &Portcullis) -> Result<Self, Problem> {
        let sql = "SELECT nickname FROM staff WHERE account = $1";
        let rows = portcullis.query(sql, [caller.id().into()]).await?;
        let row = rows.first().ok_or_else(Problem::not_found)?;
        Ok(Self {
            nickname: row.get(0)?,
            department: caller.attribute(DEPARTMENT),
        })
    }
}

async fn me(_: Allow<Authenticated>, Mine(person): Mine<Person>) -> Json<Person> {
    Json(person)
}

/// What the program adds to Portcullis.
pub fn settings(builder: Builder) -> Builder {
    builder
        .tables([STAFF])
        .attribute(DEPARTMENT)
        .on_registration("employ", employ)
        .on_login("still-here", still_here)
}

/// Every route, behind what the first parameter of its handler asks for.
pub fn api(portcullis: &Portcullis) -> Api {
    Api::new("Staff", "1.0")
        .get("/me", me)
        .with_state(portcullis.clone())
        .nest("/auth", portcullis.routes())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let portcullis = settings(Portcullis::builder().database("sqlite:hooks.db"))
        .open()
        .await?;
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:8080".to_owned());
    portcullis.serve(api(&portcullis), address).await?;
    Ok(())
}
