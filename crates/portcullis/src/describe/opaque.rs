//! What can't describe itself.

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use http::request::Parts;

use super::{Input, Output};

/// Any extractor of axum's kind as a parameter, and any answer of axum's kind as an answer, undescribed in the document.
///
/// ```
/// use axum::response::IntoResponse;
/// use portcullis::docs::Opaque;
/// use portcullis::{Api, Public};
///
/// async fn home(_: Public, Opaque(method): Opaque<http::Method>) -> Opaque<impl IntoResponse> {
///     Opaque(format!("asked with {method}"))
/// }
/// let api: Api = Api::new("Home", "1.0").get("/", home);
/// ```
///
/// What reads a body is taken as the handler's last parameter, as with axum. The document doesn't know that it does, and
/// neither does the check that a decision about a resource waits for the body.
#[derive(Debug, Clone, Copy, Default)]
#[must_use]
pub struct Opaque<T>(pub T);

impl<S: Send + Sync, T: FromRequestParts<S>> FromRequestParts<S> for Opaque<T> {
    type Rejection = T::Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, T::Rejection> {
        T::from_request_parts(parts, state).await.map(Self)
    }
}

impl<S: Send + Sync, T: FromRequest<S>> FromRequest<S> for Opaque<T> {
    type Rejection = T::Rejection;

    async fn from_request(request: Request, state: &S) -> Result<Self, T::Rejection> {
        T::from_request(request, state).await.map(Self)
    }
}

impl<T: IntoResponse> IntoResponse for Opaque<T> {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

impl<T> Input for Opaque<T> {}

impl<T: IntoResponse> Output for Opaque<T> {}
