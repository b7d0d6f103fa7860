//! The page that the link of an invitation leads to.
//!
//! Flow: `GET` shows the code and a form, and uses nothing up (`T029`); `POST` accepts in the name of whoever knows the
//! password of an account of the invited address, and sends the browser to a page without the code. Somebody who is asked
//! for the code by an app copies it.
//!
//! A session of the browser accepts nothing here: the token beside its cookie can't be sent without a script, and it may be
//! another's, planted. The password is asked for, and nobody stays logged in.

use askama::Template;
use axum::Router;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use http::StatusCode;
use portcullis_core::defends;
use portcullis_core::login::LoginError;
use portcullis_core::organization::{InvitationToken, OrganizationsError};
use portcullis_core::secret::SecretText;
use portcullis_identity::{AcceptError, AuditContext, Form, JsonSchema, Portcullis};
use serde::Deserialize;

use super::layout::{Page, Unanswered, not_found};
use super::token_of;

/// The pages below `/accept-invitation`.
pub(crate) fn pages(portcullis: Portcullis) -> Router {
    Router::new()
        .route("/", get(ask).post(accept))
        .route("/done", get(done))
        .fallback(not_found)
        .with_state(portcullis)
}

#[derive(Template)]
#[template(path = "accept_invitation/ask.html")]
struct Ask<'t> {
    token: &'t str,
    identifier: &'t str,
    fault: &'t str,
}

impl Ask<'_> {
    fn page(&self, status: StatusCode) -> Page {
        Page::with_script(status, self)
    }
}

async fn ask(RawQuery(query): RawQuery) -> Page {
    defends!("T029");
    // Whether it is still good is found out by accepting alone: looking tells nobody anything.
    let token = token_of(query.as_deref()).and_then(|token| InvitationToken::parse(token.expose()));
    match token {
        Some(token) => Ask {
            token: &token.expose(),
            identifier: "",
            fault: "",
        }
        .page(StatusCode::OK),
        None => refused(),
    }
}

/// What the form sends.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "portcullis_identity::schemars")]
struct Sent {
    #[schemars(with = "String")]
    token: SecretText,
    identifier: String,
    #[schemars(with = "String")]
    password: SecretText,
}

async fn accept(
    State(portcullis): State<Portcullis>,
    by: AuditContext,
    Form(sent): Form<Sent>,
) -> Result<Response, Unanswered> {
    defends!("T070");
    let Sent {
        token,
        identifier,
        password,
    } = sent;
    let Some(token) = InvitationToken::parse(token.expose()) else {
        return Ok(refused().into_response());
    };
    let accepted = portcullis
        .accept_invitation(&token, (identifier.clone(), password), by)
        .await;
    let fault = match accepted {
        Ok(_) => return Ok(Redirect::to("/accept-invitation/done").into_response()),
        Err(AcceptError::Invitation(OrganizationsError::InvalidInvitation)) => {
            return Ok(refused().into_response());
        }
        Err(error) => reason(error)?,
    };
    let again = Ask {
        token: &token.expose(),
        identifier: &identifier,
        fault: &fault,
    };
    Ok(again.page(StatusCode::UNPROCESSABLE_ENTITY).into_response())
}

/// What the person can do about it; the invitation is as good as before.
fn reason(error: AcceptError) -> Result<String, Unanswered> {
    Ok(match error {
        AcceptError::Login(LoginError::Hash(error)) => return Err(error.into()),
        AcceptError::Login(LoginError::Fault(fault))
        | AcceptError::Invitation(OrganizationsError::Fault(fault)) => return Err(fault.into()),
        AcceptError::Login(LoginError::WrongCredentials) => {
            "There is no account with this name and this password.".to_owned()
        }
        AcceptError::Invitation(OrganizationsError::AnotherAddress) => {
            "The invitation was mailed to another address than this account's, or the account hasn't confirmed its \
             address yet."
                .to_owned()
        }
        other => super::sentence(&other.to_string()),
    })
}

async fn done() -> Page {
    let text = "If you have just accepted it, you have joined. Log in to the app that you were invited to: here, nobody \
                stays logged in.";
    Page::message(StatusCode::OK, "Your invitation", text)
}

fn refused() -> Page {
    let text = "This invitation was used, was taken back, has expired, or its link isn't complete. Open the link again from \
                the e-mail, or ask for another invitation.";
    Page::message(StatusCode::GONE, "This link leads nowhere", text)
}
