//! From an issuer's address to its published keys.
//!
//! Flow: the metadata of RFC 8414, or where there is none that of OpenID Connect; its `issuer` must be the one that
//! was asked for; its `jwks_uri` is fetched. Both are read with every fetch: an issuer that moves its keys, because somebody
//! else got hold of where they were, must not be asked at the old place.

use async_trait::async_trait;
use portcullis_core::defends;
use portcullis_core::key::remote::{Fetch, FetchFailed, Published};
use serde::Deserialize;
use url::{Origin, Url};

use crate::outbound::{Client, Document, FetchError};

/// The address of an issuer: the text that tokens repeat, and what it leads to.
#[derive(Debug, Clone)]
pub(super) struct Issuer {
    text: String,
    url: Url,
}

impl Issuer {
    /// Reads an issuer's address. `http` is for loopback, where `plain` allows it.
    ///
    /// Source: RFC 8414 §2
    pub(super) fn parse(text: &str, plain: bool) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        let secure = url.scheme() == "https" || (plain && url.scheme() == "http");
        let bare = url.query().is_none() && url.fragment().is_none();
        let anonymous = url.username().is_empty() && url.password().is_none();
        // What `Url` would silently change is no address that could match to the letter.
        let clean =
            text.is_ascii() && !text.contains([' ', '\\']) && !text.contains(|c: char| c.is_control());
        (secure && bare && anonymous && url.has_host() && clean).then(|| Self {
            text: text.to_owned(),
            url,
        })
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// Where its metadata may be, in the order of asking.
    ///
    /// Source: RFC 8414 §3.1, §5; OpenID Connect Discovery 1.0 §4
    fn metadata(&self) -> [Url; 2] {
        let path = self.url.path().trim_end_matches('/');
        let at = |path: &str| {
            let mut url = self.url.clone();
            url.set_path(path);
            url
        };
        [
            at(&format!("/.well-known/oauth-authorization-server{path}")),
            at(&format!("{path}/.well-known/openid-configuration")),
        ]
    }
}

/// Brings the keys of one issuer.
pub(super) struct Discovery {
    pub(super) client: Client,
    pub(super) issuer: Issuer,
    /// Where keys may be besides the issuer's own origin.
    pub(super) origins: Vec<Origin>,
}

/// The members that are needed. A member that is there twice is refused.
#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    jwks_uri: String,
}

#[async_trait]
impl Fetch for Discovery {
    async fn fetch(&self) -> Result<Published, FetchFailed> {
        let url = self.discover().await?;
        let fetched = self.client.get(&url, &[JSON, JWK_SET]).await;
        let Document { body, max_age } = fetched.map_err(|error| FetchFailed(error.to_string()))?;
        Ok(Published { text: body, max_age })
    }
}

impl Discovery {
    async fn discover(&self) -> Result<Url, FetchFailed> {
        let [first, second] = self.issuer.metadata();
        let document = match self.client.get(&first, &[JSON]).await {
            Err(error) if is_absent(&error) => self.client.get(&second, &[JSON]).await,
            other => other,
        };
        let document = document.map_err(|error| FetchFailed(error.to_string()))?;
        self.check(&document.body).map_err(FetchFailed)
    }

    /// The address of the keys in this metadata.
    ///
    /// Source: RFC 8414 §3.3
    fn check(&self, body: &[u8]) -> Result<Url, String> {
        defends!("T055");
        let Metadata { issuer, jwks_uri } = serde_json::from_slice(body)
            .map_err(|error| format!("the issuer's metadata can't be read: {error}"))?;
        if issuer != self.issuer.text {
            return Err(format!(
                "the metadata at {:?} is that of the issuer {:?}: write the issuer exactly so, or ask the right one",
                self.issuer.text,
                short(&issuer)
            ));
        }
        defends!("T052");
        let url = Url::parse(&jwks_uri)
            .map_err(|_| format!("the issuer's jwks_uri {:?} is no address", short(&jwks_uri)))?;
        let origin = url.origin();
        if origin != self.issuer.url.origin() && !self.origins.contains(&origin) {
            return Err(format!(
                "the issuer's keys are at {:?}, another origin than its own: allow it with `keys_at` if that is right",
                short(&jwks_uri)
            ));
        }
        Ok(url)
    }
}

/// What another issuer says, as it is logged: whoever asks often must not fill the log.
fn short(text: &str) -> &str {
    text.char_indices()
        .nth(LOGGED)
        .map_or(text, |(end, _)| text.get(..end).unwrap_or(text))
}

/// How many characters of another issuer's words are logged.
const LOGGED: usize = 200;

/// Whether an answer says that there is no such document: the other place is asked then. Anything else is a fault,
/// lest an attacker on the way choose which document is believed.
fn is_absent(error: &FetchError) -> bool {
    match error {
        FetchError::Status(_, status) => status.is_client_error(),
        FetchError::MediaType(..) => true,
        _ => false,
    }
}

const JSON: &str = "application/json";
const JWK_SET: &str = "application/jwk-set+json";
