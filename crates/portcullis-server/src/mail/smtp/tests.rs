use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::thread::JoinHandle;

use portcullis_core::checks;
use portcullis_core::secret::SecretText;

use super::*;

fn letter(to: &str, subject: &str) -> Letter {
    Letter {
        to: to.into(),
        subject: subject.into(),
        text: "Hello\nBcc: text@is.fine\n".into(),
    }
}

fn from() -> Mailbox {
    "Portcullis <no-reply@example.com>".parse().unwrap()
}

fn smtp(port: u16, security: Security) -> Smtp {
    Smtp {
        host: "127.0.0.1".into(),
        port,
        security,
        credentials: None,
        from: from(),
    }
}

#[test]
fn no_text_becomes_a_header_or_a_second_recipient() {
    checks!("T011");
    for (to, subject) in [
        ("a@b.example\r\nBcc: c@d.example", "fine"),
        ("a@b.example\nBcc: c@d.example", "fine"),
        ("a@b.example, c@d.example", "fine"),
        ("a@b.example;c@d.example", "fine"),
        ("Someone <a@b.example>", "fine"),
        ("<a@b.example> <c@d.example>", "fine"),
        ("a@b.example\0", "fine"),
        ("a@b.example", "fine\r\nBcc: c@d.example"),
        ("a@b.example", "fine\nBcc: c@d.example"),
        ("a@b.example", "fine\rBcc: c@d.example"),
        ("", "fine"),
    ] {
        assert!(
            compose(&from(), letter(to, subject)).is_err(),
            "{to:?} {subject:?}"
        );
    }
}

#[test]
fn a_letter_has_one_recipient_and_plain_text() {
    let message = compose(&from(), letter("jürgen@bücher.example", "Grüße")).unwrap();
    assert_eq!(message.envelope().to().len(), 1);
    let formatted = String::from_utf8(message.formatted()).unwrap();
    let (headers, body) = formatted.split_once("\r\n\r\n").unwrap();
    assert!(!headers.contains("Bcc"), "{headers}");
    assert!(
        headers.contains("Content-Type: text/plain; charset=utf-8"),
        "{headers}"
    );
    assert!(body.contains("Bcc: text@is.fine"), "{body}");
}

/// A mail server for one connection that answers `answer` to the recipient; gives back what it was told.
fn server(answer: &'static str) -> (u16, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let thread = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut out = stream.try_clone().unwrap();
        let mut say = move |text: &str| out.write_all(format!("{text}\r\n").as_bytes());
        say("220 here").unwrap();
        let (mut heard, mut in_data) = (Vec::new(), false);
        for line in BufReader::new(stream).lines() {
            let Ok(line) = line else { break };
            let verb = line.split([' ', ':']).next().unwrap_or_default().to_uppercase();
            // The client keeps its connection for the next letter: the server leaves first.
            let over =
                (in_data && line == ".") || (verb == "RCPT" && !answer.starts_with('2')) || verb == "QUIT";
            let said = match verb.as_str() {
                _ if in_data && line == "." => say("250 kept"),
                _ if in_data => Ok(()),
                "EHLO" => say("250 here"),
                "RCPT" => say(answer),
                "DATA" => {
                    in_data = true;
                    say("354 go on")
                }
                _ => say("250 fine"),
            };
            heard.push(line);
            if said.is_err() || over {
                break;
            }
        }
        heard
    });
    (port, thread)
}

#[tokio::test]
async fn a_letter_reaches_the_mail_server() {
    let (port, server) = server("250 fine");
    let mailer = SmtpMailer::new(&smtp(port, Security::Loopback)).unwrap();
    mailer.send(letter("a@b.example", "Confirm")).await.unwrap();
    drop(mailer);
    let heard = server.join().unwrap();
    for line in [
        "MAIL FROM:<no-reply@example.com>",
        "RCPT TO:<a@b.example>",
        "Subject: Confirm",
        "Hello",
    ] {
        assert!(
            heard.iter().any(|heard| heard.trim() == line),
            "{line} in {heard:?}"
        );
    }
}

#[tokio::test]
async fn a_refusal_is_told_without_the_servers_words() {
    for (answer, says) in [
        ("550 no canary here", "for good (code 550)"),
        ("451 canary later", "for now (code 451)"),
    ] {
        let (port, server) = server(answer);
        let mailer = SmtpMailer::new(&smtp(port, Security::Loopback)).unwrap();
        let said = mailer
            .send(letter("a@b.example", "Confirm"))
            .await
            .unwrap_err()
            .to_string();
        assert!(said.contains(says) && !said.contains("canary"), "{said}");
        drop(mailer);
        server.join().unwrap();
    }
}

#[tokio::test]
async fn a_server_without_tls_gets_neither_letter_nor_password() {
    let (port, server) = server("250 fine");
    let mut settings = smtp(port, Security::StartTls);
    settings.credentials = Some(("me".into(), SecretText::new("canary".into())));
    let mailer = SmtpMailer::new(&settings).unwrap();
    assert!(mailer.send(letter("a@b.example", "Confirm")).await.is_err());
    drop(mailer);
    let heard = server.join().unwrap();
    assert!(
        !heard
            .iter()
            .any(|line| line.contains("MAIL") || line.contains("AUTH")),
        "{heard:?}"
    );
}

#[tokio::test]
async fn an_unreachable_server_is_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let mailer = SmtpMailer::new(&smtp(port, Security::Loopback)).unwrap();
    assert!(mailer.send(letter("a@b.example", "Confirm")).await.is_err());
}
