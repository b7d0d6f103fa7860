//! The same work with many users and with few.
//!
//! Both databases are on the disk and open at once; every request picks a user at random. For the cold rows nothing
//! is remembered between requests, so every request reads from the database.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use axum::Router;
use axum::body::Body;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Request};
use portcullis_identity::Portcullis;
use portcullis_identity::core::account::{Identifier, Store as _};
use tokio::runtime::Runtime;
use tokio::sync::Mutex;

use super::{Plan, refresh};
use crate::deployment::{self, expect};
use crate::load;
use crate::measure::{Dice, Pages, Side, in_turns};
use crate::population;
use crate::report::{Budget, Line};

/// A database with its users, opened twice: once as it is in production, once without a memory.
struct World {
    users: usize,
    portcullis: Portcullis,
    router: Router,
    forgetful: Router,
    _forgetful: Portcullis,
    /// The present refresh tokens of the users each caller has met.
    tokens: Vec<Arc<Mutex<HashMap<usize, String>>>>,
}

/// What is asked of the server.
#[derive(Clone, Copy)]
enum Work {
    Cold,
    Warm,
    Refresh,
    Lookup,
}

const WORKS: [(Work, &str); 4] = [
    (Work::Cold, "session verified, never seen"),
    (Work::Warm, "session verified, warm"),
    (Work::Refresh, "refresh"),
    (Work::Lookup, "login lookup without the hash"),
];

pub(super) fn measure(plan: &Plan) -> Result<Vec<Line>> {
    let folder = plan.temporary()?;
    let runtime = Runtime::new()?;
    let many = plan.pick(2 * FEW, 100_000, 1_000_000);
    let (few_file, many_file) = (folder.path().join("few.db"), folder.path().join("many.db"));
    let small = runtime.block_on(World::open(&few_file, FEW))?;
    let large = runtime.block_on(World::open(&many_file, many))?;
    let mut lines = Vec::new();
    for (work, name) in WORKS {
        let (runtime, small, large) = (&runtime, &small, &large);
        let of_large: Side<'_, f64> = Box::new(move |span| large.run(runtime, work, span));
        let of_small: Side<'_, f64> = Box::new(move |span| small.run(runtime, work, span));
        let mut sides = [of_large, of_small];
        let samples = in_turns(plan.rounds(3, 9), plan.millis(300, 1_000), &mut sides)?;
        let [of_large, of_small] = samples.as_slice() else {
            bail!("nothing was measured");
        };
        lines.push(Line::compared(
            format!("{name}: {many} users ÷ {FEW}"),
            "/s",
            (of_large, of_small),
            Budget::RatioAtLeast(0.9),
        ));
    }
    lines.extend(pages(plan, &runtime, &large, many)?);
    runtime.block_on(async {
        small.portcullis.database().close().await;
        large.portcullis.database().close().await;
    });
    Ok(lines)
}

/// Pages to a refresh, read and written: what the disk and the system's cache are asked for, whatever else runs.
fn pages(plan: &Plan, runtime: &Runtime, large: &World, many: usize) -> Result<[Line; 2]> {
    let (mut read, mut written) = (Vec::new(), Vec::new());
    for _ in 0..plan.rounds(2, 5) {
        let (before, started) = (Pages::so_far()?, Instant::now());
        let rate = large.run(runtime, Work::Refresh, plan.millis(500, 2_000))?;
        let refreshes = rate * started.elapsed().as_secs_f64();
        let pages = Pages::so_far()?.since(before);
        read.push(pages.read / refreshes);
        written.push(pages.written / refreshes);
    }
    let line = |what: &str, samples: &[f64], most| {
        let what = format!("pages {what} for a refresh: {many} users");
        Line::absolute(what, "pages", samples, Budget::AtMost(most))
    };
    Ok([line("read", &read, 5.0), line("written", &written, 10.0)])
}

impl World {
    async fn open(file: &Path, users: usize) -> Result<Self> {
        let portcullis = deployment::populated(file, users).await?;
        let forgetful = Portcullis::builder()
            .database(&deployment::url(file))
            .capacity(1)
            .open()
            .await?;
        Ok(Self {
            users,
            router: portcullis.router(portcullis.api()).await?,
            forgetful: forgetful.router(forgetful.api()).await?,
            portcullis,
            _forgetful: forgetful,
            tokens: (0..CALLERS).map(|_| Arc::default()).collect(),
        })
    }

    fn run(&self, runtime: &Runtime, work: Work, span: Duration) -> Result<f64> {
        runtime.block_on(load::per_second(CALLERS, span, |caller, until| {
            let me = self.caller(caller);
            async move {
                let mut me = me?;
                let mut answered = 0;
                while until.lasts() {
                    me.ask(work).await?;
                    answered += 1;
                }
                Ok(answered)
            }
        }))
    }

    fn caller(&self, number: usize) -> Result<Caller> {
        let tokens = self.tokens.get(number).context("there is no such caller")?;
        Ok(Caller {
            number,
            users: self.users,
            dice: Dice::new(DRAWN.fetch_add(1, Ordering::Relaxed)),
            portcullis: self.portcullis.clone(),
            router: self.router.clone(),
            forgetful: self.forgetful.clone(),
            tokens: Arc::clone(tokens),
        })
    }
}

struct Caller {
    number: usize,
    users: usize,
    dice: Dice,
    portcullis: Portcullis,
    router: Router,
    forgetful: Router,
    tokens: Arc<Mutex<HashMap<usize, String>>>,
}

impl Caller {
    async fn ask(&mut self, work: Work) -> Result<()> {
        match work {
            Work::Cold => verify(&self.forgetful, self.dice.below(self.users)).await,
            // The same users everywhere, spread over the whole population.
            Work::Warm => verify(&self.router, self.dice.below(WARM) * (self.users / WARM)).await,
            Work::Refresh => self.refresh().await,
            Work::Lookup => self.look_up().await,
        }
    }

    async fn refresh(&mut self) -> Result<()> {
        // No two callers share a user: a refresh token is good once.
        let user = self.dice.below(self.users / CALLERS) * CALLERS + self.number;
        let mut tokens = self.tokens.lock().await;
        let token = tokens
            .entry(user)
            .or_insert_with(|| population::refresh_token(user).expose().to_string());
        *token = refresh::refresh(&self.router, token).await?;
        Ok(())
    }

    async fn look_up(&mut self) -> Result<()> {
        let email = population::email(self.dice.below(self.users));
        let identifier = Identifier::parse(&email).context("an address isn't one")?;
        let found = self.portcullis.database().find_logins(identifier).await?.pop();
        found
            .and_then(|login| login.password)
            .context("a user has no password")?;
        Ok(())
    }
}

async fn verify(router: &Router, user: usize) -> Result<()> {
    let credential = format!("Bearer {}", population::session_token(user).expose().as_str());
    let mut request = Request::get("/auth/me").body(Body::empty())?;
    request
        .headers_mut()
        .insert(AUTHORIZATION, HeaderValue::from_str(&credential)?);
    expect(load::ask(router, request).await?.0, 200)
}

const FEW: usize = 1_000;
const CALLERS: usize = 64;
const WARM: usize = 500;

/// Every caller of every round picks other users.
static DRAWN: AtomicU64 = AtomicU64::new(0);
