//! The routes of accounts: register, prove an address, ask who one is.

mod letters;

use portcullis_core::access::Authenticated;
use portcullis_core::account::{
    Account, EmailAddress, Registered, Registration, RegistrationError, SetupToken, Username, VerificationToken,
};
use portcullis_core::environment::Timestamp;
use portcullis_core::password::Broken;
use portcullis_core::secret::SecretText;
use portcullis_core::{account, defends, session};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use self::letters::new_device;
use crate::portcullis::{Portcullis, Enumeration};
use crate::problem::Problem;
use crate::router::Api;
use crate::validate::{Accepted, Created, FieldErrors, Json, NoContent};
use crate::{Allow, Circumstances, Public, State};

/// The routes below `/auth`.
pub(crate) fn routes(api: Api<Portcullis>) -> Api<Portcullis> {
    api.post("/register", register)
        .summary("Register an account")
        .post("/setup", set_up)
        .summary("Register the first administrator")
        .get("/me", me)
        .summary("Who am I?")
        .post("/email/verify", verify_email)
        .summary("Prove an e-mail address by the mailed code")
        .post("/email/verification", mail_again)
        .summary("Mail the code again")
}

/// What somebody registers with. At least one of `email` and `username`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Register {
    /// An e-mail address.
    email: Option<String>,
    /// 3 to 32 letters, digits, dots, hyphens or underscores.
    username: Option<String>,
    /// At least 8 characters.
    #[schemars(with = "String")]
    password: SecretText,
}

impl Register {
    /// Parses every field; the password is judged by the policy later.
    fn parse(self, fields: &mut FieldErrors) -> Registration {
        Registration {
            email: self.email.and_then(|text| fields.check("/email", "invalid_email", EmailAddress::parse(&text))),
            username: self
                .username
                .and_then(|text| fields.check("/username", "invalid_username", Username::parse(&text))),
            password: self.password,
        }
    }
}

/// An account, as its owner and administrators see it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AccountView {
    /// Its id.
    id: String,
    /// Its address, as typed.
    email: Option<String>,
    /// Whether the address is proven.
    email_verified: bool,
    /// Its user name, as typed.
    username: Option<String>,
    /// `active`, `unverified`, `locked` or `disabled`.
    state: &'static str,
    /// When it was registered, RFC 3339.
    #[schemars(with = "String")]
    created_at: Timestamp,
}

impl From<&Account> for AccountView {
    fn from(account: &Account) -> Self {
        Self {
            id: account.id.to_string(),
            email: account.email.clone(),
            email_verified: account.email_verified_at.is_some(),
            username: account.username.clone(),
            state: account.state.as_str(),
            created_at: account.created_at,
        }
    }
}

async fn register(
    _: Public,
    State(portcullis): State<Portcullis>,
    around: Circumstances,
    Json(form): Json<Register>,
) -> Result<Created<AccountView>, Problem> {
    let registered = portcullis.register(form, around).await?;
    Ok(Created(AccountView::from(&registered.account)))
}

