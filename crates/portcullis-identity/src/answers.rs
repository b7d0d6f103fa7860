//! Documents the answers of types that are one of several.

/// Documents a type that answers like any of the others: `answers!(Either: Created<A>, Accepted<B>)`. With a status
/// before it, an answer's own status is replaced: `answers!(Refusal: 400 => Json<Body>)`. Answers of one status are
/// alternatives. `answers!(Login: Json<A>, Json<B>; sets SessionCookies)` says that they may set cookies, by the name of a
/// described header.
macro_rules! answers {
    ($type:ty: $($status:literal =>)? $($answer:ty),+ $(; sets $cookies:ident)?) => {
        impl crate::docs::Output for $type {
            fn answers(operation: &mut crate::docs::Operation<'_>) {
                answers!(@each operation [$($status)?] [$($cookies)?] $($answer),+);
            }
        }
    };
    (@each $operation:ident [] [] $($answer:ty),+) => {
        $(<$answer as crate::docs::Output>::answers($operation);)+
    };
    (@each $operation:ident [$status:literal] [] $($answer:ty),+) => {
        $($operation.answers_as::<$answer>(http::StatusCode::from_u16($status).ok());)+
    };
    (@each $operation:ident [] [$cookies:ident] $($answer:ty),+) => {
        $($operation.answers_with_header::<$answer>("Set-Cookie", stringify!($cookies));)+
    };
}
