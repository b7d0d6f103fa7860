//! Deployments to measure, and accounts in them.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use portcullis_identity::core::account::{EmailAddress, Registration};
use portcullis_identity::core::api_key::{KeyName, Networks};
use portcullis_identity::core::audit::Context;
use portcullis_identity::core::authn::{Bearer, Credential};
use portcullis_identity::core::authz::Permit;
use portcullis_identity::core::issuance::Form;
use portcullis_identity::core::login::{Delivery, LoggedIn, LoginForm};
use portcullis_identity::core::roles::MayGive;
use portcullis_identity::core::secret::SecretText;
use portcullis_identity::core::session::Device;
use portcullis_identity::core::{account, password};
use portcullis_identity::{Builder, Portcullis};
use tokio::runtime::Runtime;

/// The password of every account.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// A runtime that answers on the calling thread.
pub(crate) fn runtime() -> Result<Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("no runtime could be started")
}

/// The address of a database file.
pub(crate) fn url(file: &Path) -> String {
    format!("sqlite:{}", file.display())
}

/// A deployment in memory whose passwords cost nothing: for what doesn't measure hashing or disks.
pub(crate) fn in_memory() -> Builder {
    let mut passwords = password::Settings::default();
    passwords.cost = password::Cost::DANGEROUSLY_CHEAP;
    Portcullis::builder()
        .database("sqlite::memory:")
        .passwords(passwords)
}

/// Registers an account with this address, and answers its id.
pub(crate) async fn register(portcullis: &Portcullis, email: &str) -> Result<account::Id> {
    let form = Registration {
        email: Some(EmailAddress::parse(email)?),
        username: None,
        password: SecretText::new(PASSWORD.to_owned()),
    };
    let registered = portcullis.registrar().register(form, here(portcullis)).await?;
    Ok(registered.account.id)
}

/// Gives an account a role of its own with these permissions.
pub(crate) async fn allow(portcullis: &Portcullis, who: account::Id, permissions: &[&str]) -> Result<()> {
    let permit = Permit::<MayGive>::dangerous_for_operator();
    let (roles, role) = (portcullis.roles(), "measured");
    let made = roles.create(&permit, role, "made for a measurement", here(portcullis));
    made.await?;
    for permission in permissions {
        roles.allow(&permit, role, permission, here(portcullis)).await?;
    }
    roles.assign(&permit, who, role, here(portcullis)).await?;
    Ok(())
}

/// Logs in; answers the access token or the session token.
pub(crate) async fn log_in(portcullis: &Portcullis, email: &str, delivery: Delivery) -> Result<String> {
    let form = LoginForm {
        audience: None,
        identifier: email.to_owned(),
        password: SecretText::new(PASSWORD.to_owned()),
        delivery,
        scopes: None,
        device: Device::default(),
    };
    match portcullis.log_in(form, here(portcullis)).await? {
        LoggedIn::Tokens { issued, .. } => Ok(issued.access_token.expose().to_owned()),
        LoggedIn::Session { token, .. } => Ok(token.expose().to_string()),
    }
}

/// Makes an API key with these permissions; answers its text.
pub(crate) async fn api_key(portcullis: &Portcullis, email: &str, permissions: &[&str]) -> Result<String> {
    let token = log_in(portcullis, email, Delivery::Tokens).await?;
    let authenticator = portcullis.gate().authenticator();
    let credential = Credential::Jwt(Bearer(&token));
    let now = portcullis.environment().now();
    let who = authenticator.authenticate(&credential, None, now).await?;
    let form = Form {
        name: KeyName::parse("measured")?,
        permissions: permissions.iter().map(|&name| name.to_owned()).collect(),
        expires_at: None,
        networks: Networks::default(),
        limit: None,
    };
    let issued = portcullis.api_keys().create(&who, form, here(portcullis)).await?;
    Ok(issued.secret.expose().to_owned())
}

/// The circumstances of what a measurement changes by itself.
pub(crate) fn here(portcullis: &Portcullis) -> Context {
    Context::operator(portcullis.environment().now())
}

/// Fails unless an answer has this status: a figure made of refusals means nothing.
pub(crate) fn expect(status: u16, wanted: u16) -> Result<()> {
    if status != wanted {
        bail!("an answer has status {status} where {wanted} was expected");
    }
    Ok(())
}

/// A deployment on a new file that has this many users.
pub(crate) async fn populated(file: &Path, users: usize) -> Result<Portcullis> {
    let builder = || Portcullis::builder().database(&url(file));
    // The first opening makes the schema.
    let portcullis = builder().open().await?;
    let now = portcullis.environment().now();
    portcullis.database().close().await;
    drop(portcullis);
    crate::population::write(file, users, now)?;
    Ok(builder().open().await?)
}
