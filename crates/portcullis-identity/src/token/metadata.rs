//! What this authorization server says of itself: exactly what there is.
//!
//! `/.well-known/openid-configuration` is deliberately absent: what OpenID Connect requires of it (an authorization
//! endpoint, ID tokens) isn't there, and a document that says otherwise would send clients into the void.
//!
//! **Deployment caveat:** the endpoints are said to be where [`Portcullis::api`] puts them, below the public address.
//! A program that nests `oauth_routes` or `well_known_routes` elsewhere serves a document of its own. An issuer whose
//! address has a path is asked at `/.well-known/oauth-authorization-server/path`: let the proxy before it lead that
//! here.

use axum::extract::State;
use portcullis_core::key::Phase;
use schemars::JsonSchema;
use serde::Serialize;
use url::Url;

use crate::composition::Portcullis;
use crate::validate::Kept;
use crate::{Problem, Public};

/// The metadata of the authorization server.
///
/// Source: RFC 8414 §2. Members of which nothing is true are left out (§3.2), but for the one that is required.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "AuthorizationServerMetadata")]
pub(super) struct Metadata {
    /// The `iss` of tokens.
    issuer: String,
    /// Where tokens are had.
    token_endpoint: String,
    /// Clients send no credential of their own.
    token_endpoint_auth_methods_supported: [&'static str; 1],
    /// Where tokens are revoked.
    revocation_endpoint: String,
    /// Whoever holds a token may revoke it.
    revocation_endpoint_auth_methods_supported: [&'static str; 1],
    /// The public keys.
    jwks_uri: String,
    /// None: there is no authorization endpoint. Clients refuse a document without this member.
    #[schemars(with = "Vec<String>", length(max = 0))]
    response_types_supported: [&'static str; 0],
    /// What access tokens are signed with. OpenID Connect means ID tokens, of which there are none; clients look here for
    /// both.
    id_token_signing_alg_values_supported: Vec<&'static str>,
    /// What the token endpoint answers.
    grant_types_supported: Vec<&'static str>,
}

impl Metadata {
    /// The metadata; `None` unless the issuer is an address that is known to lead here.
    pub(super) fn of(portcullis: &Portcullis) -> Option<Self> {
        let http_settings = portcullis.http_settings();
        let base = http_settings.public_url.as_ref()?;
        let issuer = portcullis.issuer().settings().issuer.clone();
        // Whoever asks this document for another issuer must not believe it (§3.3).
        if Url::parse(&issuer).ok()?.origin() != base.origin() {
            return None;
        }
        let at = |path: &str| {
            let mut url = base.clone();
            url.set_path(&format!("{}{path}", base.path().trim_end_matches('/')));
            url.set_query(None);
            url.set_fragment(None);
            url.to_string()
        };
        let mut grants = vec!["refresh_token"];
        if http_settings.password_grant {
            grants.insert(0, "password");
        }
        Some(Self {
            issuer,
            token_endpoint: at("/oauth/token"),
            token_endpoint_auth_methods_supported: ["none"],
            revocation_endpoint: at("/oauth/revoke"),
            revocation_endpoint_auth_methods_supported: ["none"],
            jwks_uri: at("/.well-known/jwks.json"),
            response_types_supported: [],
            id_token_signing_alg_values_supported: signs_with(portcullis),
            grant_types_supported: grants,
        })
    }
}

/// The algorithms of all keys that tokens verify with, the one that signs first.
fn signs_with(portcullis: &Portcullis) -> Vec<&'static str> {
    let keys = portcullis.keyring().list();
    let mut names = Vec::new();
    for wanted in [Phase::Current, Phase::Next, Phase::Retired] {
        for (_, algorithm, _) in keys.iter().filter(|(_, _, phase)| *phase == wanted) {
            if !names.contains(&algorithm.as_str()) {
                names.push(algorithm.as_str());
            }
        }
    }
    names
}

pub(super) async fn metadata(
    _: Public,
    State(portcullis): State<Portcullis>,
) -> Result<Kept<Metadata, 3600>, Problem> {
    let metadata = Metadata::of(&portcullis).ok_or_else(|| {
        Problem::unknown(
            "no_public_address",
            "this server has no public address, or its tokens name another issuer: it can't be discovered",
        )
    })?;
    Ok(Kept(metadata))
}
