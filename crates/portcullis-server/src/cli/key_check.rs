//! `portcullis key check`: what is this string? Answers without the database, and never prints the string.

use std::io::Read as _;

use portcullis_core::api_key::{Format, InvalidApiKey, Parts};
use portcullis_core::opaque::OPAQUE;
use portcullis_core::token::jws;
use serde_json::json;

use super::failure::Failure;
use crate::output::Output;

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
    match check(&text, format) {
        Assessment::Ours(what) => Ok(output.done(&format!("this is {what}"), &json!({ "is": what }))?),
        Assessment::NotOurs(why) => Err(Failure::Failed(why)),
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Assessment {
    Ours(String),
    NotOurs(String),
}

fn check(text: &str, format: &Format) -> Assessment {
    match (format.read(text), Parts::of(text)) {
        (Ok(_), _) => Assessment::Ours(format!(
            "an API key for {}: form and checksum are right; whether it is still good, only the server knows",
            format.environment()
        )),
        (Err(InvalidApiKey::Form), _) => other(text),
        (Err(InvalidApiKey::Checksum), _) => Assessment::NotOurs(
            "this has the form of an API key, and its checksum is wrong: it was mistyped, cut or made up"
                .to_owned(),
        ),
        (Err(_), Ok(parts)) => Assessment::NotOurs(format!(
            "this is a well-formed API key for {}_{}, and keys here begin with {}_{}",
            parts.prefix,
            parts.environment,
            format.prefix(),
            format.environment()
        )),
        (Err(error), Err(_)) => Assessment::NotOurs(error.to_string()),
    }
}

/// The other credentials that Portcullis gives out.
fn other(text: &str) -> Assessment {
    let opaque = OPAQUE.iter().find(|kind| kind.read(text).is_some());
    let signed = is_jwt(text).then_some("a signed token (JWT) by its form; who signed it was not looked at");
    opaque.map(|kind| kind.what).or(signed).map_or_else(
        || Assessment::NotOurs("this is no credential of Portcullis".to_owned()),
        |what| Assessment::Ours(what.to_owned()),
    )
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
    use portcullis_identity::environment;

    use super::*;

    // Shows: AK-1
    #[test]
    fn every_kind_of_string_is_told_apart() {
        let (live, env) = (Format::default(), environment::system());
        let test = Format::new("pk", "test").unwrap().mint(&env);
        let good = live.mint(&env);
        let cut = &good.expose()[..good.expose().len() - 1];
        let forged = good.expose().replacen("live", "test", 1);
        for kind in OPAQUE {
            let Assessment::Ours(says) = check(&kind.write(env.bytes()), &live) else {
                panic!("{} is none of ours", kind.what)
            };
            assert_eq!(says, kind.what);
        }
        for (text, ours, part) in [
            (good.expose(), true, "an API key for live"),
            ("eyJhbGciOiJFUzI1NiJ9.e30.c2ln", true, "a signed token"),
            (test.expose(), false, "for pk_test"),
            (&forged, false, "checksum is wrong"),
            (cut, false, "no credential"),
            ("", false, "no credential"),
            ("hunter2", false, "no credential"),
            ("a.b.c", false, "no credential"),
            ("ey.b.c.d", false, "no credential"),
        ] {
            let (found, says) = match check(text, &live) {
                Assessment::Ours(says) => (true, says),
                Assessment::NotOurs(says) => (false, says),
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
