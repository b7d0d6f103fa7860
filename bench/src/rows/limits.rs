//! A decision of a rate limit in memory, against governor's keyed limiter; and what a million live subjects take.
//!
//! Both sides count the same calls of the same subjects, each of which is admitted. Ours is given the moment, as a request
//! has it already; governor reads its own clock.

use std::hint::black_box;
use std::num::NonZeroU32;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use governor::{Quota as Reference, RateLimiter};
use portcullis_core::environment::Timestamp;
use portcullis_core::throttle::{Ask, LimitKey, Limiter, Limits, Quota};
use uuid::Uuid;

use super::Plan;
use crate::machine;
use crate::measure::{Side, Stopwatch, in_turns};
use crate::report::{Budget, Line};

pub(super) fn measure(plan: &Plan) -> Result<Vec<Line>> {
    let mut lines = decisions(plan, "one subject", 1)?;
    lines.extend(decisions(
        plan,
        "100,000 subjects",
        plan.pick(100, 100_000, 100_000),
    )?);
    lines.push(memory(plan)?);
    Ok(lines)
}

fn decisions(plan: &Plan, named: &str, subjects: u32) -> Result<Vec<Line>> {
    let calls = plan.pick(1_000, 200_000, 200_000);
    let most = NonZeroU32::new(MOST).context("a count")?;
    let quota = quota(&format!("{MOST}/second"))?;
    let (limiter, reference) = (
        Limiter::new(Limiter::CAPACITY),
        RateLimiter::keyed(Reference::per_second(most)),
    );
    let ids: Vec<_> = (0..subjects).map(|number| id(number, subjects)).collect();
    let ours: Side<'_, f64> = Box::new(|_| {
        let started = Stopwatch::processor_of_this_thread();
        for (call, id) in (0..calls).zip(ids.iter().cycle()) {
            let now = START.plus(Duration::from_micros(call.into()));
            let verdict = limiter.take(&Ask::once(&quota, LimitKey::user(black_box(*id))), now);
            ensure!(verdict.wait().is_none(), "a call was refused");
        }
        Ok(per_call_ns(started, calls))
    });
    let theirs: Side<'_, f64> = Box::new(|_| {
        let started = Stopwatch::processor_of_this_thread();
        for (_, id) in (0..calls).zip(ids.iter().cycle()) {
            ensure!(reference.check_key(black_box(id)).is_ok(), "a call was refused");
        }
        Ok(per_call_ns(started, calls))
    });
    let samples = in_turns(plan.rounds(9, 25), plan.millis(0, 0), &mut [ours, theirs])?;
    let [ours, theirs] = samples.as_slice() else {
        bail!("nothing was measured");
    };
    Ok(vec![
        Line::absolute(
            format!("a limit's decision, {named}"),
            "ns",
            ours,
            Budget::AtMost(250.0),
        ),
        Line::compared(
            format!("a limit's decision ÷ governor's, {named}"),
            "ns",
            (ours, theirs),
            Budget::RatioAtMost(1.5),
        ),
    ])
}

/// How much the process grows by a million subjects that each used something.
fn memory(plan: &Plan) -> Result<Line> {
    let subjects = plan.pick(1_000, 1_000_000, 1_000_000);
    let quota = quota("1000/day")?;
    let before = resident()?;
    let limiter = Limiter::new(Limiter::CAPACITY);
    for number in 0..subjects {
        let ask = Ask::once(&quota, LimitKey::user(id(number, subjects)));
        ensure!(
            limiter.take(&ask, START).wait().is_none(),
            "a first call was refused"
        );
    }
    let grown = resident()? - before;
    // A shard may be fuller than another: some few make room.
    ensure!(
        limiter.subjects() >= subjects as usize / 100 * 95,
        "subjects were forgotten"
    );
    Ok(Line::absolute(
        "memory of a limiter with 1,000,000 live subjects",
        "MB",
        &[grown],
        Budget::AtMost(150.0),
    ))
}

fn resident() -> Result<f64> {
    machine::resident_mb(std::process::id()).context("the memory can't be read: /proc is needed")
}

fn quota(text: &str) -> Result<Quota> {
    Ok(Quota::new("measured", Limits::parse(text)?)?)
}

/// Subjects in no order that a map could gain from.
fn id(number: u32, of: u32) -> Uuid {
    let mixed = u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    Uuid::from_u64_pair(mixed, of.into())
}

fn per_call_ns(started: Duration, calls: u32) -> f64 {
    let used = Stopwatch::processor_of_this_thread().saturating_sub(started);
    used.as_nanos() as f64 / f64::from(calls)
}

const START: Timestamp = Timestamp::from_seconds(1_700_000_000);

/// So many that no call is refused.
const MOST: u32 = 1_000_000;
