//! What axum's own extractors and answers say, and those of the standard library: what is in their types.

use std::borrow::Cow;
use std::convert::Infallible;

use axum::body::{Body, Bytes};
use axum::extract::{
    ConnectInfo, Extension, Form, MatchedPath, NestedPath, OriginalUri, Path, Query, RawForm, RawPathParams,
    RawQuery, Request, State,
};
use axum::response::sse::{Event, Sse};
use axum::response::{
    AppendHeaders, ErrorResponse, Html, IntoResponse, IntoResponseParts, Redirect, Response,
};
use futures_util::Stream;
use http::request::Parts;
use http::{Extensions, HeaderMap, Method, StatusCode, Uri, Version};

use super::{Documented, Input, Operation, Output};

/// What says nothing: it reads what isn't the request's, or whatever there is.
macro_rules! silent {
    ($($(@$name:ident)? $type:ty;)+) => {$(
        impl$(<$name>)? Input for $type {}
    )+};
}

silent! {
    @T ConnectInfo<T>;
    @T Extension<T>;
    Extensions;
    HeaderMap;
    MatchedPath;
    Method;
    NestedPath;
    OriginalUri;
    Parts;
    RawPathParams;
    RawQuery;
    @T State<T>;
    Uri;
    Version;
}

/// Whole bodies of any kind.
macro_rules! bodies {
    ($($type:ty: $media_type:literal;)+) => {$(
        impl Input for $type {
            fn reads(operation: &mut Operation<'_>) {
                operation.plain_body($media_type);
            }
        }
    )+};
}

bodies! {
    Body: "*/*";
    Bytes: "*/*";
    RawForm: "application/x-www-form-urlencoded";
    Request: "*/*";
    String: "text/plain";
}

impl<T: Documented> Input for axum::Json<T> {
    fn reads(operation: &mut Operation<'_>) {
        operation.unchecked::<T>("portcullis::Json");
        operation.body::<T>("application/json");
        operation.body_refusals();
    }
}

impl<T: Documented> Input for Form<T> {
    fn reads(operation: &mut Operation<'_>) {
        operation.unchecked::<T>("portcullis::Form");
        operation.body::<T>("application/x-www-form-urlencoded");
        operation.body_refusals();
    }
}

impl<T: Documented> Input for Query<T> {
    fn reads(operation: &mut Operation<'_>) {
        operation.unchecked::<T>("portcullis::Query");
        operation.query::<T>();
        operation.parameter_refusals();
    }
}

impl<T: Documented> Input for Path<T> {
    fn reads(operation: &mut Operation<'_>) {
        operation.unchecked::<T>("portcullis::Path");
        operation.path::<T>();
        operation.parameter_refusals();
    }
}

/// Nothing.
impl Input for () {}

/// What may be missing.
impl<T: Input> Input for Option<T> {
    fn reads(operation: &mut Operation<'_>) {
        operation.optional(T::reads);
    }
}

/// What may be wrong: the handler sees why.
impl<T: Input, E> Input for Result<T, E> {
    fn reads(operation: &mut Operation<'_>) {
        T::reads(operation);
    }
}

impl<T: Documented> Output for axum::Json<T>
where
    Self: IntoResponse,
{
    fn answers(operation: &mut Operation<'_>) {
        operation.answer::<T>(StatusCode::OK, "application/json", "The answer");
    }
}

/// Texts and bytes of any kind.
macro_rules! contents {
    ($($(@$name:ident)? $type:ty: $media_type:literal;)+) => {$(
        impl$(<$name>)? Output for $type
        where
            Self: IntoResponse,
        {
            fn answers(operation: &mut Operation<'_>) {
                operation.opaque_answer(StatusCode::OK, $media_type, "The answer");
            }
        }
    )+};
}

contents! {
    &'static [u8]: "application/octet-stream";
    &'static str: "text/plain";
    Box<str>: "text/plain";
    Bytes: "application/octet-stream";
    Cow<'static, str>: "text/plain";
    @T Html<T>: "text/html";
    String: "text/plain";
    Vec<u8>: "application/octet-stream";
}

impl<S, E> Output for Sse<S>
where
    S: Stream<Item = Result<Event, E>> + Send + 'static,
    E: Into<axum::BoxError>,
{
    fn answers(operation: &mut Operation<'_>) {
        operation.opaque_answer(StatusCode::OK, "text/event-stream", "Events, as they happen");
    }
}

impl Output for () {
    fn answers(operation: &mut Operation<'_>) {
        operation.plain_answer(StatusCode::OK, "Done");
    }
}

impl Output for Redirect {
    fn answers(operation: &mut Operation<'_>) {
        operation.plain_answer(None, "A redirect, to the address in `Location`");
    }
}

impl Output for Infallible {
    fn answers(_: &mut Operation<'_>) {}
}

impl Output for Body {}
impl Output for Response {}
impl Output for StatusCode {}

impl<T: Output, E: Output> Output for Result<T, E> {
    fn answers(operation: &mut Operation<'_>) {
        T::answers(operation);
        E::answers(operation);
    }
}

/// Anything that became a response by `?`.
impl<T: Output> Output for Result<T, ErrorResponse> {
    fn answers(operation: &mut Operation<'_>) {
        T::answers(operation);
    }
}

/// Whatever status the handler finds.
impl<T: Output> Output for (StatusCode, T) {
    fn answers(operation: &mut Operation<'_>) {
        operation.answers_as::<T>(None);
    }
}

/// Headers before an answer change nothing of what is told of it.
macro_rules! with_parts {
    ($($(@$name:ident)? $parts:ty;)+) => {$(
        impl<$($name,)? Answer: Output> Output for ($parts, Answer)
        where
            $parts: IntoResponseParts,
        {
            fn answers(operation: &mut Operation<'_>) {
                Answer::answers(operation);
            }
        }

        impl<$($name,)? Answer: Output> Output for (StatusCode, $parts, Answer)
        where
            $parts: IntoResponseParts,
        {
            fn answers(operation: &mut Operation<'_>) {
                operation.answers_as::<Answer>(None);
            }
        }
    )+};
}

with_parts! {
    @I AppendHeaders<I>;
    @T Extension<T>;
    HeaderMap;
}

impl<K, V, Answer: Output, const N: usize> Output for ([(K, V); N], Answer)
where
    [(K, V); N]: IntoResponseParts,
{
    fn answers(operation: &mut Operation<'_>) {
        Answer::answers(operation);
    }
}

impl<K, V, Answer: Output, const N: usize> Output for (StatusCode, [(K, V); N], Answer)
where
    [(K, V); N]: IntoResponseParts,
{
    fn answers(operation: &mut Operation<'_>) {
        operation.answers_as::<Answer>(None);
    }
}
