//! What a handler reads of a request.

use super::Operation;

/// A parameter of a handler, as the document tells it. An extractor of one's own needs an `impl`, which may be empty; then
/// the document says nothing of what it reads:
///
/// ```
/// use axum::extract::FromRequestParts;
/// use http::request::Parts;
/// use portcullis::docs::{Input, Operation};
/// use portcullis::{Api, Problem, Public, Query};
///
/// /// A page of a list.
/// struct Page { number: u32 }
///
/// #[derive(serde::Deserialize, portcullis::JsonSchema)]
/// #[schemars(crate = "portcullis::schemars")]
/// struct PageQuery {
///     /// Which page, from 1.
///     page: Option<u32>,
/// }
///
/// impl<S: Send + Sync> FromRequestParts<S> for Page {
///     type Rejection = Problem;
///
///     async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
///         let Query(PageQuery { page }) = Query::from_request_parts(parts, state).await?;
///         Ok(Self { number: page.unwrap_or(1) })
///     }
/// }
///
/// impl Input for Page {
///     fn reads(operation: &mut Operation<'_>) {
///         operation.query::<PageQuery>();
///     }
/// }
///
/// async fn list(_: Public, page: Page) -> String {
///     format!("page {}", page.number)
/// }
/// let api: Api = Api::new("Notes", "1.0").get("/notes", list);
/// assert_eq!(api.openapi()["paths"]["/notes"]["get"]["parameters"][0]["name"], "page");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be a parameter of a handler: it doesn't say what it reads of a request",
    label = "this parameter doesn't describe itself",
    note = "for an extractor of your own, write `impl portcullis::docs::Input for {Self} {{}}`; its method `reads` may say more",
    note = "for an extractor of another crate, take `portcullis::docs::Opaque<{Self}>`"
)]
pub trait Input {
    /// Says what is read: parameters, a body, and how it may be refused. By default nothing.
    fn reads(operation: &mut Operation<'_>) {
        let _ = operation;
    }
}
