//! Refreshes per second through the token endpoint, each durable before it is answered.

use anyhow::{Context as _, Result};
use axum::Router;
use axum::body::Body;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request};
use tokio::runtime::Runtime;

use super::Plan;
use crate::deployment::{self, expect};
use crate::load::{self, Span};
use crate::measure::Stopwatch;
use crate::population;
use crate::report::{Budget, Line};

pub(super) fn measure(plan: &Plan) -> Result<Vec<Line>> {
    let folder = plan.temporary()?;
    let runtime = Runtime::new()?;
    let file = folder.path().join("refresh.db");
    let portcullis = runtime.block_on(deployment::populated(&file, 1_000))?;
    let router = runtime.block_on(portcullis.router(portcullis.api()))?;
    let mut tokens: Vec<String> = (0..CALLERS)
        .map(|number| population::refresh_token(number).expose().to_string())
        .collect();
    let (mut rates, mut per_core, mut cores) = (Vec::new(), Vec::new(), Vec::new());
    let mut grouped = Vec::new();
    for round in 0..=plan.rounds(3, 9) {
        let (watch, commits) = (Stopwatch::of_process(), portcullis.database().commits());
        let rate = run(plan, &runtime, &router, &mut tokens)?;
        let used = watch.processor().as_secs_f64() / watch.wall().as_secs_f64();
        // The first round warms up.
        if round > 0 {
            let done = rate * watch.wall().as_secs_f64();
            grouped.push(done / (portcullis.database().commits() - commits).max(1) as f64);
            rates.push(rate);
            cores.push(used);
            per_core.push(rate / used);
        }
    }
    runtime.block_on(portcullis.database().close());
    Ok(vec![
        Line::absolute(
            format!("refreshes, durable SQLite, {CALLERS} callers, per core used"),
            "/s·core",
            &per_core,
            Budget::AtLeast(1_000.0),
        ),
        Line::absolute("… per second of wall time", "/s", &rates, Budget::None),
        Line::absolute(
            "… cores used (user and system time ÷ wall time)",
            "cores",
            &cores,
            Budget::None,
        ),
        Line::absolute("… refreshes to one sync of the disk", "", &grouped, Budget::None),
    ])
}

fn run(plan: &Plan, runtime: &Runtime, router: &Router, tokens: &mut [String]) -> Result<f64> {
    let (left, kept) = std::sync::mpsc::channel();
    let rate = runtime.block_on(load::per_second(
        tokens.len(),
        plan.millis(800, 1_500),
        |number, until| {
            let (router, left) = (router.clone(), left.clone());
            let mut token = tokens.get(number).cloned().unwrap_or_default();
            async move {
                let answered = refresh_again(&router, &mut token, until).await?;
                left.send((number, token))?;
                Ok(answered)
            }
        },
    ))?;
    drop(left);
    for (number, token) in kept {
        if let Some(slot) = tokens.get_mut(number) {
            *slot = token;
        }
    }
    Ok(rate)
}

async fn refresh_again(router: &Router, token: &mut String, until: Span) -> Result<u64> {
    let mut answered = 0;
    while until.lasts() {
        *token = refresh(router, token).await?;
        answered += 1;
    }
    Ok(answered)
}

/// Exchanges a refresh token; answers the next one.
pub(super) async fn refresh(router: &Router, token: &str) -> Result<String> {
    let form = format!("grant_type=refresh_token&refresh_token={token}");
    let mut request = Request::post("/oauth/token").body(Body::from(form))?;
    request.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/x-www-form-urlencoded"),
    );
    let (status, body) = load::ask(router, request).await?;
    expect(status, 200)?;
    let text = std::str::from_utf8(&body)?;
    let next = text
        .split_once("\"refresh_token\":\"")
        .and_then(|(_, rest)| rest.split_once('"'))
        .context("an answer has no refresh token")?;
    Ok(next.0.to_owned())
}

const CALLERS: usize = 64;
