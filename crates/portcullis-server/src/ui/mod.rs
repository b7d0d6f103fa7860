//! Pages for people: rendered on the server, plain forms; no script but one that copies a code.
//!
//! A reader who knows a slice finds its page in the folder of that name; [`layout`] has what all share. Every page
//! that changes something is a form of its own origin ([`same_origin`]).
//!
//! **Deliberately absent:** anything loaded from elsewhere, and state in the browser.

mod accept_invitation;
mod home;
mod layout;
mod same_origin;
mod setup;
mod verify_email;

use axum::Router;
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::Response;
use portcullis_core::secret::SecretText;
use portcullis_identity::{Api, Portcullis, Public};
use url::{Origin, Url};

use self::home::Home;
use self::layout::Look;
use crate::config::Brand;

/// All pages, each at its place.
pub(crate) fn pages(portcullis: &Portcullis, public_url: &Url, brand: &Brand) -> Api {
    let look = Look::new(brand);
    let origin = public_url.origin();
    let own = |router: Router| {
        router.layer(from_fn_with_state::<_, Origin, _>(
            origin.clone(),
            same_origin::check,
        ))
    };
    Api::new("", "")
        .get("/", home::show)
        .summary("The first page")
        .operation_id("getHomePage")
        .description("Where everything is, for people.")
        .group("pages", "Pages for people")
        .route_layer(map_response(async |answer: Response| {
            layout::dress(answer, layout::POLICY)
        }))
        .with_state(Home::new(portcullis))
        .mount::<Public>("/assets", look.assets())
        .mount::<Public>("/setup", own(setup::pages(portcullis.clone())))
        .mount::<Public>(
            "/accept-invitation",
            own(accept_invitation::pages(portcullis.clone())),
        )
        .mount::<Public>("/verify-email", own(verify_email::pages(portcullis.clone())))
        .route_layer(from_fn_with_state(look, layout::finish))
}

/// The token in the address of a page; `None` unless there is exactly one.
fn token_of(query: Option<&str>) -> Option<SecretText> {
    let pairs = url::form_urlencoded::parse(query?.as_bytes());
    let mut tokens = pairs.filter(|(name, _)| name == "token");
    let token = tokens
        .next()
        .map(|(_, token)| SecretText::new(token.into_owned()))?;
    tokens.next().is_none().then_some(token)
}

/// With a capital letter and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters
        .next()
        .map(|letter| letter.to_uppercase().to_string())
        .unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

#[cfg(test)]
mod tests;
