//! The mailer of production: a mail server, over TLS.
//!
//! Connections are pooled, and a server that hangs costs one letter ten seconds, not the process a thread.

use std::time::Duration;

use async_trait::async_trait;
use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::{AsyncSmtpTransport, PoolConfig};
use lettre::{Address, AsyncTransport as _, Message, Tokio1Executor};
use portcullis_core::account::{Letter, MailError, Mailer};
use portcullis_core::defends;

use crate::config::{Security, Smtp};

/// Sends letters through a mail server.
pub(crate) struct SmtpMailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl SmtpMailer {
    /// A mailer through this server. It connects with the first letter.
    ///
    /// # Errors
    /// If no TLS can be made for the server's name.
    pub(crate) fn new(smtp: &Smtp) -> Result<Self, MailError> {
        let tls = || TlsParameters::new(smtp.host.clone()).map_err(|error| MailError(error.to_string()));
        let tls = match smtp.security {
            Security::Tls => Tls::Wrapper(tls()?),
            // Required: a server, or somebody in between, that offers no TLS gets no letter.
            Security::StartTls => Tls::Required(tls()?),
            Security::Loopback => Tls::None,
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&smtp.host)
            .port(smtp.port)
            .tls(tls)
            .timeout(Some(TIMEOUT))
            .pool_config(PoolConfig::new().max_size(MAX_CONNECTIONS));
        if let Some((user, password)) = &smtp.credentials {
            builder = builder.credentials(Credentials::new(user.clone(), password.expose().to_owned()));
        }
        Ok(Self {
            transport: builder.build(),
            from: smtp.from.clone(),
        })
    }
}

#[async_trait]
impl Mailer for SmtpMailer {
    async fn send(&self, letter: Letter) -> Result<(), MailError> {
        let message = compose(&self.from, letter)?;
        // The server's words may quote the letter: only the kind of failure is told.
        self.transport
            .send(message)
            .await
            .map(|_| ())
            .map_err(|error| MailError(explain(&error)))
    }
}

fn compose(from: &Mailbox, letter: Letter) -> Result<Message, MailError> {
    defends!("T011");
    let to: Address = letter
        .to
        .parse()
        .map_err(|_| MailError("the recipient is no mail address".to_owned()))?;
    if letter.subject.chars().any(char::is_control) {
        return Err(MailError("the subject isn't one line".to_owned()));
    }
    Message::builder()
        .from(from.clone())
        .to(Mailbox::new(None, to))
        .subject(letter.subject)
        .header(ContentType::TEXT_PLAIN)
        .body(letter.text)
        .map_err(|error| MailError(error.to_string()))
}

fn explain(error: &lettre::transport::smtp::Error) -> String {
    let what = match () {
        () if error.is_timeout() => "the mail server didn't answer in time",
        () if error.is_permanent() => "the mail server refused the letter for good",
        () if error.is_transient() => "the mail server refused the letter for now",
        () if error.is_tls() => "no secure connection to the mail server",
        () => "no connection to the mail server",
    };
    match error.status() {
        Some(code) => format!("{what} (code {code})"),
        None => what.to_owned(),
    }
}

/// For connecting and for each answer.
const TIMEOUT: Duration = Duration::from_secs(10);
const MAX_CONNECTIONS: u32 = 4;

#[cfg(test)]
mod tests;
