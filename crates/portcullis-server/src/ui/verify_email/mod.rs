//! The page that a mailed link leads to.
//!
//! Flow: `GET` shows the forms and uses nothing up, because scanners open mailed links (`T029`); `POST` redeems the
//! token, with the account's password or, for whoever didn't register it, with a new one (`T120`), and sends the browser
//! to a page without it. A session of the browser proves nothing here: it may be another's, planted. Whoever comes too
//! late asks for another e-mail, and learns nothing by the answer (`T122`).

use askama::Template;
use axum::Router;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use http::StatusCode;
use portcullis_core::account::{AgainError, Identifier, VerificationToken, VerifyError};
use portcullis_core::defends;
use portcullis_core::secret::SecretText;
use portcullis_identity::{AuditContext, Form, JsonSchema, Portcullis};
use serde::Deserialize;

use super::layout::{Page, Unanswered, not_found};
use super::token_of;

/// The pages below `/verify-email`.
pub(crate) fn pages(portcullis: Portcullis) -> Router {
    Router::new()
        .route("/", get(ask).post(confirm))
        .route("/done", get(done))
        .route("/again", get(again).post(send_again))
        .fallback(not_found)
        .with_state(portcullis)
}

#[derive(Template)]
#[template(path = "verify_email/ask.html")]
struct Ask<'t> {
    token: &'t str,
    faults: Vec<String>,
}

async fn ask(RawQuery(query): RawQuery) -> Page {
    defends!("T029");
    let token = token_of(query.as_deref());
    // Whether it is still good is found out by the button alone: looking costs nobody anything.
    match token
        .as_ref()
        .filter(|token| VerificationToken::parse(token.expose()).is_some())
    {
        Some(token) => asking(StatusCode::OK, token, Vec::new()),
        None => refused(),
    }
}

fn asking(status: StatusCode, token: &SecretText, faults: Vec<String>) -> Page {
    let token = token.expose();
    Page::new(status, &Ask { token, faults })
}

/// What one of the buttons sends.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "portcullis_identity::schemars")]
struct Sent {
    #[schemars(with = "String")]
    token: SecretText,
    #[schemars(with = "Option<String>")]
    password: Option<SecretText>,
    #[schemars(with = "Option<String>")]
    new_password: Option<SecretText>,
    #[schemars(with = "Option<String>")]
    new_password_again: Option<SecretText>,
}

async fn confirm(
    State(portcullis): State<Portcullis>,
    AuditContext(by): AuditContext,
    Form(sent): Form<Sent>,
) -> Result<Response, Unanswered> {
    let Sent {
        token,
        password,
        new_password,
        new_password_again,
    } = sent;
    let text = token.expose();
    let again = |fault: &str| asking(StatusCode::UNPROCESSABLE_ENTITY, &token, vec![fault.to_owned()]);
    let verified = match (password, new_password) {
        (Some(password), None) => portcullis.verify_email(text, &password, by).await,
        (None, Some(new)) if new_password_again.is_some_and(|same| same.expose() == new.expose()) => {
            portcullis.take_over(text, &new, by).await
        }
        (None, Some(_)) => return Ok(again("The two passwords differ.").into_response()),
        _ => return Ok(again("Enter the account's password, or a new one.").into_response()),
    };
    let fault = match verified {
        Ok(_) => return Ok(Redirect::to("/verify-email/done").into_response()),
        Err(VerifyError::Refused) => return Ok(refused().into_response()),
        Err(VerifyError::Fault(fault)) => return Err(fault.into()),
        Err(VerifyError::Hash(error)) => return Err(error.into()),
        Err(VerifyError::Password(broken)) => {
            let faults = broken.iter().map(|rule| format!("The new password: {rule}."));
            return Ok(asking(StatusCode::UNPROCESSABLE_ENTITY, &token, faults.collect()).into_response());
        }
        Err(VerifyError::WrongPassword(_) | VerifyError::AnotherAccount) => {
            "This isn't the password of the account that the e-mail names."
        }
        Err(VerifyError::TooManyTries(_)) => {
            "Too many passwords were tried with this e-mail. Ask for another one, or take the account over."
        }
        Err(VerifyError::HasRoles) => {
            "This account was given roles, so an e-mail is not enough to take it over. Enter its password, or register \
             an account of your own with this address."
        }
    };
    Ok(again(fault).into_response())
}

async fn done() -> Page {
    Page::message(
        StatusCode::OK,
        "Your address is confirmed",
        "You can close this page and log in.",
    )
}

#[derive(Template)]
#[template(path = "verify_email/again.html")]
struct Again<'t> {
    title: &'t str,
    text: &'t str,
}

impl Again<'_> {
    fn page(&self, status: StatusCode) -> Page {
        Page::new(status, self)
    }
}

fn refused() -> Page {
    Again {
        title: "This link leads nowhere",
        text: "It was used, has expired, or isn't complete. If your address isn't confirmed yet, ask for another e-mail.",
    }
    .page(StatusCode::GONE)
}

async fn again() -> Page {
    Again {
        title: "Ask for another e-mail",
        text: "If your address isn't confirmed yet, an e-mail with another link is sent to it.",
    }
    .page(StatusCode::OK)
}

/// Who asks for another e-mail.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "portcullis_identity::schemars")]
struct Asking {
    identifier: String,
}

async fn send_again(
    State(portcullis): State<Portcullis>,
    AuditContext(by): AuditContext,
    Form(sent): Form<Asking>,
) -> Result<Page, Unanswered> {
    let Some(identifier) = Identifier::parse(&sent.identifier) else {
        let text = "This is neither an e-mail address nor a user name.";
        let title = "Ask for another e-mail";
        return Ok(Again { title, text }.page(StatusCode::UNPROCESSABLE_ENTITY));
    };
    Ok(match portcullis.mail_code(identifier, by).await {
        Ok(()) => Page::message(
            StatusCode::OK,
            "Look into your mailbox",
            "If this leads to an account whose address isn't confirmed yet, an e-mail with another link is on its way.",
        ),
        Err(AgainError::TooSoon(_)) => Page::message(
            StatusCode::TOO_MANY_REQUESTS,
            "Too many e-mails were asked for",
            "Wait an hour before you ask for the next one.",
        ),
        Err(AgainError::Fault(fault)) => return Err(fault.into()),
    })
}
