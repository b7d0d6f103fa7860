//! A decision by policies: 20 of them, about one of 10,000 resources; one that may be remembered; and the filter of a
//! list.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::hint::black_box;

use anyhow::{Context as _, Result, anyhow};
use portcullis::Principal;
use portcullis::core::access::policy::{Declarations, Schema, Set, Source};
use portcullis::core::access::resource::{Field, FieldKind, ResourceFacts, ResourceKind, Value};
use portcullis::core::access::{Bearer, Credential, Policies as _, Situation, Verdict};
use portcullis::core::account;
use portcullis::core::session::Delivery;

use super::Plan;
use crate::deployment::{self, runtime};
use crate::measure::{Side, Stopwatch, in_turns};
use crate::report::{Budget, Line};

static POST: ResourceKind = ResourceKind {
    name: "Post",
    fields: &[
        Field {
            name: "draft",
            kind: FieldKind::Bool,
            optional: false,
        },
        Field {
            name: "size",
            kind: FieldKind::Long,
            optional: false,
        },
        Field {
            name: "tags",
            kind: FieldKind::TextSet,
            optional: false,
        },
    ],
    actions: &["posts:edit"],
};

/// All 20 speak of editing posts; the last permits, so that none is spared.
fn policies() -> String {
    let mut text = String::new();
    for number in 0..18 {
        let effect = if number % 3 == 0 { "forbid" } else { "permit" };
        let _ = writeln!(
            text,
            "{effect}(principal, action == Action::\"posts:edit\", resource) when {{
               principal in Role::\"role-{number}\" && resource.size > {number} && !resource.draft
               || resource.tags.contains(\"tag-{number}\") }};"
        );
    }
    text.push_str(
        "permit(principal, action == Action::\"posts:edit\", resource) when { resource has owner && resource.owner == principal };
         forbid(principal, action == Action::\"posts:edit\", resource) when { context.now > datetime(\"2100-01-01\") };
         permit(principal, action == Action::\"reports:export\", resource) when { principal in Role::\"nobody\" || !context.scoped };",
    );
    text
}

fn loaded() -> Result<Set> {
    let mut declarations = Declarations::new();
    declarations.action("reports:export");
    declarations.kind(&POST);
    let source = Source {
        name: "measured.cedar".to_owned(),
        text: policies(),
    };
    Set::load(&Schema::of(declarations)?, &[source]).map_err(|report| anyhow!("{report}"))
}

/// Every other one is the caller's.
fn posts(owner: account::Id, count: i64) -> Vec<ResourceFacts> {
    let post = |number: i64| ResourceFacts {
        kind: &POST,
        id: number.to_string(),
        owner: (number % 2 == 0).then_some(owner),
        organization: None,
        fields: BTreeMap::from([
            ("draft", Value::Bool(number % 3 == 0)),
            ("size", Value::Long(number)),
            ("tags", Value::TextSet(vec![format!("tag-{}", number + 100)])),
        ]),
    };
    (0..count).map(post).collect()
}

pub(super) fn measure(plan: &Plan) -> Result<Vec<Line>> {
    let (now, principal) = runtime()?.block_on(async {
        let portcullis = deployment::in_memory().open().await?;
        deployment::register(&portcullis, EMAIL).await?;
        let token = deployment::log_in(&portcullis, EMAIL, Delivery::Tokens).await?;
        let now = portcullis.environment().now();
        let credential = Credential::Jwt(Bearer(&token));
        let principal = portcullis
            .gate()
            .authenticator()
            .authenticate(&credential, None, now)
            .await?;
        anyhow::Ok((now, principal))
    })?;
    let (set, posts) = (loaded()?, posts(principal.id(), plan.pick(100, POSTS, POSTS)));
    let situation = Situation::at(now);
    let who: &Principal = &principal;
    let (own, foreign): (Vec<_>, Vec<_>) = posts.iter().partition(|post| post.owner.is_some());
    let decide = |post: &ResourceFacts| set.decide(who, &situation, "posts:edit", Some(post));
    (own.iter().all(|post| decide(post) == Verdict::Permitted)
        && foreign.iter().all(|post| decide(post) == Verdict::Silent)
        && set.decide(who, &situation, "reports:export", None) == Verdict::Permitted)
        .then_some(())
        .context("a decision by policies is wrong")?;
    let timed = |times: usize, step: &dyn Fn(usize)| {
        let started = Stopwatch::processor_of_this_thread();
        (0..times).for_each(step);
        let used = Stopwatch::processor_of_this_thread().saturating_sub(started);
        Ok(used.as_secs_f64() * 1e6 / times as f64)
    };
    let each = |posts: &[&ResourceFacts]| {
        timed(posts.len(), &|index| {
            black_box(posts.get(index).map(|post| decide(black_box(post))));
        })
    };
    let mut sides: Vec<Side<'_, f64>> = vec![
        Box::new(|_| each(&own)),
        Box::new(|_| each(&foreign)),
        Box::new(|_| {
            timed(plan.pick(1_000, 100_000, 100_000), &|_| {
                black_box(set.decide(who, &situation, black_box("reports:export"), None));
            })
        }),
        Box::new(|_| {
            timed(plan.pick(10, 200, 200), &|_| {
                black_box(set.filters(who, &situation, black_box("posts:edit"), &POST));
            })
        }),
    ];
    let samples = in_turns(plan.rounds(5, 15), plan.millis(0, 0), &mut sides)?;
    let named = NAMES.iter().zip(&samples);
    let line = |((name, budget), samples): (&(&str, Budget), &Vec<f64>)| {
        Line::absolute(format!("policies: {name}"), "µs", samples, *budget)
    };
    Ok(named.map(line).collect())
}

const NAMES: [(&str, Budget); 4] = [
    (
        "20, about one of 10,000 resources, permitted",
        Budget::AtMost(150.0),
    ),
    (
        "20, about one of 10,000 resources, not permitted",
        Budget::AtMost(150.0),
    ),
    ("a decision that is remembered", Budget::None),
    ("20, as a filter for a list", Budget::None),
];
const POSTS: i64 = 10_000;
const EMAIL: &str = "anna@example.com";
