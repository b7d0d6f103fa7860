//! The page that a mailed link leads to.
//!
//! Flow: `GET` shows a button and uses nothing up, because scanners open mailed links (`T029`); `POST` redeems the
//! token and sends the browser to a page without it.

use askama::Template;
use axum::Router;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use http::StatusCode;
use portcullis::{Circumstances, Form, Portcullis};
use portcullis_core::account::VerificationToken;
use portcullis_core::defends;
use portcullis_core::secret::SecretText;
use serde::Deserialize;

use super::layout::{Page, Unanswered, not_found};
use super::token_of;

/// The pages below `/verify-email`.
pub(crate) fn pages(portcullis: Portcullis) -> Router {
    Router::new()
        .route("/", get(ask).post(confirm))
        .route("/done", get(done))
        .fallback(not_found)
        .with_state(portcullis)
}

#[derive(Template)]
#[template(path = "verify_email/ask.html")]
struct Ask<'t> {
    token: &'t str,
}

async fn ask(RawQuery(query): RawQuery) -> Page {
    defends!("T029");
    let token = token_of(query.as_deref());
    // Whether it is still good is found out by the button alone: looking costs nobody anything.
    match token
        .as_ref()
        .filter(|token| VerificationToken::parse(token.expose()).is_some())
    {
        Some(token) => Page::new(
            StatusCode::OK,
            &Ask {
                token: token.expose(),
            },
        ),
        None => refused(),
    }
}

/// What the button sends.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sent {
    token: SecretText,
}

async fn confirm(
    State(portcullis): State<Portcullis>,
    Circumstances(by): Circumstances,
    Form(sent): Form<Sent>,
) -> Result<Response, Unanswered> {
    Ok(match portcullis.verify_email(sent.token.expose(), by).await? {
        Some(_) => Redirect::to("/verify-email/done").into_response(),
        None => refused().into_response(),
    })
}

async fn done() -> Page {
    Page::message(
        StatusCode::OK,
        "Your address is confirmed",
        "You can close this page and log in.",
    )
}

fn refused() -> Page {
    let text = "This link was used, has expired, or isn't complete. Log in and ask for another letter.";
    Page::message(StatusCode::GONE, "This link leads nowhere", text)
}
