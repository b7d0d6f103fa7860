//! From files to policies: parsed, named, and checked against the schema.

use std::collections::BTreeMap;

use cedar_policy::ffi::DetailedError;
use cedar_policy::pst::{self, EntityOrSlot, ResourceConstraint};
use cedar_policy::{EntityUid, Policy, PolicyId, PolicySet, ValidationMode, Validator};

use super::listing;
use super::looks::{Looks, Members};
use super::nesting;
use super::report::{Flaw, Place, Report};
use super::schema::{ACCOUNT, APPLICATION, Schema, TENANT};
use super::slice::{Loaded, speaks_of};
use super::{Source, facts};
use crate::id::OrganizationId;
use crate::{account, defends};

/// What was read of a set of files in which nothing is wrong.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) policies: Vec<Loaded>,
    /// What isn't wrong but worth knowing.
    pub(super) notes: Vec<Flaw>,
}

/// A policy and where it stands.
struct Placed<'a> {
    policy: Policy,
    name: String,
    place: Place<'a>,
    at: usize,
}

/// Reads all files, or says everything that is wrong.
pub(super) fn read(schema: &Schema, sources: &[Source]) -> Result<Read, Report> {
    defends!("T061");
    let mut flaws = Vec::new();
    let mut placed = Vec::new();
    for source in sources {
        let place = Place {
            file: &source.name,
            text: &source.text,
        };
        match parse(place) {
            Ok(policies) => placed.extend(policies),
            Err(found) => flaws.extend(found),
        }
    }
    flaws.extend(duplicates(&placed));
    if flaws.is_empty() {
        let (wrong, mut notes) = validate(schema, &placed);
        flaws.extend(wrong);
        if flaws.is_empty() {
            let policies = load(schema, placed, &mut notes, &mut flaws);
            if flaws.is_empty() {
                notes.sort();
                return Ok(Read { policies, notes });
            }
        }
    }
    flaws.sort();
    flaws.dedup();
    Err(Report(flaws))
}

fn parse(place: Place<'_>) -> Result<Vec<Placed<'_>>, Vec<Flaw>> {
    if let Some(at) = nesting::beyond(place.text) {
        return Err(vec![place.flaw(
            at,
            "this policy is nested too deeply or too long to be evaluated safely: split it into several policies".to_owned(),
        )]);
    }
    let set: PolicySet = place
        .text
        .parse()
        .map_err(|errors| place.flaws(&DetailedError::from(&errors), 0))?;
    if let Some(template) = set.templates().next() {
        let at = template.as_ref().loc().map_or(0, |at| at.span.offset());
        return Err(vec![place.flaw(
            at,
            "a policy with `?principal` or `?resource` is a template, and nothing fills it in: write the condition instead"
                .to_owned(),
        )]);
    }
    let mut placed: Vec<Placed<'_>> = set
        .policies()
        .map(|policy| Placed {
            policy: policy.clone(),
            name: String::new(),
            place,
            at: policy.as_ref().loc().map_or(0, |at| at.span.offset()),
        })
        .collect();
    placed.sort_by_key(|placed| placed.at);
    for (index, placed) in placed.iter_mut().enumerate() {
        placed.name = match placed.policy.annotation("id").filter(|name| !name.is_empty()) {
            Some(name) => name.to_owned(),
            None => format!("{}:{}", place.file, index + 1),
        };
        placed.policy = placed.policy.new_id(PolicyId::new(&placed.name));
    }
    Ok(placed)
}

fn duplicates(placed: &[Placed<'_>]) -> Vec<Flaw> {
    let mut first: BTreeMap<&str, &Placed<'_>> = BTreeMap::new();
    let mut flaws = Vec::new();
    for policy in placed {
        match first.get(policy.name.as_str()) {
            Some(earlier) => {
                let Flaw { file, line, .. } = earlier.place.flaw(earlier.at, String::new());
                let message = format!(
                    "the policy `{}` has the name of the one at {file}:{line}: rename it",
                    policy.name
                );
                flaws.push(policy.place.flaw(policy.at, message));
            }
            None => {
                first.insert(&policy.name, policy);
            }
        }
    }
    flaws
}

/// What is wrong by the schema, and what is only odd.
fn validate(schema: &Schema, placed: &[Placed<'_>]) -> (Vec<Flaw>, Vec<Flaw>) {
    let set = match PolicySet::from_policies(placed.iter().map(|placed| placed.policy.clone())) {
        Ok(set) => set,
        Err(error) => {
            let wrong = placed
                .first()
                .map(|placed| placed.place.flaw(0, error.to_string()));
            return (wrong.into_iter().collect(), Vec::new());
        }
    };
    let by_name: BTreeMap<&str, &Placed<'_>> = placed
        .iter()
        .map(|placed| (placed.name.as_str(), placed))
        .collect();
    let at = |id: &PolicyId, error: &DetailedError| {
        let policy = by_name.get(AsRef::<str>::as_ref(id));
        policy.map_or_else(Vec::new, |policy| policy.flaws(error))
    };
    let result =
        Validator::new(schema.cedar.clone()).validate_with_level(&set, ValidationMode::Strict, REACH);
    let wrong = result
        .validation_errors()
        .flat_map(|error| at(error.policy_id(), &DetailedError::from(error)));
    let odd = result
        .validation_warnings()
        .flat_map(|warning| at(warning.policy_id(), &DetailedError::from(warning)));
    let literals = placed.iter().flat_map(literals);
    (wrong.chain(literals).collect(), odd.collect())
}

impl Placed<'_> {
    fn flaws(&self, error: &DetailedError) -> Vec<Flaw> {
        let mut error = error.clone();
        // The language names the policy by its own words; the place and the name say it better.
        error.message = error
            .message
            .replace(&format!("for policy `{}`, ", self.name), "");
        let mut flaws = self.place.flaws(&error, self.at);
        for flaw in &mut flaws {
            flaw.message = format!("policy `{}`: {}", self.name, flaw.message);
        }
        flaws
    }
}

/// Entities that can't exist: a policy that names one never does what its author means.
fn literals<'a>(placed: &'a Placed<'_>) -> impl Iterator<Item = Flaw> + 'a {
    let literals = placed.policy.entity_literals();
    let wrong: Vec<String> = literals.iter().filter_map(impossible).collect();
    wrong.into_iter().map(|wrong| {
        placed
            .place
            .flaw(placed.at, format!("policy `{}`: {wrong}", placed.name))
    })
}

fn impossible(literal: &EntityUid) -> Option<String> {
    let id: &str = literal.id().as_ref();
    match literal.type_name().to_string().as_str() {
        ACCOUNT if id.parse::<account::Id>().map(|id| id.to_string()).as_deref() != Ok(id) => Some(format!(
            "`{literal}` is no account: write its id as `GET /admin/api/v1/accounts` shows it"
        )),
        TENANT if id.parse::<OrganizationId>().map(|id| id.to_string()).as_deref() != Ok(id) => Some(
            format!("`{literal}` is no organization: write its id in lower case with hyphens"),
        ),
        APPLICATION if id != "application" => Some(format!(
            "there is one application only: `{APPLICATION}::\"application\"`"
        )),
        _ => None,
    }
}

fn load(
    schema: &Schema,
    placed: Vec<Placed<'_>>,
    notes: &mut Vec<Flaw>,
    flaws: &mut Vec<Flaw>,
) -> Vec<Loaded> {
    let mut policies = Vec::with_capacity(placed.len());
    for placed in placed {
        let body = match placed.policy.to_pst() {
            Ok(pst::Policy::Static(body)) => body,
            Ok(pst::Policy::Linked(_)) => continue,
            Err(error) => {
                flaws.push(placed.place.flaw(placed.at, error.to_string()));
                continue;
            }
        };
        if let Some(what) = unlistable(schema, &placed.policy, &body) {
            let message = format!("policy `{}`: {what}", placed.name);
            notes.push(placed.place.flaw(placed.at, message));
        }
        policies.push(Loaded {
            looks: Looks::of(&body),
            members: Members::of(&body),
            policy: placed.policy,
            body,
        });
    }
    policies
}

/// Why lists of the resources it speaks of stay empty because of this policy.
fn unlistable(schema: &Schema, policy: &Policy, body: &pst::StaticPolicy) -> Option<String> {
    let action_type = facts::type_name("Action").ok()?;
    schema
        .pairs()
        .filter(|(action, _)| speaks_of(policy, &facts::uid(&action_type, action)))
        .filter_map(|(action, kind)| Some((action, kind?)))
        .filter(|(_, kind)| may_be(&body.body().resource, kind.name))
        .find_map(|(action, kind)| {
            let why = listing::check(body, kind).err()?;
            Some(format!(
                "can't be listed: {why}; deciding about one {kind} works, but a list by `{action}` \
                 treats it as failed, so it permits none or forbids all",
                kind = kind.name
            ))
        })
}

/// Whether the resource in the head of a policy can be of the type.
fn may_be(resource: &ResourceConstraint, name: &str) -> bool {
    let of = |uid: &EntityOrSlot| match uid {
        EntityOrSlot::Entity(uid) => uid.ty.to_string() == name,
        EntityOrSlot::Slot(_) => true,
    };
    match resource {
        ResourceConstraint::Any => true,
        ResourceConstraint::Is(only) => only.to_string() == name,
        ResourceConstraint::IsIn(only, _) => only.to_string() == name,
        // Nothing but itself is in a resource.
        ResourceConstraint::Eq(uid) | ResourceConstraint::In(uid) => of(uid),
    }
}

/// How far a policy may look from the caller and the resource: at their attributes, not at those of what these name.
const REACH: u32 = 1;
