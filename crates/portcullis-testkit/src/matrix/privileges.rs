//! What a rule asks for, worked out apart from the decision under test.

use std::collections::BTreeSet;

use portcullis_identity::core::authz::Rule;

/// The age of what stands for no login at all: no rule takes it for a fresh one.
pub(super) const NO_LOGIN: u32 = u32::MAX;

/// Where somebody stands whom a rule may ask to be a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In the selected organization, with the same privileges as outside.
    Inside,
    /// In none, or where nobody knows of organizations.
    Outside,
}

/// Names of permissions and roles, and whether a credential with scopes stands for them.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Privileges {
    pub(super) permissions: BTreeSet<String>,
    pub(super) roles: BTreeSet<String>,
    pub(super) narrowed: bool,
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
            | Rule::Unscoped
            | Rule::FreshLogin(_)
            | Rule::SecondFactor
            | Rule::Signed
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
            ..Self::default()
        });
        let roles = self.roles.iter().map(|name| Self {
            roles: BTreeSet::from([name.clone()]),
            ..Self::default()
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
            narrowed: self.narrowed,
        }
    }

    /// What a key with all of these permissions stands for: no role, and no login however old.
    pub(super) fn of_a_key(self) -> (Self, u32) {
        (Self::narrowed_to(self.permissions), u32::MAX)
    }

    /// What a credential with these scopes stands for, of somebody who may everything: it speaks for no role.
    pub(super) fn narrowed_to(permissions: BTreeSet<String>) -> Self {
        Self {
            permissions,
            roles: BTreeSet::new(),
            narrowed: true,
        }
    }

    /// Whether somebody with exactly these, who logged in `age` seconds ago and stands there, satisfies the rule.
    pub(super) fn satisfy(&self, rule: &Rule, age: u32, place: Place) -> bool {
        let here = self.here();
        self.satisfied(rule, age, (place == Place::Inside).then_some(&here))
    }

    /// The statuses with which the rule refuses somebody with exactly these. None hides anything: the rule is decided
    /// before what a route is about is looked up.
    pub(super) fn refusals(&self, rule: &Rule, age: u32, place: Place) -> &'static [u16] {
        let here = self.here();
        let here = (place == Place::Inside).then_some(&here);
        match Statuses::of(self, rule, age, here) {
            Statuses {
                login: true,
                forbidden: true,
            } => &[401, 403],
            Statuses {
                login: true,
                forbidden: false,
            } => &[401],
            Statuses { login: false, .. } => &[403],
        }
    }

    fn satisfied(&self, rule: &Rule, age: u32, here: Option<&Self>) -> bool {
        match rule {
            Rule::Public | Rule::Authenticated => true,
            Rule::Unscoped => !self.narrowed,
            Rule::Permission(permission) => self.permissions.contains(permission.name),
            Rule::Role(name) => self.roles.contains(*name),
            Rule::FreshLogin(seconds) => age < *seconds,
            // Nobody of the cast has two factors or a policy, or signs.
            Rule::SecondFactor | Rule::Signed | Rule::Policy(_) => false,
            Rule::Member(rule) => here.is_some_and(|here| here.satisfied(rule, age, Some(here))),
            Rule::All(rules) => rules.iter().all(|rule| self.satisfied(rule, age, here)),
            Rule::Any(rules) => rules.iter().any(|rule| self.satisfied(rule, age, here)),
        }
    }
}

/// The statuses with which a decision against somebody may be answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Statuses {
    /// 401: a newer or surer login would do.
    login: bool,
    /// 403: the caller is known, and may not.
    forbidden: bool,
}

impl Statuses {
    fn of(who: &Privileges, rule: &Rule, age: u32, here: Option<&Privileges>) -> Self {
        if who.satisfied(rule, age, here) {
            return Self::default();
        }
        match rule {
            Rule::FreshLogin(_) | Rule::SecondFactor => Self {
                login: true,
                forbidden: false,
            },
            Rule::All(rules) => Self::any_of(rules, who, age, here),
            Rule::Any(rules) => Self {
                forbidden: true,
                ..Self::any_of(rules, who, age, here)
            },
            Rule::Member(rule) => match here {
                Some(here) => Self::of(here, rule, age, Some(here)),
                None => Self::FORBIDDEN,
            },
            Rule::Public
            | Rule::Authenticated
            | Rule::Unscoped
            | Rule::Permission(_)
            | Rule::Role(_)
            | Rule::Signed
            | Rule::Policy(_) => Self::FORBIDDEN,
        }
    }

    fn any_of(rules: &[Rule], who: &Privileges, age: u32, here: Option<&Privileges>) -> Self {
        let all = rules.iter().map(|rule| Self::of(who, rule, age, here));
        all.fold(Self::default(), |one, other| Self {
            login: one.login || other.login,
            forbidden: one.forbidden || other.forbidden,
        })
    }

    const FORBIDDEN: Self = Self {
        login: false,
        forbidden: true,
    };
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
        | Rule::Unscoped
        | Rule::Permission(_)
        | Rule::Role(_)
        | Rule::SecondFactor
        | Rule::Signed
        | Rule::Policy(_) => {}
    }
}
