//! `portcullis key check`: what is this string? Answers without the database, and never prints the string.

use std::io::Read as _;

use portcullis_core::account::{EmailVerification, Setup};
use portcullis_core::api_key::{Format, InvalidKey, Parts};
use portcullis_core::secret::{Kind, Opaque};
use portcullis_core::session::SessionToken;
use portcullis_core::token::{Refresh, jws};
use serde_json::json;

use super::Output;
use super::failure::Failure;

/// Says what `text` is; `-` reads it from stdin, where no process list shows it.
///
/// # Errors
/// [`Failure::Failed`] for what is no credential of this deployment.
pub(super) fn run(text: &str, format: &Format, output: Output) -> Result<(), Failure> {
    let text = if text == "-" {
        first_line()?
    } else {
        text.to_owned()
    };
    match judge(&text, format) {
        Judgement::Ours(what) => Ok(output.done(&format!("this is {what}"), &json!({ "is": what }))?),
        Judgement::NotOurs(why) => Err(Failure::Failed(why)),
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Judgement {
    Ours(String),
    NotOurs(String),
}

fn judge(text: &str, format: &Format) -> Judgement {
    match (format.read(text), Parts::of(text)) {
        (Ok(_), _) => Judgement::Ours(format!(
            "an API key for {}: form and checksum are right; whether it is still good, only the server knows",
            format.environment()
        )),
        (Err(InvalidKey::Form), _) => other(text),
        (Err(InvalidKey::Checksum), _) => Judgement::NotOurs(
            "this has the form of an API key, and its checksum is wrong: it was mistyped, cut or made up"
                .to_owned(),
        ),
        (Err(_), Ok(parts)) => Judgement::NotOurs(format!(
            "this is a well-formed API key for {}_{}, and keys here begin with {}_{}",
            parts.prefix,
            parts.environment,
            format.prefix(),
            format.environment()
        )),
        (Err(error), Err(_)) => Judgement::NotOurs(error.to_string()),
    }
}

/// The other credentials that Portcullis gives out.
fn other(text: &str) -> Judgement {
    let known = [
        (is::<SessionToken>(text), "a session token"),
        (is::<Refresh>(text), "a refresh token"),
        (is::<EmailVerification>(text), "a code that confirms an address"),
        (
            is::<Setup>(text),
            "a set-up token: it makes the first administrator",
        ),
        (
            is_jwt(text),
            "a signed token (JWT) by its form; who signed it was not looked at",
        ),
    ];
    let found = known.into_iter().find(|(yes, _)| *yes);
    found.map_or_else(
        || Judgement::NotOurs("this is no credential of Portcullis".to_owned()),
        |(_, what)| Judgement::Ours(what.to_owned()),
    )
}

fn is<K: Kind>(text: &str) -> bool {
    Opaque::<K>::parse(text).is_some()
}

fn is_jwt(text: &str) -> bool {
    let base64url = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    let parts: Vec<&str> = text.splitn(4, '.').collect();
    text.len() <= jws::MAX_LENGTH
        && text.starts_with("ey")
        && parts.len() == 3
        && parts.into_iter().all(base64url)
}

fn first_line() -> Result<String, Failure> {
    let mut text = String::new();
    std::io::stdin().lock().take(LONGEST).read_to_string(&mut text)?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

/// Longer than any credential.
const LONGEST: u64 = 64 * 1024;

#[cfg(test)]
mod tests {
    use portcullis::environment;

    use super::*;

    #[test]
    fn every_kind_of_string_is_told_apart() {
        let (live, env) = (Format::default(), environment::system());
        let test = Format::new("pk", "test").unwrap().mint(&env);
        let good = live.mint(&env);
        let cut = &good.expose()[..good.expose().len() - 1];
        let forged = good.expose().replacen("live", "test", 1);
        let session = Opaque::<SessionToken>::mint(&env).expose();
        let refresh = Opaque::<Refresh>::mint(&env).expose();
        let setup = Opaque::<Setup>::mint(&env).expose();
        for (text, ours, part) in [
            (good.expose(), true, "an API key for live"),
            (&session, true, "a session token"),
            (&refresh, true, "a refresh token"),
            (&setup, true, "a set-up token"),
            ("eyJhbGciOiJFUzI1NiJ9.e30.c2ln", true, "a signed token"),
            (test.expose(), false, "for pk_test"),
            (&forged, false, "checksum is wrong"),
            (cut, false, "no credential"),
            ("", false, "no credential"),
            ("hunter2", false, "no credential"),
            ("a.b.c", false, "no credential"),
            ("ey.b.c.d", false, "no credential"),
        ] {
            let (found, says) = match judge(text, &live) {
                Judgement::Ours(says) => (true, says),
                Judgement::NotOurs(says) => (false, says),
            };
            assert_eq!(found, ours, "{text}: {says}");
            assert!(says.contains(part), "{text}: {says}");
            assert!(
                text.len() < 12 || !says.contains(text),
                "the string is never printed"
            );
        }
    }
}
