//! How cookies are called and written.

use std::time::Duration;

use portcullis_identity::cookie::{Cookies, InvalidCookies, SameSite, Settings};

use super::Server;
use super::reader::Reader;

/// What was chosen, good as a whole: [`Cookies::new`] was asked.
pub(super) fn read(from: &mut Reader, server: &Server) -> Settings {
    let mut settings = Settings::default();
    settings.name = from.text("cookies.name", settings.name, text, String::clone);
    settings.domain = from.optional("cookies.domain", text, String::clone);
    settings.same_site = from.text("cookies.same_site", settings.same_site, same_site, |choice| {
        choice.as_str().to_lowercase()
    });
    settings.csrf_header = from.text("cookies.csrf_header", settings.csrf_header, text, String::clone);
    let days = |count: u64| Duration::from_secs(count * 86_400);
    settings.data_lifetime = from.span(
        "cookies.data_lifetime",
        settings.data_lifetime,
        Duration::from_secs(60)..=days(400),
    );
    if let Err(error) = Cookies::new(settings.clone(), server.public_url.as_ref()) {
        let key = match error {
            InvalidCookies::Name => "cookies.name",
            InvalidCookies::Domain | InvalidCookies::ForeignDomain { .. } => "cookies.domain",
            InvalidCookies::Header => "cookies.csrf_header",
        };
        from.fail(key, error.to_string());
    }
    settings
}

fn text(text: &str) -> Result<String, String> {
    Ok(text.to_owned())
}

fn same_site(text: &str) -> Result<SameSite, String> {
    SameSite::parse(text).ok_or_else(|| "must be lax or strict".to_owned())
}
