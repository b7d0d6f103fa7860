//! Many tenants in one program: every organization has projects of its own, in a table of the program's own, and none
//! sees another's. `cargo run -p examples --example multi_tenant`.
//!
//! A request says which organization it is for, by `X-Organization-ID: acme` or by the path. The rule asks for a member
//! there, and whoever passes it brings the organization along: [`Projects`] takes nothing else, so a query that
//! forgets the tenant can't be written.
//!
//! E-mails land in `emails.txt`; a program of yours hands them to a mail system. The link of an invitation leads to
//! `/invited`, a page of this program.
//!
//! In another terminal, in the same folder:
//!
//! ```console
//! $ json='Content-Type: application/json'
//! $ register() { curl -s localhost:8080/auth/register -H "$json" -d '{"email": "'$1'@example.com", "password": "correct horse battery"}'; }
//! $ login() { curl -s localhost:8080/auth/login -H "$json" -d '{"identifier": "'$1'@example.com", "password": "correct horse battery"}' | grep -o 'eyJ[^"]*'; }
//! $ code() { until grep -s -A99 "^To: $1" emails.txt | grep -om1 "${2}_[A-Za-z0-9_-]*"; do sleep 0.1; done; }
//! $ register anna
//! {"id":"…"email":"anna@example.com"…}
//! $ curl -s localhost:8080/auth/email/verify -H "$json" -d '{"token": "'$(code anna pcv)'", "password": "correct horse battery"}'
//! {…"email_verified":true…}
//! $ anna=$(login anna)
//! $ curl -s localhost:8080/auth/organizations -H "Authorization: Bearer $anna" -H "$json" -d '{"name": "Acme", "slug": "acme"}'
//! {…"slug":"acme"…}
//! $ curl -s -X PUT localhost:8080/projects/rocket -H "Authorization: Bearer $anna" -H "X-Organization-ID: acme"
//! $ curl -s localhost:8080/projects -H "Authorization: Bearer $anna" -H "X-Organization-ID: acme"
//! ["rocket"]
//! $ curl -s localhost:8080/organizations/acme/projects -H "Authorization: Bearer $anna"
//! ["rocket"]
//! $ curl -s localhost:8080/projects -H "Authorization: Bearer $anna" -H "X-Organization-ID: others"
//! {…"status":403…}
//! $ register ben
//! {"id":"…"email":"ben@example.com"…}
//! $ curl -s localhost:8080/auth/email/verify -H "$json" -d '{"token": "'$(code ben pcv)'", "password": "correct horse battery"}'
//! {…"email_verified":true…}
//! $ curl -s localhost:8080/auth/organizations/acme/invitations -H "Authorization: Bearer $anna" -H "$json" -d '{"email": "ben@example.com", "roles": ["viewer"]}'
//! {…"email":"ben@example.com"…}
//! $ curl -s "localhost:8080/invited?token=$(code ben pci)"
//! Log in with the invited address and send this code to /auth/invitations/accept: pci_…
//! $ ben=$(login ben)
//! $ curl -s localhost:8080/auth/invitations/accept -H "Authorization: Bearer $ben" -H "$json" -d '{"token": "'$(code ben pci)'"}'
//! {…"slug":"acme"…}
//! $ curl -s localhost:8080/projects -H "Authorization: Bearer $ben" -H "X-Organization-ID: acme"
//! ["rocket"]
//! $ curl -s -X PUT localhost:8080/projects/mine -H "Authorization: Bearer $ben" -H "X-Organization-ID: acme"
//! {…"status":403…}
//! ```
#![allow(clippy::print_stdout, reason = "it speaks to whoever starts it")]

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use async_trait::async_trait;
use portcullis_identity::core::email::{Email, Id, MailError, Mailer};
use portcullis_identity::core::organization::Current;
use portcullis_identity::{
    Allow, Api, Builder, DeclaredRole as _, Json, Member, NoContent, Path, Portcullis, Problem, Public,
    Query, State, permissions, roles,
};
use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

permissions! {
    pub ProjectsRead  = "projects:read":  "See projects";
    pub ProjectsWrite = "projects:write": "Create and delete projects";
}

// What owners give in their organizations. Owners themselves may do everything there.
roles! {
    pub Viewer = "viewer": "Sees projects" { ProjectsRead };
    pub Editor = "editor": "Changes projects" inherits(Viewer) { ProjectsWrite };
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
) -> portcullis_identity::Result<Json<Vec<String>>> {
    projects
        .list(who.organization())
        .map(Json)
        .map_err(Problem::internal)
}

/// The organization is in the path here; the enforcer reads it, the handler needs only the rest.
async fn list_by_path(
    who: Allow<Member<ProjectsRead>>,
    projects: State<Projects>,
) -> portcullis_identity::Result<Json<Vec<String>>> {
    list(who, projects).await
}

async fn create(
    who: Allow<Member<ProjectsWrite>>,
    State(projects): State<Projects>,
    Path(name): Path<String>,
) -> portcullis_identity::Result<NoContent> {
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
) -> portcullis_identity::Result<NoContent> {
    let deleted = projects.delete(who.organization(), &name);
    match deleted.map_err(Problem::internal)? {
        true => Ok(NoContent),
        false => Err(Problem::not_found()),
    }
}

/// The code in an invitation's link.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Code {
    token: String,
}

/// Where the link of an invitation leads. Looking at it uses nothing up; a page of yours would offer a login and a button.
async fn invited(_: Public, Query(Code { token }): Query<Code>) -> String {
    format!("Log in with the invited address and send this code to /auth/invitations/accept: {token}")
}

/// Writes e-mails one below the other into a file for its owner alone: they hold codes.
pub struct Emails(pub PathBuf);

#[async_trait]
impl Mailer for Emails {
    async fn send(&self, email: Email, _: Id) -> Result<(), MailError> {
        let text = format!("To: {}\nSubject: {}\n\n{}\n", email.to, email.subject, email.text);
        let mut file = OpenOptions::new();
        let file = file.append(true).create(true).mode(0o600).open(&self.0);
        file.and_then(|mut file| file.write_all(text.as_bytes()))
            .map_err(|error| MailError::NotNow(format!("{} can't be written: {error}", self.0.display())))
    }
}

/// What is asked for, and where people reach this program: e-mails name it, and invitations lead to its page.
///
/// # Errors
/// An address that has no pages.
pub fn settings(builder: Builder, public_url: Url) -> anyhow::Result<Builder> {
    let page = public_url.join("invited")?;
    Ok(builder
        .roles([Viewer::ROLE, Editor::ROLE])
        .public_url(public_url)
        .invitation_url(page))
}

/// Every route, behind what the first parameter of its handler asks for. `/auth/organizations` creates organizations,
/// invites into them and lists one's own.
pub fn api(portcullis: &Portcullis, projects: &Projects) -> Api {
    Api::new("Projects", "1.0")
        .get("/projects", list)
        .get("/organizations/{organization}/projects", list_by_path)
        .put("/projects/{name}", create)
        .delete("/projects/{name}", delete)
        .get("/invited", invited)
        .with_state(projects.clone())
        .nest("/auth", portcullis.routes())
        .nest("/admin/api/v1", portcullis.admin_routes())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:8080".to_owned());
    let builder = Portcullis::builder()
        .database("sqlite:multi_tenant.db")
        .mailer(Arc::new(Emails("emails.txt".into())));
    let portcullis = settings(builder, format!("http://{address}").parse()?)?
        .open()
        .await?;
    let projects = Projects::open("projects.db").context("projects.db can't be opened")?;
    println!(
        "register at /auth/register, create an organization at /auth/organizations; e-mails go to emails.txt"
    );
    portcullis.serve(api(&portcullis, &projects), address).await?;
    Ok(())
}
