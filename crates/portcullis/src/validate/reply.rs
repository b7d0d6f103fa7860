//! Answers that are more, or less, than 200 with JSON.

use aide::OperationOutput;
use aide::generate::GenContext;
use aide::openapi::{Operation, Response as Documented, StatusCode as Code};
use axum::response::{IntoResponse, Response};
use http::header::CACHE_CONTROL;
use http::{HeaderValue, StatusCode};
use portcullis_core::effect::Effect;
use schemars::JsonSchema;
use serde::Serialize;

use super::Json;
use crate::schema;

macro_rules! with_status {
    ($($(#[$doc:meta])* $name:ident = $status:ident, $code:literal, $description:literal;)+) => {$(
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

        impl<T: JsonSchema> OperationOutput for $name<T> {
            type Inner = T;

            fn operation_response(context: &mut GenContext, _: &mut Operation) -> Option<Documented> {
                Some(schema::answer::<T>(context, "application/json", $description))
            }

            fn inferred_responses(
                context: &mut GenContext,
                _: &mut Operation,
            ) -> Vec<(Option<Code>, Documented)> {
                let answer = schema::answer::<T>(context, "application/json", $description);
                vec![(Some(Code::Code($code)), answer)]
            }
        }
    )+};
}

with_status! {
    /// 201: it exists now, and this is it.
    Created = CREATED, 201, "It exists now";
    /// 202: it will be done.
    Accepted = ACCEPTED, 202, "It will be done";
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

impl<T: JsonSchema, const SECONDS: u32> OperationOutput for Kept<T, SECONDS> {
    type Inner = T;

    fn operation_response(context: &mut GenContext, operation: &mut Operation) -> Option<Documented> {
        Json::<T>::operation_response(context, operation)
    }

    fn inferred_responses(
        context: &mut GenContext,
        operation: &mut Operation,
    ) -> Vec<(Option<Code>, Documented)> {
        Json::<T>::inferred_responses(context, operation)
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

impl OperationOutput for NoContent {
    type Inner = ();

    fn operation_response(_: &mut GenContext, _: &mut Operation) -> Option<Documented> {
        Some(schema::plain("Done"))
    }

    fn inferred_responses(_: &mut GenContext, _: &mut Operation) -> Vec<(Option<Code>, Documented)> {
        vec![(Some(Code::Code(204)), schema::plain("Done"))]
    }
}
