//! The token endpoint, revocation, and the published keys.
//!
//! Errors follow RFC 6749 §5.2 and not RFC 9457, whoever makes them: clients of these routes know the OAuth form.

mod error;
mod jwks;
mod metadata;

use axum::extract::State;
use portcullis_core::defends;
use portcullis_core::key::keyring::PUBLICATION;
use portcullis_core::login::{Delivery, LoggedIn, LoginError, LoginForm};
use portcullis_core::secret::SecretText;
use portcullis_core::session;
use portcullis_core::text::Bounded;
use portcullis_core::token::{Audience, IssuedTokens, RefreshToken, UnknownResource};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use self::error::Code;
pub(crate) use self::error::OAuthError;
use self::jwks::JwkSet;
use crate::composition::Portcullis;
use crate::validate::Kept;
use crate::{Api, AuditContext, Form, Json, Problem, Public};

/// The routes below `/oauth`.
pub(crate) fn routes(api: Api<Portcullis>) -> Api<Portcullis> {
    api.post("/token", token)
        .summary("Log in by password, or refresh")
        .operation_id("issueToken")
        .description(
            "RFC 6749 §4.3 and §6: `grant_type` is `password`, with `username`, `password` and, if wanted, \
             `scope`; or `refresh_token`. `resource` names the application that the access token is for. \
             Clients have no credential of their own. A refresh token is good once: repeated within a few \
             seconds it is answered with the same successor, later its session ends.",
        )
        .post("/revoke", revoke)
        .summary("Revoke a token")
        .operation_id("revokeToken")
        .description(
            "RFC 7009, by whoever holds the token. Answers 200 whether or not the token was good. An access \
             token is refused from now on, a refresh or session token ends its session.",
        )
        .oauth_errors()
}

/// The routes below `/.well-known`.
pub(crate) fn well_known(api: Api<Portcullis>) -> Api<Portcullis> {
    api.get("/jwks.json", jwks)
        .summary("The keys that access tokens are verified with")
        .operation_id("getJwks")
        .description(
            "A JWK set (RFC 7517). It may be kept for five minutes: a key is published long before it signs.",
        )
        .get("/oauth-authorization-server", metadata::metadata)
        .summary("What this authorization server offers (RFC 8414)")
        .operation_id("getAuthorizationServerMetadata")
        .description(
            "Issuer, token and revocation endpoint, keys, grants. 404 where the server has no public address, or its \
             tokens name another issuer. OpenID Connect's document isn't served: what it requires isn't there.",
        )
}

/// What the token endpoint issues.
///
/// Source: RFC 6749 §5.1
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct TokenResponse {
    /// A JWT, for `Authorization: Bearer`.
    access_token: String,
    /// Always `Bearer` (RFC 6750).
    #[schemars(extend("const" = "Bearer"))]
    token_type: &'static str,
    /// How long the access token is good for, in seconds.
    expires_in: u64,
    /// Good once, for the next pair.
    refresh_token: String,
    /// The scopes it is narrowed to; absent for none.
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    /// The session both belong to.
    #[schemars(with = "Uuid")]
    session_id: String,
}

impl From<&IssuedTokens> for TokenResponse {
    fn from(issued: &IssuedTokens) -> Self {
        Self {
            access_token: issued.access_token.expose().to_owned(),
            token_type: "Bearer",
            expires_in: issued.expires_in.as_secs(),
            refresh_token: issued.refresh_token.expose().to_string(),
            scope: issued.scopes.as_ref().map(|scopes| scopes.join(" ")),
            session_id: issued.session.to_string(),
        }
    }
}

/// How tokens are asked for, as the document says it.
#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "only described")]
enum GrantType {
    /// By identifier and password, where this server lets people in that way.
    Password,
    /// By a refresh token.
    RefreshToken,
}

/// The form of the token endpoint. Parameters it doesn't know are ignored (RFC 6749 §3.2), repeated ones refused.
#[derive(Debug, Deserialize, JsonSchema)]
struct TokenForm {
    /// `password` or `refresh_token`.
    #[schemars(with = "GrantType")]
    grant_type: Option<String>,
    /// An e-mail address or a user name, for `password`.
    username: Option<String>,
    /// The account's password, for `password`.
    #[schemars(with = "Option<String>")]
    password: Option<SecretText>,
    /// Scopes to be narrowed to, separated by spaces, for `password`.
    scope: Option<String>,
    /// The application that the access token is for: one of the resources registered here; absent for this server.
    resource: Option<String>,
    /// The refresh token to exchange, for `refresh_token`.
    #[schemars(with = "Option<String>")]
    refresh_token: Option<SecretText>,
}

async fn token(
    _: Public,
    State(portcullis): State<Portcullis>,
    around: AuditContext,
    form: Result<Form<TokenForm>, Problem>,
) -> Result<Json<TokenResponse>, OAuthError> {
    let Form(form) = form?;
    let issued = match form.grant_type.as_deref().filter(|kind| !kind.is_empty()) {
        None => return Err(OAuthError::new(Code::InvalidRequest, "grant_type is missing")),
        Some("password") if portcullis.http_settings().password_grant => {
            by_password(&portcullis, around, form).await?
        }
        Some("refresh_token") => by_refresh(&portcullis, around, form).await?,
        Some(_) => {
            let offered = if portcullis.http_settings().password_grant {
                "password or refresh_token"
            } else {
                "refresh_token"
            };
            return Err(OAuthError::new(
                Code::UnsupportedGrantType,
                format!("use {offered}"),
            ));
        }
    };
    Ok(Json(TokenResponse::from(&issued)))
}

async fn by_password(
    portcullis: &Portcullis,
    around: AuditContext,
    form: TokenForm,
) -> Result<IssuedTokens, OAuthError> {
    let (Some(identifier), Some(password)) = (form.username, form.password) else {
        return Err(OAuthError::new(
            Code::InvalidRequest,
            "username and password are needed",
        ));
    };
    let audience = audience_of(portcullis, form.resource.as_deref())?;
    let form = LoginForm {
        identifier,
        password,
        delivery: Delivery::Tokens,
        scopes: form
            .scope
            .as_deref()
            .filter(|scope| !scope.trim().is_empty())
            .map(split_scope)
            .transpose()?,
        audience: Some(audience),
        device: around.device(),
    };
    match portcullis.log_in(form, around.0).await? {
        LoggedIn::Tokens { issued, .. } => Ok(*issued),
        LoggedIn::Session { .. } => Err(OAuthError::from(Problem::internal(
            "a session where tokens were asked for",
        ))),
    }
}

async fn by_refresh(
    portcullis: &Portcullis,
    around: AuditContext,
    form: TokenForm,
) -> Result<IssuedTokens, OAuthError> {
    let Some(presented) = form.refresh_token else {
        return Err(OAuthError::new(Code::InvalidRequest, "refresh_token is needed"));
    };
    if form.scope.is_some_and(|scope| !scope.trim().is_empty()) {
        return Err(OAuthError::new(
            Code::InvalidScope,
            "a refresh keeps the scopes of the login: leave scope out",
        ));
    }
    defends!("T014");
    let presented = RefreshToken::parse(presented.expose()).ok_or_else(OAuthError::invalid_refresh)?;
    // Checked before the token is used up: whoever names a wrong resource may try again.
    let audience = audience_of(portcullis, form.resource.as_deref())?;
    Ok(portcullis
        .sessions()
        .refresh_for(&presented, &audience, around.0)
        .await?)
}

/// Whom a token is for that was asked for with this `resource`. Without a value it counts as left out.
///
/// Source: RFC 8707 §2, RFC 6749 §3.2
pub(crate) fn audience_of(
    portcullis: &Portcullis,
    resource: Option<&str>,
) -> Result<Audience, UnknownResource> {
    defends!("T094");
    portcullis
        .issuer()
        .audience(resource.filter(|named| !named.is_empty()))
}

/// The scopes of a space-separated list.
///
/// Source: RFC 6749 §3.3
pub(crate) fn split_scope(scope: &str) -> Result<Vec<String>, LoginError> {
    let scope = Bounded::new(scope, MOST_SCOPE)
        .ok_or(LoginError::ScopesTooLong)?
        .as_str();
    Ok(scope.split_ascii_whitespace().map(ToOwned::to_owned).collect())
}

/// The longest list of scopes that is read, in bytes: more than a token holds.
const MOST_SCOPE: usize = 16 * 1024;

/// The form of the revocation endpoint.
///
/// Source: RFC 7009 §2.1
#[derive(Debug, Deserialize, JsonSchema)]
struct RevokeForm {
    /// An access token, a refresh token or a session token.
    #[schemars(with = "String")]
    token: Option<SecretText>,
}

/// Answers 200 whether or not the token was good: whoever holds it may end it, and learns nothing else.
async fn revoke(
    _: Public,
    State(portcullis): State<Portcullis>,
    AuditContext(by): AuditContext,
    form: Result<Form<RevokeForm>, Problem>,
) -> Result<(), OAuthError> {
    let Some(token) = form?.0.token else {
        return Err(OAuthError::new(Code::InvalidRequest, "token is needed"));
    };
    portcullis
        .revoke(token.expose(), by)
        .await
        .map_err(|fault| OAuthError::from(Problem::from(fault)))
}

impl Portcullis {
    /// Revokes the text of a token: an access token by its `jti`, a refresh or session token with its whole session.
    /// Anything else is no error.
    ///
    /// # Errors
    /// `Fault` if a store can't do its work; a session kept outside the database may have ended nevertheless.
    pub async fn revoke(
        &self,
        token: &str,
        by: portcullis_core::audit::Context,
    ) -> Result<(), portcullis_core::fault::Fault> {
        if let Some(refresh) = RefreshToken::parse(token) {
            return self.sessions().revoke_refresh(&refresh, by).await;
        }
        if let Some(session) = session::Token::parse(token) {
            return self.sessions().revoke_session(&session, by).await;
        }
        // Whoever it is for: the issuer takes its own word back.
        match self.verifier().verify_for_anybody(token, by.at) {
            Ok(claims) => {
                self.issuer()
                    .revoke(claims.id, claims.account, claims.expires_at, by)
                    .await
            }
            Err(_) => Ok(()),
        }
    }
}

const _: () = assert!(
    PUBLICATION.as_secs() == 300,
    "what the header says is what rotations wait for"
);

/// The published keys may be kept for five minutes: a new key is published long before it signs.
async fn jwks(_: Public, State(portcullis): State<Portcullis>) -> Kept<JwkSet, 300> {
    Kept(JwkSet(portcullis.keyring().jwks(portcullis.environment().now())))
}
