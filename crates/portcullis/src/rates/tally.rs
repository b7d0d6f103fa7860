//! What was counted for a request, and how its answer tells it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use portcullis_core::environment::Timestamp;
use portcullis_core::throttle::{LimitVerdict, Outcome, Quota};

use crate::Problem;

/// In which fields an answer tells what is left of its limits. Never in both sorts: what reads one is misled by the other.
/// `Retry-After` is on every refusal, whatever is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum LimitHeaders {
    /// `RateLimit` and `RateLimit-Policy`: lists of every limit that was counted.
    ///
    /// Source: draft-ietf-httpapi-ratelimit-headers-10 §3, §4
    #[default]
    Draft,
    /// `X-RateLimit-Limit`, `-Remaining` and `-Reset` (in seconds since 1970): of the limit that is felt first. What older
    /// clients read.
    XRateLimit,
    /// None.
    Off,
}

/// What was counted for a request.
#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<Vec<(Arc<Quota>, LimitVerdict)>>);

impl Tally {
    /// Notes what a quota says.
    ///
    /// # Errors
    /// 429 if it refuses.
    pub(super) fn note(&self, quota: Arc<Quota>, verdict: LimitVerdict) -> Result<(), Problem> {
        let wait = verdict.wait();
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.push((quota, verdict));
        match wait {
            None => Ok(()),
            Some(wait) => Err(Problem::rate_limited(wait)),
        }
    }

    /// Tells it in an answer.
    pub(crate) fn tell(&self, headers: &mut HeaderMap, how: LimitHeaders, now: Timestamp) {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match how {
            LimitHeaders::Off => {}
            LimitHeaders::Draft => draft(&all, headers),
            LimitHeaders::XRateLimit => older(&all, headers, now),
        }
    }
}

fn draft(all: &[(Arc<Quota>, LimitVerdict)], headers: &mut HeaderMap) {
    let (mut policies, mut limits) = (String::new(), String::new());
    for (quota, verdict) in all {
        for (index, outcome) in verdict.outcomes().enumerate() {
            let separator = if policies.is_empty() { "" } else { ", " };
            let name = name(quota, index, outcome);
            let rate = outcome.limit.rate();
            let (count, window) = (rate.count(), rate.per().duration().as_secs());
            let (left, until) = (outcome.remaining, seconds(outcome.until_more()));
            policies.push_str(&format!("{separator}\"{name}\";q={count};w={window}"));
            limits.push_str(&format!("{separator}\"{name}\";r={left};t={until}"));
        }
    }
    for (field, text) in [("ratelimit-policy", policies), ("ratelimit", limits)] {
        if let Some(value) = (!text.is_empty())
            .then(|| HeaderValue::from_str(&text).ok())
            .flatten()
        {
            headers.insert(HeaderName::from_static(field), value);
        }
    }
}

/// Each item of a list has a name of its own.
fn name(quota: &Quota, index: usize, outcome: &Outcome) -> String {
    let several = !quota.limits().rest().is_empty();
    let per = outcome.limit.rate().per();
    let before = quota.limits().iter().take(index);
    match before.filter(|limit| limit.rate().per() == per).count() {
        _ if !several => quota.name().to_owned(),
        0 => format!("{}-{}", quota.name(), per.as_str()),
        same => format!("{}-{}-{}", quota.name(), per.as_str(), same + 1),
    }
}

fn older(all: &[(Arc<Quota>, LimitVerdict)], headers: &mut HeaderMap, now: Timestamp) {
    let tightest = all.iter().map(|(_, verdict)| verdict.tightest());
    // The last one counted is the one that refused, if any did.
    let tightest =
        tightest.reduce(
            |one, other| match other.wait.is_some() || other.remaining < one.remaining {
                true => other,
                false => one,
            },
        );
    let Some(outcome) = tightest else { return };
    let reset = now
        .plus(outcome.until_more())
        .plus(Duration::from_micros(999_999))
        .as_seconds();
    for (field, value) in [
        ("x-ratelimit-limit", i64::from(outcome.limit.rate().count())),
        ("x-ratelimit-remaining", i64::from(outcome.remaining)),
        ("x-ratelimit-reset", reset),
    ] {
        headers.insert(HeaderName::from_static(field), HeaderValue::from(value));
    }
}

/// Whole seconds, rounded up.
fn seconds(span: Duration) -> u64 {
    span.as_secs() + u64::from(span.subsec_nanos() > 0)
}
