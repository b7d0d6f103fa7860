//! Cookies: what they are called, how they are written and how they are found.
//!
//! Every cookie is `Secure` and `Path=/`, and its name begins with `__Host-`: a browser takes such a cookie from this
//! host alone, over TLS (or loopback). Where a [domain](Settings::domain) is set the prefix is `__Secure-`, because
//! `__Host-` excludes one.
//!
//! Invariants: [`Cookies`] exists only with names and a domain that browsers accept. The prefix follows from the
//! domain; nobody writes it.
//!
//! **Deployment caveat:** with a domain every host below it receives the session cookie and can plant one. Leave it
//! out unless several of your hosts must share a login, and all of them are yours.
//!
//! **Deliberately absent:** `SameSite=None`, a path, a cookie without `Secure`.
//!
//! Source: RFC 6265bis §4.1.2, §4.1.3

mod settings;

use std::time::Duration;

use http::header::COOKIE;
use http::{HeaderMap, HeaderName, HeaderValue};

pub use self::settings::{InvalidCookies, SameSite, Settings};

/// How this deployment's cookies are called and written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cookies {
    session: String,
    csrf: String,
    data: String,
    csrf_header: HeaderName,
    domain: Option<String>,
    same_site: SameSite,
    data_lifetime: Duration,
}

/// How long a browser keeps a cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[doc(hidden)]
pub enum Keep {
    /// Until it is closed.
    Open,
    /// For this long, closed or not.
    For(Duration),
}

/// Who reads a cookie in the browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[doc(hidden)]
pub enum Reader {
    /// Nobody: it only comes back.
    Nobody,
    /// A script of our pages.
    Script,
}

impl Cookies {
    /// The name of the session cookie.
    pub fn session(&self) -> &str {
        &self.session
    }

    /// The name of the cookie that hands a page its CSRF token.
    pub fn csrf(&self) -> &str {
        &self.csrf
    }

    /// The name of the cookie of a [`CookieSession`](crate::CookieSession).
    pub fn data(&self) -> &str {
        &self.data
    }

    /// The header in which a page sends its CSRF token back.
    pub fn csrf_header(&self) -> &HeaderName {
        &self.csrf_header
    }

    /// How long a [`CookieSession`](crate::CookieSession) lives after its last change.
    pub fn data_lifetime(&self) -> Duration {
        self.data_lifetime
    }

    /// The `Set-Cookie` that gives a cookie to the browser; `None` for a value that can't stand in one.
    #[doc(hidden)]
    pub fn set(&self, name: &str, value: &str, keep: Keep, reader: Reader) -> Option<HeaderValue> {
        let keep = match keep {
            Keep::Open => String::new(),
            Keep::For(lifetime) => format!("Max-Age={}; ", lifetime.as_secs()),
        };
        let text = format!("{name}={value}; {keep}{}", self.attributes(reader));
        let mut value = HeaderValue::try_from(text).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// The `Set-Cookie` that takes a cookie back.
    pub(crate) fn clear(&self, name: &str, reader: Reader) -> Option<HeaderValue> {
        HeaderValue::try_from(format!("{name}=; Max-Age=0; {}", self.attributes(reader))).ok()
    }

    /// The `Set-Cookie`s that take a login back: the session's and that of its CSRF token.
    #[doc(hidden)]
    pub fn clear_login(&self) -> [Option<HeaderValue>; 2] {
        [
            self.clear(&self.session, Reader::Nobody),
            self.clear(&self.csrf, Reader::Script),
        ]
    }

    /// The `Set-Cookie`s that take back every session cookie that a request for this host and path could have brought, and
    /// that of the CSRF token. Where the cookies have a domain, another host below it may have planted one beside ours,
    /// for a part of the domain or of the paths: only a `Set-Cookie` of the very same domain and path removes it.
    ///
    /// Source: RFC 6265 §5.1.3, §5.1.4, §5.3
    pub(crate) fn clear_planted(&self, host: Option<&str>, path: &str) -> Vec<HeaderValue> {
        let [session, csrf] = self.clear_login();
        let mut cleared: Vec<HeaderValue> = session.into_iter().chain(csrf).collect();
        let Some(domain) = &self.domain else {
            return cleared;
        };
        let name = &self.session;
        for path in paths_above(path) {
            for domain in domains_between(host, domain) {
                let scope = domain.map_or_else(String::new, |domain| format!("Domain={domain}; "));
                let text = format!("{name}=; Max-Age=0; {scope}Path={path}; Secure; HttpOnly");
                cleared.extend(HeaderValue::try_from(text));
            }
        }
        cleared
    }

    fn attributes(&self, reader: Reader) -> String {
        let domain = self.domain.as_ref();
        let domain = domain.map_or_else(String::new, |domain| format!("Domain={domain}; "));
        match reader {
            Reader::Nobody => {
                let same_site = self.same_site.as_str();
                format!("{domain}Path=/; Secure; HttpOnly; SameSite={same_site}")
            }
            // It is read where it was set and never needed on arrival, so the stricter value costs nothing.
            Reader::Script => format!("{domain}Path=/; Secure; SameSite=Strict"),
        }
    }
}

/// The paths of cookies that come along with a request for this one: `/`, `/auth`, `/auth/`, `/auth/me`. Of a path of many
/// parts the first few: the answer's head stays small.
fn paths_above(path: &str) -> Vec<&str> {
    let ends = path.match_indices('/').flat_map(|(place, _)| [place, place + 1]);
    let mut paths: Vec<&str> = ends
        .chain([path.len()])
        .filter_map(|end| path.get(..end))
        .filter(|path| path.starts_with('/') && !path.contains(';'))
        .collect();
    paths.dedup();
    paths.truncate(MOST_PATHS);
    paths
}

/// The domains of cookies that come along to this host, from the cookies' own downwards, and none for the host alone.
fn domains_between<'h>(host: Option<&'h str>, domain: &'h str) -> Vec<Option<&'h str>> {
    let below = host
        .and_then(|host| {
            host.strip_suffix(domain)?
                .strip_suffix('.')
                .map(|labels| (host, labels))
        })
        .into_iter()
        .flat_map(|(host, labels)| {
            let starts = labels.rmatch_indices('.').map(|(place, _)| place + 1).chain([0]);
            starts.filter_map(|start| host.get(start..))
        });
    let domains = [None, Some(domain)].into_iter().chain(below.map(Some));
    domains.take(MOST_DOMAINS).collect()
}

/// Of the paths above a request's.
const MOST_PATHS: usize = 6;

/// Of the domains above a host, the host alone among them.
const MOST_DOMAINS: usize = 4;

/// The values of every cookie of this name, in all `Cookie` headers: HTTP/2 may split one into several.
///
/// Source: RFC 6265 §5.4, RFC 9113 §8.2.3
pub(crate) fn values<'h>(headers: &'h HeaderMap, name: &str) -> impl Iterator<Item = &'h [u8]> {
    let all = headers.get_all(COOKIE).iter();
    all.flat_map(move |header| values_in(header, name))
}

/// The same in one `Cookie` header.
pub(crate) fn values_in<'h>(header: &'h HeaderValue, name: &str) -> impl Iterator<Item = &'h [u8]> {
    let pairs = header.as_bytes().split(|byte| *byte == b';');
    pairs.filter_map(move |pair| value_of(pair, name))
}

fn value_of<'p>(pair: &'p [u8], name: &str) -> Option<&'p [u8]> {
    pair.trim_ascii()
        .strip_prefix(name.as_bytes())?
        .strip_prefix(b"=")
}

#[cfg(test)]
mod tests;
