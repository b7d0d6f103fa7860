//! How e-mails leave, and how many may.

use std::path::PathBuf;

use lettre::message::Mailbox;
use portcullis_core::email::Settings;
use url::Url;

use super::Brand;
use super::form::{SecretFile, any, optional, path, rate, secret};
use super::reader::Reader;
use super::section::section;
use super::server::{Mode, Server, is_loopback};
use crate::mail::{Security, Smtp, Transport, fits_header, wire_address};

section! {
    /// How e-mails leave, before it is known whether that fits together, and how many are sent.
    struct Keys(server: &Server) {
        /// How many e-mails are sent.
        emails: Settings,
    }
    "mail.smtp" => smtp: Option<Relay> = None, optional(parse_relay, |relay: &Relay| relay.shown.clone()),
        "smtps://HOST:PORT (TLS) or smtp://HOST:PORT (STARTTLS)",
        manual "`smtps://HOST:PORT`, or `smtp://HOST:PORT` with STARTTLS";
    "mail.smtp_user" => smtp_user: Option<String> = None, optional(any, Clone::clone),
        "user name at the mail server";
    "mail.smtp_password_file" => smtp_password_file: Option<SecretFile> = None, secret(),
        "file that holds the password at the mail server";
    "mail.from" => sender: Option<Mailbox> = None, optional(parse_sender, ToString::to_string),
        "sender of every e-mail, such as Portcullis <no-reply@example.com>",
        manual "sender, such as `Portcullis <no-reply@example.com>`; a name with `, : ( ) [ ]` or `@` stands in quotation \
            marks. Its domain is that of every `Message-ID`";
    "mail.folder" => folder: PathBuf = server.data.join("mail"), path(),
        "folder of the e-mails in development",
        default "`mail` in the data folder",
        manual "where e-mails go in development; what a command of root makes there belongs to the folder's owner";
    "mail.to_address" => emails.to_address, rate(),
        "how many e-mails one address gets, such as 20/day",
        manual "how many e-mails one address gets, whatever its tag (`anna+shop@…` is `anna@…`)";
    "mail.to_address_by_strangers" => emails.to_address_by_strangers, rate(),
        "how many of them may be caused by somebody who isn't logged in";
    "mail.to_domain" => emails.to_domain, rate(),
        "how many e-mails all addresses of one domain get",
        manual "how many all addresses of one domain get: raise it before a launch whose users share a mail provider";
    "mail.by_account" => emails.by_account, rate(),
        "how many e-mails one account may cause";
    "mail.by_client" => emails.by_client, rate(),
        "how many e-mails may be caused from one client address, or IPv6 network of 64 bits";
    "mail.new_devices" => emails.new_devices, rate(),
        "how many e-mails about new devices one account gets";
}

/// Reads how e-mails leave, and how many.
pub(super) fn read(from: &mut Reader, server: &Server, brand: &Brand) -> (Transport, Settings) {
    let mut keys = Keys::declared(from, server);
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
    if from.is_set("brand.name") {
        keys.sender = keys.sender.map(|sender| named(sender, &brand.name));
        let shown = keys.sender.as_ref().map(Mailbox::to_string);
        from.reshow("mail.from", shown.unwrap_or_default());
    }
    let emails = keys.emails;
    (transport(keys, server.mode), emails)
}

/// A sender that has no name of its own is called as the server is.
fn named(sender: Mailbox, name: &str) -> Mailbox {
    Mailbox::new(sender.name.or_else(|| Some(name.to_owned())), sender.email)
}

fn transport(keys: Keys, mode: Mode) -> Transport {
    match (keys.smtp, keys.sender, mode) {
        (
            Some(Relay {
                host, port, security, ..
            }),
            Some(from),
            _,
        ) => Transport::Smtp(Box::new(Smtp {
            host,
            port,
            security,
            credentials: keys.smtp_user.zip(keys.smtp_password_file.map(|file| file.text)),
            from,
        })),
        (_, _, Mode::Development) => Transport::Folder(keys.folder),
        (_, _, Mode::Production) => Transport::Nowhere,
    }
}

#[derive(Debug, Clone)]
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

/// Reads the sender, and writes its domain in ASCII form. Its name is held to the rule of subjects before anybody else
/// reads it.
fn parse_sender(text: &str) -> Result<Mailbox, String> {
    let form = "must be an address, such as Portcullis <no-reply@example.com>; put the name in quotation marks if it holds \
                , : ( ) [ ] or @";
    if !fits_header(text) {
        return Err("must be an address in one line of text, without =? in it".to_owned());
    }
    let sender: Mailbox = text.parse().map_err(|_| form.to_owned())?;
    if sender.name.as_deref().is_some_and(|name| !fits_header(name)) {
        return Err("must be one line of text, without =? in it".to_owned());
    }
    let address = wire_address(sender.email.as_ref()).ok_or(form)?;
    Ok(Mailbox::new(sender.name, address))
}

#[cfg(test)]
mod tests {
    use portcullis_core::checks;

    use super::*;

    #[test]
    fn a_senders_name_is_told_from_an_attack_and_from_a_slip() {
        checks!("T134");
        for (text, shown) in [
            ("no-reply@example.com", "no-reply@example.com"),
            (
                "Portcullis <no-reply@bücher.example>",
                "Portcullis <no-reply@xn--bcher-kva.example>",
            ),
            (
                "\"Acme (Support)\" <a@b.example>",
                "\"Acme (Support)\" <a@b.example>",
            ),
        ] {
            assert_eq!(parse_sender(text).unwrap().to_string(), shown);
        }
        for (text, says) in [
            ("Acme (Support) <a@b.example>", "quotation marks"),
            ("Doe, Jane <a@b.example>", "quotation marks"),
            ("nobody", "must be an address"),
            ("A\nBcc: c@d.example <a@b.example>", "one line"),
            ("=?utf-8?q?A?= <a@b.example>", "=?"),
        ] {
            let said = parse_sender(text).unwrap_err();
            assert!(said.contains(says), "{text}: {said}");
        }
    }
}
