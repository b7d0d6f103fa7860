//! A route behind a check against the same handler without one, in this process and over loopback.
//!
//! The routes are served by one thread, the load comes from another. The budget counts requests per second of the
//! *serving thread's* processor time: what one core of a server gives, whatever the generator and other programs
//! on the machine cost. Requests per second of wall time stand beside it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use axum::Router;
use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Request};
use portcullis_identity::core::key::Algorithm;
use portcullis_identity::core::login::{Delivery, Stay};
use portcullis_identity::{Allow, Api, Basic, Json, Portcullis, Public, Via, permissions};
use schemars::JsonSchema;
use serde::Serialize;
use tokio::runtime::Runtime;

use super::Plan;
use crate::deployment::{self, expect, runtime};
use crate::load::{self, Connection, Server, Span};
use crate::measure::{Side, Stopwatch, in_turns};
use crate::report::{Budget, Line};

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

async fn plain() -> axum::Json<Thing> {
    axum::Json(thing())
}

async fn public(_: Public) -> Json<Thing> {
    Json(thing())
}

async fn guarded(_: Allow<ThingsRead>) -> Json<Thing> {
    Json(thing())
}

/// The first call costs a hash; what is measured are those after it.
async fn by_password(_: Allow<ThingsRead, Via<Basic>>) -> Json<Thing> {
    Json(thing())
}

/// A route to be measured.
struct Route {
    name: String,
    router: Router,
    path: &'static str,
    /// What stands in `Authorization`.
    credential: String,
}

pub(super) fn measure(plan: &Plan) -> Result<Vec<Line>> {
    let runtime = runtime()?;
    let (routes, _deployments) = runtime.block_on(routes())?;
    let mut lines = over_loopback(plan, &runtime, &routes)?;
    lines.extend(in_process(plan, &runtime, &routes)?);
    Ok(lines)
}

/// The handler without a check, as `Public`, and behind each kind of credential.
#[allow(clippy::too_many_lines, reason = "a list of routes")]
async fn routes() -> Result<(Vec<Route>, Vec<Portcullis>)> {
    let mut routes = Vec::new();
    let mut deployments = Vec::new();
    for algorithm in [
        Algorithm::HS256,
        Algorithm::ES256,
        Algorithm::EdDSA,
        Algorithm::RS256,
    ] {
        let (portcullis, router) = deployment(algorithm).await?;
        let credential = deployment::log_in(&portcullis, EMAIL, Delivery::Tokens).await?;
        routes.push(Route {
            name: format!("JWT {algorithm}"),
            router,
            path: "/guarded",
            credential: bearer(&credential),
        });
        deployments.push(portcullis);
    }
    let (portcullis, router) = deployment(Algorithm::ES256).await?;
    let pair = STANDARD.encode(format!("{EMAIL}:{}", deployment::PASSWORD));
    let basic = Route {
        name: "Basic".to_owned(),
        router,
        path: "/basic",
        credential: format!("Basic {pair}"),
    };
    deployments.push(portcullis);
    let (portcullis, router) = deployment(Algorithm::ES256).await?;
    let credential = deployment::log_in(&portcullis, EMAIL, Delivery::Session(Stay::Brief)).await?;
    let key = deployment::api_key(&portcullis, EMAIL, &["things:read"]).await?;
    deployments.push(portcullis);
    // Those without a check get the same request, so that reading it costs the same.
    let jwt = routes
        .first()
        .map(|route| route.credential.clone())
        .unwrap_or_default();
    let open = Route {
        name: "Public".to_owned(),
        router: router.clone(),
        path: "/public",
        credential: jwt.clone(),
    };
    let session = Route {
        name: "session token".to_owned(),
        router: router.clone(),
        path: "/guarded",
        credential: bearer(&credential),
    };
    let api_key = Route {
        name: "API key".to_owned(),
        router,
        path: "/guarded",
        credential: bearer(&key),
    };
    let unchecked = Route {
        name: "plain axum".to_owned(),
        router: Router::new().route("/plain", axum::routing::get(plain)),
        path: "/plain",
        credential: jwt,
    };
    routes.extend([session, api_key, basic]);
    routes.splice(0..0, [unchecked, open]);
    Ok((routes, deployments))
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

async fn deployment(algorithm: Algorithm) -> Result<(Portcullis, Router)> {
    let portcullis = deployment::in_memory().algorithm(algorithm).open().await?;
    let api = Api::new("Measured", "1")
        .get("/guarded", guarded)
        .get("/basic", by_password)
        .get("/public", public);
    let router = portcullis.router(api).await?;
    let account = deployment::register(&portcullis, EMAIL).await?;
    deployment::allow(&portcullis, account, &["things:read"]).await?;
    Ok((portcullis, router))
}

fn over_loopback(plan: &Plan, runtime: &Runtime, routes: &[Route]) -> Result<Vec<Line>> {
    let server = Server::start(routes.iter().map(|route| route.router.clone()).collect())?;
    let mut sides = Vec::with_capacity(routes.len());
    for (number, route) in routes.iter().enumerate() {
        let connections = Connection::several(CONNECTIONS, server.address(number)?);
        let mut connections = runtime.block_on(connections)?;
        let request: Arc<[u8]> = load::get_as(route.path, Some(&route.credential)).into();
        let server = &server;
        let side: Side<'_, _> = Box::new(move |span: Duration| {
            runtime.block_on(load::hammer(server, &mut connections, &request, span))
        });
        sides.push(side);
    }
    let samples = in_turns(plan.rounds(5, 11), plan.millis(120, 500), &mut sides)?;
    let of = |pick: fn(&load::Speed) -> f64| -> Vec<Vec<f64>> {
        let each = samples.iter().map(|samples| samples.iter().map(pick).collect());
        each.collect()
    };
    let mut lines = compared(routes, &of(|speed| speed.per_core), "HTTP", "/s·core", true)?;
    lines.extend(compared(
        routes,
        &of(|speed| speed.per_second),
        "HTTP, wall time",
        "/s",
        false,
    )?);
    Ok(lines)
}

fn in_process(plan: &Plan, runtime: &Runtime, routes: &[Route]) -> Result<Vec<Line>> {
    let mut sides = Vec::with_capacity(routes.len());
    for route in routes {
        let credential = HeaderValue::from_str(&route.credential)?;
        let uri = http::Uri::from_static(route.path);
        let side: Side<'_, _> = Box::new(move |span: Duration| {
            runtime.block_on(async {
                let (until, started) = (Span::of(span), Stopwatch::processor_of_this_thread());
                let mut answered = 0_u32;
                while until.lasts() {
                    for _ in 0..32 {
                        let mut request = Request::new(Body::empty());
                        *request.uri_mut() = uri.clone();
                        request.headers_mut().insert(AUTHORIZATION, credential.clone());
                        expect(load::ask(&route.router, request).await?.0, 200)?;
                    }
                    answered += 32;
                }
                let used = Stopwatch::processor_of_this_thread().saturating_sub(started);
                Ok(used.as_nanos() as f64 / f64::from(answered))
            })
        });
        sides.push(side);
    }
    let samples = in_turns(plan.rounds(5, 11), plan.millis(60, 200), &mut sides)?;
    let plain = samples.first().context("nothing was measured")?;
    let compared = routes.iter().zip(&samples).skip(1).map(|(route, samples)| {
        Line::compared(
            format!("{} ÷ plain axum, in process", route.name),
            "ns",
            (samples, plain),
            Budget::None,
        )
    });
    Ok(compared.collect())
}

/// Each route against the first (without a check) and the second (`Public`).
fn compared(
    routes: &[Route],
    samples: &[Vec<f64>],
    way: &str,
    unit: &'static str,
    counts: bool,
) -> Result<Vec<Line>> {
    let [plain, public, ..] = samples else {
        anyhow::bail!("nothing was measured");
    };
    let mut lines = Vec::new();
    for (route, samples) in routes.iter().zip(samples).skip(1) {
        let is_public = route.path == "/public";
        let budget = if counts && !is_public {
            Budget::RatioAtLeast(0.90)
        } else {
            Budget::None
        };
        let what = format!("{} ÷ plain axum, {way}", route.name);
        lines.push(Line::compared(what, unit, (samples, plain), budget));
        if counts && !is_public {
            let what = format!("{} ÷ Public, {way}", route.name);
            lines.push(Line::compared(what, unit, (samples, public), Budget::None));
        }
    }
    Ok(lines)
}

const EMAIL: &str = "anna@example.com";

/// Enough that the serving thread always has something to do.
const CONNECTIONS: usize = 16;
