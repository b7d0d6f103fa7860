//! One element of a forwarding header: the address that one proxy saw.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Header;

/// The address in an element; `None` where it names none, or can't be read.
pub(super) fn address(element: &[u8], header: Header) -> Option<IpAddr> {
    if element.len() > LONGEST {
        return None;
    }
    let text = std::str::from_utf8(element).ok()?.trim_matches([' ', '\t']);
    match header {
        Header::XForwardedFor => node(text),
        Header::Forwarded => node(&forwarded_for(text)?),
    }
}

/// The value of the one `for` among the pairs of an element.
///
/// Source: RFC 7239 §4
fn forwarded_for(element: &str) -> Option<String> {
    let mut found = None;
    let mut rest = element;
    while !rest.is_empty() {
        let (name, value, behind) = pair(rest)?;
        if name.eq_ignore_ascii_case("for") && found.replace(value).is_some() {
            return None;
        }
        rest = behind;
    }
    found
}

/// The first pair, and what stands behind its semicolon.
fn pair(text: &str) -> Option<(&str, String, &str)> {
    let (name, behind) = text.split_once('=')?;
    let name = name.trim_start_matches([' ', '\t', ';']);
    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        return None;
    }
    let (value, behind) = match behind.strip_prefix('"') {
        Some(quoted) => unquote(quoted)?,
        None => {
            let end = behind.find([';', ' ', '\t']);
            let (value, behind) = behind.split_at(end.unwrap_or(behind.len()));
            if value.contains(['"', '\\']) {
                return None;
            }
            (value.to_owned(), behind)
        }
    };
    let behind = behind.trim_start_matches([' ', '\t']);
    match behind.strip_prefix(';') {
        Some(more) => Some((name, value, more.trim_matches([' ', '\t', ';']))),
        None if behind.is_empty() => Some((name, value, behind)),
        None => None,
    }
}

/// What stands before the closing quote, and what behind it.
///
/// Source: RFC 9110 §5.6.4
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((place, character)) = characters.next() {
        match character {
            '"' => return Some((value, text.get(place + 1..)?)),
            '\\' => value.push(characters.next()?.1),
            other => value.push(other),
        }
    }
    None
}

/// An address with or without a port: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:80`. An
/// IPv4 address inside of IPv6 is taken out.
///
/// Source: RFC 7239 §6
fn node(text: &str) -> Option<IpAddr> {
    let address = if let Some(bracketed) = text.strip_prefix('[') {
        let (address, behind) = bracketed.split_once(']')?;
        let fits = behind.is_empty() || behind.strip_prefix(':').is_some_and(is_port);
        IpAddr::V6(address.parse::<Ipv6Addr>().ok().filter(|_| fits)?)
    } else if let Ok(address) = text.parse() {
        address
    } else {
        let (address, port) = text.split_once(':')?;
        IpAddr::V4(address.parse::<Ipv4Addr>().ok().filter(|_| is_port(port))?)
    };
    Some(address.to_canonical())
}

/// Digits, or a port that is hidden.
///
/// Source: RFC 7239 §6, §6.3
fn is_port(text: &str) -> bool {
    let hidden = |name: &str| {
        let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        !name.is_empty() && name.bytes().all(fits)
    };
    let number = (1..=5).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    number || text.strip_prefix('_').is_some_and(hidden)
}

/// Longer than any address with its port and its companions.
const LONGEST: usize = 512;
