//! The address of a Redis, as several sections read it.

use url::Url;

/// Whether an address may hold a password: only where it comes from a file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Passwords {
    Allowed,
    Refused,
}

/// Reads an address. `or` names what else the key may be; `file` the key of a file for an address with a password. No message
/// repeats it.
pub(super) fn parse(text: &str, passwords: Passwords, or: &str, file: &str) -> Result<String, String> {
    let url = Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "redis" | "rediss") && url.has_host());
    let url = url.ok_or_else(|| format!("must be {or}, or an address such as redis://127.0.0.1:6379/"))?;
    if passwords == Passwords::Refused && url.password().is_some() {
        return Err(format!(
            "must not hold a password: write the whole address to a file and set {file}"
        ));
    }
    Ok(text.to_owned())
}

/// What may be shown of an address.
pub(super) fn show(address: &str) -> String {
    Url::parse(address).map_or_else(
        |_| "redis".to_owned(),
        |url| {
            let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
            format!(
                "{}://{}{port}{}",
                url.scheme(),
                url.host_str().unwrap_or_default(),
                url.path()
            )
        },
    )
}
