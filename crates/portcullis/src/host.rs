//! The host that a request is for.
//!
//! Invariants: a request for two hosts, or one that can't be read, is for none. Where the deployment says which hosts are
//! its own, a request for another is refused (`T152`): a page whose name was led to this server's address would otherwise
//! count as a page of its own.
//!
//! Source: RFC 9110 §7.2, §7.4, RFC 9112 §3.2

use std::net::{IpAddr, Ipv6Addr};

use http::header::HOST;
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, StatusCode, Uri, Version};
use portcullis_core::defends;

use crate::Problem;

/// The host can't be read, or isn't one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Invalid;

/// The host that a request is for, in lower case, without port and final dot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Named {
    /// It names none.
    Nothing,
    /// So many bytes of its `Host`, as they came.
    AsSent(HeaderValue, usize),
    /// Anything else.
    Read(String),
}

impl Named {
    /// Its text, if there is one.
    pub(crate) fn as_deref(&self) -> Option<&str> {
        match self {
            Self::Nothing => None,
            Self::AsSent(value, length) => value
                .as_bytes()
                .get(..*length)
                .and_then(|host| std::str::from_utf8(host).ok()),
            Self::Read(host) => Some(host),
        }
    }
}

/// The host that the request is for.
pub(crate) fn of(headers: &HeaderMap, uri: &Uri) -> Result<Named, Invalid> {
    let header = one_header(headers)?;
    if let (Some(value), None) = (header, uri.authority())
        && let Some(length) = as_sent(value.as_bytes())
    {
        return Ok(Named::AsSent(value.clone(), length));
    }
    let header = header
        .map(|value| plain(value.to_str().map_err(|_| Invalid)?))
        .transpose()?;
    let target = uri.authority().map(|target| plain(target.as_str())).transpose()?;
    match (header, target) {
        (Some(header), Some(target)) if header != target => Err(Invalid),
        (header, target) => Ok(target.or(header).map_or(Named::Nothing, Named::Read)),
    }
}

fn one_header(headers: &HeaderMap) -> Result<Option<&HeaderValue>, Invalid> {
    let mut values = headers.get_all(HOST).iter();
    match (values.next(), values.next()) {
        (Some(_), Some(_)) => Err(Invalid),
        (value, _) => Ok(value),
    }
}

/// How long the host is in what most requests send: a name in lower case or an address of IPv4, with or without a port, which
/// needs no reading. `None` says nothing of what it is.
fn as_sent(value: &[u8]) -> Option<usize> {
    let colon = value.iter().position(|byte| *byte == b':');
    let (host, port) = value.split_at_checked(colon.unwrap_or(value.len()))?;
    let named = host
        .iter()
        .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.'));
    let numbered = match port {
        [] => true,
        [_, digits @ ..] => !digits.is_empty() && digits.iter().all(u8::is_ascii_digit),
    };
    (named && numbered && host.last().is_some_and(|last| *last != b'.')).then_some(host.len())
}

fn plain(text: &str) -> Result<String, Invalid> {
    let authority: Authority = text.parse().map_err(|_| Invalid)?;
    // Two lines that somebody joined have a comma, which a name could have but no host has.
    if text.contains(['@', ',']) {
        return Err(Invalid);
    }
    let port = text.strip_prefix(authority.host()).ok_or(Invalid)?;
    if !port.trim_start_matches(':').bytes().all(|b| b.is_ascii_digit()) {
        return Err(Invalid);
    }
    let host = authority.host();
    Ok(host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase())
}

/// Refuses a request, as it came from a socket, that doesn't say which host it is for, or says two. Whoever makes
/// requests in memory needn't name one.
pub(crate) fn check<B>(request: &http::Request<B>) -> Result<(), Problem> {
    defends!("T152");
    let header = one_header(request.headers()).map_err(|_| unreadable())?;
    if request.uri().authority().is_none() && header.is_some_and(|value| as_sent(value.as_bytes()).is_some())
    {
        return Ok(());
    }
    let named = of(request.headers(), request.uri()).map_err(|_| unreadable())?;
    let needed = request.version() == Version::HTTP_11 && header.is_none();
    if needed || named.as_deref().is_some_and(str::is_empty) {
        return Err(unreadable());
    }
    Ok(())
}

fn unreadable() -> Problem {
    Problem::bad_request(
        "invalid_host",
        "send one Host header that names the host of the request",
    )
}

/// The hosts that a deployment answers for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Hosts(Option<Vec<String>>);

impl Hosts {
    /// These, in any case, and whatever names this machine.
    pub(crate) fn only(names: impl IntoIterator<Item = String>) -> Self {
        let names = names
            .into_iter()
            .map(|name| bare(&name.to_ascii_lowercase()).to_owned());
        Self(Some(names.collect()))
    }

    /// Refuses a request for a host that is none of these, nor `base` or below it. One without a host is the listener's
    /// to refuse.
    pub(crate) fn check(&self, named: &Result<Named, Invalid>, base: Option<&str>) -> Result<(), Problem> {
        defends!("T152");
        let Some(own) = &self.0 else {
            return Ok(());
        };
        let Some(host) = named.as_ref().map_err(|_| unreadable())?.as_deref() else {
            return Ok(());
        };
        let host = bare(host);
        let below = |base: &str| {
            host.strip_suffix(base)
                .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        if own.iter().any(|own| own == host) || base.is_some_and(below) || is_this_machine(host) {
            return Ok(());
        }
        Err(Problem::new(
            StatusCode::MISDIRECTED_REQUEST,
            "unknown_host",
            "this server doesn't answer for the host that the request names; a proxy in front must pass Host on as it came, \
             and further names must be set",
        ))
    }
}

/// An address of IPv6 without its brackets.
fn bare(host: &str) -> &str {
    let inside = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    inside.unwrap_or(host)
}

/// No name that others can lead elsewhere: nobody's page has it.
///
/// Source: RFC 6761 §6.3
pub(crate) fn is_this_machine(host: &str) -> bool {
    let host = bare(host);
    let loopback = |ip: IpAddr| ip.to_canonical().is_loopback() || ip == IpAddr::V6(Ipv6Addr::LOCALHOST);
    host == "localhost" || host.ends_with(".localhost") || host.parse().is_ok_and(loopback)
}

#[cfg(test)]
mod tests;
