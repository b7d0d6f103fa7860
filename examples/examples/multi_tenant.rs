//! Many tenants in one program: every organization has projects of its own, in a table of the program's own, and none
//! sees another's. `cargo run -p examples --example multi_tenant`.
//!
//! A request says which organization it is for, by `X-Organization-ID: acme` or by the path. The rule asks for a member
//! there, and whoever passes it brings the organization along: [`Projects`] takes nothing else, so a query that
//! forgets the tenant can't be written.
//!
//! In another terminal:
//!
//! ```console
//! $ json='Content-Type: application/json'
//! $ curl -s localhost:8080/auth/register -H "$json" -d '{"username": "anna", "password": "correct horse battery"}'
//! {"id":"…"username":"anna"…}
//! $ token=$(curl -s localhost:8080/auth/login -H "$json" -d '{"identifier": "anna", "password": "correct horse battery"}' | grep -o 'eyJ[^"]*')
//! $ curl -s localhost:8080/auth/organizations -H "Authorization: Bearer $token" -H "$json" -d '{"name": "Acme", "slug": "acme"}'
//! {…"slug":"acme"…}
//! $ curl -s -X PUT localhost:8080/projects/rocket -H "Authorization: Bearer $token" -H "X-Organization-ID: acme"
//! $ curl -s localhost:8080/projects -H "Authorization: Bearer $token" -H "X-Organization-ID: acme"
//! ["rocket"]
//! $ curl -s localhost:8080/organizations/acme/projects -H "Authorization: Bearer $token"
//! ["rocket"]
//! $ curl -s localhost:8080/projects -H "Authorization: Bearer $token" -H "X-Organization-ID: others"
//! {…"status":403…}
//! ```
#![allow(clippy::print_stdout, reason = "it speaks to whoever starts it")]

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, ensure};
use portcullis::core::access::{Change, MayGive};
use portcullis::core::audit;
use portcullis::core::organization::Current;
use portcullis::{
    Allow, Api, Json, Member, NoContent, Path, Permission as _, Permit, Portcullis, Problem, State,
    permissions,
};

permissions! {
    pub ProjectsRead  = "projects:read":  "See projects";
    pub ProjectsWrite = "projects:write": "Create and delete projects";
}

/// The projects of all organizations. Every method begins with the organization it works in.
#[derive(Clone)]
pub struct Projects(Arc<Mutex<rusqlite::Connection>>);

impl Projects {
    /// The table in this file; `:memory:` for none.
    ///
    /// # Errors
    /// What SQLite says: the file can't be opened or isn't a database.
    pub fn open(file: &str) -> rusqlite::Result<Self> {
        let connection = rusqlite::Connection::open(file)?;
        connection.execute_batch(
            "CREATE TABLE IF NOT EXISTS projects (organization TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (organization, name))",
        )?;
        Ok(Self(Arc::new(Mutex::new(connection))))
    }

    fn list(&self, of: &Current) -> rusqlite::Result<Vec<String>> {
        let connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut rows =
            connection.prepare("SELECT name FROM projects WHERE organization = ?1 ORDER BY name")?;
        rows.query_map([of.id().to_string()], |row| row.get(0))?.collect()
    }

    fn create(&self, of: &Current, name: &str) -> rusqlite::Result<bool> {
        let connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let sql = "INSERT INTO projects (organization, name) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
        Ok(connection.execute(sql, [&of.id().to_string(), name])? == 1)
    }

    fn delete(&self, of: &Current, name: &str) -> rusqlite::Result<bool> {
        let connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let sql = "DELETE FROM projects WHERE organization = ?1 AND name = ?2";
        Ok(connection.execute(sql, [&of.id().to_string(), name])? == 1)
    }
}

async fn list(
    who: Allow<Member<ProjectsRead>>,
    State(projects): State<Projects>,
) -> portcullis::Result<Json<Vec<String>>> {
    projects
        .list(who.organization())
        .map(Json)
        .map_err(Problem::internal)
}

/// The organization is in the path here; the enforcer reads it, the handler needs only the rest.
async fn list_by_path(
    who: Allow<Member<ProjectsRead>>,
    projects: State<Projects>,
) -> portcullis::Result<Json<Vec<String>>> {
    list(who, projects).await
}

async fn create(
    who: Allow<Member<ProjectsWrite>>,
    State(projects): State<Projects>,
    Path(name): Path<String>,
) -> portcullis::Result<NoContent> {
    let created = projects.create(who.organization(), &name);
    match created.map_err(Problem::internal)? {
        true => Ok(NoContent),
        false => Err(Problem::conflict(
            "project_taken",
            "there is a project of this name",
        )),
    }
}

async fn delete(
    who: Allow<Member<ProjectsWrite>>,
    State(projects): State<Projects>,
    Path(name): Path<String>,
) -> portcullis::Result<NoContent> {
    let deleted = projects.delete(who.organization(), &name);
    match deleted.map_err(Problem::internal)? {
        true => Ok(NoContent),
        false => Err(Problem::not_found()),
    }
}

/// Every route, behind what the first parameter of its handler asks for. `/auth/organizations` creates organizations,
/// invites into them and lists one's own.
pub fn api(portcullis: &Portcullis, projects: &Projects) -> Api {
    Api::new("Projects", "1.0")
        .get("/projects", list)
        .get("/organizations/{organization}/projects", list_by_path)
        .put("/projects/{name}", create)
        .delete("/projects/{name}", delete)
        .with_state(projects.clone())
        .nest("/auth", portcullis.routes())
        .nest("/admin/api/v1", portcullis.admin_routes())
}

/// Makes the roles that owners give in their organizations. Owners themselves may do everything there.
pub(crate) async fn seed(portcullis: &Portcullis) -> anyhow::Result<()> {
    let (roles, permit) = (portcullis.roles(), Permit::<MayGive>::dangerous_for_operator());
    let by = audit::Context::operator(portcullis.environment().now());
    for (role, about, permission) in [
        ("viewer", "Sees projects", ProjectsRead::PERMISSION.name),
        ("editor", "Changes projects", ProjectsWrite::PERMISSION.name),
    ] {
        let made = roles.create(&permit, role, about, by.clone()).await?;
        ensure!(made.is_so() || made == Change::Taken, "{role}: {made:?}");
        let allowed = roles.allow(&permit, role, permission, by.clone()).await?;
        ensure!(allowed.is_so(), "{role} doesn't get {permission}: {allowed:?}");
    }
    let inherits = roles.inherit(&permit, "editor", "viewer", by).await?;
    ensure!(inherits.is_so(), "editor doesn't inherit: {inherits:?}");
    Ok(())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let portcullis = Portcullis::builder()
        .database("sqlite:multi_tenant.db")
        .declare([ProjectsRead::PERMISSION, ProjectsWrite::PERMISSION])
        .open()
        .await?;
    seed(&portcullis).await?;
    let projects = Projects::open("projects.db").context("projects.db can't be opened")?;
    println!("register at /auth/register, create an organization at /auth/organizations");
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:8080".to_owned());
    portcullis.serve(api(&portcullis, &projects), address).await?;
    Ok(())
}
