//! The routes that prove an address.
//!
//! The mailed code proves nothing alone: whoever sends it shows that they are the account it was mailed about, by a
//! login of it or its password, or takes the account over with a new password, which ends everything that was made
//! before. So whoever registers somebody else's address never gets it by the owner's click (`T120`).
//!
//! Whoever can't log in asks for a further code by address or user name: the answer is the same for everybody, and is
//! given before anything is looked up (`T122`).

use axum::extract::State;
use portcullis_core::account::{Account, AgainError, Identifier, VerificationToken, VerifyError};
use portcullis_core::authz::{Principal, Unscoped};
use portcullis_core::scopes::Scopes;
use portcullis_core::secret::SecretText;
use portcullis_core::{audit, defends};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{AccountView, Underway};
use crate::composition::Portcullis;
use crate::describe::shape;
use crate::{
    Accepted, Allow, Api, AuditContext, FieldErrors, Json, NoContent, OptionalAuth, Personal, Problem,
    Public, Via,
};

/// The routes below `/auth/email`.
pub(super) fn routes(api: Api<Portcullis>) -> Api<Portcullis> {
    api.post("/email/verify", verify_email)
        .summary("Prove an e-mail address with the mailed code")
        .operation_id("verifyEmail")
        .description(
            "By an unscoped login of the account that the e-mail names, with its password, or with a new \
             one, which takes the account over and ends everything made before. The code is good once.",
        )
        .post("/email/verification", mail_again)
        .summary("Mail the code again")
        .operation_id("mailVerificationAgain")
        .description("Nothing is mailed where there is nothing to prove.")
        .post("/email/code", ask_for_code)
        .summary("Ask for the code again without a login")
        .operation_id("askForVerification")
        .description(
            "Mails the code again if the address, or the account of the user name, has one to prove. The \
             answer is the same whether or not there is such an account.",
        )
}

/// A mailed code, and what shows whose it is: a login of the account, or one of the passwords.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct VerificationCode {
    /// The code from the e-mail, `pcv_…`.
    #[schemars(with = "String")]
    token: SecretText,
    /// The account's password.
    #[schemars(with = "Option<String>")]
    password: Option<SecretText>,
    /// For whoever didn't register the account: a password from now on. Everything made before ends.
    #[schemars(with = "Option<String>")]
    new_password: Option<SecretText>,
}

async fn verify_email(
    who: OptionalAuth,
    State(portcullis): State<Portcullis>,
    AuditContext(by): AuditContext,
    Json(form): Json<VerificationCode>,
) -> Result<Json<AccountView>, Problem> {
    let VerificationCode {
        token,
        password,
        new_password,
    } = form;
    let token = token.expose();
    let account = match (password, new_password) {
        (Some(_), Some(_)) => {
            let detail = "give the account's password, or a new one to take it over";
            return Err(FieldErrors::of("/new_password", "one_of_two", detail).into());
        }
        (Some(password), None) => portcullis.verify_email(token, &password, by).await?,
        (None, Some(password)) => portcullis.take_over(token, &password, by).await?,
        (None, None) => by_login(&portcullis, token, who.principal().map(AsRef::as_ref), by).await?,
    };
    Ok(Json(AccountView::from(&account)))
}

/// Proves the address to a caller whose login is the account's own.
async fn by_login(
    portcullis: &Portcullis,
    token: &str,
    caller: Option<&Principal>,
    by: audit::Context,
) -> Result<Account, Problem> {
    defends!("T120");
    let token = parsed(token)?;
    let registrar = portcullis.registrar();
    registrar.verification_of(&token).await?;
    let whole =
        |caller: &&Principal| caller.kind().is_personal() && matches!(caller.scopes(), Scopes::Everything);
    let caller = caller.filter(whole);
    let caller = caller.ok_or_else(|| {
        Problem::forbidden(
            "login_or_password_needed",
            "the code alone proves nothing: send it as the account that the e-mail names (with its access token or \
             session), or with that account's `password`; if you didn't register the account, send a `new_password`: \
             it becomes yours, and everything made before ends",
        )
    })?;
    Ok(registrar.verify_as(&token, caller.account(), by).await?)
}

impl Portcullis {
    /// Redeems the text of a verification token for whoever knows the account's password.
    ///
    /// # Errors
    /// [`VerifyError`]; a wrong password is on record.
    pub async fn verify_email(
        &self,
        token: &str,
        password: &SecretText,
        by: audit::Context,
    ) -> Result<Account, VerifyError> {
        defends!("T014");
        let token = parsed(token)?;
        let verified = self
            .registrar()
            .verify_by_password(&token, password, by.clone())
            .await;
        if let Err(VerifyError::WrongPassword(account) | VerifyError::TooManyTries(account)) = &verified {
            let refusal = audit::Occurrence {
                action: audit::Action::LoginRefused,
                account: Some(*account),
                session: None,
                detail: "wrong password beside a mailed code".to_owned(),
            };
            audit::Store::append(self.database(), refusal, by).await?;
        }
        verified
    }

    /// Redeems the text of a verification token for whoever holds nothing else: everything made for the account before
    /// ends, and `password` is its password.
    ///
    /// # Errors
    /// [`VerifyError`]; the account is as it was, and the code isn't used up.
    pub async fn take_over(
        &self,
        token: &str,
        password: &SecretText,
        by: audit::Context,
    ) -> Result<Account, VerifyError> {
        self.registrar().take_over(&parsed(token)?, password, by).await
    }

    /// Mails a further code to whoever an identifier leads to, if there is an address to prove; nobody is told which.
    ///
    /// # Errors
    /// [`AgainError`], the same for every identifier.
    pub async fn mail_code(&self, identifier: Identifier, by: audit::Context) -> Result<(), AgainError> {
        self.registrar().spend_asking(&identifier, by.ip).await?;
        let portcullis = self.clone();
        // Beside the request: its time doesn't tell whether there was anything to write.
        tokio::spawn(async move {
            if let Err(error) = mail_codes(&portcullis, identifier, &by).await {
                tracing::warn!(%error, "a code that was asked for could not be mailed");
            }
        });
        Ok(())
    }
}

async fn mail_codes(
    portcullis: &Portcullis,
    identifier: Identifier,
    by: &audit::Context,
) -> Result<(), AgainError> {
    for account in portcullis.registrar().unproven(identifier).await? {
        match again(portcullis, &account, by.clone()).await {
            Ok(()) | Err(AgainError::TooSoon(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn parsed(token: &str) -> Result<VerificationToken, VerifyError> {
    VerificationToken::parse(token).ok_or(VerifyError::Refused)
}

async fn mail_again(
    who: Allow<Unscoped, Via<Personal>>,
    State(portcullis): State<Portcullis>,
    AuditContext(by): AuditContext,
) -> Result<NoContent, Problem> {
    again(&portcullis, who.account(), by).await?;
    Ok(NoContent)
}

/// Has a further e-mail about the account's claim written, if it has one.
async fn again(portcullis: &Portcullis, account: &Account, by: audit::Context) -> Result<(), AgainError> {
    portcullis.registrar().verify_again(account.id, by).await?;
    portcullis.emails().wake();
    Ok(())
}

/// Who asks for a code.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct VerificationRequest {
    /// The address to prove, or the user name of the account.
    #[schemars(with = "shape::Identifier")]
    identifier: String,
}

async fn ask_for_code(
    _: Public,
    State(portcullis): State<Portcullis>,
    AuditContext(by): AuditContext,
    Json(form): Json<VerificationRequest>,
) -> Result<Accepted<Underway>, Problem> {
    let identifier = Identifier::parse(&form.identifier).ok_or_else(|| {
        let detail = "give the address to prove, or the account's user name";
        Problem::from(FieldErrors::of("/identifier", "invalid_identifier", detail))
    })?;
    portcullis.mail_code(identifier, by).await?;
    Ok(Accepted(Underway {
        next: "check_your_mail",
    }))
}
