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
use http::{HeaderMap, StatusCode, Uri, Version};
use portcullis_core::defends;

use crate::Problem;

/// The host can't be read, or isn't one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Invalid;

/// The host that the request is for, in lower case, without port and final dot; `None` where it names none.
pub(crate) fn of(headers: &HeaderMap, uri: &Uri) -> Result<Option<String>, Invalid> {
    let mut headers = headers.get_all(HOST).iter();
    let header = match (headers.next(), headers.next()) {
        (Some(_), Some(_)) => return Err(Invalid),
        (header, _) => header
            .map(|value| value.to_str().map_err(|_| Invalid))
            .transpose()?,
    };
    let header = header.map(plain).transpose()?;
    let target = uri.authority().map(|target| plain(target.as_str())).transpose()?;
    match (header, target) {
        (Some(header), Some(target)) if header != target => Err(Invalid),
        (header, target) => Ok(target.or(header)),
    }
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
    let named = of(request.headers(), request.uri()).map_err(|_| unreadable())?;
    let needed = request.version() == Version::HTTP_11 && !request.headers().contains_key(HOST);
    if needed || named.is_some_and(|host| host.is_empty()) {
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
    pub(crate) fn check(
        &self,
        named: &Result<Option<String>, Invalid>,
        base: Option<&str>,
    ) -> Result<(), Problem> {
        defends!("T152");
        let Some(own) = &self.0 else {
            return Ok(());
        };
        let Some(host) = named.as_ref().map_err(|_| unreadable())? else {
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
