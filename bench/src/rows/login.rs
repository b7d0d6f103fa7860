//! Logins against the bare hash, and other routes while logins flood in.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use axum::Router;
use axum::body::Body;
use http::Request;
use http::header::CONTENT_TYPE;
use portcullis_identity::Portcullis;
use portcullis_identity::core::login::Delivery;
use portcullis_identity::core::password::{self, Cost};
use tokio::runtime::Runtime;

use super::Plan;
use crate::deployment::{self, PASSWORD, expect, runtime};
use crate::load::{self, Connection, Span};
use crate::measure::{Side, Stopwatch, in_turns};
use crate::report::{Budget, Line};

pub(super) fn measure(plan: &Plan) -> Result<Vec<Line>> {
    let folder = plan.temporary()?;
    let runtime = Runtime::new()?;
    let (portcullis, router) = runtime.block_on(deployment(plan, folder.path()))?;
    let mut lines = against_the_hash(plan, &runtime, &router)?;
    lines.extend(during_a_flood(plan, &runtime, &portcullis, router)?);
    runtime.block_on(portcullis.database().close());
    Ok(lines)
}

async fn deployment(plan: &Plan, folder: &Path) -> Result<(Portcullis, Router)> {
    let url = deployment::url(&folder.join("login.db"));
    let mut passwords = password::Settings::default();
    passwords.cost = plan.pick(Cost::DANGEROUSLY_CHEAP, passwords.cost, passwords.cost);
    let builder = Portcullis::builder().database(&url).passwords(passwords);
    let portcullis = builder.open().await?;
    for number in 0..ACCOUNTS {
        deployment::register(&portcullis, &email(number)).await?;
    }
    let router = portcullis.router(portcullis.api()).await?;
    Ok((portcullis, router))
}

fn against_the_hash(plan: &Plan, runtime: &Runtime, router: &Router) -> Result<Vec<Line>> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let logins: Side<'_, Rate> = Box::new(|span| {
        Rate::of(|| {
            runtime.block_on(load::per_second(threads * 4, span, |caller, until| {
                log_in_again(router.clone(), caller, until)
            }))
        })
    });
    let hashes: Side<'_, Rate> = Box::new(|span| Rate::of(|| bare_hashes(threads, span)));
    let samples = in_turns(
        plan.rounds(3, 7),
        plan.millis(1_500, 3_000),
        &mut [logins, hashes],
    )?;
    let [logins, hashes] = samples.as_slice() else {
        bail!("nothing was measured");
    };
    let line = |what: &str, unit, pick: fn(&Rate) -> f64, budget| {
        let of = |samples: &[Rate]| samples.iter().map(pick).collect::<Vec<_>>();
        Line::compared(what, unit, (&of(logins), &of(hashes)), budget)
    };
    let what = format!("logins ÷ bare Argon2id hashes, {threads} threads each");
    Ok(vec![
        line(&what, "/s", |rate| rate.per_second, Budget::RatioAtLeast(0.95)),
        line(
            "… per second of processor time",
            "/s·core",
            |rate| rate.per_core,
            Budget::None,
        ),
    ])
}

/// How often something was done.
struct Rate {
    per_second: f64,
    per_core: f64,
}

impl Rate {
    /// Of work that answers how often it was done per second.
    fn of(work: impl FnOnce() -> Result<f64>) -> Result<Self> {
        let watch = Stopwatch::of_process();
        let per_second = work()?;
        let cores = watch.processor().as_secs_f64() / watch.wall().as_secs_f64();
        Ok(Self {
            per_second,
            per_core: per_second / cores,
        })
    }
}

async fn log_in_again(router: Router, caller: usize, until: Span) -> Result<u64> {
    let mut answered = 0;
    while until.lasts() {
        let body = Body::from(form(caller));
        let mut request = Request::post("/auth/login").body(body)?;
        request
            .headers_mut()
            .insert(CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
        expect(load::ask(&router, request).await?.0, 200)?;
        answered += 1;
    }
    Ok(answered)
}

fn form(caller: usize) -> String {
    let identifier = email(caller % ACCOUNTS);
    format!("{{\"identifier\":\"{identifier}\",\"password\":\"{PASSWORD}\"}}")
}

/// Hashes per second of `threads` threads that do nothing else. They have the priority of the server's hashing
/// threads, so that other programs on the machine slow both sides alike.
fn bare_hashes(threads: usize, span: Duration) -> Result<f64> {
    let started = Instant::now();
    let until = Span::of(span);
    let hash = move || -> Result<u64> {
        let _ = rustix::process::setpriority_process(None, 15);
        let params = Params::new(19 * 1_024, 2, 1, Some(32)).map_err(|e| anyhow::anyhow!("{e}"))?;
        let mut blocks = vec![Block::new(); params.block_count()];
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let mut count = 0;
        while until.lasts() {
            let mut out = [0; 32];
            argon
                .hash_password_into_with_memory(PASSWORD.as_bytes(), &[7; 16], &mut out, &mut blocks)
                .map_err(|e| anyhow::anyhow!("{e}"))?;
            std::hint::black_box(out);
            count += 1;
        }
        Ok(count)
    };
    let running: Vec<_> = (0..threads).map(|_| std::thread::spawn(hash)).collect();
    let mut hashes = 0;
    for thread in running {
        let count = thread.join();
        hashes += count.map_err(|_| anyhow::anyhow!("a hashing thread panicked"))??;
    }
    Ok(hashes as f64 / started.elapsed().as_secs_f64())
}

/// How long another route takes at the 99th percentile, quiet and while every hashing thread is busy. The server has
/// a runtime of its own, as it has in production; the probe and the flood come from two other threads.
fn during_a_flood(
    plan: &Plan,
    server: &Runtime,
    portcullis: &Portcullis,
    router: Router,
) -> Result<Vec<Line>> {
    // Of an account of its own: a flood of logins ends the oldest sessions of those that log in.
    let token = server.block_on(async {
        deployment::register(portcullis, PROBE).await?;
        deployment::log_in(portcullis, PROBE, Delivery::Tokens).await
    })?;
    let listener = server.block_on(tokio::net::TcpListener::bind(("127.0.0.1", 0)))?;
    let address = listener.local_addr()?;
    let limits = portcullis_identity::listener::Limits::default();
    let serving = server.spawn(portcullis_identity::listener::serve(
        router,
        listener,
        std::future::pending(),
        limits,
    ));
    let probe = |span: Duration| -> Result<Vec<f64>> {
        runtime()?.block_on(probe(address, load::get("/auth/me", Some(&token)), span))
    };
    let quiet: Side<'_, _> = Box::new(|span| percentile(probe(span)?));
    // How long a flood needs until every place is taken.
    let pile_up = plan.millis(300, 300);
    let flooded: Side<'_, _> = Box::new(|span| {
        // The flood begins before the probe and ends after it.
        let flood = std::thread::spawn(move || runtime()?.block_on(flood(address, span + pile_up * 2)));
        std::thread::scope(|scope| {
            let probed = scope.spawn(|| {
                runtime()?.block_on(async {
                    tokio::time::sleep(pile_up).await;
                    anyhow::Ok(())
                })?;
                percentile(probe(span)?)
            });
            probed.join().map_err(|_| anyhow::anyhow!("the probe panicked"))?
        })
        .and_then(|worst| {
            let logins = flood
                .join()
                .map_err(|_| anyhow::anyhow!("the flood panicked"))??;
            if logins == 0 {
                bail!("the flood brought no login through");
            }
            Ok(worst)
        })
    });
    let samples = in_turns(
        plan.rounds(2, 5),
        plan.millis(1_500, 3_000),
        &mut [flooded, quiet],
    )?;
    serving.abort();
    let [flooded, quiet] = samples.as_slice() else {
        bail!("nothing was measured");
    };
    let figure = |what: &str, samples: &[f64], budget| {
        Line::absolute(format!("p99 of GET /auth/me, {what}"), "ms", samples, budget)
    };
    Ok(vec![
        figure(
            &format!("{FLOOD} callers logging in"),
            flooded,
            Budget::AtMost(5.0),
        ),
        figure("nobody logging in", quiet, Budget::None),
    ])
}

/// Asks at a steady pace whether or not it goes well, and answers how many milliseconds each answer took.
async fn probe(address: std::net::SocketAddr, request: Vec<u8>, span: Duration) -> Result<Vec<f64>> {
    let mut connection = Connection::open(address).await?;
    let until = Span::of(span);
    let mut pace = tokio::time::interval(Duration::from_millis(2));
    let mut took = Vec::new();
    // Once at least: connecting alone may take the whole of a short span.
    loop {
        let due = pace.tick().await;
        expect(connection.ask(&request).await?, 200)?;
        // From when it was due: an answer that comes late makes the next one late too.
        took.push(due.elapsed().as_secs_f64() * 1e3);
        if !until.lasts() {
            return Ok(took);
        }
    }
}

fn percentile(mut took: Vec<f64>) -> Result<f64> {
    took.sort_by(f64::total_cmp);
    let index = (took.len() * 99).div_ceil(100).saturating_sub(1);
    took.get(index).copied().context("nothing was measured")
}

async fn flood(address: std::net::SocketAddr, span: Duration) -> Result<u64> {
    let until = Span::of(span);
    let mut callers = tokio::task::JoinSet::new();
    for number in 0..FLOOD {
        callers.spawn(async move {
            let request = load::post("/auth/login", "application/json", &form(number));
            let mut connection = Connection::open(address).await?;
            let mut answered = 0;
            loop {
                match connection.ask(&request).await? {
                    // Shed load is the server's right in a flood.
                    200 => answered += 1,
                    status => expect(status, 503)?,
                }
                if !until.lasts() {
                    return anyhow::Ok(answered);
                }
            }
        });
    }
    let mut answered = 0;
    while let Some(count) = callers.join_next().await {
        answered += count??;
    }
    Ok(answered)
}

fn email(number: usize) -> String {
    format!("user{number}@example.com")
}

const ACCOUNTS: usize = 32;

/// As many as the pool of a machine with two cores lets wait.
const FLOOD: usize = 64;

const PROBE: &str = "probe@example.com";
