//! How letters leave.

use lettre::message::Mailbox;
use portcullis_core::letter::Settings;
use portcullis_core::throttle::Rate;
use url::Url;

use super::reader::Reader;
use super::server::{Mode, Server, is_loopback};
use crate::mail::{Security, Smtp, Transport, fits_header, wire_address};

/// Reads how letters leave.
pub(super) fn read(from: &mut Reader, server: &Server) -> Transport {
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
        ) => Transport::Smtp(Box::new(Smtp {
            host,
            port,
            security,
            credentials: user.zip(password),
            from,
        })),
        (_, _, Mode::Development) => Transport::Folder(folder),
        (_, _, Mode::Production) => Transport::Nowhere,
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

/// How many letters are sent.
pub(super) fn letters(from: &mut Reader) -> Settings {
    let mut settings = Settings::default();
    let mut rate = |key: &'static str, default: Rate| {
        let parse = |text: &str| Rate::parse(text).map_err(|error| error.to_string());
        from.text(key, default, parse, Rate::to_string)
    };
    settings.to_address = rate("mail.to_address", settings.to_address);
    settings.to_address_by_strangers = rate("mail.to_address_by_strangers", settings.to_address_by_strangers);
    settings.to_domain = rate("mail.to_domain", settings.to_domain);
    settings.by_account = rate("mail.by_account", settings.by_account);
    settings.by_client = rate("mail.by_client", settings.by_client);
    settings.new_devices = rate("mail.new_devices", settings.new_devices);
    settings
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
