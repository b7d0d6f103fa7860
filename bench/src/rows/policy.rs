//! A decision by policies: 20 of them, about one of 10,000 resources; one that may be remembered; and the filter of a
//! list.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::Arc;

use anyhow::{Result, anyhow, ensure};
use portcullis_identity::core::audit::Context;
use portcullis_identity::core::authn::{Bearer, Credential};
use portcullis_identity::core::authz::policy::{Declarations, Schema, Set, Source};
use portcullis_identity::core::authz::resource::{
    FieldKind, ResourceFacts, ResourceField, ResourceKind, Tenancy, Value,
};
use portcullis_identity::core::authz::{
    DecisionContext, Membership, PermissionSet, Permit, Policies as _, Verdict,
};
use portcullis_identity::core::environment::Timestamp;
use portcullis_identity::core::login::Delivery;
use portcullis_identity::core::{account, organization};
use portcullis_identity::{Portcullis, Principal};
use uuid::Uuid;

use super::Plan;
use crate::deployment::{self, runtime};
use crate::measure::{Side, Stopwatch, in_turns};
use crate::report::{Budget, Line};

const POST_KIND: ResourceKind = ResourceKind {
    name: "Post",
    tenancy: Tenancy::Anywhere,
    fields: &[
        ResourceField {
            name: "draft",
            kind: FieldKind::Bool,
            optional: false,
        },
        ResourceField {
            name: "size",
            kind: FieldKind::Long,
            optional: false,
        },
        ResourceField {
            name: "tags",
            kind: FieldKind::TextSet,
            optional: false,
        },
    ],
    actions: &["posts:edit"],
};

static POST: ResourceKind = POST_KIND;

static PAGE: ResourceKind = ResourceKind {
    name: "Page",
    actions: &["pages:edit"],
    ..POST_KIND
};

/// 20 speak of editing posts and 20 of editing pages; the last but one permits, so that none is spared.
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
    // The same number for editing pages, of which none ends before its last condition.
    for number in 0..18 {
        let effect = if number % 3 == 0 { "forbid" } else { "permit" };
        let _ = writeln!(
            text,
            "{effect}(principal, action == Action::\"pages:edit\", resource) when {{
               principal in Role::\"role-{number}\" && context has ip && !context.ip.isLoopback()
               && context has organization && context.org_roles.contains(\"org-role-{number}\")
               && resource.tags.contains(\"tag-{number}\") && resource.size < 0 }};"
        );
    }
    text.push_str(
        "permit(principal, action == Action::\"pages:edit\", resource) when { resource has owner && resource.owner == principal };
         forbid(principal, action == Action::\"pages:edit\", resource) when { context.now > datetime(\"2100-01-01\") };
         permit(principal, action == Action::\"posts:edit\", resource) when { resource has owner && resource.owner == principal };
         forbid(principal, action == Action::\"posts:edit\", resource) when { context.now > datetime(\"2100-01-01\") };
         permit(principal, action == Action::\"reports:export\", resource) when { principal in Role::\"nobody\" || !context.scoped };",
    );
    text
}

/// A hundred kinds of posts, each with an action of its own that 20 policies speak of.
fn crowd() -> Result<(Set, &'static ResourceKind, &'static str)> {
    let mut declarations = Declarations::new();
    let mut text = String::new();
    let mut last = (&POST, "");
    for number in 0..CROWD {
        let action: &'static str = format!("posts:edit-{number}").leak();
        let kind: &'static ResourceKind = Box::leak(Box::new(ResourceKind {
            name: format!("Post{number}").leak(),
            actions: vec![action].leak(),
            ..POST_KIND
        }));
        declarations.kind(kind);
        let spoken = policies()
            .lines()
            .collect::<Vec<_>>()
            .join(" ")
            .split_inclusive(';')
            .filter(|policy| policy.contains("posts:edit"))
            .map(|policy| policy.replace("posts:edit", action))
            .collect::<String>();
        text.push_str(&spoken);
        last = (kind, action);
    }
    let source = Source {
        name: "crowd.cedar".to_owned(),
        text,
    };
    let set = Set::load(&Schema::of(declarations)?, &[source]).map_err(|report| anyhow!("{report}"))?;
    ensure!(
        set.names().len() == 20 * CROWD,
        "{} policies are loaded",
        set.names().len()
    );
    Ok((set, last.0, last.1))
}

fn loaded() -> Result<Set> {
    let mut declarations = Declarations::new();
    declarations.action("reports:export");
    declarations.kind(&POST);
    declarations.kind(&PAGE);
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
            ("tags", Value::TextSet([format!("tag-{}", number + 100)].into())),
        ]),
    };
    (0..count).map(post).collect()
}

/// The same as pages with a hundred tags, all of them the caller's.
fn pages(owner: account::Id) -> Vec<ResourceFacts> {
    let tags: BTreeSet<String> = (0..100).map(|number| format!("tag-{number}")).collect();
    let page = |post: ResourceFacts| {
        let mut fields = post.fields;
        fields.insert("tags", Value::TextSet(tags.clone()));
        ResourceFacts {
            kind: &PAGE,
            owner: Some(owner),
            fields,
            ..post
        }
    };
    posts(owner, PAGES).into_iter().map(page).collect()
}

/// An account with as many roles as a busy one has: every condition of the policies is evaluated to its end.
async fn busy(portcullis: &Portcullis) -> Result<Arc<Principal>> {
    let account = deployment::register(portcullis, BUSY).await?;
    let permit = Permit::dangerous_for_operator();
    let by = || Context::operator(portcullis.environment().now());
    for number in 0..50 {
        let name = format!("role-{number}");
        portcullis.roles().create(&permit, &name, "", by()).await?;
        portcullis.roles().assign(&permit, account, &name, by()).await?;
    }
    known(portcullis, BUSY).await
}

async fn known(portcullis: &Portcullis, email: &str) -> Result<Arc<Principal>> {
    let token = deployment::log_in(portcullis, email, Delivery::Tokens).await?;
    let now = portcullis.environment().now();
    let credential = Credential::Jwt(Bearer(&token));
    let authenticator = portcullis.gate().authenticator();
    Ok(authenticator.authenticate(&credential, None, now).await?)
}

fn membership() -> Membership {
    Membership {
        organization: organization::Id::from_uuid(Uuid::from_u128(7)),
        roles: (0..18).map(|number| format!("org-role-{number}")).collect(),
        permission_names: Vec::new(),
        permissions: PermissionSet::default(),
    }
}

/// Microseconds of the processor for one step.
fn timed(times: usize, step: &dyn Fn(usize)) -> Result<f64> {
    let started = Stopwatch::processor_of_this_thread();
    (0..times).for_each(step);
    let used = Stopwatch::processor_of_this_thread().saturating_sub(started);
    Ok(used.as_secs_f64() * 1e6 / times as f64)
}

/// The moment, somebody without roles, and somebody with many.
fn callers() -> Result<(Timestamp, Arc<Principal>, Arc<Principal>)> {
    runtime()?.block_on(async {
        let portcullis = deployment::in_memory().open().await?;
        deployment::register(&portcullis, EMAIL).await?;
        let principal = known(&portcullis, EMAIL).await?;
        let busy = busy(&portcullis).await?;
        Ok((portcullis.environment().now(), principal, busy))
    })
}

pub(super) fn measure(plan: &Plan) -> Result<Vec<Line>> {
    let (now, principal, busy) = callers()?;
    let (set, posts) = (loaded()?, posts(principal.id(), plan.pick(100, POSTS, POSTS)));
    let decision = DecisionContext::at(now);
    let who: &Principal = &principal;
    let (pages, member) = (pages(busy.id()), membership());
    let crowded = DecisionContext {
        ip: Some([192, 0, 2, 1].into()),
        selected: Some(member.organization),
        member: Some(&member),
        ..decision
    };
    let decide_page = |page: &ResourceFacts| set.decide(&busy, &crowded, "pages:edit", Some(page));
    let (own, foreign): (Vec<_>, Vec<_>) = posts.iter().partition(|post| post.owner.is_some());
    let decide = |post: &ResourceFacts| set.decide(who, &decision, "posts:edit", Some(post));
    let (crowd, kind, action) = crowd()?;
    let of_crowd = posts.iter().filter(|post| post.owner.is_some()).cloned();
    let of_crowd: Vec<_> = of_crowd.map(|post| ResourceFacts { kind, ..post }).collect();
    let decide_crowd = |post: &ResourceFacts| crowd.decide(who, &decision, action, Some(post));
    let whole = || set.decide(who, &decision, black_box("reports:export"), None);
    let right = own.iter().all(|post| decide(post) == Verdict::Permitted)
        && pages.iter().all(|page| decide_page(page) == Verdict::Permitted)
        && foreign.iter().all(|post| decide(post) == Verdict::Silent)
        && of_crowd
            .iter()
            .all(|post| decide_crowd(post) == Verdict::Permitted)
        && whole() == Verdict::Permitted;
    ensure!(right, "a decision by policies is wrong");
    let each = |posts: &[&ResourceFacts]| {
        timed(posts.len(), &|index| {
            black_box(posts.get(index).map(|post| decide(black_box(post))));
        })
    };
    let mut sides: Vec<Side<'_, f64>> = vec![
        Box::new(|_| each(&own)),
        Box::new(|_| each(&foreign)),
        Box::new(|_| {
            timed(pages.len(), &|index| {
                black_box(pages.get(index).map(|page| decide_page(black_box(page))));
            })
        }),
        Box::new(|_| {
            timed(plan.pick(1_000, 100_000, 100_000), &|_| {
                black_box(whole());
            })
        }),
        Box::new(|_| {
            timed(plan.pick(10, 200, 200), &|_| {
                black_box(set.filters(who, &decision, black_box("posts:edit"), &POST));
            })
        }),
        Box::new(|_| {
            timed(of_crowd.len(), &|index| {
                black_box(of_crowd.get(index).map(|post| decide_crowd(black_box(post))));
            })
        }),
    ];
    let samples = in_turns(plan.rounds(5, 15), plan.millis(0, 0), &mut sides)?;
    lines(&samples)
}

fn lines(samples: &[Vec<f64>]) -> Result<Vec<Line>> {
    let [few, .., many] = samples else {
        anyhow::bail!("nothing was measured");
    };
    let sliced = Line::compared(
        "policies: 2,000 of 100 actions ÷ 20 of one, permitted",
        "µs",
        (many, few),
        Budget::RatioAtMost(2.0),
    );
    let named = NAMES.iter().zip(samples);
    let line = |((name, budget), samples): (&(&str, Budget), &Vec<f64>)| {
        Line::absolute(format!("policies: {name}"), "µs", samples, *budget)
    };
    Ok(named.map(line).chain([sliced]).collect())
}

const NAMES: [(&str, Budget); 5] = [
    (
        "20, about one of 10,000 resources, permitted",
        Budget::AtMost(12.0),
    ),
    (
        "20, about one of 10,000 resources, not permitted",
        Budget::AtMost(150.0),
    ),
    (
        "20, all evaluated: 50 roles, a membership, an address, a set of 100",
        Budget::AtMost(150.0),
    ),
    ("a decision that is remembered", Budget::None),
    ("20, as a filter for a list", Budget::None),
];
/// How many actions the crowd of policies speaks of.
const CROWD: usize = 100;
const POSTS: i64 = 10_000;
const PAGES: i64 = 2_000;
const EMAIL: &str = "anna@example.com";
const BUSY: &str = "busy@example.com";
