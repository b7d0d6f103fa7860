//! Values, and where they come from.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::net::IpAddr;

use super::super::facts;
use super::{Place, Question, Stop};
use crate::account;
use crate::attribute::AttributeValue;
use crate::authz::{Principal, resource};
use crate::environment::Timestamp;
use crate::id::OrganizationId;

/// What a part of a condition is, borrowed from where it is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value<'v> {
    Bool(bool),
    Long(i64),
    Text(&'v str),
    Account(account::Id),
    Organization(OrganizationId),
    /// Milliseconds since 1970.
    Moment(i64),
    Ip(IpAddr),
    Set(&'v BTreeSet<String>),
    List(&'v [String]),
    /// The permissions that the credential may use.
    PermissionsOf(&'v Principal),
}

impl<'v> Value<'v> {
    /// Whether both are the same. Values of two types may be compared only where the language knows what it means.
    pub(super) fn is(self, other: Self) -> Result<bool, Stop> {
        match (self, other) {
            (Self::Bool(one), Self::Bool(other)) => Ok(one == other),
            (Self::Long(one), Self::Long(other)) => Ok(one == other),
            (Self::Text(one), Self::Text(other)) => Ok(one == other),
            (Self::Account(one), Self::Account(other)) => Ok(one == other),
            (Self::Organization(one), Self::Organization(other)) => Ok(one == other),
            (Self::Moment(one), Self::Moment(other)) => Ok(one == other),
            _ => Err(Stop::Unsure),
        }
    }

    pub(super) fn order(self, other: Self) -> Result<Ordering, Stop> {
        match (self, other) {
            (Self::Long(one), Self::Long(other)) | (Self::Moment(one), Self::Moment(other)) => {
                Ok(one.cmp(&other))
            }
            _ => Err(Stop::Unsure),
        }
    }

    pub(super) fn text(self) -> Result<&'v str, Stop> {
        match self {
            Self::Text(text) => Ok(text),
            _ => Err(Stop::Unsure),
        }
    }

    pub(super) fn is_loopback(self) -> Result<bool, Stop> {
        match self {
            Self::Ip(ip) => Ok(ip.is_loopback()),
            _ => Err(Stop::Unsure),
        }
    }

    pub(super) fn contains(self, item: Self) -> Result<bool, Stop> {
        self.has(item.text()?)
    }

    pub(super) fn has_all_of(self, others: Self) -> Result<bool, Stop> {
        // Asked of the empty set, too: it must be a set.
        self.has("")?;
        let mut all = true;
        others.each(&mut |text| {
            all &= self.has(text)?;
            Ok(())
        })?;
        Ok(all)
    }

    pub(super) fn has_any_of(self, others: Self) -> Result<bool, Stop> {
        self.has("")?;
        let mut any = false;
        others.each(&mut |text| {
            any |= self.has(text)?;
            Ok(())
        })?;
        Ok(any)
    }

    fn has(self, wanted: &str) -> Result<bool, Stop> {
        match self {
            Self::Set(set) => Ok(set.contains(wanted)),
            Self::List(list) => Ok(list.iter().any(|text| text == wanted)),
            Self::PermissionsOf(principal) => {
                Ok(principal.facts.has(wanted) && principal.scopes.include(wanted))
            }
            _ => Err(Stop::Unsure),
        }
    }

    fn each(self, visit: &mut dyn FnMut(&str) -> Result<(), Stop>) -> Result<(), Stop> {
        match self {
            Self::Set(set) => set.iter().try_for_each(|text| visit(text)),
            Self::List(list) => list.iter().try_for_each(|text| visit(text)),
            Self::PermissionsOf(principal) => principal.permissions().into_iter().try_for_each(visit),
            _ => Err(Stop::Unsure),
        }
    }
}

impl Place {
    /// What is there; `None` if nothing is.
    pub(super) fn find(self, on: Question<'_>) -> Result<Option<Value<'_>>, Stop> {
        let (principal, decision) = (on.principal, on.decision);
        let account = principal.account();
        Ok(match self {
            Self::Caller => Some(Value::Account(principal.id())),
            Self::Email => account.email.as_deref().map(Value::Text),
            Self::EmailVerified => Some(Value::Bool(account.email_verified_at.is_some())),
            Self::Username => account.username.as_deref().map(Value::Text),
            Self::State => Some(Value::Text(account.state.as_str())),
            Self::Attribute(definition) => principal.facts.attributes.find(&definition).map(Value::from),
            Self::Id | Self::Owner | Self::Tenant | Self::Field(_) => self.of_resource(on)?,
            Self::Now => Some(Value::Moment(milliseconds(decision.now)?)),
            Self::Ip => decision.ip.map(|ip| Value::Ip(ip.to_canonical())),
            Self::UserAgent => decision.user_agent.map(Value::Text),
            Self::Mfa => Some(Value::Bool(facts::two_factors(principal))),
            Self::LoginAge => facts::login_age(principal, decision.now).map(Value::Long),
            Self::Credential => Some(Value::Text(principal.kind().as_str())),
            Self::Selected => decision
                .member
                .map(|member| Value::Organization(member.organization)),
            Self::OrgRoles => {
                let member = decision.member.filter(|_| principal.is_unscoped());
                Some(Value::List(member.map_or(&[], |member| &member.roles)))
            }
            Self::Permissions => Some(Value::PermissionsOf(principal)),
            Self::Scoped => Some(Value::Bool(!principal.is_unscoped())),
        })
    }

    fn of_resource(self, on: Question<'_>) -> Result<Option<Value<'_>>, Stop> {
        let resource = on.resource.ok_or(Stop::Unsure)?;
        Ok(match self {
            Self::Id => Some(Value::Text(&resource.id)),
            Self::Owner => resource.owner.map(Value::Account),
            Self::Tenant => resource.organization.map(Value::Organization),
            Self::Field(name) => resource.fields.get(name).map(Value::from),
            _ => return Err(Stop::Unsure),
        })
    }
}

impl<'v> From<&'v resource::Value> for Value<'v> {
    fn from(value: &'v resource::Value) -> Self {
        match value {
            resource::Value::Bool(value) => Self::Bool(*value),
            resource::Value::Long(value) => Self::Long(*value),
            resource::Value::Text(value) => Self::Text(value),
            resource::Value::Account(id) => Self::Account(*id),
            resource::Value::Organization(id) => Self::Organization(*id),
            resource::Value::TextSet(values) => Self::Set(values),
        }
    }
}

impl<'v> From<&'v AttributeValue> for Value<'v> {
    fn from(value: &'v AttributeValue) -> Self {
        match value {
            AttributeValue::Text(text) => Self::Text(text),
            AttributeValue::Integer(number) => Self::Long(*number),
            AttributeValue::Flag(yes) => Self::Bool(*yes),
            AttributeValue::Texts(values) => Self::Set(values),
        }
    }
}

/// As the language has a moment. One before 1970 or beyond the calendar is left to it.
fn milliseconds(moment: Timestamp) -> Result<i64, Stop> {
    let micros = moment.as_micros();
    let known = micros >= 0 && jiff::Timestamp::from_microsecond(micros).is_ok();
    known.then_some(micros / 1_000).ok_or(Stop::Unsure)
}
