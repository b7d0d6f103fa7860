//! Where and how the server runs.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use portcullis_identity::enforcer::Realm;
use url::{Host, Url};

use super::reader::Reader;

/// Whether mailed secrets may be seen on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Letters go to a folder, and their links to the log.
    Development,
    /// Letters go to a mail server or nowhere.
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

/// Where and how the server runs.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    /// Address and port.
    pub(crate) listen: SocketAddr,
    /// The data folder.
    pub(crate) data: PathBuf,
    /// The secrets file.
    pub(crate) master_key_file: PathBuf,
    /// The address users type; `None` until the port is known, if the system chooses one.
    pub(crate) public_url: Option<Url>,
    /// Other hosts that requests may name.
    pub(crate) hosts: Vec<String>,
    /// How long a connection waits for its next request.
    pub(crate) idle_timeout: Duration,
    /// What challenges call the server.
    pub(crate) realm: Realm,
    /// Development or production.
    pub(crate) mode: Mode,
    /// Whether the token endpoint takes passwords.
    pub(crate) password_grant: bool,
    /// Whether an address must be proven before a login.
    pub(crate) require_verified_email: bool,
    /// How long running requests may finish.
    pub(crate) shutdown_drain: Duration,
}

impl Server {
    pub(super) fn read(from: &mut Reader) -> Self {
        let default = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);
        let listen = from.text("listen", default, parse_listen, ToString::to_string);
        let data = from.path("data", PathBuf::from("./data"));
        let public_url = from.optional("public_url", parse_public_url, show_url);
        let by_default = match (listen.ip().is_loopback(), &public_url) {
            (true, None) => Mode::Development,
            _ => Mode::Production,
        };
        if public_url.is_none() && !listen.ip().is_loopback() && !from.is_set("public_url") {
            from.fail(
                "public_url",
                "must be set, because listen isn't a loopback address; mailed links begin with it",
            );
        }
        let public_url = public_url.or_else(|| local_url(listen));
        from.reshow(
            "public_url",
            public_url.as_ref().map(show_url).unwrap_or_default(),
        );
        let minutes = |count: u64| Duration::from_secs(count * 60);
        Self {
            listen,
            master_key_file: from.path("master_key_file", data.join("secrets.key")),
            data,
            public_url,
            hosts: from.list("hosts", parse_host, Clone::clone),
            idle_timeout: from.span(
                "idle_timeout",
                Duration::from_secs(75),
                Duration::from_secs(10)..=minutes(10),
            ),
            realm: from.text("realm", Realm::default(), parse_realm, Realm::to_string),
            mode: from.text("mode", by_default, parse_mode, |mode| mode.as_str().to_owned()),
            password_grant: from.truth("password_grant", true),
            require_verified_email: from.truth("require_verified_email", false),
            shutdown_drain: from.span(
                "shutdown_drain",
                Duration::from_secs(10),
                Duration::ZERO..=minutes(10),
            ),
        }
    }
}

/// The address of a server that only this machine reaches.
pub(crate) fn local_url(listen: SocketAddr) -> Option<Url> {
    (listen.port() != 0)
        .then(|| Url::parse(&format!("http://{listen}")).ok())
        .flatten()
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
