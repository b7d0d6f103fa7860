//! Answers that are more, or less, than 200 with JSON.

use axum::response::{IntoResponse, Response};
use http::header::CACHE_CONTROL;
use http::{HeaderValue, StatusCode};
use portcullis_core::effect::Effect;
use serde::Serialize;

use super::Json;
use crate::describe::{Documented, Operation, Output};

macro_rules! with_status {
    ($($(#[$doc:meta])* $name:ident = $status:ident, $description:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        #[must_use]
        pub struct $name<T>(pub T);

        impl<T: Serialize> IntoResponse for $name<T> {
            fn into_response(self) -> Response {
                let mut response = Json(self.0).into_response();
                if response.status() == StatusCode::OK {
                    *response.status_mut() = StatusCode::$status;
                }
                response
            }
        }

        impl<T: Serialize + Documented> Output for $name<T> {
            fn answers(operation: &mut Operation<'_>) {
                operation.answer::<T>(StatusCode::$status, "application/json", $description);
            }
        }
    )+};
}

with_status! {
    /// 201: it exists now, and this is it.
    Created = CREATED, "It exists now";
    /// 202: it will be done.
    Accepted = ACCEPTED, "It will be done";
}

/// 200 with JSON that anybody may keep for so many seconds.
#[derive(Debug, Clone, Copy)]
#[must_use]
#[doc(hidden)]
pub struct Kept<T, const SECONDS: u32>(pub T);

impl<T: Serialize, const SECONDS: u32> IntoResponse for Kept<T, SECONDS> {
    fn into_response(self) -> Response {
        let mut response = Json(self.0).into_response();
        if let Ok(value) = HeaderValue::try_from(format!("public, max-age={SECONDS}"))
            && response.status() == StatusCode::OK
        {
            response.headers_mut().insert(CACHE_CONTROL, value);
        }
        response
    }
}

impl<T: Serialize + Documented, const SECONDS: u32> Output for Kept<T, SECONDS> {
    fn answers(operation: &mut Operation<'_>) {
        Json::<T>::answers(operation);
    }
}

/// 204: done, and there is nothing to say.
#[derive(Debug, Clone, Copy)]
#[must_use]
pub struct NoContent;

/// Asking for what is so already is no error: the caller's wish holds.
impl From<Effect> for NoContent {
    fn from(_: Effect) -> Self {
        Self
    }
}

impl IntoResponse for NoContent {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

impl Output for NoContent {
    fn answers(operation: &mut Operation<'_>) {
        operation.plain_answer(StatusCode::NO_CONTENT, "Done");
    }
}
