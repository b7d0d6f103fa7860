//! Signs requests, for clients.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::component::CONTENT_DIGEST;
use super::field;
use super::key::alg;
use super::{BodyDigest, Component, DigestAlgorithm, Fields, InvalidSigner, Request, base};
use crate::environment::Environment;
use crate::key::{Algorithm, SigningFailed, SigningKey};

/// Signs requests with one key, by RFC 9421.
pub struct RequestSigner {
    key: SigningKey,
    covered: Vec<Component>,
    lifetime: Option<Duration>,
    tag: Option<String>,
}

/// What is added to a request that is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// `Content-Digest`, where there is a body.
    pub content_digest: Option<String>,
    /// `Signature-Input`.
    pub signature_input: String,
    /// `Signature`.
    pub signature: String,
}

/// Why a request isn't signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignRequestError {
    /// A header that is to be covered isn't there.
    #[error("the request has no {0}, which is to be signed")]
    Absent(String),
    /// The key failed.
    #[error(transparent)]
    Key(#[from] SigningFailed),
}

impl RequestSigner {
    /// Signs with this key: its `kid` is the `keyid` that the receiver knows it by. Covers method, authority, path and query,
    /// and the digest of the body where there is one.
    ///
    /// # Errors
    /// [`InvalidSigner::Algorithm`] for another key than HS256 and `EdDSA`.
    pub fn new(key: SigningKey) -> Result<Self, InvalidSigner> {
        if !matches!(key.algorithm(), Algorithm::HS256 | Algorithm::EdDSA) {
            return Err(InvalidSigner::Algorithm(key.algorithm()));
        }
        Ok(Self {
            key,
            covered: super::Settings::default().required,
            lifetime: None,
            tag: None,
        })
    }

    /// The same, which covers this, too.
    #[must_use]
    pub fn covering(mut self, component: Component) -> Self {
        if !self.covered.contains(&component) {
            self.covered.push(component);
        }
        self
    }

    /// The same, whose signatures say when they end: without it, the receiver's limit alone counts.
    #[must_use]
    pub fn lasting(mut self, lifetime: Duration) -> Self {
        self.lifetime = Some(lifetime);
        self
    }

    /// The same, whose signatures carry this tag: letters, digits and hyphens; another character is left out.
    #[must_use]
    pub fn tagged(mut self, tag: &str) -> Self {
        let tag = tag.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-');
        self.tag = Some(tag.collect());
        self
    }

    /// Signs the request, whose body is `body` if it has one: each time with another nonce, at the present moment.
    ///
    /// # Errors
    /// [`SignRequestError`]: a header that is to be covered is missing, or the key fails.
    pub fn sign(
        &self,
        request: &Request<'_>,
        body: Option<&[u8]>,
        environment: &Environment,
    ) -> Result<Written, SignRequestError> {
        let content_digest = body.map(|body| BodyDigest::field_of(DigestAlgorithm::Sha256, body));
        let fields = WithDigest {
            fields: request.fields,
            digest: content_digest.as_deref(),
        };
        let request = Request {
            fields: &fields,
            ..*request
        };
        let mut covered = self.covered.clone();
        if content_digest.is_some() && !covered.contains(&Component::content_digest()) {
            covered.push(Component::content_digest());
        }
        let parameters = self.parameters(&covered, environment);
        let base = base::base(&request, &covered, &parameters)
            .map_err(|absent| SignRequestError::Absent(absent.to_string()))?;
        let signature = self.key.sign(&base)?;
        Ok(Written {
            content_digest,
            signature_input: format!("{LABEL}={parameters}"),
            signature: format!("{LABEL}={}", field::bytes(&signature)),
        })
    }

    /// What is covered, and what is said of the signature.
    fn parameters(&self, covered: &[Component], environment: &Environment) -> String {
        let created = environment.now().as_seconds();
        let names: Vec<String> = covered
            .iter()
            .map(|component| format!("\"{component}\""))
            .collect();
        let mut text = format!("({});created={created}", names.join(" "));
        if let Some(lifetime) = self.lifetime {
            let expires = environment.now().plus(lifetime).as_seconds();
            text.push_str(&format!(";expires={expires}"));
        }
        let nonce: [u8; 16] = environment.bytes();
        let key_id = field::quoted(self.key.kid()).unwrap_or_default();
        let (alg, nonce) = (alg(self.key.algorithm()), URL_SAFE_NO_PAD.encode(nonce));
        text.push_str(&format!(";keyid={key_id};alg=\"{alg}\";nonce=\"{nonce}\""));
        if let Some(tag) = &self.tag {
            text.push_str(&format!(";tag=\"{tag}\""));
        }
        text
    }
}

impl fmt::Debug for RequestSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestSigner")
            .field("key", &self.key.kid())
            .field("covered", &self.covered)
            .finish_non_exhaustive()
    }
}

/// The fields of a request with the digest that it is going to have.
struct WithDigest<'f> {
    fields: &'f dyn Fields,
    digest: Option<&'f str>,
}

impl Fields for WithDigest<'_> {
    fn combined(&self, name: &str) -> Option<Cow<'_, [u8]>> {
        match self.digest {
            Some(digest) if name == CONTENT_DIGEST => Some(Cow::Borrowed(digest.as_bytes())),
            _ => self.fields.combined(name),
        }
    }
}

/// What our own signature is called in its fields.
const LABEL: &str = "sig1";
