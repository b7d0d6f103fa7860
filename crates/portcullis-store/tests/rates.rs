//! Rates: what every store of them promises, in memory and in Redis, and that both say the same.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#![cfg(feature = "redis")]

mod ephemeral;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use ephemeral::{Keys, START, fresh_id, server};
use portcullis_core::checks;
use portcullis_core::throttle::{
    Ask, Counts, LimitKey, LimitVerdict, Limiter, Limits, Outcome, Quota, SharedCounts, Throttle, V6Prefix,
};
use portcullis_store::ephemeral::Redis;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// Counts whose time a test moves.
#[async_trait]
trait Store {
    async fn take(&self, ask: &Ask<'_>) -> LimitVerdict;
    fn pass(&self, time: Duration);
}

struct InMemory(Limiter, AtomicU64);

#[async_trait]
impl Store for InMemory {
    async fn take(&self, ask: &Ask<'_>) -> LimitVerdict {
        self.0.take(
            ask,
            START.plus(Duration::from_micros(self.1.load(Ordering::Relaxed))),
        )
    }

    fn pass(&self, time: Duration) {
        self.1
            .fetch_add(u64::try_from(time.as_micros()).unwrap(), Ordering::Relaxed);
    }
}

struct InRedis(Redis, Keys);

#[async_trait]
impl Store for InRedis {
    async fn take(&self, ask: &Ask<'_>) -> LimitVerdict {
        SharedCounts::take(&self.0, ask).await.unwrap()
    }

    /// Makes everything older: the clock is Redis' own.
    fn pass(&self, time: Duration) {
        let micros = time.as_micros();
        let mut connection = self.1.connection();
        for key in self.1.all() {
            let fields: Vec<(String, String)> =
                redis::cmd("HGETALL").arg(&key).query(&mut connection).unwrap();
            for (field, text) in fields {
                let older = text
                    .split(' ')
                    .enumerate()
                    .map(|(index, number)| match index % 2 {
                        0 => (number.parse::<u128>().unwrap() - micros).to_string(),
                        _ => number.to_owned(),
                    });
                let older: Vec<_> = older.collect();
                let _: u32 = redis::cmd("HSET")
                    .arg(&key)
                    .arg(field)
                    .arg(older.join(" "))
                    .query(&mut connection)
                    .unwrap();
            }
        }
    }
}

fn quota(text: &str) -> Quota {
    Quota::new("test", Limits::parse(text).unwrap()).unwrap()
}

fn someone() -> LimitKey {
    LimitKey::user(fresh_id())
}

fn in_memory() -> InMemory {
    InMemory(Limiter::new(1_000), AtomicU64::new(0))
}

async fn in_redis() -> Option<InRedis> {
    let keys = Keys::new(server()?);
    Some(InRedis(
        Redis::connect_with(&keys.server, &keys.prefix).await.unwrap(),
        keys,
    ))
}

/// Runs a case on every store.
macro_rules! contract {
    ($($case:ident)+) => {
        mod memory {
            $(#[tokio::test] async fn $case() { super::$case(&super::in_memory()).await; })+
        }
        mod on_redis {
            $(#[tokio::test] async fn $case() {
                if let Some(store) = super::in_redis().await { super::$case(&store).await; }
            })+
        }
    };
}

contract! {
    the_whole_count_comes_at_once_and_not_one_more
    what_was_used_comes_back_at_its_pace
    a_call_that_one_limit_refuses_costs_nothing_under_the_others
    subjects_and_quotas_are_counted_apart
    looking_costs_nothing
}

async fn the_whole_count_comes_at_once_and_not_one_more(store: &dyn Store) {
    for (text, count) in [
        ("5/hour", 5),
        ("1000/day; burst 50", 50),
        ("1/day; burst 90", 90),
        ("20/hour; sliding", 20),
        ("60/hour, 10/day", 10),
        ("999999/day; burst 7", 7),
    ] {
        let (quota, who) = (quota(text), someone());
        for left in (0..count).rev() {
            let verdict = store.take(&Ask::once(&quota, who)).await;
            assert_eq!(
                (verdict.wait(), verdict.tightest().remaining),
                (None, left),
                "{text}"
            );
        }
        for _ in 0..10 {
            let verdict = store.take(&Ask::once(&quota, who)).await;
            assert!(verdict.wait() > Some(Duration::ZERO), "{text}");
            assert_eq!(verdict.tightest().remaining, 0, "{text}");
        }
    }
}

async fn what_was_used_comes_back_at_its_pace(store: &dyn Store) {
    let minute = Duration::from_secs(60);
    for (text, back) in [
        ("60/hour", [0, 1, 9]),
        ("60/hour; sliding", [0, 0, 0]),
        ("60/hour; burst 5", [0, 1, 5]),
    ] {
        let (quota, who) = (quota(text), someone());
        while store.take(&Ask::once(&quota, who)).await.wait().is_none() {}
        for (pass, back) in [minute / 2, minute, 9 * minute].into_iter().zip(back) {
            store.pass(pass);
            let mut came = 0;
            while store.take(&Ask::once(&quota, who)).await.wait().is_none() {
                came += 1;
            }
            assert_eq!(came, back, "{text} after {pass:?}");
        }
        store.pass(Duration::from_secs(3_600));
        let cost = quota.limits().first().at_once();
        assert_eq!(
            store
                .take(&Ask {
                    cost,
                    ..Ask::once(&quota, who)
                })
                .await
                .wait(),
            None,
            "{text}"
        );
    }
}

async fn a_call_that_one_limit_refuses_costs_nothing_under_the_others(store: &dyn Store) {
    for text in [
        "2/hour, 3/day",
        "3/day; sliding, 2/hour; sliding",
        "2/hour; sliding, 3/day",
    ] {
        let (quota, who) = (quota(text), someone());
        for _ in 0..20 {
            store.take(&Ask::once(&quota, who)).await;
        }
        let left = store
            .take(&Ask {
                cost: 0,
                ..Ask::once(&quota, who)
            })
            .await;
        let mut left: Vec<_> = left.outcomes().map(|outcome| outcome.remaining).collect();
        left.sort_unstable();
        assert_eq!(left, [0, 1], "{text}");
        let refused = store.take(&Ask::once(&quota, who)).await;
        let mut left: Vec<_> = refused.outcomes().map(|outcome| outcome.remaining).collect();
        left.sort_unstable();
        assert_eq!(left, [0, 1], "{text}");
    }
}

async fn subjects_and_quotas_are_counted_apart(store: &dyn Store) {
    let network = |text: &str| LimitKey::address(text.parse().unwrap(), V6Prefix::SITE);
    let one = quota("1/hour");
    let all = [
        someone(),
        someone(),
        network("192.0.2.1"),
        network("2001:db8::1"),
        LimitKey::NOBODY,
        LimitKey::named("x"),
    ];
    for who in all {
        assert_eq!(store.take(&Ask::once(&one, who)).await.wait(), None, "{who:?}");
        assert!(
            store.take(&Ask::once(&one, who)).await.wait().is_some(),
            "{who:?}"
        );
        let other = Quota::new("other", *one.limits()).unwrap();
        for other in [other, quota("1/day"), quota("1/hour; sliding")] {
            assert_eq!(
                store.take(&Ask::once(&other, who)).await.wait(),
                None,
                "{who:?} {other}"
            );
        }
    }
}

async fn looking_costs_nothing(store: &dyn Store) {
    for text in ["3/hour", "3/hour; sliding"] {
        let (quota, who) = (quota(text), someone());
        for _ in 0..10 {
            let verdict = store
                .take(&Ask {
                    cost: 0,
                    ..Ask::once(&quota, who)
                })
                .await;
            assert_eq!(
                (verdict.wait(), verdict.tightest().remaining),
                (None, 3),
                "{text}"
            );
        }
    }
}

fn to_micros(span: Duration) -> i128 {
    i128::try_from(span.as_nanos().div_ceil(1_000)).unwrap()
}

/// Redis' clock goes on while a test runs.
fn alike(memory: &Outcome, redis: &Outcome) -> bool {
    let near = |one: Duration, other: Duration| (to_micros(one) - to_micros(other)).abs() < 15_000_000;
    let waits = match (memory.wait, redis.wait) {
        (None, None) => true,
        (Some(one), Some(other)) => near(one, other),
        _ => false,
    };
    memory.remaining == redis.remaining && waits && near(memory.reset, redis.reset)
}

#[test]
fn redis_and_memory_say_the_same() {
    if server().is_none() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let (memory, redis) = (in_memory(), runtime.block_on(in_redis()).unwrap());
    // Each unit takes 36 seconds at least to come back, and pauses end halfway: what the test takes itself changes nothing.
    const TEXTS: [&str; 6] = [
        "100/hour",
        "10/hour; burst 3",
        "5/hour; sliding",
        "30/hour, 40/day",
        "7/hour; sliding, 20/day",
        "1000/day",
    ];
    let calls = proptest::collection::vec((0_u64..40, 0_u32..8), 1..25);
    let mut runner = TestRunner::new(Config::with_cases(25));
    let ran = runner.run(&(proptest::sample::select(&TEXTS[..]), calls), |(text, calls)| {
        let (quota, who) = (quota(text), someone());
        let moves = text.contains("1000") || text.contains("100/") || calls.len() % 2 == 0;
        for (pause, cost) in calls {
            if moves && pause > 0 {
                let pause = Duration::from_millis(pause * 216_000 + 18_000);
                memory.pass(pause);
                redis.pass(pause);
            }
            let ask = Ask {
                cost,
                ..Ask::once(&quota, who)
            };
            let (one, other) = runtime.block_on(async { (memory.take(&ask).await, redis.take(&ask).await) });
            let same = one
                .outcomes()
                .zip(other.outcomes())
                .all(|(one, other)| alike(one, other));
            prop_assert!(same, "{text} {cost}: {one:?} {other:?}");
        }
        Ok(())
    });
    ran.unwrap();
}

// Shows: AB-1, AK-4
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixteen_tasks_on_two_nodes_never_pass_more_than_the_limit() {
    checks!("T246");
    let Some(keys) = server().map(Keys::new) else {
        return;
    };
    for text in ["100/hour", "100/hour; sliding", "100/day, 1000/day"] {
        let mut nodes = Vec::new();
        for _ in 0..2 {
            let redis = Redis::connect_with(&keys.server, &keys.prefix).await.unwrap();
            nodes.push(Arc::new(Throttle::sharing(Arc::new(redis), Limiter::new(100))));
        }
        let who = someone();
        let tasks = (0..16).map(|task: usize| {
            let (node, quota) = (Arc::clone(&nodes[task % 2]), quota(text));
            tokio::spawn(async move {
                let mut admitted = 0;
                for _ in 0..25 {
                    admitted += usize::from(node.take(&Ask::once(&quota, who), START).await.wait().is_none());
                }
                admitted
            })
        });
        let mut admitted = 0;
        for task in tasks.collect::<Vec<_>>() {
            admitted += task.await.unwrap();
        }
        assert_eq!(admitted, 100, "{text}");
        assert!(nodes.iter().all(|node| node.counts() == Counts::Shared), "{text}");
    }
}

#[tokio::test]
async fn what_is_kept_expires_by_itself_and_names_no_address() {
    let Some(store) = in_redis().await else { return };
    let (quota, who) = (quota("10/hour, 5/minute; sliding"), someone());
    let _ = Store::take(&store, &Ask::once(&quota, who)).await;
    let _ = Store::take(
        &store,
        &Ask {
            cost: 0,
            ..Ask::once(&quota, someone())
        },
    )
    .await;
    let all = store.1.all();
    assert_eq!(all.len(), 1, "looking keeps nothing: {all:?}");
    let left: i64 = redis::cmd("PTTL")
        .arg(&all[0])
        .query(&mut store.1.connection())
        .unwrap();
    assert!((355_000..=361_000).contains(&left), "{left}");
    assert!(
        all[0].ends_with(&format!("r:test:10/hour, 5/minute; sliding:{who}")),
        "{all:?}"
    );
}

#[tokio::test]
async fn what_is_no_count_of_ours_is_taken_for_none() {
    let Some(store) = in_redis().await else { return };
    let (quota, who) = (quota("2/hour, 2/hour; sliding"), someone());
    let _ = Store::take(&store, &Ask::once(&quota, who)).await;
    let key = &store.1.all()[0];
    for field in ["1", "2"] {
        let _: u32 = redis::cmd("HSET")
            .arg(key)
            .arg(field)
            .arg("x -1 1e99")
            .query(&mut store.1.connection())
            .unwrap();
    }
    let verdict = Store::take(&store, &Ask::once(&quota, who)).await;
    assert_eq!(verdict.tightest().remaining, 1);
}

#[tokio::test]
async fn a_redis_that_is_gone_or_silent_costs_a_moment_once() {
    checks!("T247");
    // Somebody who takes connections and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("redis://{}/", silent.local_addr().unwrap());
    let throttle = Throttle::sharing(
        Arc::new(Redis::lazily(&address, "x:").unwrap()),
        Limiter::new(100),
    );
    let (three, who, begun) = (quota("3/hour"), someone(), Instant::now());
    let mut admitted = 0;
    for _ in 0..50 {
        admitted += usize::from(
            throttle
                .take(&Ask::once(&three, who), START)
                .await
                .wait()
                .is_none(),
        );
    }
    assert_eq!((admitted, throttle.counts()), (3, Counts::OwnMeanwhile));
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
}
