//! The limits of one route, ready to be counted.

use std::collections::HashSet;
use std::sync::Arc;

use portcullis_core::defends;
use portcullis_core::environment::Timestamp;
use portcullis_core::throttle::{Ask, LimitKey, LimitVerdict, Limiter, Quota, Throttle};

use super::limit::Cost;
use super::{Allowance, Asking, RateLimit, Tally};
use crate::Problem;
use crate::route::Caller;

/// When a limit is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Before anybody is authenticated.
    Request,
    /// Once it is known who calls, or that nobody says so.
    Caller,
    /// Once a member was let in.
    Member,
}

/// The limits of one route.
pub(crate) struct Rates(Vec<(Stage, Named)>);

/// A limit and the name it has.
pub(crate) struct Named {
    limit: RateLimit,
    name: String,
    /// Where its limits are always the same.
    quota: Option<Arc<Quota>>,
}

impl Rates {
    /// Those of a route whose rule treats callers like this; `None` if there are none. Where nobody looks at who calls,
    /// everybody is a stranger.
    pub(crate) fn of(limits: Vec<Named>, caller: Caller, members: bool) -> Option<Self> {
        let stage = |limit: &RateLimit| match limit.asks_for_caller() && caller != Caller::Ignored {
            false => Stage::Request,
            true if limit.asks_for_organization() && members => Stage::Member,
            true => Stage::Caller,
        };
        let all: Vec<_> = limits
            .into_iter()
            .map(|named| (stage(&named.limit), named))
            .collect();
        (!all.is_empty()).then_some(Self(all))
    }

    /// Whether any is counted then.
    pub(crate) fn has(&self, stage: Stage) -> bool {
        self.0.iter().any(|(when, _)| *when == stage)
    }

    /// Counts the request for the limits of this stage, in their order, up to the one that refuses.
    ///
    /// # Errors
    /// 429, with when to come back.
    pub(crate) async fn count(
        &self,
        stage: Stage,
        throttle: &Throttle,
        asking: Asking<'_>,
        now: Timestamp,
        tally: &Tally,
    ) -> Result<(), Problem> {
        if let Some(own) = throttle.own() {
            return self.count_here(stage, own, asking, now, tally);
        }
        let mut calls = self.calls(stage, &asking);
        if calls.len() > 1 {
            let mut looked = Vec::with_capacity(calls.len());
            for call in &calls {
                looked.push(throttle.take(&call.look(), now).await);
            }
            refusing_first(&mut calls, looked.iter());
        }
        for call in calls {
            let verdict = throttle.take(&call.ask(), now).await;
            tally.note(call.quota, verdict)?;
        }
        Ok(())
    }

    /// The same where there is nothing to wait for.
    ///
    /// # Errors
    /// As [`Self::count`].
    pub(crate) fn count_here(
        &self,
        stage: Stage,
        own: &Limiter,
        asking: Asking<'_>,
        now: Timestamp,
        tally: &Tally,
    ) -> Result<(), Problem> {
        defends!("T245");
        let mut calls = self.calls(stage, &asking);
        if calls.len() > 1 {
            let looked: Vec<_> = calls.iter().map(|call| own.take(&call.look(), now)).collect();
            refusing_first(&mut calls, looked.iter());
        }
        for call in calls {
            let verdict = own.take(&call.ask(), now);
            tally.note(call.quota, verdict)?;
        }
        Ok(())
    }

    /// What is counted of a request at this stage.
    fn calls(&self, stage: Stage, asking: &Asking<'_>) -> Vec<Call> {
        let at_stage = self.0.iter().filter(|(when, _)| *when == stage);
        at_stage.filter_map(|(_, named)| named.call(asking)).collect()
    }
}

/// Puts the first that would refuse before the others, which it costs nothing then.
fn refusing_first<'v>(calls: &mut [Call], mut looked: impl Iterator<Item = &'v LimitVerdict>) {
    let mut refusing = calls.iter().map(|call| {
        let verdict = looked.next();
        verdict.is_some_and(|verdict| verdict.outcomes().any(|outcome| !outcome.leaves(call.cost)))
    });
    if let Some(index) = refusing.position(|refuses| refuses)
        && let Some(until) = calls.get_mut(..=index)
    {
        until.rotate_right(1);
    }
}

impl Named {
    /// The limit, under this name unless it has one.
    pub(crate) fn new(limit: RateLimit, name: &str) -> Self {
        let name = limit.name.as_deref().unwrap_or(name).to_owned();
        let fixed = limit.allowance.as_ref().and_then(Allowance::fixed);
        let quota = fixed
            .and_then(|limits| Quota::new(name.clone(), *limits).ok())
            .map(Arc::new);
        Self { limit, name, quota }
    }

    /// What is counted of a request, if it is.
    fn call(&self, asking: &Asking<'_>) -> Option<Call> {
        let subject = self.limit.subject(asking)?;
        let cost = match &self.limit.cost {
            Cost::Fixed(cost) => *cost,
            Cost::Of(cost) => cost(asking),
        };
        let quota = match &self.quota {
            Some(quota) => Arc::clone(quota),
            None => {
                let limits = self.limit.allowance.as_ref()?.of(asking);
                Arc::new(Quota::new(self.name.clone(), limits).ok()?)
            }
        };
        Some(Call { quota, subject, cost })
    }
}

/// A request, as one limit counts it.
struct Call {
    quota: Arc<Quota>,
    subject: LimitKey,
    cost: u32,
}

impl Call {
    fn ask(&self) -> Ask<'_> {
        Ask {
            quota: &self.quota,
            subject: self.subject,
            cost: self.cost,
        }
    }

    /// The same without counting anything.
    fn look(&self) -> Ask<'_> {
        Ask {
            cost: 0,
            ..self.ask()
        }
    }
}

/// The name of a route's limit that has none of its own: `post-auth-login`; with a number where another route has it.
pub(crate) fn unique_name(method: &str, path: &str, taken: &mut HashSet<String>) -> String {
    let mut name = method.to_ascii_lowercase();
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' => name.push(char::from(byte.to_ascii_lowercase())),
            b'a'..=b'z' | b'0'..=b'9' => name.push(char::from(byte)),
            _ if name.ends_with('-') => {}
            _ => name.push('-'),
        }
    }
    name.truncate(Quota::LONGEST_NAME - 4);
    let base = name.trim_end_matches('-').to_owned();
    let mut name = base.clone();
    for number in 2.. {
        if taken.insert(name.clone()) {
            break;
        }
        name = format!("{base}-{number}");
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_route_has_a_name_that_a_header_can_hold() {
        let mut taken = HashSet::new();
        let long = format!("/{}", "a".repeat(200));
        for (path, name) in [
            ("/", "get"),
            ("/users/{id}", "get-users-id"),
            ("/users-id", "get-users-id-2"),
            ("/Users_Id/", "get-users-id-3"),
            ("/\"quoted\"\r\n", "get-quoted"),
            ("/ü", "get-2"),
            (long.as_str(), &format!("get-{}", "a".repeat(56))),
            (long.as_str(), &format!("get-{}-2", "a".repeat(56))),
        ] {
            let given = unique_name("GET", path, &mut taken);
            assert_eq!(given, name, "{path:?}");
            Quota::new(given, portcullis_core::throttle::Limits::parse("1/day").unwrap()).unwrap();
        }
    }
}
