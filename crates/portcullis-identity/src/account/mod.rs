//! The routes of accounts: register, prove an address, ask who one is.

mod verification;
mod view;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use portcullis_core::account::{
    Account, EmailAddress, Registered, Registration, RegistrationError, SetupToken, Username,
};
use portcullis_core::audit;
use portcullis_core::authz::{AccountsWrite, Authenticated, Permit};
use portcullis_core::secret::SecretText;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use self::view::AccountView;
use crate::composition::{Enumeration, Portcullis};
use crate::describe::shape;
use crate::{Accepted, Allow, Api, AuditContext, Created, FieldErrors, Json, Problem, Public};

/// The routes below `/auth`.
pub(crate) fn routes(api: Api<Portcullis>) -> Api<Portcullis> {
    let api = api
        .post("/register", register)
        .summary("Register an account")
        .operation_id("registerAccount")
        .description(
            "An e-mail address, a user name or both; a code that proves the address is mailed there. Accounts \
             may claim one address until one of them proves it. Where taken addresses are hidden, every \
             address is answered with 202.",
        )
        .post("/setup", set_up)
        .summary("Register the first administrator")
        .operation_id("setUp")
        .description(
            "Once, with the token of the link that the server printed when it first started. The address \
             counts as proven.",
        )
        .get("/me", me)
        .summary("Who am I?")
        .operation_id("getMe")
        .description("The account, its roles, and what the presented credential may do.");
    verification::routes(api)
}

/// What somebody registers with: an address, a user name or both.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Register {
    /// An e-mail address; a code that proves it is mailed there.
    #[schemars(with = "Option<shape::Email>")]
    email: Option<String>,
    /// 3 to 32 letters, digits, dots, hyphens or underscores; letters are those of any one script, with their marks.
    #[schemars(with = "Option<shape::Username>")]
    username: Option<String>,
    /// At least 8 characters.
    #[schemars(with = "shape::Password")]
    password: SecretText,
}

impl Register {
    /// Every field parsed; what is wrong is noted in `fields`.
    fn parse(self, fields: &mut FieldErrors) -> Registration {
        let email = self
            .email
            .and_then(|text| fields.check("/email", "invalid_email", EmailAddress::parse(&text)));
        let username = self
            .username
            .and_then(|text| fields.check("/username", "invalid_username", Username::parse(&text)));
        Registration {
            email,
            username,
            password: self.password,
        }
    }
}

async fn register(
    _: Public,
    State(portcullis): State<Portcullis>,
    AuditContext(by): AuditContext,
    Json(form): Json<Register>,
) -> Result<Registering, Problem> {
    let mut fields = FieldErrors::new();
    let missing = form.email.is_none() && form.username.is_none();
    let form = form.parse(&mut fields);
    if missing {
        fields.push(
            "/email",
            "required",
            "give an e-mail address, a user name or both",
        );
    }
    if form.username.as_ref().is_some_and(Username::is_reserved) {
        fields.push(
            "/username",
            "reserved_username",
            "this name stands for the server or its staff; choose another",
        );
    }
    check_password(&portcullis, &form, &mut fields);
    let form = fields.done(form)?;
    let hidden = portcullis.http_settings().enumeration == Enumeration::Hidden && form.email.is_some();
    let registered = portcullis.register(form, by).await?;
    Ok(if hidden {
        Registering::Hidden
    } else {
        Registering::Created(Box::new(AccountView::from(&registered.account)))
    })
}

/// The account, or where taken addresses are hidden, only that an e-mail is on its way.
enum Registering {
    Created(Box<AccountView>),
    Hidden,
}

impl IntoResponse for Registering {
    fn into_response(self) -> Response {
        match self {
            Self::Created(view) => Created(view).into_response(),
            Self::Hidden => Accepted(Underway {
                next: "check_your_mail",
            })
            .into_response(),
        }
    }
}

answers!(Registering: Created<AccountView>, Accepted<Underway>);

/// What to do next.
#[derive(Debug, Serialize, JsonSchema)]
struct Underway {
    /// Always `check_your_mail`: what comes next is mailed.
    #[schemars(extend("const" = "check_your_mail"))]
    next: &'static str,
}

/// The first administrator's form.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SetUp {
    /// The token of the set-up link that the server printed.
    #[schemars(with = "String")]
    token: SecretText,
    /// An e-mail address.
    #[schemars(with = "Option<shape::Email>")]
    email: Option<String>,
    /// 3 to 32 letters, digits, dots, hyphens or underscores; letters are those of any one script, with their marks.
    #[schemars(with = "Option<shape::Username>")]
    username: Option<String>,
    /// At least 8 characters.
    #[schemars(with = "shape::Password")]
    password: SecretText,
}

async fn set_up(
    _: Public,
    State(portcullis): State<Portcullis>,
    AuditContext(by): AuditContext,
    Json(form): Json<SetUp>,
) -> Result<Created<AccountView>, Problem> {
    let SetUp {
        token,
        email,
        username,
        password,
    } = form;
    let mut fields = FieldErrors::new();
    let form = Register {
        email,
        username,
        password,
    }
    .parse(&mut fields);
    check_password(&portcullis, &form, &mut fields);
    let form = fields.done(form)?;
    let registered = portcullis.set_up(token.expose(), form, by).await?;
    Ok(Created(AccountView::from(&registered.account)))
}

impl Portcullis {
    /// Registers an account and mails the code that proves its address, or where another account has proven it and taken
    /// addresses are hidden, a word to its owner. Account and e-mail are written together.
    ///
    /// # Errors
    /// [`RegistrationError`]; no account exists then, and nothing is mailed.
    pub async fn register(
        &self,
        form: Registration,
        by: audit::Context,
    ) -> Result<Registered, RegistrationError> {
        let registered = self.registrar().register(form, by).await?;
        self.emails().wake();
        Ok(registered)
    }

    /// Registers an account whose address counts as proven, in the name of whoever acts; nothing is mailed. As by every
    /// proof, others who claim the address lose it.
    ///
    /// # Errors
    /// [`RegistrationError`]; no account exists then, and others claim the address as before.
    pub async fn register_vouched(
        &self,
        permit: &Permit<AccountsWrite>,
        form: Registration,
        by: audit::Context,
    ) -> Result<Account, RegistrationError> {
        self.registrar().register_vouched(form, permit.sign(by)).await
    }

    /// Registers the first administrator with the set-up token's text. The address counts as proven.
    ///
    /// # Errors
    /// [`RegistrationError`]; a text that is no set-up token's is [`RegistrationError::SetupClosed`].
    pub async fn set_up(
        &self,
        token: &str,
        form: Registration,
        by: audit::Context,
    ) -> Result<Registered, RegistrationError> {
        let token = SetupToken::parse(token).ok_or(RegistrationError::SetupClosed)?;
        self.registrar().set_up(&token, form, by).await
    }
}

/// Notes the password's faults with those of the other fields, before anything costs a hash.
fn check_password(portcullis: &Portcullis, form: &Registration, fields: &mut FieldErrors) {
    for broken in portcullis.registrar().check(form) {
        fields.push("/password", broken.code(), broken.to_string());
    }
}

async fn me(who: Allow<Authenticated>) -> Json<view::Me> {
    Json(view::Me::from(who.principal()))
}
