//! How letters leave.

use std::path::PathBuf;

use lettre::message::Mailbox;
use portcullis_core::secret::SecretText;
use url::Url;

use super::reader::Reader;
use super::server::{Mode, Server, is_loopback};

/// How letters leave.
#[derive(Debug, Clone)]
pub(crate) enum Mail {
    /// Development: into a folder and, their links, to the log.
    Folder(PathBuf),
    /// Through a mail server.
    Smtp(Box<Smtp>),
    /// Not at all: nothing is configured.
    Nowhere,
}

/// A mail server.
#[derive(Debug, Clone)]
pub(crate) struct Smtp {
    /// Its name.
    pub(crate) host: String,
    /// Its port.
    pub(crate) port: u16,
    /// How the connection is secured.
    pub(crate) security: Security,
    /// User name and password.
    pub(crate) credentials: Option<(String, SecretText)>,
    /// The sender.
    pub(crate) from: Mailbox,
}

/// How the connection to a mail server is secured. There is no "if it can".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Security {
    /// TLS from the first byte.
    Tls,
    /// TLS before anything is said, or nothing is.
    StartTls,
    /// None: for a relay on this machine.
    Loopback,
}

impl Mail {
    pub(super) fn read(from: &mut Reader, server: &Server) -> Self {
        let folder = from.path("mail.folder", server.data.join("mail"));
        let relay = from.optional("mail.smtp", parse_relay, |relay| relay.shown.clone());
        let user = from.optional("mail.smtp_user", |text| Ok(text.to_owned()), Clone::clone);
        let password = from.secret("mail.smtp_password_file");
        let sender = from.optional("mail.from", parse_sender, ToString::to_string);
        if from.is_set("mail.smtp_user") != from.is_set("mail.smtp_password_file") {
            let lone = if from.is_set("mail.smtp_user") {
                "mail.smtp_user"
            } else {
                "mail.smtp_password_file"
            };
            from.fail(
                lone,
                "set both mail.smtp_user and mail.smtp_password_file, or neither",
            );
        }
        if from.is_set("mail.smtp") && !from.is_set("mail.from") {
            from.fail(
                "mail.from",
                "must be set when mail.smtp is, such as Portcullis <no-reply@example.com>",
            );
        }
        let nowhere = server.mode == Mode::Production && !from.is_set("mail.smtp");
        if nowhere && server.require_verified_email {
            from.fail(
                "require_verified_email",
                "needs mail.smtp in production: nobody could prove an address, and nobody could log in",
            );
        }
        match (relay, sender, server.mode) {
            (
                Some(Relay {
                    host, port, security, ..
                }),
                Some(from),
                _,
            ) => Self::Smtp(Box::new(Smtp {
                host,
                port,
                security,
                credentials: user.zip(password),
                from,
            })),
            (_, _, Mode::Development) => Self::Folder(folder),
            (_, _, Mode::Production) => Self::Nowhere,
        }
    }
}

struct Relay {
    host: String,
    port: u16,
    security: Security,
    shown: String,
}

/// Reads a mail server's address. No message repeats it: it could hold a password.
fn parse_relay(text: &str) -> Result<Relay, String> {
    let form = "must be smtps://HOST:PORT for TLS or smtp://HOST:PORT for STARTTLS";
    let url = Url::parse(text).map_err(|_| form.to_owned())?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(
            "must not hold a user or password: set mail.smtp_user and mail.smtp_password_file".to_owned(),
        );
    }
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err(form.to_owned());
    }
    let (security, port) = match url.scheme() {
        "smtps" => (Security::Tls, 465),
        "smtp" => (Security::StartTls, 587),
        "smtp+plain" if is_local(&url) => (Security::Loopback, 25),
        "smtp+plain" => {
            return Err("smtp+plain:// is for a relay on this machine: use smtp:// or smtps://".to_owned());
        }
        _ => return Err(form.to_owned()),
    };
    let host = url
        .host_str()
        .filter(|host| !host.is_empty())
        .ok_or(form)?
        .to_owned();
    let port = url.port().unwrap_or(port);
    Ok(Relay {
        shown: format!("{}://{host}:{port}", url.scheme()),
        host,
        port,
        security,
    })
}

/// Hosts of schemes that browsers don't know stay text, so an address among them is read again as a web address.
fn is_local(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    Url::parse(&format!("http://{host}")).is_ok_and(|url| is_loopback(&url))
}

fn parse_sender(text: &str) -> Result<Mailbox, String> {
    text.parse()
        .map_err(|_| "must be an address, such as Portcullis <no-reply@example.com>".to_owned())
}
