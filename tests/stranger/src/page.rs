//! A page of the program's own.

use axum::response::Html;
use portcullis_identity::{Api, Csp, CspNonce, Public};

async fn home(_: Public, nonce: CspNonce) -> Html<String> {
    Html(format!(
        "<!doctype html><title>Notes</title><style nonce=\"{nonce}\">body {{ max-width: 40em }}</style><h1>Notes</h1>"
    ))
}

/// The pages, with what they may load and run.
pub fn pages() -> Api {
    let policy = "default-src 'none'; style-src 'nonce'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'";
    Api::new("", "").get("/", home).csp(Csp::new(policy))
}
