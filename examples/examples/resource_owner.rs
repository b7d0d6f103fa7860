//! Notes that belong to somebody and can be shared: `cargo run -p examples --example resource_owner`.
//!
//! The notes are in a table of the program's own. Portcullis decides who may do what to which note: for one of them
//! ([`Authorized`]), and for the list of all ([`Visible`]), which asks the table once.
//!
//! In another terminal; whose note it isn't is told that there is none, until it is shared:
//!
//! ```console
//! $ json='Content-Type: application/json'
//! $ person() { curl -s localhost:8080/auth/register -H "$json" -d "{\"username\": \"$1\", \"password\": \"correct horse battery\"}"; }
//! $ token() { curl -s localhost:8080/auth/login -H "$json" -d "{\"identifier\": \"$1\", \"password\": \"correct horse battery\"}" | grep -o 'eyJ[^"]*' | head -1; }
//! $ person anna
//! {"id":"…"username":"anna"…}
//! $ ben=$(person ben | grep -o '"id":"[^"]*' | cut -d'"' -f4)
//! $ anna="Authorization: Bearer $(token anna)" bens="Authorization: Bearer $(token ben)"
//! $ curl -s localhost:8080/notes -H "$anna" -H "$json" -d '{"text": "milk"}'
//! {"id":1,"owner":"…","text":"milk"}
//! $ curl -s localhost:8080/notes/1 -H "$bens"
//! {…"status":404…}
//! $ curl -s -X PUT localhost:8080/notes/1/grants -H "$anna" -H "$json" -d "{\"subject\": \"account:$ben\", \"action\": \"notes:read\"}"
//! $ curl -s localhost:8080/notes -H "$bens"
//! [{"id":1,"owner":"…","text":"milk"}]
//! $ curl -s -X PUT localhost:8080/notes/1 -H "$bens" -H "$json" -d '{"text": "beer"}'
//! {…"status":404…}
//! ```
//!
//! Who makes themself the administrator with the token that the program prints (`POST /auth/setup`) has `notes:admin`, and gives it
//! to others in a role by `/admin/api/v1`.
#![allow(clippy::print_stdout, reason = "it speaks to whoever starts it")]

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use portcullis_identity::core::account;
use portcullis_identity::core::authz::{ResourceFacts, ResourceKind};
use portcullis_identity::resource::{Actions as _, Column, Columns, Dialect, Tenancy};
use portcullis_identity::{
    Allow, Api, AuditContext, Authenticated, Authorized, Created, Json, NoContent, Portcullis, Problem,
    Resource, Result, State, Visible, permissions, resource_actions,
};
use rusqlite::{Connection, OptionalExtension as _, Row, params_from_iter};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A note, as the table and the API have it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Note {
    id: i64,
    owner: String,
    text: String,
}

permissions! { pub NotesAdmin = "notes:admin": "Do everything to every note"; }

// Who may do what. The owner shares; whom it is shared with does exactly what was shared.
resource_actions! {
    Note:
    pub Read  = "notes:read":  "Read a note":   owner, shared, privileged(NotesAdmin);
    pub Edit  = "notes:edit":  "Change a note": owner, shared, privileged(NotesAdmin);
    pub Share = "notes:share": "Share a note":  owner;
    pub Erase = "notes:erase": "Erase a note":  owner, privileged(NotesAdmin);
}

// How a note is found, and what decisions look at. Whoever may not touch a note gets the 404 of one that isn't there.
impl Resource for Note {
    type State = App;
    const KIND: &'static ResourceKind = &ResourceKind {
        name: "Note",
        tenancy: Tenancy::Anywhere,
        fields: &[],
        actions: Self::NAMES,
    };

    async fn load(app: &App, id: &str) -> Result<Option<Self>> {
        let Ok(id) = id.parse::<i64>() else {
            return Ok(None);
        };
        app.notes.find(id).map_err(Problem::internal)
    }

    fn facts(&self) -> ResourceFacts {
        ResourceFacts::new(Self::KIND, &self.id).owned_by(self.owner.parse::<account::Id>().ok())
    }
}

/// Which column holds what, for lists.
const COLUMNS: Columns = Columns {
    id: Column::integer("id"),
    owner: Some(Column::uuid_text("owner")),
    organization: None,
    fields: &[],
};

/// What somebody writes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Text {
    text: String,
}

async fn list(
    _: Allow<Authenticated>,
    visible: Visible<Note, Read>,
    State(app): State<App>,
) -> Result<Json<Vec<Note>>> {
    let visible = visible.to_sql(Dialect::Sqlite, &COLUMNS)?;
    let sql = format!(
        "SELECT id, owner, text FROM notes WHERE {} ORDER BY id",
        visible.sql
    );
    app.notes
        .all(&sql, params_from_iter(&visible.params))
        .map(Json)
        .map_err(Problem::internal)
}

async fn write(
    who: Allow<Authenticated>,
    State(app): State<App>,
    Json(Text { text }): Json<Text>,
) -> Result<Created<Note>> {
    app.notes
        .add(who.id(), &text)
        .map(Created)
        .map_err(Problem::internal)
}

async fn read(_: Allow<Authenticated>, note: Authorized<Note, Read>) -> Json<Note> {
    Json(note.into_parts().0)
}

async fn edit(
    _: Allow<Authenticated>,
    State(app): State<App>,
    note: Authorized<Note, Edit, Json<Text>>,
) -> Result<NoContent> {
    let (note, Json(Text { text })) = note.split();
    app.notes.change(note.id, &text).map_err(Problem::internal)?;
    Ok(NoContent)
}

async fn erase(
    _: Allow<Authenticated>,
    note: Authorized<Note, Erase>,
    State(app): State<App>,
    AuditContext(by): AuditContext,
) -> Result<NoContent> {
    // First: what is left of a deleted note would be shared for nothing.
    let grants = app.portcullis.gate().grants();
    grants.unshare_all(note.permit(), by).await?;
    app.notes.erase(note.id).map_err(Problem::internal)?;
    Ok(NoContent)
}

/// Every route, behind what its parameters ask for.
pub fn api(portcullis: &Portcullis, notes: &Notes) -> Api {
    let app = App {
        portcullis: portcullis.clone(),
        notes: notes.clone(),
    };
    Api::new("Notes", "1.0")
        .get("/notes", list)
        .post("/notes", write)
        .get("/notes/{id}", read)
        .put("/notes/{id}", edit)
        .delete("/notes/{id}", erase)
        .nest("/notes/{id}/grants", portcullis.sharing::<Note, Share>())
        .with_state(app)
        .nest("/auth", portcullis.routes())
        .nest("/oauth", portcullis.oauth_routes())
        .nest("/admin/api/v1", portcullis.admin_routes())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let portcullis = Portcullis::open("sqlite:resource_owner.db").await?;
    let notes = Notes::open(Connection::open("notes.db")?)?;
    if let Some(token) = portcullis.registrar().offer_setup().await? {
        println!("no administrator yet; set-up token: {}", *token.expose());
    }
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:8080".to_owned());
    portcullis.serve(api(&portcullis, &notes), address).await?;
    Ok(())
}

/// The state of the routes.
#[derive(Debug, Clone)]
pub struct App {
    portcullis: Portcullis,
    notes: Notes,
}

/// The table of notes.
#[derive(Debug, Clone)]
pub struct Notes(Arc<Mutex<Connection>>);

impl Notes {
    /// Makes the table if need be.
    ///
    /// # Errors
    /// `rusqlite::Error` if the table can't be made or looked up.
    pub fn open(database: Connection) -> rusqlite::Result<Self> {
        // Without AUTOINCREMENT SQLite would give the id of a deleted note to the next one.
        let table = "CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY AUTOINCREMENT, owner TEXT NOT NULL, text TEXT NOT NULL);
            CREATE INDEX IF NOT EXISTS notes_owner ON notes (owner)";
        database.execute_batch(table)?;
        Ok(Self(Arc::new(Mutex::new(database))))
    }

    fn database(&self) -> MutexGuard<'_, Connection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, id: i64) -> rusqlite::Result<Option<Note>> {
        let sql = "SELECT id, owner, text FROM notes WHERE id = ?1";
        self.database().query_row(sql, [id], note).optional()
    }

    fn all(&self, sql: &str, params: impl rusqlite::Params) -> rusqlite::Result<Vec<Note>> {
        self.database().prepare(sql)?.query_map(params, note)?.collect()
    }

    fn add(&self, owner: account::Id, text: &str) -> rusqlite::Result<Note> {
        let sql = "INSERT INTO notes (owner, text) VALUES (?1, ?2) RETURNING id, owner, text";
        self.database().query_row(sql, (owner.to_string(), text), note)
    }

    fn change(&self, id: i64, text: &str) -> rusqlite::Result<usize> {
        self.database()
            .execute("UPDATE notes SET text = ?2 WHERE id = ?1", (id, text))
    }

    fn erase(&self, id: i64) -> rusqlite::Result<usize> {
        self.database().execute("DELETE FROM notes WHERE id = ?1", [id])
    }
}

fn note(row: &Row<'_>) -> rusqlite::Result<Note> {
    Ok(Note {
        id: row.get(0)?,
        owner: row.get(1)?,
        text: row.get(2)?,
    })
}
