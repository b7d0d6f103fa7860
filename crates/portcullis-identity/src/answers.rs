//! Documents the answers of types that are one of several.

/// Documents a type that answers like any of the others: `answers!(Either: Created<A>, Accepted<B>)`. With a status
/// before it, an answer's own status is replaced: `answers!(Refusal: 400 => Json<Body>)`. Answers of one status are
/// alternatives. `answers!(Login: Json<A>, Json<B>; sets SessionCookies)` says that they may set cookies, by the name of a
/// described header.
macro_rules! answers {
    ($type:ty: $($status:literal =>)? $($answer:ty),+ $(; sets $cookies:ident)?) => {
        impl aide::OperationOutput for $type {
            type Inner = Self;

            fn operation_response(
                _: &mut aide::generate::GenContext,
                _: &mut aide::openapi::Operation,
            ) -> Option<aide::openapi::Response> {
                None
            }

            fn inferred_responses(
                context: &mut aide::generate::GenContext,
                operation: &mut aide::openapi::Operation,
            ) -> Vec<(Option<aide::openapi::StatusCode>, aide::openapi::Response)> {
                let mut all = Vec::new();
                $(all.extend(<$answer as aide::OperationOutput>::inferred_responses(context, operation));)+
                $(for (status, _) in &mut all {
                    *status = Some(aide::openapi::StatusCode::Code($status));
                })?
                #[allow(unused_mut, reason = "only some set cookies")]
                let mut all = crate::schema::one_by_status(all);
                $(for (_, response) in &mut all {
                    crate::schema::declare_header(response, "Set-Cookie", stringify!($cookies));
                })?
                all
            }
        }
    };
}
