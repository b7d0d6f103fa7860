//! Who creates organizations, and whether subdomains name them.

use portcullis_core::organization::{Creation, Settings};
use portcullis_core::throttle::Rate;
use url::Url;

use super::reader::Reader;
use super::server::{parse_page, show_url};

/// Who creates organizations, and whether subdomains name them.
#[derive(Debug, Clone)]
pub(crate) struct Organizations {
    /// Who may create them.
    pub(crate) creation: Creation,
    /// The domain whose subdomains name them.
    pub(crate) base_domain: Option<String>,
    /// The page that invitations lead to, where it isn't the server's own.
    pub(crate) invitation_url: Option<Url>,
    /// How many invitations one organization mails to one address.
    pub(crate) invitations_to_address: Rate,
    /// How many all organizations mail to one address.
    pub(crate) letters_to_address: Rate,
    /// How many one account mails.
    pub(crate) invitations_by_account: Rate,
}

impl Organizations {
    pub(super) fn read(from: &mut Reader) -> Self {
        let defaults = Settings::default();
        Self {
            creation: from.text(
                "organizations.creation",
                Creation::Everybody,
                parse_creation,
                |creation| show_creation(*creation).to_owned(),
            ),
            base_domain: from.optional("organizations.base_domain", parse_domain, Clone::clone),
            invitation_url: from.optional("organizations.invitation_url", parse_page, show_url),
            invitations_to_address: rate(
                from,
                "organizations.invitations_to_address",
                defaults.invitations_to_address,
            ),
            letters_to_address: rate(
                from,
                "organizations.letters_to_address",
                defaults.letters_to_address,
            ),
            invitations_by_account: rate(
                from,
                "organizations.invitations_by_account",
                defaults.invitations_by_account,
            ),
        }
    }
}

fn rate(from: &mut Reader, key: &'static str, default: Rate) -> Rate {
    let parse = |text: &str| Rate::parse(text).map_err(|error| error.to_string());
    from.text(key, default, parse, Rate::to_string)
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
