//! No parser works in proportion to a text before it has looked at the text's length.
//!
//! One table of all that read a caller's text: a new one is added here. Each is driven with as much as a body holds, of
//! the character that normalising makes most of, and with as much plain text: both must cost the same, counted in
//! processor time of this thread.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::hint::black_box;
use std::time::Duration;

use portcullis_core::account::{
    EmailAddress, Identifier, Username, VerificationToken, looks_of, shown_address,
};
use portcullis_core::checks;
use portcullis_core::organization::{self, Selector, Slug};
use portcullis_core::password::{Password, PasswordPolicy};
use portcullis_core::secret::SecretText;
use portcullis_core::session::{self, DeviceName};
use portcullis_core::text::{Bounded, shown_up_to};
use portcullis_core::token::RefreshToken;
use portcullis_core::{api_key, authz};

type Parser = (&'static str, fn(&str));

const PARSERS: [Parser; 18] = [
    ("e-mail address", |text| {
        drop(black_box(EmailAddress::parse(text)));
    }),
    ("e-mail address with its @", |text| {
        drop(black_box(EmailAddress::parse(text)));
    }),
    ("user name", |text| drop(black_box(Username::parse(text)))),
    ("identifier", |text| drop(black_box(Identifier::parse(text)))),
    ("looks of a name", |text| drop(black_box(looks_of(text)))),
    ("shown address", |text| drop(black_box(shown_address(text)))),
    ("organization's name", |text| {
        drop(black_box(organization::OrganizationName::parse(text)));
    }),
    ("slug", |text| drop(black_box(Slug::parse(text)))),
    ("organization's selector", |text| {
        drop(black_box(Selector::parse(text)));
    }),
    ("key's name", |text| {
        drop(black_box(api_key::KeyName::parse(text)));
    }),
    ("device's name", |text| drop(black_box(DeviceName::parse(text)))),
    ("password", |text| {
        drop(black_box(Password::new(&SecretText::new(text.to_owned()))));
    }),
    ("password policy", |text| {
        let password = SecretText::new(text.to_owned());
        black_box(PasswordPolicy::default().broken_by(&password, &["anna@example.com"]));
    }),
    ("mailed code", |text| {
        drop(black_box(VerificationToken::parse(text)));
    }),
    ("refresh token", |text| drop(black_box(RefreshToken::parse(text)))),
    ("session token", |text| {
        drop(black_box(session::Token::parse(text)));
    }),
    ("permission's name", |text| {
        black_box(authz::valid_permission_name(text));
    }),
    ("user agent", |text| {
        drop(black_box(Bounded::new(text, 1_024).map(Bounded::nfkc)));
        black_box(shown_up_to(text, 256));
    }),
];

/// A character of three bytes that NFKC makes eighteen characters of.
const WORST: &str = "\u{fdfa}";
const BODY: usize = 64 * 1024;

#[test]
fn the_length_is_looked_at_before_anything_else() {
    checks!("T140");
    for (name, parse) in PARSERS {
        let at = if name.contains('@') { "@example.com" } else { "" };
        let worst = format!("{}{at}", WORST.repeat(BODY / WORST.len()));
        let plain = format!("{}{at}", "a".repeat(BODY));
        let (worst, plain) = (cost(parse, &worst), cost(parse, &plain));
        // The slack is what a call and a copy cost; one pass of NFKC over the text costs milliseconds.
        let most = plain * 2 + Duration::from_micros(300);
        assert!(
            worst <= most,
            "{name}: {worst:?} for the worst text, {plain:?} for a plain one"
        );
    }
}

/// The cheapest of several calls: whatever else the machine does only ever adds.
fn cost(parse: fn(&str), text: &str) -> Duration {
    let once = || {
        let before = spent();
        parse(text);
        spent() - before
    };
    (0..9).map(|_| once()).min().unwrap()
}

/// The processor time of this thread.
fn spent() -> Duration {
    rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime)
        .try_into()
        .unwrap()
}
