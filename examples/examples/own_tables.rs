//! Tables of the program's own beside those of Portcullis, in one database and one transaction: a team is an organization of
//! Portcullis' and a row with its plan, or neither. `cargo run -p examples --example own_tables`.
//!
//! In another terminal:
//!
//! ```console
//! $ json='Content-Type: application/json'
//! $ curl -s localhost:8080/auth/register -H "$json" -d '{"username": "anna", "password": "correct horse battery"}'
//! {"id":"…"username":"anna"…}
//! $ anna=$(curl -s localhost:8080/auth/login -H "$json" -d '{"identifier": "anna", "password": "correct horse battery"}' | grep -o 'eyJ[^"]*')
//! $ curl -s localhost:8080/teams -H "Authorization: Bearer $anna" -H "$json" -d '{"name": "Acme", "slug": "acme", "plan": "small"}'
//! {"slug":"acme","plan":"small"}
//! $ curl -s localhost:8080/teams -H "Authorization: Bearer $anna" -H "$json" -d '{"name": "Acme too", "slug": "acme-2", "plan": "huge"}'
//! {…"code":"unknown_plan"…}
//! $ curl -s localhost:8080/auth/organizations -H "Authorization: Bearer $anna"
//! {"items":[{…"slug":"acme"…}]…}
//! $ curl -s localhost:8080/teams -H "Authorization: Bearer $anna"
//! [{"slug":"acme","plan":"small"}]
//! ```
#![allow(clippy::print_stdout, reason = "it speaks to whoever starts it")]

use portcullis_identity::core::organization::{OrganizationName, Slug};
use portcullis_identity::{
    Allow, Api, AuditContext, Authenticated, Created, FieldErrors, Json, Personal, Portcullis, Problem,
    Record, State, Unscoped, Via,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Made at the start where it isn't there yet.
pub const TABLES: [&str; 1] = ["CREATE TABLE IF NOT EXISTS teams (
    organization BLOB PRIMARY KEY REFERENCES portcullis_organizations (id),
    slug TEXT NOT NULL,
    plan TEXT NOT NULL)"];

/// What a team is made with.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewTeam {
    name: String,
    slug: String,
    plan: String,
}

/// A team, as clients see it.
#[derive(Debug, Serialize, JsonSchema)]
struct Team {
    slug: String,
    plan: String,
}

async fn create(
    who: Allow<Unscoped, Via<Personal>>,
    State(portcullis): State<Portcullis>,
    AuditContext(by): AuditContext,
    Json(new): Json<NewTeam>,
) -> Result<Created<Team>, Problem> {
    let mut fields = FieldErrors::new();
    let name = fields.check("/name", "invalid_name", OrganizationName::parse(&new.name));
    let slug = fields.check("/slug", "invalid_slug", Slug::parse(&new.slug));
    let (Some(name), Some(slug)) = (name, slug) else {
        return Err(fields.into());
    };
    let (organizations, permit) = (portcullis.organizations(), who.permit());
    let made = portcullis.transaction(|tx| async move {
        let made = organizations.create(permit, name, slug, by).await?;
        // Refused this late, it takes the organization back.
        if new.plan != "small" && new.plan != "large" {
            return Err(Problem::bad_request(
                "unknown_plan",
                "choose the plan small or large",
            ));
        }
        let sql = "INSERT INTO teams (organization, slug, plan) VALUES ($1, $2, $3)";
        let slug = made.slug.as_str();
        tx.execute(sql, [made.id.into(), slug.into(), (&new.plan).into()])
            .await?;
        Ok(Team {
            slug: slug.to_owned(),
            plan: new.plan,
        })
    });
    Ok(Created(made.await?))
}

async fn list(
    _: Allow<Authenticated>,
    State(portcullis): State<Portcullis>,
) -> Result<Json<Vec<Team>>, Problem> {
    let rows = portcullis
        .query("SELECT slug, plan FROM teams ORDER BY slug", [])
        .await?;
    let team = |row: &Record| {
        Ok(Team {
            slug: row.get(0)?,
            plan: row.get(1)?,
        })
    };
    Ok(Json(rows.iter().map(team).collect::<Result<_, Problem>>()?))
}

/// Every route, behind what the first parameter of its handler asks for.
pub fn api(portcullis: &Portcullis) -> Api {
    Api::new("Teams", "1.0")
        .get("/teams", list)
        .post("/teams", create)
        .with_state(portcullis.clone())
        .nest("/auth", portcullis.routes())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let portcullis = Portcullis::builder()
        .database("sqlite:own_tables.db")
        .tables(TABLES)
        .open()
        .await?;
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:8080".to_owned());
    portcullis.serve(api(&portcullis), address).await?;
    Ok(())
}
