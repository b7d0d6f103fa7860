//! One handler behind each guard, as its own documentation shows it.

use std::collections::HashSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::routing::{get, post};
use axum::{Json, Router};
use axum_login::tower_sessions::{MemoryStore, SessionManagerLayer};
use axum_login::{
    AuthManagerLayerBuilder, AuthSession, AuthUser, AuthnBackend, AuthzBackend, UserId, login_required,
    permission_required,
};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use portcullis_identity::core::login::{Delivery, LoggedIn, LoginForm, Stay};
use portcullis_identity::core::secret::SecretText;
use portcullis_identity::{Allow, Api, Portcullis, Public, permissions};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::load;

/// All that can be served.
pub const NAMES: [&str; 11] = [
    "axum",
    "Portcullis' listener",
    "Portcullis Public",
    "Portcullis JWT HS256",
    "Portcullis JWT ES256",
    "Portcullis session",
    "Portcullis API key",
    "jsonwebtoken HS256",
    "jsonwebtoken ES256",
    "axum-login",
    "axum-login with permissions",
];

#[derive(Serialize, JsonSchema)]
struct Thing {
    id: u32,
    name: &'static str,
    done: bool,
}

const fn thing() -> Thing {
    Thing {
        id: 42,
        name: "a small thing",
        done: false,
    }
}

/// Serves the guard of this name, and says where and what to send.
pub async fn serve(name: &str) -> Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    println!("{}", listener.local_addr()?);
    match name.split_once(' ') {
        None if name == "axum" => {
            // As long as a signed token, so that reading the request costs the same.
            say(&request(&format!("Authorization: Bearer eyJ{}", "a".repeat(500))));
            let plain = Router::new().route(PATH, get(|| async { Json(thing()) }));
            axum::serve(listener, plain).await?;
        }
        Some(("Portcullis" | "Portcullis'", kind)) => portcullis(kind, listener).await?,
        Some(("jsonwebtoken", algorithm)) => by_jsonwebtoken(algorithm, listener).await?,
        _ if name.starts_with("axum-login") => by_axum_login(name.contains("permissions"), listener).await?,
        _ => bail!("nothing is called {name}"),
    }
    Ok(())
}

/// Where all of them answer.
const PATH: &str = "/guarded";

fn request(header: &str) -> Vec<u8> {
    format!("GET {PATH} HTTP/1.1\r\nHost: localhost\r\n{header}\r\n\r\n").into_bytes()
}

fn say(request: &[u8]) {
    println!("{}", load::hex(request));
}

// Portcullis

permissions! {
    ThingsRead = "things:read": "Read things";
}

async fn portcullis(kind: &str, listener: TcpListener) -> Result<()> {
    use portcullis_identity::core::account::{EmailAddress, Registration};
    use portcullis_identity::core::audit::Context;
    use portcullis_identity::core::authz::Permit;
    use portcullis_identity::core::key::Algorithm;
    use portcullis_identity::core::roles::MayGive;
    use portcullis_identity::core::session::Device;

    let algorithm = if kind.ends_with("ES256") {
        Algorithm::ES256
    } else {
        Algorithm::HS256
    };
    let portcullis = Portcullis::builder()
        .database("sqlite::memory:")
        .algorithm(algorithm)
        .open()
        .await?;
    let here = || Context::operator(portcullis.environment().now());
    let password = || SecretText::new("correct horse battery staple".to_owned());
    let form = Registration {
        email: Some(EmailAddress::parse("anna@example.com")?),
        username: None,
        password: password(),
    };
    let account = portcullis.registrar().register(form, here()).await?.account.id;
    let permit = Permit::<MayGive>::dangerous_for_operator();
    let roles = portcullis.roles();
    let guarded = Api::new("Measured", "1")
        .get(PATH, |_: Allow<ThingsRead>| async {
            portcullis_identity::Json(thing())
        })
        .get("/public", |_: Public| async {
            portcullis_identity::Json(thing())
        });
    let router = portcullis.router(guarded).await?;
    roles
        .create(&permit, "measured", "made for a measurement", here())
        .await?;
    roles.allow(&permit, "measured", "things:read", here()).await?;
    roles.assign(&permit, account, "measured", here()).await?;
    let delivery = match kind {
        "session" => Delivery::Session(Stay::Brief),
        _ => Delivery::Tokens,
    };
    let form = LoginForm {
        audience: None,
        identifier: "anna@example.com".to_owned(),
        password: password(),
        delivery,
        scopes: None,
        device: Device::default(),
    };
    let mut credential = match portcullis.log_in(form, here()).await? {
        LoggedIn::Tokens { issued, .. } => issued.access_token.expose().to_owned(),
        LoggedIn::Session { token, .. } => token.expose().to_string(),
    };
    if kind == "API key" {
        credential = api_key(&portcullis, &credential).await?;
    }
    let router = match kind {
        "listener" => Router::new().route(PATH, get(|| async { Json(thing()) })),
        _ => router,
    };
    let mut request = request(&format!("Authorization: Bearer {credential}"));
    if kind == "Public" {
        request = String::from_utf8(request)?.replacen(PATH, "/public", 1).into_bytes();
    }
    say(&request);
    let limits = portcullis_identity::listener::Limits::default();
    portcullis_identity::listener::serve(router, listener, std::future::pending(), limits).await;
    Ok(())
}

async fn api_key(portcullis: &Portcullis, token: &str) -> Result<String> {
    use portcullis_identity::core::api_key::{KeyName, Networks};
    use portcullis_identity::core::audit::Context;
    use portcullis_identity::core::authn::{Bearer, Credential};
    use portcullis_identity::core::issuance::Form;

    let now = portcullis.environment().now();
    let credential = Credential::Jwt(Bearer(token));
    let who = portcullis
        .gate()
        .authenticator()
        .authenticate(&credential, None, now)
        .await?;
    let form = Form {
        name: KeyName::parse("measured")?,
        permissions: vec!["things:read".to_owned()],
        expires_at: None,
        networks: Networks::default(),
        limit: None,
    };
    let issued = portcullis
        .api_keys()
        .create(&who, form, Context::operator(now))
        .await?;
    Ok(issued.secret.expose().to_owned())
}

// jsonwebtoken

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: String,
    exp: u64,
    permissions: Vec<String>,
}

#[derive(Clone)]
struct Keys(Arc<(DecodingKey, Validation)>);

/// Somebody with the permission.
struct Caller;

impl FromRequestParts<Keys> for Caller {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, Keys(keys): &Keys) -> Result<Self, StatusCode> {
        let header = parts
            .headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        let token = header.and_then(|value| value.strip_prefix("Bearer "));
        let token = token.ok_or(StatusCode::UNAUTHORIZED)?;
        let token = decode::<Claims>(token, &keys.0, &keys.1).map_err(|_| StatusCode::UNAUTHORIZED)?;
        let may = token.claims.permissions.iter().any(|held| held == "things:read");
        may.then_some(Self).ok_or(StatusCode::FORBIDDEN)
    }
}

async fn by_jsonwebtoken(name: &str, listener: TcpListener) -> Result<()> {
    let (algorithm, signing, verifying) = match name {
        "HS256" => {
            let secret = [7; 32];
            let keys = (
                EncodingKey::from_secret(&secret),
                DecodingKey::from_secret(&secret),
            );
            (Algorithm::HS256, keys.0, keys.1)
        }
        "ES256" => {
            let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?;
            let public = DecodingKey::from_ec_der(pair.public_key().as_ref());
            let signing = EncodingKey::from_ec_der(pair.to_pkcs8v1()?.as_ref());
            (Algorithm::ES256, signing, public)
        }
        other => bail!("no algorithm is called {other}"),
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let claims = Claims {
        sub: "anna".to_owned(),
        exp: (now + Duration::from_secs(3_600)).as_secs(),
        permissions: vec!["things:read".to_owned()],
    };
    let token = encode(&Header::new(algorithm), &claims, &signing)?;
    let keys = Keys(Arc::new((verifying, Validation::new(algorithm))));
    let router = Router::new()
        .route(PATH, get(|_: Caller| async { Json(thing()) }))
        .with_state(keys);
    say(&request(&format!("Authorization: Bearer {token}")));
    axum::serve(listener, router).await?;
    Ok(())
}

// axum-login

#[derive(Debug, Clone)]
struct User;

impl AuthUser for User {
    type Id = i64;

    fn id(&self) -> i64 {
        7
    }

    fn session_auth_hash(&self) -> &[u8] {
        b"changes with the password"
    }
}

/// One user, held in memory.
#[derive(Debug, Clone)]
struct Backend;

impl AuthnBackend for Backend {
    type User = User;
    type Credentials = ();
    type Error = Infallible;

    async fn authenticate(&self, (): ()) -> Result<Option<User>, Infallible> {
        Ok(Some(User))
    }

    async fn get_user(&self, _: &UserId<Self>) -> Result<Option<User>, Infallible> {
        Ok(Some(User))
    }
}

impl AuthzBackend for Backend {
    type Permission = String;

    async fn get_group_permissions(&self, _: &User) -> Result<HashSet<String>, Infallible> {
        Ok(HashSet::from(["things:read".to_owned()]))
    }
}

async fn by_axum_login(permissions: bool, listener: TcpListener) -> Result<()> {
    let guarded = Router::new().route(PATH, get(|| async { Json(thing()) }));
    let guarded = if permissions {
        guarded.route_layer(permission_required!(Backend, "things:read".to_owned()))
    } else {
        guarded.route_layer(login_required!(Backend))
    };
    let log_in = |mut session: AuthSession<Backend>| async move {
        let done = session.login(&User).await;
        done.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
    };
    let sessions = SessionManagerLayer::new(MemoryStore::default()).with_secure(false);
    let layer = AuthManagerLayerBuilder::new(Backend, sessions).build();
    let router = guarded.route("/login", post(log_in)).layer(layer);
    let address = listener.local_addr()?;
    let serving = tokio::spawn(async move { axum::serve(listener, router).await });
    let cookie = cookie_of(&address.to_string()).await?;
    say(&request(&format!("Cookie: {cookie}")));
    serving.await??;
    Ok(())
}

/// Logs in, and answers the cookie.
async fn cookie_of(address: &str) -> Result<String> {
    let mut stream = tokio::net::TcpStream::connect(address).await?;
    let request =
        b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    stream.write_all(request).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let line = answer.lines().find_map(|line| line.strip_prefix("set-cookie: "));
    let cookie = line.and_then(|line| line.split(';').next());
    Ok(cookie.with_context(|| format!("no cookie: {answer}"))?.to_owned())
}
