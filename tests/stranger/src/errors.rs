//! An error type of the program's own, in a shape of its own.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use portcullis_identity::docs::{Operation, Output};
use portcullis_identity::{Json, JsonSchema, Problem, schemars};
use serde::Serialize;

/// What can be wrong with a request for notes.
#[derive(Debug)]
pub enum NoteError {
    /// There is no such note.
    NotFound,
    /// There is one that says the same.
    Twice,
    /// What Portcullis refuses, as it says it.
    Problem(Problem),
}

impl From<Problem> for NoteError {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

/// How this program writes an error.
#[derive(Serialize, JsonSchema)]
#[schemars(crate = "schemars")]
pub struct ErrorBody {
    /// What is wrong, for programs.
    error: &'static str,
    /// What to do, for people.
    hint: &'static str,
}

impl IntoResponse for NoteError {
    fn into_response(self) -> Response {
        let (status, error, hint) = match self {
            Self::NotFound => (StatusCode::NOT_FOUND, "no_such_note", "look at GET /notes"),
            Self::Twice => (StatusCode::CONFLICT, "said_already", "say something new"),
            Self::Problem(problem) => return problem.into_response(),
        };
        (status, Json(ErrorBody { error, hint })).into_response()
    }
}

impl Output for NoteError {
    fn answers(operation: &mut Operation<'_>) {
        let json = "application/json";
        operation.answer::<ErrorBody>(StatusCode::NOT_FOUND, json, "There is no such note");
        operation.answer::<ErrorBody>(StatusCode::CONFLICT, json, "There is one that says the same");
        Problem::answers(operation);
    }
}
