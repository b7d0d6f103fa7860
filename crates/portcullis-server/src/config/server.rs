//! Where and how the server runs.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use portcullis_identity::enforcer::Realm;
use portcullis_identity::listener::Limits;
use url::{Host, Url};

use super::duration::{minutes, seconds};
use super::form::{flag, list, optional, path, span, text};
use super::reader::Reader;
use super::section::section;

/// Whether mailed secrets may be seen on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// E-mails go to a folder, and their links to the log.
    Development,
    /// E-mails go to a mail server or nowhere.
    Production,
}

impl Mode {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Production => "production",
        }
    }
}

section! {
    /// Where and how the server runs.
    pub(crate) struct Server {
        /// How connections are kept and closed.
        limits: Limits,
    }
    "listen" => listen: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080),
        text(parse_listen, ToString::to_string),
        "address and port to listen on";
    "data" => data: PathBuf = PathBuf::from("./data"), path(),
        "folder for the database, the secrets and development mail";
    "master_key_file" => master_key_file: PathBuf = data.join("secrets.key"), path(),
        "file that holds the master key",
        default "`secrets.key` in the data folder";
    "public_url" => public_url: Option<Url> = None, optional(parse_public_url, show_url),
        "address that users and mailed links use",
        default "`http://` and `listen`, with `localhost` for `127.0.0.1`; on loopback only",
        manual "what users type; mailed links, the issuer of tokens and the cookie check use it. Required beyond \
            loopback";
    "hosts" => hosts: Vec<String> = Vec::new(), list(parse_host, Clone::clone),
        "other names by which this server is reached, such as [\"portcullis\"] inside of a cluster",
        manual "other names and addresses by which the server is reached, without port, such as `[\"portcullis\"]` for \
            services beside it; in a variable separated by spaces. A request for a host that is neither one of these, \
            nor that of `public_url`, nor `organizations.base_domain` or below it, nor `listen`'s address, nor this \
            machine (`localhost`, `127.0.0.1`, `[::1]`) is answered 421; the routes of health answers every host";
    "idle_timeout" => limits.idle, span(seconds(10)..=minutes(10)),
        "how long a connection waits for its next request; longer than your proxy's",
        manual "how long a connection that has served waits for its next request; make it longer than your proxy's (see \
            [Proxies](#several-nodes)). Whoever takes nothing of an answer for twice as long is shut out";
    "realm" => realm: Realm = Realm::default(), text(parse_realm, Realm::to_string),
        "what challenges call this server, such as Blog",
        manual "what challenges (`WWW-Authenticate`) call this server, and browsers that ask for a password: printable \
            ASCII without quotes and backslashes";
    "mode" => mode: Mode = by_default(listen, public_url.as_ref()),
        text(parse_mode, |mode: &Mode| mode.as_str().to_owned()),
        "whether this is development (e-mails go to a folder and the log) or production",
        default "`development` on loopback without a `public_url`, else `production`",
        manual "whether e-mails go to a folder and the log";
    "password_grant" => password_grant: bool = true, flag(),
        "whether POST /oauth/token accepts grant_type=password",
        manual "whether `POST /oauth/token` takes `grant_type=password`";
    "require_verified_email" => require_verified_email: bool = false, flag(),
        "whether an account must prove its address before it logs in",
        manual "whether an unverified account is refused; needs `mail.smtp` in production";
    "shutdown_drain" => limits.drain, span(Duration::ZERO..=minutes(10)),
        "how long running requests may finish after a stop was asked for",
        manual "how long running requests, and e-mails that are due, may take to finish";
}

impl Server {
    pub(super) fn read(from: &mut Reader) -> Self {
        let mut server = Self::declared(from);
        let listen = server.listen;
        if server.public_url.is_none() && !listen.ip().is_loopback() && !from.is_set("public_url") {
            from.fail(
                "public_url",
                "must be set, because listen isn't a loopback address; mailed links begin with it",
            );
        }
        server.public_url = server.public_url.or_else(|| local_url(listen));
        from.reshow(
            "public_url",
            server.public_url.as_ref().map(show_url).unwrap_or_default(),
        );
        server
    }
}

/// Whoever wrote an address for others is in production.
fn by_default(listen: SocketAddr, public_url: Option<&Url>) -> Mode {
    match (listen.ip().is_loopback(), public_url) {
        (true, None) => Mode::Development,
        _ => Mode::Production,
    }
}

/// The address of a server that only this machine reaches: by the name that browsers let passkeys be made for, where it
/// leads there.
pub(crate) fn local_url(listen: SocketAddr) -> Option<Url> {
    let port = listen.port();
    let url = match is_localhost(listen) {
        true => format!("http://localhost:{port}"),
        false => format!("http://{listen}"),
    };
    (port != 0).then(|| Url::parse(&url).ok()).flatten()
}

/// Whether `localhost` is this address' name.
pub(crate) fn is_localhost(listen: SocketAddr) -> bool {
    [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)].contains(&listen.ip())
}

/// An address without the slash that stands for its empty path.
pub(crate) fn show_url(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

fn parse_listen(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| "must be an address and a port, such as 127.0.0.1:8080 or [::]:8080".to_owned())
}

/// A name or an address, as it stands in `Host` without its port.
fn parse_host(text: &str) -> Result<String, String> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let address = bare.unwrap_or(text).parse::<IpAddr>().is_ok();
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    if address || (text.len() <= 253 && text.split('.').all(label)) {
        return Ok(text.to_ascii_lowercase());
    }
    Err(format!(
        "{}: must be a host's name or address alone, such as portcullis or 10.0.0.5, without scheme, port and path",
        text.escape_debug()
    ))
}

fn parse_realm(text: &str) -> Result<Realm, String> {
    Realm::parse(text).map_err(|error| error.to_string())
}

fn parse_mode(text: &str) -> Result<Mode, String> {
    [Mode::Development, Mode::Production]
        .into_iter()
        .find(|mode| mode.as_str() == text)
        .ok_or_else(|| "must be development or production".to_owned())
}

fn parse_public_url(text: &str) -> Result<Url, String> {
    let url =
        Url::parse(text).map_err(|_| "must be an address such as https://login.example.com".to_owned())?;
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    if !bare || !url.username().is_empty() || url.password().is_some() {
        return Err("must be scheme, host and port alone, such as https://login.example.com".to_owned());
    }
    secure(url)
}

/// A page that a mailed link leads to; the code is appended to it.
pub(super) fn parse_page(text: &str) -> Result<Url, String> {
    let example = "such as https://app.example.com/invited";
    let url = Url::parse(text).map_err(|_| format!("must be an address {example}"))?;
    let bare = url.query().is_none() && url.fragment().is_none();
    if !bare || !url.username().is_empty() || url.password().is_some() {
        return Err(format!("must be scheme, host, port and path alone, {example}"));
    }
    secure(url)
}

fn secure(url: Url) -> Result<Url, String> {
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        _ => Err("must begin with https:// (http:// is for loopback addresses only)".to_owned()),
    }
}

/// Whether only this machine can be meant.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}
