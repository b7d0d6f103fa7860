//! A route behind a check against the same handler on `axum::serve`, over loopback and in this process.
//!
//! The routes are served by one thread, the load comes from another. The budget counts requests per second of the
//! *serving thread's* processor time: what one core of a server gives, whatever the generator and other programs
//! on the machine cost. Requests per second of wall time stand beside it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use axum::body::Body;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request};
use tokio::runtime::Runtime;

use super::Plan;
use crate::deployment::{expect, runtime};
use crate::load::{self, Connection, Server, Span};
use crate::measure::{Side, Stopwatch, in_turns};
use crate::report::{Budget, Line};
use crate::routes::{self, Kind, Route};

pub(super) fn measure(plan: &Plan) -> Result<Vec<Line>> {
    let runtime = runtime()?;
    let mut all = Vec::with_capacity(routes::ALL.len());
    for kind in routes::ALL {
        all.push(runtime.block_on(Route::of(kind))?);
    }
    let mut lines = over_loopback(plan, &runtime, &all)?;
    lines.extend(in_process(plan, &runtime, &all)?);
    Ok(lines)
}

fn over_loopback(plan: &Plan, runtime: &Runtime, routes: &[Route]) -> Result<Vec<Line>> {
    let served = routes.iter().map(|route| (route.router.clone(), route.by));
    let server = Server::start(served.collect())?;
    let mut sides = Vec::with_capacity(routes.len());
    for (number, route) in routes.iter().enumerate() {
        let connections = Connection::several(CONNECTIONS, server.address(number)?);
        let mut connections = runtime.block_on(connections)?;
        let request: Arc<[u8]> = route.request().into();
        let server = &server;
        let side: Side<'_, _> = Box::new(move |span: Duration| {
            runtime.block_on(load::hammer(server, &mut connections, &request, span))
        });
        sides.push(side);
    }
    let samples = in_turns(plan.rounds(7, 15), plan.millis(150, 500), &mut sides)?;
    let of = |pick: fn(&load::Speed) -> f64| -> Vec<Vec<f64>> {
        let each = samples.iter().map(|samples| samples.iter().map(pick).collect());
        each.collect()
    };
    let per_core = of(|speed| speed.per_core);
    let mut lines = compared(routes, &per_core, "HTTP", "/s·core", budget)?;
    let nanos = of(|speed| 1e9 / speed.per_core);
    let costs = routes.iter().zip(&nanos);
    lines.extend(costs.map(|(route, nanos)| {
        let what = format!("{}, HTTP, a request", route.kind.name());
        Line::absolute(what, "ns", nanos, Budget::None)
    }));
    let per_second = of(|speed| speed.per_second);
    lines.extend(compared(routes, &per_second, "HTTP, wall time", "/s", |_| {
        Budget::None
    })?);
    Ok(lines)
}

/// What is asked of each route's ratio to its reference.
const fn budget(kind: Kind) -> Budget {
    match kind {
        Kind::Plain | Kind::PlainBody => Budget::None,
        Kind::Listener => Budget::RatioAtLeast(0.97),
        Kind::Public => Budget::RatioAtLeast(0.88),
        Kind::Jwt(_) | Kind::Session | Kind::ApiKey | Kind::Basic | Kind::Body => Budget::RatioAtLeast(0.75),
    }
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
                        if let Some(body) = route.body {
                            *request.method_mut() = Method::POST;
                            *request.body_mut() = body.into();
                            let json = HeaderValue::from_static("application/json");
                            request.headers_mut().insert(CONTENT_TYPE, json);
                        }
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
    let samples = in_turns(plan.rounds(7, 15), plan.millis(60, 200), &mut sides)?;
    compared(routes, &samples, "in process", "ns", |_| Budget::None)
}

/// Each route against the last reference before it, or the first of all.
fn compared(
    routes: &[Route],
    samples: &[Vec<f64>],
    way: &str,
    unit: &'static str,
    budget: impl Fn(Kind) -> Budget,
) -> Result<Vec<Line>> {
    let mut reference = samples.first().context("nothing was measured")?;
    let mut lines = Vec::new();
    for (route, samples) in routes.iter().zip(samples) {
        let name = match route.kind {
            Kind::Plain | Kind::PlainBody => {
                reference = samples;
                continue;
            }
            Kind::Body => Kind::PlainBody.name(),
            _ => Kind::Plain.name(),
        };
        let what = format!("{} ÷ {name}, {way}", route.kind.name());
        lines.push(Line::compared(
            what,
            unit,
            (samples, reference),
            budget(route.kind),
        ));
    }
    Ok(lines)
}

/// Enough that the serving thread always has something to do.
const CONNECTIONS: usize = 32;
