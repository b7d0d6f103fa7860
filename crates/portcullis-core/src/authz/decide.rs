//! The decision: whether a rule holds for a caller in a context, and if not, why.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::authz::{DecisionContext, PermissionRef, Principal, Rule, StepUp, Verdict};
use crate::defends;
use crate::problem::{Challenge, Details, Refusal};
use crate::session::Assurance;

/// Why a known caller was refused. Closed on purpose: whoever answers a refusal handles each kind.
#[derive(Debug, Clone, Copy)]
pub enum Denied {
    /// The account lacks a permission.
    MissingPermission(PermissionRef),
    /// The account has the permission, the credential's scopes leave it out.
    InsufficientScope(PermissionRef),
    /// The credential is narrowed by scopes, and this is for the account as a whole.
    Narrowed,
    /// The account lacks a role, or the credential is narrowed by scopes.
    MissingRole(&'static str),
    /// The login is older than this many seconds.
    StaleLogin(u32),
    /// The login was made with one factor only.
    SingleFactor,
    /// The caller came with something else than a signature.
    NotSigned,
    /// A policy forbids the action.
    ForbiddenByPolicy(&'static str),
    /// No policy permits the action.
    NoPolicyPermits(&'static str),
    /// The request selects no organization.
    NoOrganization,
    /// The caller is no member of the organization, or there is none; outside both look the same.
    NotAMember,
    /// Nothing allows the caller the action of this name on the resource.
    NotGranted(&'static str),
    /// The resource belongs to another organization than the request selects, or to none.
    OtherOrganization,
    /// The caller is a member of the organization, and it is suspended.
    OrganizationSuspended,
    /// None of the alternatives holds.
    NoAlternative(&'static [Rule]),
}

impl Denied {
    /// A stable, machine-readable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::MissingPermission(_) => "missing_permission",
            Self::InsufficientScope(_) | Self::Narrowed => "insufficient_scope",
            Self::MissingRole(_) => "missing_role",
            Self::StaleLogin(_) => "login_too_old",
            Self::SingleFactor => "second_factor_required",
            Self::NotSigned => "not_signed",
            Self::ForbiddenByPolicy(_) => "forbidden_by_policy",
            Self::NoPolicyPermits(_) => "no_policy_permits",
            Self::NoOrganization => "no_organization",
            Self::NotAMember => "not_a_member",
            Self::NotGranted(_) => "not_granted",
            Self::OtherOrganization => "other_organization",
            Self::OrganizationSuspended => "organization_suspended",
            Self::NoAlternative(_) => "no_alternative",
        }
    }

    /// What the caller lacks, in the form of a [`Rule`].
    pub const fn lacking(&self) -> Rule {
        match *self {
            Self::MissingPermission(permission) | Self::InsufficientScope(permission) => {
                Rule::Permission(permission)
            }
            Self::Narrowed => Rule::Unscoped,
            Self::MissingRole(name) => Rule::Role(name),
            Self::StaleLogin(seconds) => Rule::FreshLogin(seconds),
            Self::SingleFactor => Rule::SecondFactor,
            Self::NotSigned => Rule::Signed,
            Self::ForbiddenByPolicy(action) | Self::NoPolicyPermits(action) => Rule::Policy(action),
            Self::NotGranted(action) => Rule::Policy(action),
            Self::NoOrganization
            | Self::NotAMember
            | Self::OtherOrganization
            | Self::OrganizationSuspended => Rule::Member(&Rule::Authenticated),
            Self::NoAlternative(rules) => Rule::Any(rules),
        }
    }
}

/// The sentence for whoever was refused.
///
/// Source: RFC 6750 §3.1 (`insufficient_scope`), RFC 9470 §3 (`insufficient_user_authentication`)
impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lacking = self.lacking();
        match self {
            Self::MissingPermission(_) => write!(f, "the account needs the permission {lacking}"),
            Self::InsufficientScope(_) => write!(f, "the credential's scopes leave out {lacking}"),
            Self::Narrowed => f.write_str(
                "the credential is narrowed by scopes, and this is for the account as a whole: log in without scopes",
            ),
            Self::SingleFactor => StepUp::SECOND_FACTOR.fmt(f),
            Self::StaleLogin(seconds) => StepUp::max_age(*seconds).fmt(f),
            Self::NotSigned => f.write_str("this takes signed requests only"),
            Self::MissingRole(_)
            | Self::NoAlternative(_)
            | Self::ForbiddenByPolicy(_)
            | Self::NoPolicyPermits(_) => write!(f, "this needs {lacking}"),
            Self::NotGranted(action) => write!(
                f,
                "you are not allowed {action} on this: it isn't yours, and nobody shared it with you"
            ),
            Self::OtherOrganization => {
                f.write_str("this doesn't belong to the organization that the request selects")
            }
            Self::NoOrganization => {
                f.write_str("say which organization this is for: send X-Organization-ID")
            }
            Self::NotAMember => f.write_str("there is no such organization, or you are no member of it"),
            Self::OrganizationSuspended => {
                f.write_str("this organization is suspended; ask the administrators of this server")
            }
        }
    }
}

impl Error for Denied {}

impl Refusal for Denied {
    fn details(&self) -> Details {
        let code = self.code();
        match self {
            Self::MissingPermission(permission) | Self::InsufficientScope(permission) => {
                Details::forbidden(code).challenged(Challenge::InsufficientScope(Some(permission.name)))
            }
            Self::Narrowed | Self::MissingRole(_) | Self::NoAlternative(_) => {
                Details::forbidden(code).challenged(Challenge::InsufficientScope(None))
            }
            Self::SingleFactor => StepUp::SECOND_FACTOR.details(code),
            Self::StaleLogin(seconds) => StepUp::max_age(*seconds).details(code),
            Self::NoOrganization => Details::bad_request(code),
            Self::NotSigned
            | Self::ForbiddenByPolicy(_)
            | Self::NoPolicyPermits(_)
            | Self::NotGranted(_)
            | Self::OtherOrganization
            | Self::NotAMember
            | Self::OrganizationSuspended => Details::forbidden(code),
        }
    }
}

/// Role: decider. Whether `principal` satisfies `rule` in `context`.
///
/// # Errors
/// [`Denied`], naming the first thing that is missing.
pub fn decide(rule: &Rule, principal: &Principal, context: &DecisionContext<'_>) -> Result<(), Denied> {
    Evaluation {
        principal,
        context,
        within: Within::Account,
    }
    .decide(rule)
}

/// Whose permissions and roles count.
#[derive(Clone, Copy)]
pub(crate) enum Within {
    Account,
    Organization,
}

impl Within {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Organization => "organization",
        }
    }

    pub(crate) const fn whose(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Organization => "membership",
        }
    }
}

/// A caller where it stands: what every node of a rule is decided about.
#[derive(Clone, Copy)]
pub(crate) struct Evaluation<'a> {
    pub(crate) principal: &'a Principal,
    pub(crate) context: &'a DecisionContext<'a>,
    pub(crate) within: Within,
}

impl Evaluation<'_> {
    pub(crate) fn decide(self, rule: &Rule) -> Result<(), Denied> {
        match *rule {
            Rule::Public | Rule::Authenticated => Ok(()),
            Rule::Unscoped => self.unscoped(),
            Rule::Permission(permission) => self.permission(permission),
            Rule::Role(name) if self.has_role(name) => Ok(()),
            Rule::Role(name) => Err(Denied::MissingRole(name)),
            Rule::FreshLogin(seconds) => self.fresh_login(seconds),
            Rule::SecondFactor => self.second_factor(),
            Rule::Signed if self.principal.kind().is_signed() => Ok(()),
            Rule::Signed => Err(Denied::NotSigned),
            Rule::Policy(action) => self.policy(action),
            Rule::Member(rule) => self.member(rule),
            Rule::All(rules) => rules.iter().try_for_each(|rule| self.decide(rule)),
            Rule::Any(rules) if rules.iter().any(|rule| self.decide(rule).is_ok()) => Ok(()),
            Rule::Any(rules) => Err(Denied::NoAlternative(rules)),
        }
    }

    fn unscoped(self) -> Result<(), Denied> {
        defends!("T106");
        if self.principal.is_unscoped() {
            Ok(())
        } else {
            Err(Denied::Narrowed)
        }
    }

    fn permission(self, permission: PermissionRef) -> Result<(), Denied> {
        let id = (permission.id)();
        let (given, within_scopes) = match (self.within, self.context.member) {
            (Within::Account, _) => (self.principal.account_may(id), self.principal.may(id)),
            (Within::Organization, Some(member)) => (
                member.permissions.contains(id),
                member.permissions.contains(id) && self.principal.scopes().include(permission.name),
            ),
            (Within::Organization, None) => (false, false),
        };
        match (given, within_scopes) {
            (_, true) => Ok(()),
            (true, false) => Err(Denied::InsufficientScope(permission)),
            (false, false) => Err(Denied::MissingPermission(permission)),
        }
    }

    fn has_role(self, name: &str) -> bool {
        self.principal.is_unscoped() && self.has_role_unscoped(name)
    }

    fn fresh_login(self, seconds: u32) -> Result<(), Denied> {
        defends!("T077");
        let (now, age) = (self.context.now, Duration::from_secs(seconds.into()));
        match self.principal.authenticated_at() {
            // A login of the future is one of before the clock was set back: how old it is can't be told.
            Some(at)
                if self.principal.kind().is_personal() && at <= now.plus(AHEAD) && now < at.plus(age) =>
            {
                Ok(())
            }
            _ => Err(Denied::StaleLogin(seconds)),
        }
    }

    fn second_factor(self) -> Result<(), Denied> {
        let assurance = self.principal.assurance();
        if self.principal.kind().is_personal() && assurance == Some(Assurance::MultiFactor) {
            Ok(())
        } else {
            Err(Denied::SingleFactor)
        }
    }

    fn policy(self, action: &'static str) -> Result<(), Denied> {
        match self
            .context
            .policies
            .decide(self.principal, self.context, action, None)
        {
            Verdict::Permitted => Ok(()),
            Verdict::Forbidden => Err(Denied::ForbiddenByPolicy(action)),
            Verdict::Silent => Err(Denied::NoPolicyPermits(action)),
        }
    }

    fn member(self, rule: &Rule) -> Result<(), Denied> {
        match (self.context.member, self.context.selected) {
            (Some(_), _) => self.inside().decide(rule),
            (None, Some(_)) if self.context.suspended => Err(Denied::OrganizationSuspended),
            (None, Some(_)) => Err(Denied::NotAMember),
            (None, None) => Err(Denied::NoOrganization),
        }
    }

    /// The same caller inside the organization: what the account may do elsewhere doesn't count.
    pub(crate) fn inside(self) -> Self {
        Self {
            within: Within::Organization,
            ..self
        }
    }

    /// Whether the role is there, whatever the credential's scopes.
    pub(crate) fn has_role_unscoped(self, name: &str) -> bool {
        match (self.within, self.context.member) {
            (Within::Account, _) => self.principal.roles().iter().any(|role| role == name),
            (Within::Organization, Some(member)) => member.has_role(name),
            (Within::Organization, None) => false,
        }
    }
}

/// How far another node's clock may be ahead of this one's.
const AHEAD: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests;
