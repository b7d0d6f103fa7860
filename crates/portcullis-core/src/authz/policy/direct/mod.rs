//! Policies decided on the facts as they are.
//!
//! Putting a question to the language means building entities and a context from the facts, and the condition of each policy
//! anew. Most policies need none of that: they compare fields, times and names. Such a policy is compiled once, when it is
//! loaded, into [`Step`]s that look at caller, circumstances and resource where they are. What a policy says beyond that is
//! left to the language: not compiled, it is evaluated there as ever, beside those that are.
//!
//! **Invariants:** a compiled policy decides as the language does, missing attributes and failures included; the tests compare
//! both for policies made at random. Where an evaluation meets what the policy's types rule out, it says
//! nothing ([`Stop::Unsure`]), and the language decides.
//!
//! **Deliberately absent:** arithmetic, ranges of addresses, durations, decimals, `in` with anything but roles.

mod compile;
mod value;

use cedar_policy::pst::{self, StaticPolicy};

use self::value::Value;
use crate::attribute::Definition;
use crate::authz::resource::Pattern;
use crate::authz::{DecisionContext, Principal, ResourceFacts, ResourceKind, Verdict};
use crate::defends;

/// A compiled policy.
#[derive(Debug, Clone)]
pub(super) struct Direct {
    forbids: bool,
    condition: Step,
}

/// Who asks for what, when and where from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'q> {
    pub(super) principal: &'q Principal,
    pub(super) decision: &'q DecisionContext<'q>,
    pub(super) resource: Option<&'q ResourceFacts>,
}

/// A part of a condition.
#[derive(Debug, Clone)]
enum Step {
    Bool(bool),
    Long(i64),
    Text(String),
    Account(crate::account::Id),
    Organization(crate::id::OrganizationId),
    /// Milliseconds since 1970.
    Moment(i64),
    Texts(Vec<String>),
    Get(Place),
    Has(Place),
    Not(Box<Step>),
    Both(Box<[Step; 2]>),
    Either(Box<[Step; 2]>),
    Choose(Box<[Step; 3]>),
    Equal(Box<[Step; 2]>),
    Less(Box<[Step; 2]>),
    LessOrEqual(Box<[Step; 2]>),
    Contains(Box<[Step; 2]>),
    ContainsAll(Box<[Step; 2]>),
    ContainsAny(Box<[Step; 2]>),
    /// Whether the last is one of those before it.
    Among(Box<Step>, Vec<Step>),
    Like(Box<Step>, Pattern),
    Loopback(Box<Step>),
    /// Whether the caller has one of the roles.
    InRoles(Vec<String>),
    /// Whether the resource is the one of this id.
    IsResource(String),
}

/// Where a value is.
#[derive(Debug, Clone, Copy)]
enum Place {
    Caller,
    Email,
    EmailVerified,
    Username,
    State,
    Attribute(Definition),
    Id,
    Owner,
    Tenant,
    Field(&'static str),
    Now,
    Ip,
    UserAgent,
    Mfa,
    LoginAge,
    Credential,
    Selected,
    OrgRoles,
    Permissions,
    Scoped,
}

/// Why there is no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    /// The language would fail, too: an attribute isn't there.
    Failed,
    /// It isn't known what the language would say.
    Unsure,
}

impl Direct {
    /// Compiles a policy about resources of this kind; `None` if the language must evaluate it.
    pub(super) fn of(
        policy: &StaticPolicy,
        kind: Option<&'static ResourceKind>,
        attributes: &[Definition],
    ) -> Option<Self> {
        let condition = compile::Compiler { kind, attributes }.condition(policy)?;
        Some(Self {
            forbids: policy.body().effect == pst::Effect::Forbid,
            condition,
        })
    }
}

/// What the policies say together; `None` where it isn't known.
///
/// One policy that forbids outweighs all that permit. One that would forbid and fails does forbid; one that would permit and
/// fails doesn't permit.
pub(super) fn decide(policies: &[Direct], question: Question<'_>) -> Option<Verdict> {
    defends!("T060");
    let ask = |policy: &Direct| policy.condition.is_true(question);
    for policy in policies.iter().filter(|policy| policy.forbids) {
        match ask(policy) {
            Ok(true) | Err(Stop::Failed) => return Some(Verdict::Forbidden),
            Ok(false) => {}
            Err(Stop::Unsure) => return None,
        }
    }
    for policy in policies.iter().filter(|policy| !policy.forbids) {
        match ask(policy) {
            Ok(true) => return Some(Verdict::Permitted),
            Ok(false) | Err(Stop::Failed) => {}
            Err(Stop::Unsure) => return None,
        }
    }
    Some(Verdict::Silent)
}

impl Step {
    fn is_true(&self, question: Question<'_>) -> Result<bool, Stop> {
        match self.value(question)? {
            Value::Bool(yes) => Ok(yes),
            _ => Err(Stop::Unsure),
        }
    }

    fn value<'v>(&'v self, on: Question<'v>) -> Result<Value<'v>, Stop> {
        let yes = match self {
            Self::Bool(yes) => *yes,
            Self::Long(number) => return Ok(Value::Long(*number)),
            Self::Text(text) => return Ok(Value::Text(text)),
            Self::Account(id) => return Ok(Value::Account(*id)),
            Self::Organization(id) => return Ok(Value::Organization(*id)),
            Self::Moment(at) => return Ok(Value::Moment(*at)),
            Self::Texts(texts) => return Ok(Value::List(texts)),
            Self::Get(place) => return place.find(on)?.ok_or(Stop::Failed),
            Self::Has(place) => place.find(on)?.is_some(),
            Self::Not(step) => !step.is_true(on)?,
            Self::Both(steps) => {
                let [left, right] = &**steps;
                left.is_true(on)? && right.is_true(on)?
            }
            Self::Either(steps) => {
                let [left, right] = &**steps;
                left.is_true(on)? || right.is_true(on)?
            }
            Self::Choose(steps) => {
                let [condition, then, otherwise] = &**steps;
                let chosen = if condition.is_true(on)? { then } else { otherwise };
                return chosen.value(on);
            }
            Self::Equal(steps) => pair(steps, on).and_then(|(left, right)| left.is(right))?,
            Self::Less(steps) => pair(steps, on)
                .and_then(|(left, right)| left.order(right))?
                .is_lt(),
            Self::LessOrEqual(steps) => pair(steps, on)
                .and_then(|(left, right)| left.order(right))?
                .is_le(),
            Self::Contains(steps) => pair(steps, on).and_then(|(set, item)| set.contains(item))?,
            Self::ContainsAll(steps) => pair(steps, on).and_then(|(set, others)| set.has_all_of(others))?,
            Self::ContainsAny(steps) => pair(steps, on).and_then(|(set, others)| set.has_any_of(others))?,
            Self::Among(item, others) => among(item, others, on)?,
            Self::Like(step, pattern) => pattern.matches(step.value(on)?.text()?),
            Self::Loopback(step) => step.value(on)?.is_loopback()?,
            Self::InRoles(names) => names.iter().any(|name| on.principal.has_role(name)),
            Self::IsResource(id) => on.resource.ok_or(Stop::Unsure)?.id == *id,
        };
        Ok(Value::Bool(yes))
    }
}

/// The values of two steps: both are evaluated, whatever the first is.
fn pair<'v>(steps: &'v [Step; 2], on: Question<'v>) -> Result<(Value<'v>, Value<'v>), Stop> {
    let [left, right] = steps;
    Ok((left.value(on)?, right.value(on)?))
}

/// Whether the item is one of the others, each of which is evaluated: one that fails fails the whole.
fn among(item: &Step, others: &[Step], on: Question<'_>) -> Result<bool, Stop> {
    let mut found = false;
    let item = item.value(on)?;
    for other in others {
        found |= other.value(on)?.is(item)?;
    }
    Ok(found)
}
