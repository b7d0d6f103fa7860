//! The routes that are measured: one handler without a check, as `Public`, and behind each kind of credential; and one that
//! reads a body.

use anyhow::{Context as _, Result, bail};
use axum::Router;
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portcullis_identity::core::key::Algorithm;
use portcullis_identity::core::login::{Delivery, Stay};
use portcullis_identity::{Allow, Api, Basic, Json, Portcullis, Public, Via, permissions};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::deployment;
use crate::load::{self, By};

permissions! {
    ThingsRead = "things:read": "Read things";
}

/// What the handler answers.
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

/// What a body holds: about 200 bytes as JSON.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Order {
    customer: String,
    street: String,
    city: String,
    items: Vec<String>,
    total: u32,
    gift: bool,
}

const ORDER: &str = "{\"customer\":\"Anna Example\",\"street\":\"1 Long Street at the River\",\"city\":\"Exampleton upon \
                     Water\",\"items\":[\"a small thing\",\"a larger thing\",\"a thing of another kind\",\"wrapping\"],\
                     \"total\":12345,\"gift\":true}";

async fn plain() -> axum::Json<Thing> {
    axum::Json(thing())
}

async fn plain_order(axum::Json(order): axum::Json<Order>) -> axum::Json<Thing> {
    axum::Json(Thing {
        id: order.total,
        ..thing()
    })
}

async fn public(_: Public) -> Json<Thing> {
    Json(thing())
}

async fn guarded(_: Allow<ThingsRead>) -> Json<Thing> {
    Json(thing())
}

async fn order(_: Allow<ThingsRead>, Json(order): Json<Order>) -> Json<Thing> {
    Json(Thing {
        id: order.total,
        ..thing()
    })
}

/// The first call costs a hash; what is measured are those after it.
async fn by_password(_: Allow<ThingsRead, Via<Basic>>) -> Json<Thing> {
    Json(thing())
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A handler of axum's, without a check, on `axum::serve`: the reference.
    Plain,
    /// The same on the listener of this library.
    Listener,
    /// The same as `Public`.
    Public,
    /// Behind a permission, with a signed token.
    Jwt(Algorithm),
    /// Behind a permission, with a session token.
    Session,
    /// Behind a permission, with an API key.
    ApiKey,
    /// Behind a permission, with a password by Basic.
    Basic,
    /// A handler that reads a body by `axum::Json`, on `axum::serve`: the reference for the next.
    PlainBody,
    /// A handler that reads a body by `Json`, behind a permission, with an API key.
    Body,
}

/// All of them, each reference before what is compared with it.
pub(crate) const ALL: [Kind; 12] = [
    Kind::Plain,
    Kind::Listener,
    Kind::Public,
    Kind::Jwt(Algorithm::HS256),
    Kind::Jwt(Algorithm::ES256),
    Kind::Jwt(Algorithm::EdDSA),
    Kind::Jwt(Algorithm::RS256),
    Kind::Session,
    Kind::ApiKey,
    Kind::Basic,
    Kind::PlainBody,
    Kind::Body,
];

impl Kind {
    /// What it is called in tables.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Plain => "axum::serve".to_owned(),
            Self::Listener => "our listener alone".to_owned(),
            Self::Public => "Public".to_owned(),
            Self::Jwt(algorithm) => format!("JWT {algorithm}"),
            Self::Session => "session token".to_owned(),
            Self::ApiKey => "API key".to_owned(),
            Self::Basic => "Basic".to_owned(),
            Self::PlainBody => "axum's Json on axum::serve".to_owned(),
            Self::Body => "JSON body behind an API key".to_owned(),
        }
    }

    /// The one of this name.
    pub(crate) fn named(name: &str) -> Result<Self> {
        let found = ALL.into_iter().find(|kind| kind.name() == name);
        found.with_context(|| format!("no route is called {name}"))
    }
}

/// A route, ready to be served and asked.
pub(crate) struct Route {
    pub(crate) kind: Kind,
    pub(crate) router: Router,
    pub(crate) by: By,
    pub(crate) path: &'static str,
    /// What stands in `Authorization`.
    pub(crate) credential: String,
    /// What is sent, if anything is.
    pub(crate) body: Option<&'static str>,
    /// Lives as long as the route.
    _portcullis: Option<Portcullis>,
}

impl Route {
    /// The request as it is sent.
    pub(crate) fn request(&self) -> Vec<u8> {
        match self.body {
            Some(body) => load::post_as(self.path, &self.credential, "application/json", body),
            None => load::get_as(self.path, Some(&self.credential)),
        }
    }

    /// Sets one up. Those without a check get a signed token too, so that reading the request costs the same.
    pub(crate) async fn of(kind: Kind) -> Result<Self> {
        let algorithm = match kind {
            Kind::Jwt(algorithm) => algorithm,
            Kind::Plain | Kind::Listener | Kind::Public | Kind::PlainBody => Algorithm::HS256,
            _ => Algorithm::ES256,
        };
        let (portcullis, guarded) = deployment_of(algorithm).await?;
        let credential = match kind {
            Kind::Basic => {
                let pair = STANDARD.encode(format!("{EMAIL}:{}", deployment::PASSWORD));
                format!("Basic {pair}")
            }
            Kind::Session => {
                bearer(&deployment::log_in(&portcullis, EMAIL, Delivery::Session(Stay::Brief)).await?)
            }
            Kind::ApiKey | Kind::Body | Kind::PlainBody => {
                bearer(&deployment::api_key(&portcullis, EMAIL, &["things:read"]).await?)
            }
            _ => bearer(&deployment::log_in(&portcullis, EMAIL, Delivery::Tokens).await?),
        };
        let plain = || {
            Router::new()
                .route("/plain", get(plain))
                .route("/plain-order", post(plain_order))
        };
        let (router, by, path) = match kind {
            Kind::Plain => (plain(), By::Axum, "/plain"),
            Kind::PlainBody => (plain(), By::Axum, "/plain-order"),
            Kind::Listener => (plain(), By::Listener, "/plain"),
            Kind::Public => (guarded, By::Listener, "/public"),
            Kind::Basic => (guarded, By::Listener, "/basic"),
            Kind::Body => (guarded, By::Listener, "/order"),
            Kind::Jwt(_) | Kind::Session | Kind::ApiKey => (guarded, By::Listener, "/guarded"),
        };
        let body = matches!(kind, Kind::Body | Kind::PlainBody).then_some(ORDER);
        if body.is_some_and(|body| !(190..=260).contains(&body.len())) {
            bail!("the body to measure has {} bytes", ORDER.len());
        }
        Ok(Self {
            kind,
            router,
            by,
            path,
            credential,
            body,
            _portcullis: Some(portcullis),
        })
    }
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

async fn deployment_of(algorithm: Algorithm) -> Result<(Portcullis, Router)> {
    let portcullis = deployment::in_memory().algorithm(algorithm).open().await?;
    let api = Api::new("Measured", "1")
        .get("/guarded", guarded)
        .get("/basic", by_password)
        .get("/public", public)
        .post("/order", order);
    let router = portcullis.router(api).await?;
    let account = deployment::register(&portcullis, EMAIL).await?;
    deployment::allow(&portcullis, account, &["things:read"]).await?;
    Ok((portcullis, router))
}

const EMAIL: &str = "anna@example.com";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_found_by_its_name() {
        for kind in ALL {
            assert_eq!(Kind::named(&kind.name()).unwrap(), kind);
        }
        assert!(Kind::named("nothing").is_err());
    }
}
