//! The page that the link of an invitation leads to.
//!
//! It says what to do with the code, and uses nothing up (`T029`): accepting takes a login by the invited address, and
//! `POST /auth/invitations/accept`.

use axum::Router;
use axum::extract::RawQuery;
use axum::routing::get;
use http::StatusCode;
use portcullis_core::defends;
use portcullis_core::organization::InvitationToken;

use super::layout::{Page, not_found};
use super::token_of;

/// The pages below `/accept-invitation`.
pub(crate) fn pages() -> Router {
    Router::new().route("/", get(show)).fallback(not_found)
}

async fn show(RawQuery(query): RawQuery) -> Page {
    defends!("T029");
    // Whether it is still good is found out by accepting alone: looking tells nobody anything.
    let token = token_of(query.as_deref()).and_then(|token| InvitationToken::parse(token.expose()));
    match token {
        Some(token) => {
            let text = format!(
                "Log in to the app that you were invited to, with an account of the invited address, and enter this \
                 code where it asks for an invitation: {}",
                *token.expose()
            );
            Page::message(StatusCode::OK, "You are invited", &text)
        }
        None => {
            let text =
                "This link isn't complete. Open it again from the e-mail, or ask for another invitation.";
            Page::message(StatusCode::GONE, "This link leads nowhere", text)
        }
    }
}
