//! Which pages of other origins may call the API.

use std::time::Duration;

use http::Method;
use http::header::{
    ACCEPT, ACCEPT_LANGUAGE, AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, IF_MATCH,
    IF_NONE_MATCH, LINK, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE,
};
use portcullis_core::defends;
use tower_http::cors::{AllowOrigin, CorsLayer};
use url::{Origin, Url};

use super::headers::X_REQUEST_ID;
use crate::enforcer::Gate;

/// Which pages of other origins may call the API from a browser and read its answers (cross-origin resource sharing). A
/// program that isn't a browser is not bound by it, and nothing is allowed by it that a credential doesn't allow.
///
/// ```
/// use portcullis::{Api, Cors, Public};
///
/// async fn status(_: Public) -> &'static str { "up" }
/// let api: Api = Api::new("Blog", "1.0")
///     .get("/status", status)
///     .cors(Cors::origins(["https://app.example.com", "http://localhost:5173"]));
/// ```
///
/// Source: Fetch standard, "HTTP CORS protocol"
#[derive(Debug, Clone)]
#[must_use]
pub struct Cors {
    origins: Vec<String>,
    credentials: bool,
    allowed: Vec<String>,
    exposed: Vec<String>,
    max_age: Duration,
}

/// What is wrong with a [`Cors`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CorsError {
    /// No browser sends such an `Origin`.
    #[error("{origin:?} is not an origin as browsers send it: {why}")]
    Origin {
        /// What was given.
        origin: String,
        /// What to write.
        why: &'static str,
    },
    /// No browser accepts it, and every page on the web could act with the cookies of whoever visits it.
    #[error("every origin (`*`) can't be combined with credentials: name the origins")]
    Credentials,
    /// Nobody is allowed anything.
    #[error("no origin is named: leave CORS out, or name those that may call")]
    Nobody,
    /// This can't be the name of a header.
    #[error("{0:?} is not the name of a header")]
    Header(String),
}

impl Cors {
    /// Pages of these origins may call, each as browsers send it: `https://app.example.com`, with the port where it isn't the
    /// scheme's own. `*` alone is every origin.
    pub fn origins<T: Into<String>>(origins: impl IntoIterator<Item = T>) -> Self {
        Self {
            origins: origins.into_iter().map(Into::into).collect(),
            credentials: false,
            allowed: Vec::new(),
            exposed: Vec::new(),
            max_age: Duration::from_secs(600),
        }
    }

    /// Pages of every origin may call, without credentials that the browser attaches by itself.
    pub fn any_origin() -> Self {
        Self::origins(["*"])
    }

    /// Browsers attach cookies and remembered passwords to these pages' requests (`fetch` with `credentials: "include"`). A
    /// change by cookie from these origins then counts as one from a page of this site; it needs the session's CSRF token all
    /// the same. Whoever controls a page of one of these origins, or its network where it isn't HTTPS, acts as the user.
    pub fn credentials(mut self) -> Self {
        self.credentials = true;
        self
    }

    /// Pages may send this header too. Those that carry credentials of this library, content types, conditions, languages,
    /// idempotency keys and trace contexts are allowed already.
    pub fn allow_header(mut self, name: impl Into<String>) -> Self {
        self.allowed.push(name.into());
        self
    }

    /// Pages may read this header of an answer too. Those that this library sends, and `ETag`, `Link` and `Location`, they may
    /// already.
    pub fn expose_header(mut self, name: impl Into<String>) -> Self {
        self.exposed.push(name.into());
        self
    }

    /// For how long a browser remembers what is allowed: ten minutes unless said otherwise. In whole seconds.
    pub fn max_age(mut self, time: Duration) -> Self {
        self.max_age = time;
        self
    }

    /// Everything that is wrong with it.
    #[doc(hidden)]
    pub fn errors(&self) -> Vec<CorsError> {
        defends!("T189");
        let mut errors = Vec::new();
        if self.origins.is_empty() {
            errors.push(CorsError::Nobody);
        }
        if self.is_any() && self.credentials {
            errors.push(CorsError::Credentials);
        }
        let named = self.origins.iter().filter(|_| !self.is_any());
        errors.extend(named.filter_map(|origin| {
            let why = wrong(origin)?;
            Some(CorsError::Origin {
                origin: origin.clone(),
                why,
            })
        }));
        let names = self.allowed.iter().chain(&self.exposed);
        let wrong_name = |name: &&String| HeaderName::try_from(name.as_str()).is_err();
        errors.extend(names.filter(wrong_name).cloned().map(CorsError::Header));
        errors
    }

    /// The origins whose pages may act with what a browser attaches by itself.
    pub(crate) fn trusted(&self) -> impl Iterator<Item = Origin> {
        let origins = self.origins.iter().filter(|_| self.credentials);
        origins
            .filter_map(|origin| Url::parse(origin).ok())
            .map(|url| url.origin())
            .filter(Origin::is_tuple)
    }

    /// The layer that answers preflight requests and completes the others' answers. Only for one without
    /// [errors](Self::errors).
    pub(crate) fn layer(&self, gate: &Gate) -> CorsLayer {
        let origins = match self.is_any() {
            true => AllowOrigin::any(),
            false => AllowOrigin::list(
                self.origins
                    .iter()
                    .filter_map(|origin| HeaderValue::try_from(origin).ok()),
            ),
        };
        let own = [
            gate.api_key_places().header(),
            gate.cookies().csrf_header().as_str(),
        ];
        CorsLayer::new()
            .allow_origin(origins)
            .allow_credentials(self.credentials)
            .allow_methods(METHODS)
            .allow_headers(
                names(&self.allowed)
                    .chain(names(&own))
                    .chain(ALLOWED)
                    .collect::<Vec<_>>(),
            )
            .expose_headers(names(&self.exposed).chain(EXPOSED).collect::<Vec<_>>())
            .max_age(self.max_age)
    }

    fn is_any(&self) -> bool {
        matches!(self.origins.as_slice(), [only] if only == "*")
    }
}

fn names<T: AsRef<str>>(texts: &[T]) -> impl Iterator<Item = HeaderName> {
    texts
        .iter()
        .filter_map(|name| HeaderName::try_from(name.as_ref()).ok())
}

/// Why no browser sends this origin, if none does.
fn wrong(origin: &str) -> Option<&'static str> {
    if origin == "*" {
        return Some("`*` stands alone");
    }
    if origin == "null" {
        return Some("every page in a sandbox and every local file has it");
    }
    if origin.contains('*') {
        return Some("patterns aren't read; name each origin");
    }
    let Ok(url) = Url::parse(origin) else {
        return Some("write scheme, host and, if it isn't the scheme's own, port: https://app.example.com");
    };
    let canonical = url.origin();
    let is_itself = match canonical.is_tuple() {
        true => canonical.ascii_serialization() == origin,
        // Other schemes' origins (`tauri://localhost`) are written as scheme and host.
        false => url.host_str().is_some_and(|host| {
            let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
            origin == format!("{}://{host}{port}", url.scheme())
        }),
    };
    (!is_itself).then_some(
        "write it without path, query, closing slash and the scheme's own port, in lower case: https://app.example.com",
    )
}

/// What routes answer to.
const METHODS: [Method; 6] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
];

/// What pages may send without being allowed it.
const ALLOWED: [HeaderName; 12] = [
    ACCEPT,
    ACCEPT_LANGUAGE,
    AUTHORIZATION,
    CONTENT_TYPE,
    IF_MATCH,
    IF_NONE_MATCH,
    HeaderName::from_static("idempotency-key"),
    HeaderName::from_static("last-event-id"),
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("tracestate"),
    HeaderName::from_static("x-organization-id"),
    HeaderName::from_static("x-session-token"),
];

/// What pages may read without being shown it.
const EXPOSED: [HeaderName; 11] = [
    ETAG,
    LINK,
    LOCATION,
    RETRY_AFTER,
    WWW_AUTHENTICATE,
    X_REQUEST_ID,
    HeaderName::from_static("ratelimit"),
    HeaderName::from_static("ratelimit-policy"),
    HeaderName::from_static("x-ratelimit-limit"),
    HeaderName::from_static("x-ratelimit-remaining"),
    HeaderName::from_static("x-ratelimit-reset"),
];

#[cfg(test)]
mod tests {
    use portcullis_core::checks;

    use super::*;

    #[test]
    fn an_origin_is_written_as_browsers_send_it() {
        for origin in [
            "https://app.example.com",
            "http://localhost:5173",
            "http://127.0.0.1:3000",
            "http://[::1]:3000",
            "https://xn--bcher-kva.example",
            "tauri://localhost",
            "capacitor://localhost",
            "chrome-extension://abcdefghijklmnop",
        ] {
            assert_eq!(Cors::origins([origin]).errors(), [], "{origin}");
        }
        for origin in [
            "",
            "app.example.com",
            "localhost:5173",
            "https://app.example.com/",
            "https://app.example.com/path",
            "https://app.example.com?x",
            "https://app.example.com:443",
            "http://app.example.com:80",
            "https://App.example.com",
            "HTTPS://app.example.com",
            "https://user@app.example.com",
            "https://bücher.example",
            "https://*.example.com",
            "https://app.example.com ",
            "tauri://localhost/",
            "null",
            "file:///",
            "data:text/html,x",
        ] {
            let errors = Cors::origins([origin]).errors();
            assert!(
                matches!(errors.as_slice(), [CorsError::Origin { .. }]),
                "{origin}: {errors:?}"
            );
        }
    }

    #[test]
    fn every_origin_is_never_combined_with_credentials() {
        checks!("T189");
        assert_eq!(Cors::any_origin().errors(), []);
        assert_eq!(
            Cors::any_origin().credentials().errors(),
            [CorsError::Credentials]
        );
        // One star among others is no way around it.
        let mixed = Cors::origins(["https://app.example.com", "*"]).credentials();
        assert!(matches!(mixed.errors().as_slice(), [CorsError::Origin { .. }]));
        assert_eq!(Cors::origins(Vec::<String>::new()).errors(), [CorsError::Nobody]);
        let header = Cors::any_origin().allow_header("X Y").expose_header("");
        assert_eq!(
            header.errors(),
            [
                CorsError::Header("X Y".to_owned()),
                CorsError::Header(String::new())
            ]
        );
    }

    #[test]
    fn only_with_credentials_is_an_origin_trusted() {
        let cors = Cors::origins(["https://app.example.com", "tauri://localhost"]);
        assert_eq!(cors.trusted().count(), 0);
        let trusted: Vec<_> = cors.credentials().trusted().collect();
        assert_eq!(trusted, [Url::parse("https://app.example.com").unwrap().origin()]);
    }
}
