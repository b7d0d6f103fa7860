//! Against a mail server of our own, which answers by a script.

mod sink;

use std::net::TcpListener;

use portcullis_core::checks;
use portcullis_core::secret::SecretText;

use self::sink::{End, Script, Sink};
use super::*;

const ID: Id = Id::from_uuid(uuid::Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001));

fn email(to: &str, subject: &str) -> Email {
    Email {
        to: to.into(),
        subject: subject.into(),
        text: "Hello\nBcc: text@is.fine\n\n  https://id.example.com/verify-email?token=pcv_0123456789012345678901234567890123456789abc\n"
            .into(),
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

fn mailer(sink: &Sink) -> SmtpMailer {
    SmtpMailer::new(&smtp(sink.port(), Security::Loopback), None).unwrap()
}

async fn send(mailer: &SmtpMailer, to: &str) -> Result<(), MailError> {
    mailer.send(email(to, "Confirm"), ID).await
}

#[test]
fn no_text_becomes_a_header_or_a_second_recipient() {
    checks!("T011");
    checks!("T134");
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
        ("a@b.example", "fine\u{2028}Bcc: c@d.example"),
        ("a@b.example", "=?utf-8?q?fine=0d=0aBcc:_c@d.example?="),
        ("", "fine"),
    ] {
        let refused = compose(&from(), email(to, subject), ID);
        assert!(matches!(refused, Err(MailError::Never(_))), "{to:?} {subject:?}");
    }
}

#[test]
fn an_email_has_one_recipient_and_every_header_that_mail_systems_ask_for() {
    let message = compose(&from(), email("jürgen@bücher.example", "Grüße"), ID).unwrap();
    assert_eq!(message.envelope().to().len(), 1);
    let formatted = String::from_utf8(message.formatted()).unwrap();
    let (headers, body) = formatted.split_once("\r\n\r\n").unwrap();
    assert!(!headers.contains("Bcc"), "{headers}");
    let named = |name: &str| {
        let lines = headers.lines().filter(|line| line.starts_with(name));
        lines.map(|line| line[name.len()..].trim()).collect::<Vec<_>>()
    };
    assert_eq!(named("MIME-Version:"), ["1.0"]);
    assert_eq!(
        named("Message-ID:"),
        ["<01900000000070008000000000000001@example.com>"]
    );
    assert_eq!(named("Date:").len(), 1);
    assert!(named("Content-Type:")[0].starts_with("multipart/alternative"));
    for part in [
        "Content-Type: text/plain; charset=utf-8",
        "Content-Type: text/html; charset=utf-8",
        "Bcc: text@is.fine",
        // The link is readable without any decoding, on a line of its own.
        "\r\n  https://id.example.com/verify-email?token=pcv_0123456789012345678901234567890123456789abc\r\n",
        "<a href=\"https://id.example.com/verify-email?token=pcv_0123456789012345678901234567890123456789abc\">",
    ] {
        assert!(body.contains(part), "{part} in {body}");
    }
    let plain = body.find("text/plain").unwrap();
    assert!(
        plain < body.find("text/html").unwrap(),
        "what readers prefer is last"
    );
}

#[test]
fn the_domain_goes_over_the_wire_in_ascii() {
    checks!("T134");
    for (address, wire) in [
        ("max@müller.example", "max@xn--mller-kva.example"),
        ("max@maßanfertigung.example", "max@xn--maanfertigung-cdb.example"),
        ("अजय@डाटा.भारत", "अजय@xn--c2bd1gb.xn--h2brj9c"),
        ("x@ｅｘａｍｐｌｅ.com", "x@example.com"),
        ("Anna+Tag@example.com", "Anna+Tag@example.com"),
        ("o'brien@example.com", "o'brien@example.com"),
    ] {
        assert_eq!(wire_address(address).unwrap().to_string(), wire);
    }
}

/// What may register may be written to.
#[test]
fn every_address_that_is_accepted_builds_an_email() {
    for local in [
        "a", "a.b", "a+b", "a=b", "a/b", "o'brien", "a!b", "#a", "$a", "a%b", "a&b", "*", "a?b", "^", "_",
        "`", "{a}", "a|b", "~", "जय", "ü",
    ] {
        let address = format!("{local}@example.com");
        let parsed = portcullis_core::account::EmailAddress::parse(&address);
        if let Ok(parsed) = parsed {
            let built = compose(&from(), email(parsed.normalised(), "Confirm"), ID);
            assert!(built.is_ok(), "{address}");
        }
    }
}

#[tokio::test]
async fn an_email_reaches_the_mail_server() {
    let sink = Sink::start(Script::default());
    let mailer = mailer(&sink);
    send(&mailer, "a@b.example").await.unwrap();
    for line in [
        "EHLO [127.0.0.1]",
        "MAIL FROM:<no-reply@example.com>",
        "RCPT TO:<a@b.example>",
        "Subject: Confirm",
        "Hello",
    ] {
        assert!(sink.heard(line), "{line} in {:?}", sink.all());
    }
    // The next one takes the connection that is open.
    send(&mailer, "c@d.example").await.unwrap();
    assert_eq!(sink.connections(), 1);
    assert!(sink.heard("NOOP"));
}

#[tokio::test]
async fn a_refusal_is_told_without_the_servers_words() {
    for (answer, says, for_ever) in [
        ("550 no canary here", "recipient for good (code 550)", true),
        ("553 no canary here", "for good (code 553)", true),
        ("451 canary later", "for now (code 451)", false),
        ("452 canary later", "for now (code 452)", false),
        ("530 canary first", "refused our sign-in (code 530)", false),
    ] {
        let sink = Sink::start(Script {
            recipient: vec![answer],
            ..Script::default()
        });
        let refused = send(&mailer(&sink), "a@b.example").await.unwrap_err();
        let said = refused.to_string();
        assert!(said.contains(says) && !said.contains("canary"), "{said}");
        assert_eq!(matches!(refused, MailError::Never(_)), for_ever, "{answer}");
    }
}

#[tokio::test]
async fn what_is_refused_for_other_reasons_than_its_recipient_is_tried_again() {
    for (script, says) in [
        (
            Script {
                sender: "550 who are you",
                ..Script::default()
            },
            "our sender address",
        ),
        (
            Script {
                end: End::Answer("554 looks like spam"),
                ..Script::default()
            },
            "refused the e-mail for good (code 554)",
        ),
        (
            Script {
                greeting: "554 not you",
                ..Script::default()
            },
            "code 554",
        ),
        (
            Script {
                greeting: "421 later",
                ..Script::default()
            },
            "code 421",
        ),
    ] {
        let sink = Sink::start(script);
        let refused = send(&mailer(&sink), "a@b.example").await.unwrap_err();
        assert!(matches!(refused, MailError::NotNow(_)), "{refused}");
        assert!(refused.to_string().contains(says), "{refused}");
    }
}

#[tokio::test]
async fn an_email_that_was_put_off_is_taken_with_the_same_message_id() {
    checks!("T133");
    let sink = Sink::start(Script {
        recipient: vec!["451 later", "250 fine"],
        end: End::HangUpOnce,
        ..Script::default()
    });
    let mailer = mailer(&sink);
    let put_off = send(&mailer, "a@b.example").await.unwrap_err();
    assert!(put_off.to_string().contains("for now"), "{put_off}");
    let broken = send(&mailer, "a@b.example").await.unwrap_err();
    assert_eq!(
        broken,
        MailError::NotNow("the connection broke; the e-mail may have been sent".to_owned())
    );
    send(&mailer, "a@b.example").await.unwrap();
    let all = sink.all();
    let ids: Vec<&String> = all
        .iter()
        .filter(|line| line.starts_with("Message-ID:"))
        .collect();
    assert_eq!(ids.len(), 2, "{all:?}");
    assert_eq!(ids[0], ids[1]);
}

#[tokio::test]
async fn smtputf8_is_asked_for_only_where_the_local_part_needs_it() {
    checks!("T134");
    let with = || Script {
        offers: &["SMTPUTF8", "8BITMIME"],
        ..Script::default()
    };
    for script in [with(), Script::default()] {
        let sink = Sink::start(script);
        send(&mailer(&sink), "max@müller.example").await.unwrap();
        assert!(sink.heard("RCPT TO:<max@xn--mller-kva.example>"));
        assert!(sink.heard("MAIL FROM:<no-reply@example.com>"));
    }
    let sink = Sink::start(with());
    send(&mailer(&sink), "tëst@example.com").await.unwrap();
    assert!(sink.heard("RCPT TO:<tëst@example.com>"));
    assert!(
        sink.all()
            .iter()
            .any(|line| line.starts_with("MAIL") && line.contains("SMTPUTF8"))
    );
    let sink = Sink::start(Script::default());
    let refused = send(&mailer(&sink), "tëst@example.com").await.unwrap_err();
    assert!(refused.to_string().contains("SMTPUTF8"), "{refused}");
    assert!(!sink.all().iter().any(|line| line.starts_with("MAIL")));
}

#[tokio::test]
async fn a_server_without_tls_gets_neither_email_nor_password() {
    let sink = Sink::start(Script::default());
    let mut settings = smtp(sink.port(), Security::StartTls);
    settings.credentials = Some(("me".into(), SecretText::new("canary".into())));
    let mailer = SmtpMailer::new(&settings, None).unwrap();
    let refused = send(&mailer, "a@b.example").await.unwrap_err();
    assert!(refused.to_string().contains("STARTTLS"), "{refused}");
    assert!(
        !sink
            .all()
            .iter()
            .any(|line| line.contains("MAIL") || line.contains("AUTH")),
        "{:?}",
        sink.all()
    );
}

#[tokio::test]
async fn a_sign_in_that_is_refused_or_not_offered_is_told_as_such() {
    for (offers, says) in [
        (&["AUTH PLAIN"][..], "refused our sign-in (code 535)"),
        (&["AUTH CRAM-MD5"][..], "a sign-in by password"),
        (&[][..], "a sign-in by password"),
    ] {
        let sink = Sink::start(Script {
            offers,
            ..Script::default()
        });
        let mut settings = smtp(sink.port(), Security::Loopback);
        settings.credentials = Some(("me".into(), SecretText::new("canary".into())));
        let mailer = SmtpMailer::new(&settings, None).unwrap();
        let refused = send(&mailer, "a@b.example").await.unwrap_err();
        assert!(matches!(refused, MailError::NotNow(_)), "{refused}");
        assert!(refused.to_string().contains(says), "{refused}");
        assert!(!sink.all().iter().any(|line| line.contains("MAIL")));
    }
}

#[tokio::test]
async fn a_server_that_never_answers_costs_an_email_its_limit() {
    checks!("T133");
    let limit = Duration::from_millis(50);
    for script in [
        Script {
            end: End::Silence,
            ..Script::default()
        },
        Script {
            greeting: "",
            ..Script::default()
        },
    ] {
        let sink = Sink::start(script);
        let settings = smtp(sink.port(), Security::Loopback);
        let mailer = SmtpMailer::within(&settings, None, limit).unwrap();
        let refused = send(&mailer, "a@b.example").await.unwrap_err();
        assert!(refused.to_string().contains("didn't answer in time"), "{refused}");
    }
}

#[tokio::test]
async fn an_unreachable_server_is_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let mailer = SmtpMailer::new(&smtp(port, Security::Loopback), None).unwrap();
    let refused = send(&mailer, "a@b.example").await.unwrap_err();
    assert!(
        refused.to_string().contains("no connection to the mail server"),
        "{refused}"
    );
}

#[test]
fn we_say_the_name_that_people_know_us_by() {
    for (url, said) in [
        ("https://id.example.com/", "id.example.com"),
        ("https://bücher.example/", "xn--bcher-kva.example"),
        ("https://my_box.example/", "[127.0.0.1]"),
        ("http://localhost:8080/", "[127.0.0.1]"),
        ("http://192.0.2.1/", "[192.0.2.1]"),
        ("http://[2001:db8::1]/", "[IPv6:2001:db8::1]"),
    ] {
        assert_eq!(hello(Some(&Url::parse(url).unwrap())).to_string(), said, "{url}");
    }
    assert_eq!(hello(None).to_string(), "[127.0.0.1]");
}
