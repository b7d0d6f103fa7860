//! The decision alone: rule, principal, moment; allowed and denied.

use std::hint::black_box;

use anyhow::{Context as _, Result};
use portcullis_identity::core::authn::{Bearer, Credential};
use portcullis_identity::core::authz::{DecisionContext, Requirement, Rule, decide};
use portcullis_identity::core::login::Delivery;
use portcullis_identity::{Any, permissions};

use super::Plan;
use crate::deployment::{self, runtime};
use crate::measure::{Side, Stopwatch, in_turns};
use crate::report::{Budget, Line};

permissions! {
    First = "measured:first": "Held";
    Second = "measured:second": "Held";
    Third = "measured:third": "Held";
    Fourth = "measured:fourth": "Not held";
    Fifth = "measured:fifth": "Not held";
    Sixth = "measured:sixth": "Not held";
}

/// Rules with whether they hold. Those that can end early don't: the last member decides.
const RULES: [(&str, Rule, bool); 6] = [
    ("one permission, allowed", First::RULE, true),
    ("one permission, denied", Fourth::RULE, false),
    ("three of three, allowed", <(First, Second, Third)>::RULE, true),
    ("three of three, denied", <(First, Second, Sixth)>::RULE, false),
    ("one of three, allowed", Any::<(Fourth, Fifth, Third)>::RULE, true),
    ("one of three, denied", Any::<(Fourth, Fifth, Sixth)>::RULE, false),
];

pub(super) fn measure(plan: &Plan) -> Result<Vec<Line>> {
    let runtime = runtime()?;
    let (portcullis, principal) = runtime.block_on(async {
        let permissions = [
            First::RULE,
            Second::RULE,
            Third::RULE,
            Fourth::RULE,
            Fifth::RULE,
            Sixth::RULE,
        ];
        let mut declared = Vec::new();
        for rule in permissions {
            rule.each_permission(&mut |permission| declared.push(*permission));
        }
        let portcullis = deployment::in_memory().declare(declared).open().await?;
        let account = deployment::register(&portcullis, EMAIL).await?;
        let held = ["measured:first", "measured:second", "measured:third"];
        deployment::allow(&portcullis, account, &held).await?;
        let token = deployment::log_in(&portcullis, EMAIL, Delivery::Tokens).await?;
        let now = portcullis.environment().now();
        let principal = portcullis
            .gate()
            .authenticator()
            .authenticate(&Credential::Jwt(Bearer(&token)), None, now)
            .await?;
        anyhow::Ok((portcullis, principal))
    })?;
    let now = portcullis.environment().now();
    let decisions = plan.pick(1_000, DECISIONS, DECISIONS);
    let mut sides: Vec<Side<'_, f64>> = Vec::new();
    for (name, rule, holds) in RULES {
        let principal = &principal;
        (decide(&rule, principal, &DecisionContext::at(now)).is_ok() == holds)
            .then_some(())
            .with_context(|| format!("the decision about {name} is wrong"))?;
        sides.push(Box::new(move |_| {
            let started = Stopwatch::processor_of_this_thread();
            for _ in 0..decisions {
                let _ = black_box(decide(
                    black_box(&rule),
                    black_box(principal),
                    &DecisionContext::at(now),
                ));
            }
            let used = Stopwatch::processor_of_this_thread().saturating_sub(started);
            Ok(used.as_nanos() as f64 / f64::from(decisions))
        }));
    }
    let samples = in_turns(plan.rounds(9, 25), plan.millis(0, 0), &mut sides)?;
    let named = RULES.iter().zip(&samples);
    let line = |((name, ..), samples): (&(&str, Rule, bool), &Vec<f64>)| {
        Line::absolute(format!("decision: {name}"), "ns", samples, Budget::AtMost(100.0))
    };
    Ok(named.map(line).collect())
}

const EMAIL: &str = "anna@example.com";
const DECISIONS: u32 = 200_000;
