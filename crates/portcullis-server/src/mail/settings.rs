//! What a mailer must know. Where it is read from is no matter of the mailers.

use std::path::PathBuf;

use lettre::message::Mailbox;
use portcullis_core::secret::SecretText;

/// How e-mails leave the server.
#[derive(Debug, Clone)]
pub(crate) enum Transport {
    /// Development: into a folder and, their links, to the log.
    Folder(PathBuf),
    /// Through a mail server.
    Smtp(Box<Smtp>),
    /// Not at all: nothing is configured.
    Nowhere,
}

/// A mail server, and how it is spoken to.
#[derive(Debug, Clone)]
pub(crate) struct Smtp {
    /// The host's name, which its certificate must have.
    pub(crate) host: String,
    /// The TCP port that it listens on.
    pub(crate) port: u16,
    /// How the connection is secured.
    pub(crate) security: Security,
    /// User name and password.
    pub(crate) credentials: Option<(String, SecretText)>,
    /// The sender's address, as recipients see it.
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
