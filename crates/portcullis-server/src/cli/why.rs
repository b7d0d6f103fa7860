//! `portcullis why`: says why a request was refused.

use clap::Args;
use portcullis_core::authz::{Decision, DecisionsRead, Explanation, Permit};
use portcullis_identity::Portcullis;
use serde_json::json;
use uuid::Uuid;

use super::failure::Failure;
use crate::output::Output;

#[derive(Debug, Args)]
pub(super) struct Why {
    /// The trace id of the refusal: `trace_id` of its answer, or its x-request-id header
    trace: Uuid,
}

impl Why {
    pub(super) async fn run(self, portcullis: &Portcullis, output: &Output) -> Result<(), Failure> {
        let permit = Permit::<DecisionsRead>::dangerous_for_operator();
        let decision = portcullis.decisions().find(&permit, self.trace).await?;
        let decision = decision.ok_or_else(|| {
            Failure::Failed(format!(
                "no refusal with the trace id {} is kept: refusals are kept for seven days, and of floods only \
                 some; `portcullis audit list --trace {}` may know more",
                self.trace, self.trace
            ))
        })?;
        Ok(output.text(&shown(&decision), &json!(decision))?)
    }
}

/// The decision for people.
fn shown(decision: &Decision) -> Vec<String> {
    let or = |text: Option<String>, without: &str| text.unwrap_or_else(|| without.to_owned());
    let scopes = decision.scopes.as_ref().map(|names| names.join(" "));
    let mut lines = vec![
        format!("{} was refused: {}", decision.operation, decision.code),
        decision.why.clone(),
        String::new(),
    ];
    let facts = [
        ("at", decision.at.to_string()),
        ("rule", decision.rule.clone()),
        (
            "account",
            or(decision.account.map(|id| id.to_string()), "unauthenticated"),
        ),
        ("credential", or(decision.credential.clone(), "-")),
        ("session", or(decision.session.map(|id| id.to_string()), "-")),
        ("api key", or(decision.key.map(|id| id.to_string()), "-")),
        (
            "login",
            or(decision.authenticated_at.map(|at| at.to_string()), "-"),
        ),
        ("scopes", or(scopes, "not narrowed")),
    ];
    lines.extend(facts.map(|(name, value)| format!("{name:10}  {value}")));
    if let Some(tree) = &decision.tree {
        lines.push(String::new());
        branch(tree, 0, &mut lines);
    }
    lines
}

/// One line for each part of the rule, parts further to the right.
fn branch(node: &Explanation, depth: usize, lines: &mut Vec<String>) {
    let mark = if node.holds { "yes" } else { "no" };
    let place = match node.within.as_str() {
        "organization" => " (in the organization)",
        _ => "",
    };
    lines.push(format!(
        "{:indent$}{mark:4} {}{place}: {}",
        "",
        node.rule,
        node.why,
        indent = depth * 2
    ));
    for part in &node.parts {
        branch(part, depth + 1, lines);
    }
}

#[cfg(test)]
mod tests {
    use portcullis_core::environment::Timestamp;

    use super::*;

    fn node(rule: &str, holds: bool, within: &str, why: &str, parts: Vec<Explanation>) -> Explanation {
        Explanation {
            rule: rule.to_owned(),
            holds,
            within: within.to_owned(),
            code: if holds { "holds" } else { "missing_permission" }.to_owned(),
            why: why.to_owned(),
            parts,
        }
    }

    #[test]
    fn a_decision_reads_as_a_tree() {
        let lacks = node(
            "posts:write",
            false,
            "organization",
            "the membership lacks it",
            vec![],
        );
        let fresh = node(
            "fresh-login(300)",
            true,
            "account",
            "the login was made 2 s before",
            vec![],
        );
        let member = node(
            "member(posts:write)",
            false,
            "account",
            "the account is a member",
            vec![lacks],
        );
        let rule = "member(posts:write) and fresh-login(300)";
        let decision = Decision {
            trace: Uuid::nil(),
            at: Timestamp::from_seconds(1_700_000_000),
            operation: "PUT /posts/{id}".to_owned(),
            rule: rule.to_owned(),
            code: "missing_permission".to_owned(),
            why: "the account needs the permission posts:write".to_owned(),
            credential: Some("jwt".to_owned()),
            account: None,
            session: None,
            key: None,
            scopes: Some(vec!["posts:read".to_owned(), "posts:write".to_owned()]),
            authenticated_at: None,
            tree: Some(node(
                rule,
                false,
                "account",
                "1 of 2 hold; all must",
                vec![member, fresh],
            )),
        };
        let expected = "\
PUT /posts/{id} was refused: missing_permission
the account needs the permission posts:write

at          2023-11-14T22:13:20Z
rule        member(posts:write) and fresh-login(300)
account     unauthenticated
credential  jwt
session     -
api key     -
login       -
scopes      posts:read posts:write

no   member(posts:write) and fresh-login(300): 1 of 2 hold; all must
  no   member(posts:write): the account is a member
    no   posts:write (in the organization): the membership lacks it
  yes  fresh-login(300): the login was made 2 s before";
        assert_eq!(shown(&decision).join("\n"), expected);
    }
}
