use axum::response::IntoResponse;
use portcullis::{Api, Public};

async fn home(_: Public) -> impl IntoResponse {
    "home"
}

fn main() {
    let _: Api = Api::new("Home", "1").get("/", home);
}

//~ error[E0277]: `impl IntoResponse` can't be the answer of a handler: it doesn't say what it looks like
//~ answer_is_impl_into_response.rs:9:49
//~ for `impl IntoResponse` and answers of other crates, answer `portcullis::docs::Opaque(…)`
