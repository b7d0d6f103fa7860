//! The page that makes the first administrator.
//!
//! Flow: the start prints a link; `GET` shows the form and uses nothing up; `POST` registers the administrator and
//! uses the token up, both or neither; the browser is sent to a page without the token. Whoever comes with a used,
//! expired or unknown token, or after an administrator exists, sees that set-up is closed (`T031`).

mod form;

use askama::Template;
use axum::Router;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use http::StatusCode;
use portcullis_core::account::{RegistrationError, SetupToken};
use portcullis_core::defends;
use portcullis_core::secret::SecretText;
use portcullis_identity::{AuditContext, Form, JsonSchema, Portcullis};
use serde::Deserialize;

use self::form::{Faults, FormPage};
use super::layout::{Page, Unanswered, not_found};
use super::token_of;

/// The pages below `/setup`.
pub(crate) fn pages(portcullis: Portcullis) -> Router {
    Router::new()
        .route("/", get(ask).post(create))
        .route("/done", get(done))
        .fallback(not_found)
        .with_state(portcullis)
}

async fn ask(State(portcullis): State<Portcullis>, RawQuery(query): RawQuery) -> Result<Page, Unanswered> {
    defends!("T029");
    let text = token_of(query.as_deref());
    let Some(token) = text.as_ref().and_then(|text| SetupToken::parse(text.expose())) else {
        return Ok(closed());
    };
    if !portcullis.registrar().setup_is_open(&token).await? {
        return Ok(closed());
    }
    Ok(FormPage::empty(&token.expose()).page(StatusCode::OK))
}

/// What the form sends.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "portcullis_identity::schemars")]
struct Sent {
    #[schemars(with = "String")]
    token: SecretText,
    email: String,
    #[serde(default)]
    username: String,
    #[schemars(with = "String")]
    password: SecretText,
    #[schemars(with = "String")]
    password_again: SecretText,
}

async fn create(
    State(portcullis): State<Portcullis>,
    AuditContext(by): AuditContext,
    Form(sent): Form<Sent>,
) -> Result<Response, Unanswered> {
    defends!("T031");
    let mut faults = Faults::default();
    let form = form::registration(&sent, &mut faults);
    faults.check_password(&portcullis, &form);
    if !faults.is_empty() {
        return Ok(FormPage::again(&sent, faults)
            .page(StatusCode::UNPROCESSABLE_ENTITY)
            .into_response());
    }
    match portcullis.set_up(sent.token.expose(), form, by).await {
        Ok(_) => Ok(Redirect::to("/setup/done").into_response()),
        Err(RegistrationError::SetupClosed) => Ok(closed().into_response()),
        Err(RegistrationError::Fault(fault)) => Err(fault.into()),
        Err(RegistrationError::Hash(error)) => Err(error.into()),
        Err(error) => {
            faults.refused(&error);
            Ok(FormPage::again(&sent, faults)
                .page(StatusCode::CONFLICT)
                .into_response())
        }
    }
}

/// Whoever comes here may have made the administrator a moment ago, years ago, or not at all.
async fn done(State(portcullis): State<Portcullis>) -> Result<Page, Unanswered> {
    let administrator_exists = portcullis.registrar().administrator_exists().await?;
    Ok(Page::new(StatusCode::OK, &Done { administrator_exists }))
}

#[derive(Template)]
#[template(path = "setup/done.html")]
struct Done {
    administrator_exists: bool,
}

fn closed() -> Page {
    let text = "This link was used, has expired, or an administrator exists already. If there is none, \
                `portcullis setup-link` on the server prints a new link.";
    Page::message(StatusCode::GONE, "Set-up is closed", text)
}
