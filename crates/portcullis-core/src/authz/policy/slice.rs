//! The policies that can speak of one action on one kind of resource.

use std::collections::HashSet;

use cedar_policy::pst::StaticPolicy;
use cedar_policy::{ActionConstraint, Effect, EntityTypeName, EntityUid, Policy, PolicyId, PolicySet};

use super::direct::Direct;
use super::facts::{Unfit, type_name, type_of, uid};
use super::looks::{Looks, Members};
use crate::attribute::Definition;
use crate::authz::ResourceKind;

/// One action on one kind of resource, with all that was worked out when the policies were loaded.
#[derive(Debug, Clone)]
pub(super) struct Slice {
    /// Tells it from others in the cache.
    pub(super) number: usize,
    pub(super) kind: Option<&'static ResourceKind>,
    pub(super) action: EntityUid,
    pub(super) resource: EntityTypeName,
    pub(super) policies: PolicySet,
    /// Those of them that are decided without the language.
    pub(super) direct: Vec<Direct>,
    /// Those that need it.
    pub(super) rest: PolicySet,
    pub(super) forbidding: HashSet<PolicyId>,
    pub(super) looks: Looks,
    pub(super) members: Members,
}

/// A loaded policy with what it looks at.
#[derive(Debug, Clone)]
pub(super) struct Loaded {
    pub(super) policy: Policy,
    pub(super) body: StaticPolicy,
    pub(super) looks: Looks,
    pub(super) members: Members,
}

impl Slice {
    pub(super) fn new(
        number: usize,
        action: &str,
        kind: Option<&'static ResourceKind>,
        all: &[Loaded],
        attributes: &[Definition],
    ) -> Result<Self, Unfit> {
        let action = uid(&type_name("Action")?, action);
        let speaking = || all.iter().filter(|loaded| speaks_of(&loaded.policy, &action));
        let set = |policies: &mut dyn Iterator<Item = &Loaded>| {
            PolicySet::from_policies(policies.map(|loaded| loaded.policy.clone()))
                .map_err(|error| Unfit::Language(error.to_string()))
        };
        let (mut direct, mut rest) = (Vec::new(), Vec::new());
        for loaded in speaking() {
            match Direct::of(&loaded.body, kind, attributes) {
                Some(compiled) => direct.push(compiled),
                None => rest.push(loaded),
            }
        }
        Ok(Self {
            number,
            kind,
            resource: type_name(type_of(kind))?,
            policies: set(&mut speaking())?,
            direct,
            rest: set(&mut rest.into_iter())?,
            forbidding: speaking()
                .filter(|loaded| loaded.policy.effect() == Effect::Forbid)
                .map(|loaded| loaded.policy.id().clone())
                .collect(),
            members: speaking().fold(Members::NONE, |members, loaded| {
                members.and(loaded.members.clone())
            }),
            looks: speaking().fold(Looks::NOTHING, |looks, loaded| looks.and(loaded.looks)),
            action,
        })
    }

    /// The policies of one effect, for telling reasons.
    pub(super) fn of_effect(&self, effect: Effect) -> PolicySet {
        let policies = self
            .policies
            .policies()
            .filter(|policy| policy.effect() == effect);
        // They come from a set: no two have one name.
        PolicySet::from_policies(policies.cloned()).unwrap_or_default()
    }

    /// Whether any policy could permit the action.
    pub(super) fn can_permit(&self) -> bool {
        self.policies
            .policies()
            .any(|policy| policy.effect() == Effect::Permit)
    }
}

pub(super) fn speaks_of(policy: &Policy, action: &EntityUid) -> bool {
    match policy.action_constraint() {
        ActionConstraint::Any => true,
        ActionConstraint::Eq(only) => only == *action,
        // No action is in a group: the schema makes none.
        ActionConstraint::In(these) => these.contains(action),
    }
}
