//! A route's rule as data.

use std::fmt;

use crate::authz::PermissionId;

/// A permission that code declares.
#[derive(Clone, Copy)]
pub struct PermissionRef {
    /// The permission's name, such as `posts:edit`: what roles, scopes and `authz.lock` say.
    pub name: &'static str,
    /// What it allows, for people.
    pub description: &'static str,
    /// Whether it names an action on resources: having it allows nothing by itself, so anybody may narrow a credential of
    /// their own to it.
    pub action: bool,
    /// Its bit; kept behind a function so that a rule can be a constant.
    pub id: fn() -> PermissionId,
}

impl fmt::Debug for PermissionRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// What a route asks of its caller. Made by the compiler from the types in a handler's signature.
#[derive(Clone, Copy)]
pub enum Rule {
    /// Nothing: anybody may call.
    Public,
    /// A caller who is known, by whatever credential the route accepts.
    Authenticated,
    /// A caller whose credential no scopes narrow. API keys never satisfy it.
    Unscoped,
    /// A caller with this permission, through a credential whose scopes include it.
    Permission(PermissionRef),
    /// A caller with this role.
    Role(&'static str),
    /// A login by a person less than this many seconds ago. Machine credentials never satisfy it.
    FreshLogin(u32),
    /// A login by a person with two factors. Machine credentials never satisfy it.
    SecondFactor,
    /// A signature over the request, or a signed URL. Nothing that is merely shown satisfies it.
    Signed,
    /// A policy that permits the action of this name, and none that forbids it.
    Policy(&'static str),
    /// A member of the organization that the request selects, with what the membership gives.
    Member(&'static Rule),
    /// Every one of these.
    All(&'static [Rule]),
    /// At least one of these. An empty list is never satisfied.
    Any(&'static [Rule]),
}

impl Rule {
    /// Calls `visit` with every permission the rule names.
    pub fn each_permission(&self, visit: &mut dyn FnMut(&PermissionRef)) {
        match self {
            Self::Permission(permission) => visit(permission),
            Self::All(rules) | Self::Any(rules) => rules.iter().for_each(|rule| rule.each_permission(visit)),
            Self::Member(rule) => rule.each_permission(visit),
            Self::Public
            | Self::Authenticated
            | Self::Unscoped
            | Self::Role(_)
            | Self::FreshLogin(_)
            | Self::SecondFactor
            | Self::Signed
            | Self::Policy(_) => {}
        }
    }

    /// Calls `visit` with every action the rule leaves to the policies.
    pub fn each_action(&self, visit: &mut dyn FnMut(&'static str)) {
        match self {
            Self::Policy(action) => visit(action),
            Self::All(rules) | Self::Any(rules) => rules.iter().for_each(|rule| rule.each_action(visit)),
            Self::Member(rule) => rule.each_action(visit),
            Self::Public
            | Self::Authenticated
            | Self::Unscoped
            | Self::Permission(_)
            | Self::Role(_)
            | Self::FreshLogin(_)
            | Self::SecondFactor
            | Self::Signed => {}
        }
    }

    /// Whether the rule speaks of an organization, so that the request must select one before it can be decided.
    pub const fn needs_organization(&self) -> bool {
        match *self {
            Self::Member(_) => true,
            Self::All(mut rules) | Self::Any(mut rules) => {
                while let [rule, rest @ ..] = rules {
                    if rule.needs_organization() {
                        return true;
                    }
                    rules = rest;
                }
                false
            }
            Self::Public
            | Self::Authenticated
            | Self::Unscoped
            | Self::Permission(_)
            | Self::Role(_)
            | Self::FreshLogin(_)
            | Self::SecondFactor
            | Self::Signed
            | Self::Policy(_) => false,
        }
    }
}

impl Rule {
    /// Whether nobody satisfies the rule without a login by a person: no credential of a machine helps.
    pub const fn needs_person(&self) -> bool {
        match *self {
            Self::FreshLogin(_) | Self::SecondFactor => true,
            Self::Member(rule) => rule.needs_person(),
            Self::All(mut rules) => {
                while let [rule, rest @ ..] = rules {
                    if rule.needs_person() {
                        return true;
                    }
                    rules = rest;
                }
                false
            }
            Self::Any(mut rules) => {
                // Nobody satisfies an empty list: there is no kind to name.
                let mut needs = !rules.is_empty();
                while let [rule, rest @ ..] = rules {
                    needs = needs && rule.needs_person();
                    rules = rest;
                }
                needs
            }
            Self::Public
            | Self::Authenticated
            | Self::Unscoped
            | Self::Permission(_)
            | Self::Role(_)
            | Self::Signed
            | Self::Policy(_) => false,
        }
    }

    /// Whether nobody satisfies the rule without a signature: nothing that is merely shown helps.
    pub const fn needs_signature(&self) -> bool {
        match *self {
            Self::Signed => true,
            Self::Member(rule) => rule.needs_signature(),
            Self::All(mut rules) => {
                while let [rule, rest @ ..] = rules {
                    if rule.needs_signature() {
                        return true;
                    }
                    rules = rest;
                }
                false
            }
            Self::Any(mut rules) => {
                let mut needs = !rules.is_empty();
                while let [rule, rest @ ..] = rules {
                    needs = needs && rule.needs_signature();
                    rules = rest;
                }
                needs
            }
            Self::Public
            | Self::Authenticated
            | Self::Unscoped
            | Self::Permission(_)
            | Self::Role(_)
            | Self::FreshLogin(_)
            | Self::SecondFactor
            | Self::Policy(_) => false,
        }
    }
}

/// The form of `authz.lock` and of refusals: `posts:write and fresh-login(300)`.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Public => f.write_str("public"),
            Self::Authenticated => f.write_str("authenticated"),
            Self::Unscoped => f.write_str("unscoped"),
            Self::Permission(permission) => f.write_str(permission.name),
            Self::Role(name) => write!(f, "role({name})"),
            Self::FreshLogin(seconds) => write!(f, "fresh-login({seconds})"),
            Self::SecondFactor => f.write_str("second-factor"),
            Self::Signed => f.write_str("signed"),
            Self::Policy(action) => write!(f, "policy({action})"),
            Self::Member(Self::Authenticated) => f.write_str("member"),
            Self::Member(rule) => write!(f, "member({rule})"),
            Self::All(rules) => join(f, rules, " and "),
            Self::Any([]) => f.write_str("nobody"),
            Self::Any(rules) => join(f, rules, " or "),
        }
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn join(f: &mut fmt::Formatter<'_>, rules: &[Rule], word: &str) -> fmt::Result {
    for (index, rule) in rules.iter().enumerate() {
        if index > 0 {
            f.write_str(word)?;
        }
        match rule {
            Rule::All(inner) | Rule::Any(inner) if inner.len() > 1 => write!(f, "({rule})")?,
            _ => write!(f, "{rule}")?,
        }
    }
    Ok(())
}
