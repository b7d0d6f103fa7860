//! What a rule asks for, worked out apart from the decision under test.

use std::collections::BTreeSet;

use portcullis::core::access::Rule;

/// The age of what stands for no login at all: no rule takes it for a fresh one.
pub(super) const NO_LOGIN: u32 = u32::MAX;

/// Names of permissions and roles.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Privileges {
    pub(super) permissions: BTreeSet<String>,
    pub(super) roles: BTreeSet<String>,
}

impl Privileges {
    /// Everything a rule names.
    pub(super) fn named_by(rule: &Rule) -> Self {
        let mut named = Self::default();
        named.gather(rule);
        named
    }

    fn gather(&mut self, rule: &Rule) {
        match rule {
            Rule::Public
            | Rule::Authenticated
            | Rule::FreshLogin(_)
            | Rule::SecondFactor
            | Rule::Policy(_) => {}
            Rule::Member(rule) => self.gather(rule),
            Rule::Permission(permission) => drop(self.permissions.insert(permission.name.to_owned())),
            Rule::Role(name) => drop(self.roles.insert((*name).to_owned())),
            Rule::All(rules) | Rule::Any(rules) => rules.iter().for_each(|rule| self.gather(rule)),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.permissions.is_empty() && self.roles.is_empty()
    }

    /// Each of them alone.
    pub(super) fn singles(&self) -> impl Iterator<Item = Self> {
        let permissions = self.permissions.iter().map(|name| Self {
            permissions: BTreeSet::from([name.clone()]),
            roles: BTreeSet::new(),
        });
        let roles = self.roles.iter().map(|name| Self {
            permissions: BTreeSet::new(),
            roles: BTreeSet::from([name.clone()]),
        });
        permissions.chain(roles)
    }

    pub(super) fn add(&mut self, other: Self) {
        self.permissions.extend(other.permissions);
        self.roles.extend(other.roles);
    }

    pub(super) fn without(&self, other: &Self) -> Self {
        Self {
            permissions: &self.permissions - &other.permissions,
            roles: &self.roles - &other.roles,
        }
    }

    /// What a key with all of these permissions stands for: no role, and no login however old.
    pub(super) fn of_a_key(self) -> (Self, u32) {
        let permissions = self.permissions;
        let roles = BTreeSet::new();
        (Self { permissions, roles }, u32::MAX)
    }

    /// Whether somebody with exactly these, outside and in the selected organization, who logged in `age` seconds
    /// ago, satisfies the rule.
    pub(super) fn satisfy(&self, rule: &Rule, age: u32) -> bool {
        self.satisfied(rule, age, Some(&self.here()))
    }

    /// The same for somebody who is no member of the selected organization.
    pub(super) fn satisfy_outside(&self, rule: &Rule, age: u32) -> bool {
        self.satisfied(rule, age, None)
    }

    fn satisfied(&self, rule: &Rule, age: u32, here: Option<&Self>) -> bool {
        match rule {
            Rule::Public | Rule::Authenticated => true,
            Rule::Permission(permission) => self.permissions.contains(permission.name),
            Rule::Role(name) => self.roles.contains(*name),
            Rule::FreshLogin(seconds) => age < *seconds,
            // Nobody of the cast has two factors or a policy.
            Rule::SecondFactor | Rule::Policy(_) => false,
            Rule::Member(rule) => here.is_some_and(|here| here.satisfied(rule, age, Some(here))),
            Rule::All(rules) => rules.iter().all(|rule| self.satisfied(rule, age, here)),
            Rule::Any(rules) => rules.iter().any(|rule| self.satisfied(rule, age, here)),
        }
    }
}

impl std::fmt::Display for Privileges {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let roles = self.roles.iter().map(|name| format!("role({name})"));
        let all: Vec<String> = self.permissions.iter().cloned().chain(roles).collect();
        f.write_str(&all.join(", "))
    }
}

/// Every age, in seconds, at which a login is too old for some rule.
pub(super) fn ages(rule: &Rule, found: &mut BTreeSet<u32>) {
    match rule {
        Rule::FreshLogin(seconds) => drop(found.insert(*seconds)),
        Rule::All(rules) | Rule::Any(rules) => rules.iter().for_each(|rule| ages(rule, found)),
        Rule::Member(rule) => ages(rule, found),
        Rule::Public
        | Rule::Authenticated
        | Rule::Permission(_)
        | Rule::Role(_)
        | Rule::SecondFactor
        | Rule::Policy(_) => {}
    }
}
