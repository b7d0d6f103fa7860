//! The notes and their routes.

use std::sync::{Arc, Mutex};

use portcullis_identity::{
    Allow, Api, Builder, Created, DeclaredRole as _, Json, JsonSchema, Path, Portcullis, State, permissions, roles, schemars,
};
use serde::{Deserialize, Serialize};

use crate::errors::NoteError;
use crate::paging::Paging;

permissions! {
    pub NotesRead  = "notes:read":  "Read notes";
    pub NotesWrite = "notes:write": "Write notes";
}

roles! {
    pub Reader = "reader": "Reads notes" { NotesRead };
    pub Writer = "writer": "Reads and writes notes" inherits(Reader) { NotesWrite };
}

/// What the program says about itself.
pub fn settings(builder: Builder) -> Builder {
    builder.roles([Reader::ROLE, Writer::ROLE])
}

/// A note, as clients see it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(crate = "schemars")]
pub struct Note {
    /// Which one.
    pub id: usize,
    /// What it says.
    pub text: String,
}

/// What somebody writes.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(crate = "schemars")]
#[serde(deny_unknown_fields)]
pub struct NewNote {
    /// What it says: 1 to 200 characters.
    #[schemars(length(min = 1, max = 200))]
    text: String,
}

/// All notes.
pub type Notes = Arc<Mutex<Vec<Note>>>;

async fn list(_: Allow<NotesRead>, paging: Paging, State(notes): State<Notes>) -> Json<Vec<Note>> {
    Json(paging.cut(&notes.lock().unwrap()))
}

async fn read(
    _: Allow<NotesRead>,
    Path(id): Path<usize>,
    State(notes): State<Notes>,
) -> Result<Json<Note>, NoteError> {
    let notes = notes.lock().unwrap();
    notes.get(id).cloned().map(Json).ok_or(NoteError::NotFound)
}

async fn write(
    _: Allow<NotesWrite>,
    State(notes): State<Notes>,
    Json(new): Json<NewNote>,
) -> Result<Created<Note>, NoteError> {
    let mut notes = notes.lock().unwrap();
    if notes.iter().any(|note| note.text == new.text) {
        return Err(NoteError::Twice);
    }
    let note = Note { id: notes.len(), text: new.text };
    notes.push(note.clone());
    Ok(Created(note))
}

/// Every route, behind its rule.
pub fn api(portcullis: &Portcullis, notes: Notes) -> Api {
    Api::new("Notes", "1.0")
        .get("/notes", list)
        .get("/notes/{id}", read)
        .post("/notes", write)
        .with_state(notes)
        .nest("/auth", portcullis.routes())
}
