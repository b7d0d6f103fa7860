//! How cookies are called and written.

use portcullis_identity::cookie::{Cookies, InvalidCookies, SameSite, Settings};

use super::Server;
use super::duration::{days, minutes};
use super::form::{any, optional, span, text};
use super::reader::Reader;
use super::section::section;

section! {
    /// How cookies are called and written.
    struct Keys {
        /// All of it: the library's own.
        settings: Settings,
    }
    "cookies.name" => settings.name, text(any, String::clone),
        "what the session cookie is called after its prefix, __Host- or __Secure-",
        manual "the session cookie's name after its prefix: `__Host-portcullis`";
    "cookies.domain" => settings.domain, optional(any, String::clone),
        "domain whose hosts all get the cookies; unset for this host alone",
        manual "all hosts below it get the cookies, and can plant them; the prefix becomes `__Secure-`. Unset: this host \
            alone";
    "cookies.same_site" => settings.same_site,
        text(same_site, |choice: &SameSite| choice.as_str().to_lowercase()),
        "lax or strict: which requests from other sites carry the session",
        manual "`lax` or `strict`: which requests from other sites carry the session";
    "cookies.csrf_header" => settings.csrf_header, text(any, String::clone),
        "header in which pages send their CSRF token",
        manual "where pages send their CSRF token; begins with `X-`";
    "cookies.data_lifetime" => settings.data_lifetime, span(minutes(1)..=days(400)),
        "how long anonymous data in a cookie lives after its last change",
        manual "how long anonymous data in a cookie (`CookieSession`) lives after its last change; the server's own pages \
            keep none, so it is for programs that embed the library";
}

/// What was chosen, good as a whole: [`Cookies::new`] was asked.
pub(super) fn read(from: &mut Reader, server: &Server) -> Settings {
    let Keys { settings } = Keys::declared(from);
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

fn same_site(text: &str) -> Result<SameSite, String> {
    SameSite::parse(text).ok_or_else(|| "must be lax or strict".to_owned())
}
