//! Who creates organizations, and whether subdomains name them.

use portcullis_core::organization::{Creation, Settings};
use url::Url;

use super::form::{optional, rate, text};
use super::reader::Reader;
use super::section::section;
use super::server::{parse_page, show_url};

section! {
    /// Who creates organizations, and whether subdomains name them.
    pub(crate) struct Organizations {
        /// Who creates them, and how many invitations are mailed.
        settings: Settings,
    }
    "organizations.creation" => settings.creation,
        text(parse_creation, |creation: &Creation| show_creation(*creation).to_owned()),
        "who may create organizations: everybody or administrators",
        manual "who creates organizations: `everybody` (up to 50 each) or `administrators`";
    "organizations.base_domain" => base_domain: Option<String> = None, optional(parse_domain, Clone::clone),
        "domain whose subdomains name organizations, such as app.example.com",
        manual "the domain whose subdomains name organizations; a proxy must pass `Host` on as it came";
    "organizations.invitation_url" => invitation_url: Option<Url> = None, optional(parse_page, show_url),
        "page that an invitation's link leads to, such as https://app.example.com/invited",
        default "`/accept-invitation` of the server",
        manual "the page of an application that the links of invitations lead to: it shows the code or sends it on (see \
            [http.md](http.md#routes)); `https://`, or loopback";
    "organizations.invitations_to_address" => settings.invitations_to_address, rate(),
        "how many invitations one organization mails to one address, such as 3/day",
        manual "how many invitations one organization mails to one address";
    "organizations.emails_to_address" => settings.emails_to_address, rate(),
        "how many invitations all organizations mail to one address, such as 10/day",
        manual "how many all organizations together mail to one address";
    "organizations.invitations_by_account" => settings.invitations_by_account, rate(),
        "how many invitations one account mails, such as 50/hour",
        manual "how many one account mails";
}

impl Organizations {
    pub(super) fn read(from: &mut Reader) -> Self {
        Self::declared(from)
    }
}

fn parse_creation(text: &str) -> Result<Creation, String> {
    match text {
        "everybody" => Ok(Creation::Everybody),
        "administrators" => Ok(Creation::Administrators),
        _ => Err("must be everybody or administrators".to_owned()),
    }
}

const fn show_creation(creation: Creation) -> &'static str {
    match creation {
        Creation::Everybody => "everybody",
        Creation::Administrators => "administrators",
    }
}

/// A domain name of at least two labels, without scheme, port and path. In lower case, as hosts are compared.
fn parse_domain(text: &str) -> Result<String, String> {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    let numbers = |text: &str| text.chars().all(|c| c.is_ascii_digit() || c == '.');
    if text.len() <= 200 && text.contains('.') && text.split('.').all(label) && !numbers(text) {
        Ok(text.to_ascii_lowercase())
    } else {
        Err("must be a domain such as app.example.com, without scheme, port and dots at its ends".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_are_told_from_addresses_and_slips() {
        for text in [
            "",
            ".",
            "localhost",
            ".example.com",
            "example.com.",
            "*.example.com",
            "https://example.com",
            "example.com:8080",
            "example.com/",
            "exa mple.com",
            "exämple.com",
            "-a.example.com",
            "a..example.com",
            "127.0.0.1",
            "[::1]",
        ] {
            assert!(parse_domain(text).is_err(), "{text:?}");
        }
        for (text, read) in [
            ("example.com", "example.com"),
            ("App.Example.COM", "app.example.com"),
        ] {
            assert_eq!(parse_domain(text).unwrap(), read);
        }
    }

    #[test]
    fn creation_is_read_as_it_is_shown() {
        for creation in [Creation::Everybody, Creation::Administrators] {
            assert_eq!(parse_creation(show_creation(creation)), Ok(creation));
        }
        assert!(parse_creation("Everybody").is_err());
    }
}
