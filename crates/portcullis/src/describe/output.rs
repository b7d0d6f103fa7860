//! What a handler answers.

use axum::response::IntoResponse;

use super::Operation;

/// An answer of a handler, as the document tells it. An answer of one's own, an error type for instance, needs an `impl`,
/// which may be empty; then the document only says that there are answers beside those it describes:
///
/// ```
/// use axum::response::{IntoResponse, Response};
/// use http::StatusCode;
/// use portcullis::docs::{Operation, Output};
/// use portcullis::{Api, Json, Public};
///
/// /// How this program says that something went wrong.
/// #[derive(serde::Serialize, portcullis::JsonSchema)]
/// #[schemars(crate = "portcullis::schemars")]
/// struct NoteError { error: &'static str }
///
/// impl IntoResponse for NoteError {
///     fn into_response(self) -> Response {
///         (StatusCode::CONFLICT, Json(self)).into_response()
///     }
/// }
///
/// impl Output for NoteError {
///     fn answers(operation: &mut Operation<'_>) {
///         operation.answer::<Self>(StatusCode::CONFLICT, "application/json", "The note is locked");
///     }
/// }
///
/// async fn read(_: Public) -> Result<String, NoteError> {
///     Err(NoteError { error: "locked" })
/// }
/// let api: Api = Api::new("Notes", "1.0").get("/notes", read);
/// assert_eq!(api.openapi()["paths"]["/notes"]["get"]["responses"]["409"]["description"], "The note is locked");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be the answer of a handler: it doesn't say what it looks like",
    label = "this answer doesn't describe itself",
    note = "to answer a value as JSON, write `portcullis::Json<…>` around it",
    note = "for an answer or an error of your own, implement `axum::response::IntoResponse` and write `impl portcullis::docs::Output for {Self} {{}}`",
    note = "for `impl IntoResponse` and answers of other crates, answer `portcullis::docs::Opaque(…)`"
)]
pub trait Output: IntoResponse {
    /// Says what answers there are. By default only that there are others than those that are described.
    fn answers(operation: &mut Operation<'_>) {
        operation.plain_answer(None, "An answer that isn't described");
    }
}
