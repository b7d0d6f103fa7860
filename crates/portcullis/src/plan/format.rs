//! Formats of texts that are checked.

use portcullis_core::account::EmailAddress;
use portcullis_core::defends;
use url::Url;

/// A format that a text must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// One plain address.
    Email,
    /// An absolute URL that can stand in a link.
    Url,
    /// An IP address.
    Ip,
    /// An IP address of version 4.
    Ipv4,
    /// An IP address of version 6.
    Ipv6,
    /// A UUID.
    Uuid,
    /// A moment with its offset.
    Timestamp,
    /// A day.
    Date,
    /// A time of the day.
    Time,
    /// A day and a time without an offset.
    DateTime,
    /// A length of time.
    Duration,
}

/// What a `format` of a schema means here.
pub(super) enum Meaning {
    /// It is checked.
    Checked(Format),
    /// It says how a value is written or shown, and asks nothing.
    Note,
    /// JSON Schema defines it, and it isn't checked.
    Unchecked,
}

impl Format {
    /// The format of this name.
    ///
    /// Source: JSON Schema Validation 2020-12 §7.3
    pub(super) fn named(name: &str) -> Meaning {
        Meaning::Checked(match name {
            "email" => Self::Email,
            "uri" => Self::Url,
            "ip" => Self::Ip,
            "ipv4" => Self::Ipv4,
            "ipv6" => Self::Ipv6,
            "uuid" => Self::Uuid,
            "date-time" => Self::Timestamp,
            "date" => Self::Date,
            "partial-time" => Self::Time,
            "partial-date-time" => Self::DateTime,
            "duration" => Self::Duration,
            "hostname"
            | "idn-hostname"
            | "idn-email"
            | "uri-reference"
            | "iri"
            | "iri-reference"
            | "uri-template"
            | "json-pointer"
            | "relative-json-pointer"
            | "regex"
            | "time" => return Meaning::Unchecked,
            _ => return Meaning::Note,
        })
    }

    /// Whether it stands in a schema only by somebody's wish: no type of ours or of the libraries that `schemars` knows has
    /// it of itself and asks it when it is read.
    pub(super) fn is_declared(self) -> bool {
        matches!(self, Self::Email | Self::Url | Self::Ip | Self::Ipv4 | Self::Ipv6)
    }

    /// Whether `text` has it.
    pub(crate) fn fits(self, text: &str) -> bool {
        match self {
            // What is stored is the text: the space around it isn't dropped here.
            Self::Email => text.trim() == text && EmailAddress::parse(text).is_ok(),
            Self::Url => is_link(text),
            Self::Ip => text.parse::<std::net::IpAddr>().is_ok(),
            Self::Ipv4 => text.parse::<std::net::Ipv4Addr>().is_ok(),
            Self::Ipv6 => text.parse::<std::net::Ipv6Addr>().is_ok(),
            Self::Uuid => uuid::Uuid::parse_str(text).is_ok(),
            Self::Timestamp => text.parse::<jiff::Timestamp>().is_ok(),
            Self::Date => text.parse::<jiff::civil::Date>().is_ok(),
            Self::Time => text.parse::<jiff::civil::Time>().is_ok(),
            Self::DateTime => text.parse::<jiff::civil::DateTime>().is_ok(),
            Self::Duration => text.parse::<jiff::Span>().is_ok(),
        }
    }

    /// The code of a text that hasn't it, and what to do.
    pub(crate) fn complaint(self) -> (&'static str, &'static str) {
        match self {
            Self::Email => (
                "invalid_email",
                "must be one plain e-mail address, such as name@example.com",
            ),
            Self::Url => (
                "invalid_url",
                "must be an absolute URL, such as https://example.com/page",
            ),
            Self::Ip => ("invalid", "must be an IP address"),
            Self::Ipv4 => ("invalid", "must be an IPv4 address"),
            Self::Ipv6 => ("invalid", "must be an IPv6 address"),
            Self::Uuid => ("invalid", "must be a UUID"),
            Self::Timestamp => (
                "invalid",
                "must be a date, a time and an offset, such as 2026-01-31T12:00:00Z",
            ),
            Self::Date => ("invalid", "must be a date, such as 2026-01-31"),
            Self::Time => ("invalid", "must be a time, such as 12:30:00"),
            Self::DateTime => (
                "invalid",
                "must be a date and a time, such as 2026-01-31T12:30:00",
            ),
            Self::Duration => ("invalid", "must be a duration, such as PT1H30M"),
        }
    }
}

/// Whether a text is a URL as RFC 3986 writes one, which a page can use as a link: no scheme whose URLs are run, nothing that a
/// browser's reading would repair.
///
/// Source: RFC 3986 §2, §4.3
fn is_link(text: &str) -> bool {
    defends!("T202");
    let written = |byte: u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte);
    if text.len() > MOST_BYTES || !text.bytes().all(written) {
        return false;
    }
    Url::parse(text).is_ok_and(|url| {
        let runs = ["javascript", "vbscript", "data"].contains(&url.scheme());
        let has_host = !url.has_authority() || url.has_host() || url.scheme() == "file";
        !runs && has_host
    })
}

/// The longest URL that is looked at.
const MOST_BYTES: usize = 8_192;

#[cfg(test)]
mod tests {
    use portcullis_core::checks;

    use super::*;

    #[test]
    fn links_are_absolute_and_run_nothing() {
        checks!("T202");
        for good in [
            "https://example.com",
            "http://example.com:8080/a/b?c=d#e",
            "https://xn--bcher-kva.example/%C3%BC",
            "mailto:ada@example.com",
            "urn:isbn:9780141036144",
        ] {
            assert!(is_link(good), "{good}");
        }
        for bad in [
            "",
            "/page",
            "example.com",
            "//example.com",
            " https://example.com",
            "https://example.com ",
            "https://exa mple.com",
            "https://exam\tple.com",
            "https:\\\\example.com",
            "https://b\u{fc}cher.example",
            "https://",
            "javascript:alert(1)",
            "JavaScript:alert(1)",
            "java\nscript:alert(1)",
            "vbscript:x",
            "data:text/html,<script>",
            "https://example.com/<script>",
        ] {
            assert!(!is_link(bad), "{bad}");
        }
        assert!(!is_link(&format!(
            "https://example.com/{}",
            "a".repeat(MOST_BYTES)
        )));
    }

    #[test]
    fn every_format_tells_good_from_bad() {
        for (name, good, bad) in [
            ("email", "ada@example.com", "ada@"),
            ("ip", "::1", "1.2.3"),
            ("ipv4", "192.0.2.1", "::1"),
            ("ipv6", "2001:db8::1", "192.0.2.1"),
            ("uuid", "67e55044-10b1-426f-9247-bb680e5fe0c8", "67e55044"),
            ("date-time", "2026-01-31T12:00:00Z", "2026-01-31"),
            ("date", "2026-02-28", "2026-02-30"),
            ("partial-time", "12:30:00", "25:00:00"),
            ("partial-date-time", "2026-01-31T12:30:00", "yesterday"),
            ("duration", "PT1H", "an hour"),
        ] {
            let Meaning::Checked(format) = Format::named(name) else {
                panic!("{name} is checked")
            };
            assert!(format.fits(good) && !format.fits(bad), "{name}");
        }
        assert!(
            !Format::Email.fits(" ada@example.com"),
            "what is stored has no space"
        );
    }
}
