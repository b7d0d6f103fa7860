//! What can be chosen about cookies, and what browsers would not accept.

use std::net::IpAddr;
use std::time::Duration;

use http::HeaderName;
use portcullis_core::defends;
use url::Url;

use super::Cookies;

/// What can be chosen about cookies. Everything has a safe default.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// What the session cookie is called after its prefix: `portcullis` gives `__Host-portcullis`. Other cookies
    /// are called after it.
    pub name: String,
    /// The domain whose hosts all get the cookies, such as `example.com`; `None` for this host alone, which is
    /// safer.
    pub domain: Option<String>,
    /// Which requests from other sites carry the session cookie.
    pub same_site: SameSite,
    /// The header in which pages send their CSRF token back. It begins with `X-`.
    pub csrf_header: String,
    /// How long a [`CookieSession`](crate::CookieSession) lives after its last change: 14 days.
    pub data_lifetime: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            name: "portcullis".to_owned(),
            domain: None,
            same_site: SameSite::Lax,
            csrf_header: CSRF_HEADER.as_str().to_owned(),
            data_lifetime: Duration::from_secs(14 * 24 * 3_600),
        }
    }
}

/// Which requests that other sites cause carry the cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SameSite {
    /// Only the opening of a link.
    #[default]
    Lax,
    /// None: somebody who follows a link from elsewhere looks logged out at first.
    Strict,
}

impl SameSite {
    /// The value of the cookie's `SameSite` attribute.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Lax => "Lax",
            Self::Strict => "Strict",
        }
    }

    /// Reads a choice, in any case.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Lax, Self::Strict]
            .into_iter()
            .find(|choice| choice.as_str().eq_ignore_ascii_case(text))
    }
}

/// Why cookies can't be like that.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCookies {
    /// The name can't stand in a cookie, or brings a prefix.
    #[error(
        "a cookie's name has 1 to 64 of a-z A-Z 0-9 . _ - and begins with a letter or digit; leave the prefix out: \
         __Host-, or __Secure- with a domain, is put before it"
    )]
    Name,
    /// The domain isn't the name of a host's parent.
    #[error(
        "a cookie's domain is a name with a dot such as example.com: no scheme, no port, no address, no dot in front"
    )]
    Domain,
    /// The public address is outside the domain.
    #[error(
        "browsers refuse a cookie for {domain} from {host}: choose the public address's host or a parent of it"
    )]
    ForeignDomain {
        /// The domain that the settings give the cookie.
        domain: String,
        /// The public address's host.
        host: String,
    },
    /// The header isn't one of its own.
    #[error(
        "the CSRF header's name begins with X- and has no other meaning, such as X-CSRF-Token or X-XSRF-Token"
    )]
    Header,
}

impl Cookies {
    /// Cookies as chosen, for a server that browsers reach at `public_url`.
    ///
    /// # Errors
    /// [`InvalidCookies`] for what browsers would drop without a word.
    pub fn new(settings: Settings, public_url: Option<&Url>) -> Result<Self, InvalidCookies> {
        defends!("T050");
        let name = settings.name;
        if !valid_name(&name) {
            return Err(InvalidCookies::Name);
        }
        let domain = settings.domain;
        if let Some(domain) = &domain {
            check_domain(domain, public_url)?;
        }
        let prefix = if domain.is_some() { "__Secure-" } else { "__Host-" };
        Ok(Self {
            session: format!("{prefix}{name}"),
            csrf: format!("{prefix}{name}-csrf"),
            data: format!("{prefix}{name}-data"),
            csrf_header: parse_header(&settings.csrf_header)?,
            domain,
            same_site: settings.same_site,
            data_lifetime: settings.data_lifetime,
        })
    }
}

impl Default for Cookies {
    fn default() -> Self {
        Self {
            session: "__Host-portcullis".to_owned(),
            csrf: "__Host-portcullis-csrf".to_owned(),
            data: "__Host-portcullis-data".to_owned(),
            csrf_header: CSRF_HEADER,
            domain: None,
            same_site: SameSite::Lax,
            data_lifetime: Settings::default().data_lifetime,
        }
    }
}

fn valid_name(name: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    (1..=64).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.bytes().all(allowed)
}

/// Source: RFC 6265 §5.1.3 (an address has no parents), §5.3 step 6
fn check_domain(domain: &str, public_url: Option<&Url>) -> Result<(), InvalidCookies> {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
    };
    let name = domain.len() <= 253 && domain.contains('.') && domain.split('.').all(label);
    if !name || domain.parse::<IpAddr>().is_ok() {
        return Err(InvalidCookies::Domain);
    }
    let Some(host) = public_url.and_then(Url::host_str) else {
        return Ok(());
    };
    let inside = host == domain || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'));
    if inside {
        Ok(())
    } else {
        Err(InvalidCookies::ForeignDomain {
            domain: domain.to_owned(),
            host: host.to_owned(),
        })
    }
}

fn parse_header(name: &str) -> Result<HeaderName, InvalidCookies> {
    let name: HeaderName = name.parse().map_err(|_| InvalidCookies::Header)?;
    let own = name.as_str().starts_with("x-") && !TAKEN.contains(&name.as_str());
    own.then_some(name).ok_or(InvalidCookies::Header)
}

/// Headers that mean something already.
const TAKEN: [&str; 6] = [
    "x-session-token",
    "x-api-key",
    "x-organization-id",
    "x-request-id",
    "x-forwarded-for",
    "x-",
];

const CSRF_HEADER: HeaderName = HeaderName::from_static("x-csrf-token");
