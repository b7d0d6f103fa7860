//! What is accepted as an address can be mailed.

use lettre::message::Mailbox;
use lettre::{Address, Message};
use portcullis_core::account::EmailAddress;
use portcullis_core::checks;
use proptest::prelude::*;

/// The recipient of a message to this address, as it goes to the mail server and as the message says.
fn mailed(address: &EmailAddress) -> (String, String) {
    let to: Address = address.as_str().parse().unwrap();
    let message = Message::builder()
        .from("server@example.com".parse().unwrap())
        .to(Mailbox::new(None, to))
        .subject("x")
        .body(String::new())
        .unwrap();
    let header = message.headers().get_raw("To").unwrap().to_owned();
    (message.envelope().to()[0].to_string(), header)
}

#[test]
fn the_recipient_is_the_address_that_was_compared() {
    checks!("T144");
    for (typed, sent) in [
        ("max@müller.example", "max@xn--mller-kva.example"),
        ("x@ｅｘａｍｐｌｅ.com", "x@example.com"),
        ("ａb@example.com", "ab@example.com"),
        ("boss＠corp．example", "boss@corp.example"),
        ("max@maßanfertigung.example", "max@xn--maanfertigung-cdb.example"),
        ("Anna@Example.COM", "Anna@example.com"),
        (" anna@example.com\n", "anna@example.com"),
    ] {
        let (envelope, header) = mailed(&EmailAddress::parse(typed).unwrap());
        assert_eq!((&*envelope, &*header), (sent, sent), "{typed}");
    }
}

proptest! {
    #[test]
    fn every_accepted_address_makes_a_message(
        text in prop_oneof![
            "\\PC{1,8}@\\PC{1,8}\\.[a-z]{2,3}",
            "[!-~]{1,12}@[a-z0-9.-]{1,12}\\.[a-z]{2,3}",
            "[a-zäßéøаяαωカ漢字नमस्ते.+]{1,8}@[a-zäßéøаяαωカ漢字नमस्ते-]{1,8}\\.(com|भारत|рф)",
        ]
    ) {
        if let Ok(address) = EmailAddress::parse(&text) {
            let (envelope, _) = mailed(&address);
            prop_assert_eq!(envelope, address.as_str());
            prop_assert!(!address.as_str().contains(|c: char| c.is_whitespace() || c.is_control()));
        }
    }
}
