use axum::response::{IntoResponse, Response};
use portcullis::{Api, Public};

struct NoteError;

impl IntoResponse for NoteError {
    fn into_response(self) -> Response {
        http::StatusCode::CONFLICT.into_response()
    }
}

async fn read(_: Public) -> Result<String, NoteError> {
    Err(NoteError)
}

fn main() {
    let _: Api = Api::new("Notes", "1").get("/notes", read);
}

//~ error[E0277]: `NoteError` can't be the answer of a handler: it doesn't say what it looks like
//~ own_error.rs:17:55
//~ write `impl portcullis::docs::Output for NoteError {}`
