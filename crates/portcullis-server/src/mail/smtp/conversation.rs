//! A conversation with a mail server, step by step: what an answer means depends on what was asked.
//!
//! Only the recipient's refusal makes an e-mail undeliverable; whatever else is refused may be our settings, or the
//! server's, and is tried again.
//!
//! Source: RFC 5321 §4.2, RFC 3207, RFC 4954, RFC 6531 §3.3

use lettre::Message;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use portcullis_core::defends;
use portcullis_core::email::MailError;

use crate::mail::settings::Security;

/// What a connection is opened with.
pub(super) struct Route {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) security: Security,
    pub(super) tls: Option<TlsParameters>,
    pub(super) credentials: Option<Credentials>,
    pub(super) hello: ClientId,
}

/// Where a conversation was when something went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Connecting,
    Securing,
    SigningIn,
    Sender,
    Recipient,
    Email,
}

impl Route {
    /// Connects, secures the connection, signs in.
    pub(super) async fn open(&self) -> Result<AsyncSmtpConnection, MailError> {
        let wrapped = self.tls.clone().filter(|_| self.security == Security::Tls);
        let server = (self.host.as_str(), self.port);
        let opened = AsyncSmtpConnection::connect_tokio1(server, None, &self.hello, wrapped, None).await;
        let mut connection = opened.map_err(|error| explain(Step::Connecting, &error))?;
        if self.security == Security::StartTls {
            // A server, or somebody in between, that offers no TLS gets no e-mail.
            let tls = self.tls.clone().filter(|_| connection.can_starttls());
            let tls = tls.ok_or_else(|| missing("STARTTLS"))?;
            let secured = connection.starttls(tls, &self.hello).await;
            secured.map_err(|error| explain(Step::Securing, &error))?;
        }
        if let Some(credentials) = &self.credentials {
            let offered = connection.server_info().get_auth_mechanism(DEFAULT_MECHANISMS);
            offered.ok_or_else(|| missing("a sign-in by password (AUTH PLAIN or LOGIN)"))?;
            let signed_in = connection.auth(DEFAULT_MECHANISMS, credentials).await;
            signed_in.map_err(|error| explain(Step::SigningIn, &error))?;
        }
        Ok(connection)
    }
}

/// Hands one e-mail over.
pub(super) async fn hand_over(
    connection: &mut AsyncSmtpConnection,
    message: &Message,
) -> Result<(), MailError> {
    defends!("T133");
    let (envelope, text) = (message.envelope(), message.formatted());
    let recipient = envelope.to().first().cloned();
    let recipient = recipient.ok_or_else(|| MailError::Never("it has no recipient".to_owned()))?;
    let mut parameters = Vec::new();
    let mut addresses = envelope.from().into_iter().chain(envelope.to());
    if addresses.any(|address| !AsRef::<str>::as_ref(address).is_ascii()) {
        if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
            return Err(MailError::NotNow(
                "the mail server takes no address with letters beyond ASCII before the @ (it doesn't offer SMTPUTF8)"
                    .to_owned(),
            ));
        }
        parameters.push(MailParameter::SmtpUtfEight);
    }
    if !text.is_ascii() {
        parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
    }
    let sender = Mail::new(envelope.from().cloned(), parameters);
    let told = connection.command(sender).await;
    told.map_err(|error| explain(Step::Sender, &error))?;
    let told = connection.command(Rcpt::new(recipient, Vec::new())).await;
    told.map_err(|error| explain(Step::Recipient, &error))?;
    let told = connection.command(Data).await;
    told.map_err(|error| explain(Step::Sender, &error))?;
    let taken = connection.message(&text).await;
    taken.map(drop).map_err(|error| explain(Step::Email, &error))
}

/// The settings ask for what the server doesn't offer: somebody must look at them.
fn missing(what: &str) -> MailError {
    MailError::NotNow(format!(
        "the mail server doesn't offer what the settings need: {what}"
    ))
}

/// What went wrong. The server's words may quote the e-mail: only the kind of failure is told.
fn explain(step: Step, error: &Error) -> MailError {
    let code = error.status().map(u16::from);
    let refused_for_good = error.is_permanent() && step == Step::Recipient;
    let what = match (step, code) {
        _ if error.is_timeout() => "the mail server didn't answer in time",
        (_, Some(530 | 534 | 535)) => "the mail server refused our sign-in",
        (Step::SigningIn, Some(_)) => "the mail server refused our sign-in",
        (Step::Recipient, Some(_)) if error.is_permanent() => {
            "the mail server refused the recipient for good"
        }
        (Step::Recipient, Some(_)) => "the mail server refused the recipient for now",
        (Step::Connecting | Step::Securing, Some(_)) => "the mail server refused the conversation",
        (Step::Sender, Some(_)) => "the mail server refused our sender address or the e-mail as such",
        (_, Some(_)) if error.is_permanent() => "the mail server refused the e-mail for good",
        (_, Some(_)) => "the mail server refused the e-mail for now",
        _ if error.is_tls() => "no secure connection to the mail server",
        _ if error.is_client() => {
            "the mail server doesn't offer what the settings need: STARTTLS, a password mechanism or SMTPUTF8"
        }
        (Step::Email, None) => "the connection broke; the e-mail may have been sent",
        (Step::Connecting, None) => "no connection to the mail server",
        _ => "the connection broke",
    };
    let what = code.map_or_else(|| what.to_owned(), |code| format!("{what} (code {code})"));
    // 530 and 535 at the recipient are about us, not about whom we write to.
    let about_us = matches!(code, Some(530 | 534 | 535));
    if refused_for_good && !about_us {
        MailError::Never(what)
    } else {
        MailError::NotNow(what)
    }
}
