//! The routes of sessions: log in, log out, see and end what is logged in where.
//!
//! What a narrowed credential may do here is to end its own session: the others are the account's (`T106`).

mod cookie;
mod view;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use portcullis_core::authz::{Authenticated, Unscoped};
use portcullis_core::login::{Delivery, LoggedIn, LoginError, LoginForm, Stay};
use portcullis_core::secret::SecretText;
use portcullis_core::session::{DeviceName, Id};
use portcullis_core::{audit, defends};
use schemars::JsonSchema;
use serde::Deserialize;

pub(crate) use self::view::{EndedEverything, WithKeys};
use crate::composition::Portcullis;
use crate::cookie::Keep;
use crate::describe::shape;
use crate::enforcer::ByCookie;
use crate::token::{TokenResponse, audience_of};
use crate::{
    Allow, Api, AuditContext, CsrfToken, FieldErrors, Gate, Json, NoContent, Path, Personal, Problem, Public,
    Query, Session, Via,
};

/// The routes below `/auth`.
pub(crate) fn routes(api: Api<Portcullis>) -> Api<Portcullis> {
    api.post("/login", log_in)
        .summary("Log in by password")
        .operation_id("logIn")
        .description(
            "Answers with tokens, or with a session token in the answer or in a cookie, as `delivery` says. A \
             browser that is given a cookie gets its CSRF token in a second one. `resource` names the \
             application that the access token is for.",
        )
        .post("/logout", log_out)
        .summary("End this session")
        .operation_id("logOut")
        .description(
            "The session that the presented credential belongs to ends at once, and its tokens with it. \
             Cookies are taken back; by cookie, the browser also clears its cache and storage of this origin.",
        )
        .post("/logout/all", log_out_everywhere)
        .summary("End every session and token of this account; its API keys stay unless asked otherwise")
        .operation_id("logOutEverywhere")
        .description(
            "Also those of this request. API keys stay unless `api_keys` says `disable` or `revoke`; with \
             `api_keys` (`keep`, too) the answer is 200 and counts what ended and which keys are left.",
        )
        .get("/csrf", csrf)
        .summary("The token that a page sends beside its session cookie")
        .operation_id("getCsrfToken")
        .description(
            "It is sent in `X-CSRF-Token`. For pages that can't read the cookie that holds it too.",
        )
        .get("/sessions", list)
        .summary("Where am I logged in?")
        .operation_id("listSessions")
        .description("Every living session of the caller, most recently seen first; the one that asks is marked.")
        .delete("/sessions", end_others)
        .summary("End all sessions but this one")
        .operation_id("endOtherSessions")
        .description("The session that asks stays. A credential that belongs to no session finds nothing here.")
        .patch("/sessions/{id}", rename)
        .summary("Name a device")
        .operation_id("renameSession")
        .description("The name is shown in the list of sessions and nowhere else.")
        .delete("/sessions/{id}", end)
        .summary("End one session")
        .operation_id("endSession")
        .description("Its tokens end with it. Another account's session looks like none.")
        .parameter::<shape::SessionId>("id")
}

/// What the device gets to hold, as it is asked for; with `remember_me` it is a [`Delivery`].
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Delivery")]
enum Hold {
    /// An access token and a refresh token.
    #[default]
    Tokens,
    /// An opaque session token in the answer.
    Session,
    /// The same in a cookie.
    Cookie,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Login {
    /// An e-mail address or a user name.
    identifier: String,
    /// The account's password, as typed.
    #[schemars(with = "String")]
    password: SecretText,
    /// Scopes to be narrowed to, separated by spaces; absent for everything the account may do.
    scope: Option<String>,
    /// The application that the access token is for: one of the resources registered here; absent for this server.
    resource: Option<String>,
    /// What the device gets: `tokens` (the default), `session` or `cookie`.
    #[serde(default)]
    delivery: Hold,
    /// A longer session, for `session` and `cookie`.
    #[serde(default)]
    remember_me: bool,
    /// How the device is called in the list of sessions.
    #[schemars(with = "Option<shape::Label>")]
    device_name: Option<String>,
}

impl Login {
    /// What is asked for, if its parts go together.
    fn delivery(&self, fields: &mut FieldErrors) -> Delivery {
        let stay = match self.remember_me {
            true => Stay::Remembered,
            false => Stay::Brief,
        };
        let delivery = match self.delivery {
            Hold::Tokens => Delivery::Tokens,
            Hold::Session => Delivery::Session(stay),
            Hold::Cookie => Delivery::Cookie(stay),
        };
        if delivery == Delivery::Tokens && self.remember_me {
            fields.push(
                "/remember_me",
                "not_applicable",
                "tokens are remembered anyway; ask for a session or a cookie",
            );
        }
        if delivery != Delivery::Tokens && self.resource.is_some() {
            fields.push(
                "/resource",
                "not_applicable",
                "a session is for this server; ask for tokens",
            );
        }
        delivery
    }
}

async fn log_in(
    _: Public,
    State(portcullis): State<Portcullis>,
    around: AuditContext,
    Json(form): Json<Login>,
) -> Result<LoginAnswer, Problem> {
    let mut fields = FieldErrors::new();
    let name = form.device_name.as_deref();
    let name =
        name.and_then(|name| fields.check("/device_name", "invalid_device_name", DeviceName::parse(name)));
    let delivery = form.delivery(&mut fields);
    let name = fields.done(name)?;
    let audience = audience_of(&portcullis, form.resource.as_deref())?;
    let mut device = around.device();
    device.name = name.map(DeviceName::into_string);
    let form = LoginForm {
        identifier: form.identifier,
        password: form.password,
        delivery,
        scopes: form.scope.as_deref().map(crate::token::split_scope).transpose()?,
        audience: Some(audience),
        device,
    };
    let at = around.0.at;
    let logged_in = portcullis.log_in(form, around.0).await?;
    Ok(LoginAnswer {
        logged_in,
        at,
        gate: portcullis.gate().clone(),
    })
}

impl Portcullis {
    /// Logs somebody in, and writes to the owner of a proven address if the device is a new one.
    ///
    /// # Errors
    /// [`LoginError`]; nobody is logged in then.
    pub async fn log_in(&self, form: LoginForm, by: audit::Context) -> Result<LoggedIn, LoginError> {
        let logged_in = self.sessions().log_in(form, by).await?;
        let (LoggedIn::Tokens { new_device, .. } | LoggedIn::Session { new_device, .. }) = &logged_in;
        if *new_device {
            self.emails().wake();
        }
        Ok(logged_in)
    }
}

/// The answer to a login: tokens, or a session in the body or in a cookie.
struct LoginAnswer {
    logged_in: LoggedIn,
    /// When: a session's whole lifetime begins there.
    at: portcullis_core::environment::Timestamp,
    gate: Gate,
}

impl IntoResponse for LoginAnswer {
    fn into_response(self) -> Response {
        match self.logged_in {
            LoggedIn::Tokens { issued, .. } => Json(TokenResponse::from(&*issued)).into_response(),
            LoggedIn::Session {
                id,
                token,
                expires_at,
                delivery,
                ..
            } => {
                let lifetime = expires_at.since(self.at);
                let keep = match delivery {
                    Delivery::Cookie(Stay::Remembered) => Some(Keep::For(lifetime)),
                    Delivery::Cookie(Stay::Brief) => Some(Keep::Open),
                    Delivery::Session(_) | Delivery::Tokens => None,
                };
                let shown = keep.is_none().then_some(&token);
                let mut response = Json(view::SessionResponse::new(id, shown, lifetime)).into_response();
                if let Some(keep) = keep {
                    cookie::set(response.headers_mut(), &self.gate, &token, keep);
                }
                response
            }
        }
    }
}

answers!(LoginAnswer: Json<TokenResponse>, Json<view::SessionResponse>; sets SessionCookies);

async fn log_out(
    who: Allow<Authenticated, Via<Personal>>,
    State(portcullis): State<Portcullis>,
    browser: ByCookie,
    AuditContext(by): AuditContext,
) -> Result<LoggedOut, Problem> {
    if let Some(session) = who.session() {
        portcullis.sessions().log_out(who.id(), session, by).await?;
    }
    Ok(LoggedOut::from(portcullis.gate(), browser))
}

async fn log_out_everywhere(
    who: Allow<Unscoped, Via<Personal>>,
    State(portcullis): State<Portcullis>,
    browser: ByCookie,
    AuditContext(by): AuditContext,
    Query(asked): Query<WithKeys>,
) -> Result<LoggedOut, Problem> {
    let keys = asked.keys();
    let ended = portcullis.sessions().end_everything(who.id(), keys, by).await?;
    let mut answer = LoggedOut::from(portcullis.gate(), browser);
    answer.told = asked.api_keys.map(|_| EndedEverything::from(ended));
    Ok(answer)
}

/// 204, or 200 with what was asked to be told; the session's cookies are taken back.
struct LoggedOut {
    gate: Gate,
    browser: ByCookie,
    told: Option<EndedEverything>,
}

impl LoggedOut {
    fn from(gate: &Gate, browser: ByCookie) -> Self {
        Self {
            gate: gate.clone(),
            browser,
            told: None,
        }
    }
}

impl IntoResponse for LoggedOut {
    fn into_response(self) -> Response {
        let mut response = match self.told {
            Some(told) => Json(told).into_response(),
            None => NoContent.into_response(),
        };
        let headers = response.headers_mut();
        cookie::clear(headers, &self.gate);
        if self.browser.0 {
            cookie::forget(headers);
        }
        response
    }
}

answers!(LoggedOut: NoContent, Json<EndedEverything>; sets SessionCookies);

async fn csrf(_: Allow<Authenticated, Via<Session>>, token: CsrfToken) -> Json<view::Csrf> {
    Json(view::Csrf::new(&token))
}

async fn list(
    who: Allow<Unscoped, Via<Personal>>,
    State(portcullis): State<Portcullis>,
) -> Result<Json<view::Sessions>, Problem> {
    let sessions = portcullis.sessions().list(who.id()).await?;
    Ok(Json(view::Sessions::new(&sessions, who.session())))
}

async fn end_others(
    who: Allow<Unscoped, Via<Personal>>,
    State(portcullis): State<Portcullis>,
    AuditContext(by): AuditContext,
) -> Result<Json<view::Ended>, Problem> {
    let keep = who.session().ok_or_else(Problem::not_found)?;
    let ended = portcullis.sessions().end_others(who.id(), keep, by).await?;
    Ok(Json(view::Ended { ended }))
}

/// A device's new name.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RenamedSession {
    /// 1 to 64 printable characters.
    #[schemars(with = "shape::Label")]
    name: String,
}

async fn rename(
    who: Allow<Unscoped, Via<Personal>>,
    State(portcullis): State<Portcullis>,
    Path(id): Path<String>,
    AuditContext(by): AuditContext,
    Json(form): Json<RenamedSession>,
) -> Result<NoContent, Problem> {
    let mut fields = FieldErrors::new();
    let name = fields.check("/name", "invalid_device_name", DeviceName::parse(&form.name));
    let Some(name) = name else {
        return Err(fields.into());
    };
    found(
        portcullis
            .sessions()
            .rename(who.id(), parse_id(&id)?, name, by)
            .await?,
    )
}

async fn end(
    who: Allow<Unscoped, Via<Personal>>,
    State(portcullis): State<Portcullis>,
    Path(id): Path<String>,
    AuditContext(by): AuditContext,
) -> Result<NoContent, Problem> {
    defends!("T027");
    found(portcullis.sessions().end(who.id(), parse_id(&id)?, by).await?)
}

/// Another's session looks like none: whether it exists is not the caller's to know.
fn found(found: bool) -> Result<NoContent, Problem> {
    if found {
        Ok(NoContent)
    } else {
        Err(no_such_session())
    }
}

fn parse_id(text: &str) -> Result<Id, Problem> {
    text.parse().map_err(|_| no_such_session())
}

fn no_such_session() -> Problem {
    Problem::not_yours()
}
