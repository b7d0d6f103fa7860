//! The mailer of production: a mail server, over TLS.
//!
//! A connection that has just been used is used again; a server that hangs costs one e-mail [`LIMIT`], not the process
//! a thread.

mod compose;
mod conversation;
mod html;

use std::time::Duration;

use async_trait::async_trait;
use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use portcullis_core::defends;
use portcullis_core::email::{Email, Id, MailError, Mailer};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};
use url::{Host, Url};

use self::compose::compose;
pub(crate) use self::compose::{fits_header, wire_address};
use self::conversation::{Route, hand_over};
use super::settings::{Security, Smtp};

/// Sends e-mails through a mail server.
pub(crate) struct SmtpMailer {
    route: Route,
    from: Mailbox,
    limit: Duration,
    parked: Mutex<Vec<(AsyncSmtpConnection, Instant)>>,
}

impl SmtpMailer {
    /// A mailer through this server, which is told the host of `public_url` as our name. It connects with the first e-mail.
    ///
    /// # Errors
    /// If no TLS can be made for the server's name.
    pub(crate) fn new(smtp: &Smtp, public_url: Option<&Url>) -> Result<Self, MailError> {
        Self::within(smtp, public_url, LIMIT)
    }

    fn within(smtp: &Smtp, public_url: Option<&Url>, limit: Duration) -> Result<Self, MailError> {
        let tls =
            || TlsParameters::new(smtp.host.clone()).map_err(|error| MailError::NotNow(error.to_string()));
        let tls = match smtp.security {
            Security::Tls | Security::StartTls => Some(tls()?),
            Security::Loopback => None,
        };
        let credentials = smtp.credentials.as_ref();
        let credentials =
            credentials.map(|(user, password)| Credentials::new(user.clone(), password.expose().to_owned()));
        Ok(Self {
            route: Route {
                host: smtp.host.clone(),
                port: smtp.port,
                security: smtp.security,
                tls,
                credentials,
                hello: hello(public_url),
            },
            from: smtp.from.clone(),
            limit,
            parked: Mutex::new(Vec::new()),
        })
    }

    async fn hand_over(&self, email: Email, id: Id) -> Result<(), MailError> {
        let message = compose(&self.from, email, id)?;
        let mut connection = self.connection().await?;
        let taken = hand_over(&mut connection, &message).await;
        if taken.is_ok() {
            let mut parked = self.parked.lock().await;
            if parked.len() < MAX_PARKED {
                parked.push((connection, Instant::now()));
            }
        }
        taken
    }

    /// One that was used moments ago and still answers, or a new one.
    async fn connection(&self) -> Result<AsyncSmtpConnection, MailError> {
        loop {
            let parked = self.parked.lock().await.pop();
            let Some((mut connection, since)) = parked else {
                return self.route.open().await;
            };
            if since.elapsed() < KEPT && connection.test_connected().await {
                return Ok(connection);
            }
        }
    }
}

#[async_trait]
impl Mailer for SmtpMailer {
    async fn send(&self, email: Email, id: Id) -> Result<(), MailError> {
        defends!("T133");
        // The crate's own limit ends with the opening of the connection.
        match timeout(self.limit, self.hand_over(email, id)).await {
            Ok(sent) => sent,
            Err(_) => Err(MailError::NotNow(
                "the mail server didn't answer in time; the e-mail may have been sent".to_owned(),
            )),
        }
    }
}

/// How we present ourselves: by the name that people know this server by, never by the machine's, which can be one that
/// strict servers refuse.
///
/// Source: RFC 5321 §4.1.4
fn hello(public_url: Option<&Url>) -> ClientId {
    let plain = |name: &str| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
        name.contains('.') && name.chars().all(allowed)
    };
    match public_url.and_then(Url::host) {
        Some(Host::Domain(name)) if plain(name) => ClientId::Domain(name.to_owned()),
        Some(Host::Ipv4(ip)) => ClientId::Ipv4(ip),
        Some(Host::Ipv6(ip)) => ClientId::Ipv6(ip),
        _ => ClientId::Ipv4(std::net::Ipv4Addr::LOCALHOST),
    }
}

/// How long one e-mail may take.
const LIMIT: Duration = Duration::from_secs(20);

/// How long after an e-mail its connection is used for another: shorter than any server waits.
const KEPT: Duration = Duration::from_secs(20);

/// How many connections are kept for the next e-mails.
const MAX_PARKED: usize = 4;

#[cfg(test)]
mod tests;
