//! Logging in through the services.

use portcullis_identity::core::audit::Context;
use portcullis_identity::core::authz::CredentialKind;
use portcullis_identity::core::environment::Clock as _;
use portcullis_identity::core::login::{Delivery, LoggedIn, LoginForm, Stay};
use portcullis_identity::core::secret::SecretText;
use portcullis_identity::core::session::Device;

use super::Held;
use crate::{PASSWORD, TestApp};

pub(super) struct Login {
    pub(super) held: Held,
    pub(super) refresh: Option<String>,
}

/// What a login must ask for to get this kind of credential.
pub(super) const fn delivery(kind: CredentialKind) -> Delivery {
    match kind {
        CredentialKind::Jwt => Delivery::Tokens,
        // A login gives neither of the latter: nobody asks for them.
        CredentialKind::Session
        | CredentialKind::ApiKey
        | CredentialKind::Basic
        | CredentialKind::Signature
        | CredentialKind::SignedUrl => Delivery::Session(Stay::Brief),
    }
}

pub(super) async fn log_in(
    app: &TestApp,
    name: &str,
    delivery: Delivery,
    scopes: Option<Vec<String>>,
    by: &Context,
) -> Login {
    let form = LoginForm {
        audience: None,
        identifier: name.to_owned(),
        password: SecretText::new(PASSWORD.to_owned()),
        delivery,
        scopes,
        device: Device::default(),
    };
    let by = Context {
        at: app.clock.now(),
        ..by.clone()
    };
    match app.portcullis.log_in(form, by).await.unwrap() {
        LoggedIn::Tokens { issued, .. } => Login {
            held: jwt(issued.access_token.expose()),
            refresh: Some(issued.refresh_token.expose().to_string()),
        },
        LoggedIn::Session { token, .. } => Login {
            held: Held {
                kind: CredentialKind::Session,
                text: token.expose().to_string(),
                csrf: app.portcullis.gate().csrf_token(&token),
            },
            refresh: None,
        },
    }
}

pub(super) fn jwt(text: &str) -> Held {
    Held {
        kind: CredentialKind::Jwt,
        text: text.to_owned(),
        csrf: String::new(),
    }
}
