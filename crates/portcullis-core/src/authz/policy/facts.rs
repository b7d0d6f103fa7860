//! The caller, the resource and the circumstances as policies see them.

use std::collections::{HashMap, HashSet};

use cedar_policy::{
    Context, Entities, Entity, EntityId, EntityTypeName, EntityUid, Request,
    RestrictedExpression as Expression,
};

use super::looks::{Looks, Members};
use super::schema::{ACCOUNT, APPLICATION, ID, ROLE, TENANT};
use crate::attribute::{self, Definition};
use crate::authz::resource::{ORGANIZATION, OWNER, ResourceFacts, ResourceField, ResourceKind, Value};
use crate::authz::{DecisionContext, Principal};
use crate::defends;
use crate::environment::Timestamp;
use crate::session::Assurance;

/// Why something can't be put to the policies. Nothing is permitted then.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unfit {
    #[error("the field `{field}` of the {kind} is missing or not what was declared")]
    Field { kind: &'static str, field: &'static str },
    #[error("{0}")]
    Language(String),
}

impl Unfit {
    fn language(error: impl std::fmt::Display) -> Self {
        Self::Language(error.to_string())
    }
}

/// The names of entity types, parsed once.
#[derive(Debug, Clone)]
pub(super) struct Types {
    account: EntityTypeName,
    role: EntityTypeName,
    tenant: EntityTypeName,
    application: EntityUid,
    attributes: Vec<Definition>,
}

impl Types {
    pub(super) fn new(attributes: &[Definition]) -> Result<Self, Unfit> {
        Ok(Self {
            attributes: attributes.to_vec(),
            account: type_name(ACCOUNT)?,
            role: type_name(ROLE)?,
            tenant: type_name(TENANT)?,
            application: uid(&type_name(APPLICATION)?, "application"),
        })
    }

    pub(super) fn account(&self, principal: &Principal) -> EntityUid {
        uid(&self.account, principal.id().to_string())
    }

    /// The application as a whole.
    pub(super) fn application(&self) -> EntityUid {
        self.application.clone()
    }

    /// Everything of a request that `looks` looks at.
    pub(super) fn entities(
        &self,
        looks: Looks,
        principal: &Principal,
        decision: &DecisionContext<'_>,
        resource: Option<Entity>,
    ) -> Result<Entities, Unfit> {
        let account = self.account_entity(looks, principal)?;
        let tenant = decision.member.filter(|_| looks.at(Looks::ORGANIZATION));
        let tenant =
            tenant.map(|member| Entity::with_uid(uid(&self.tenant, member.organization.to_string())));
        let all = [Some(account), tenant, resource];
        Entities::from_entities(all.into_iter().flatten(), None).map_err(Unfit::language)
    }

    fn account_entity(&self, looks: Looks, principal: &Principal) -> Result<Entity, Unfit> {
        defends!("T058");
        let account = principal.account();
        let mut attributes = HashMap::new();
        let mut add = |thing, name: &str, value: Option<Expression>| {
            if let Some(value) = value.filter(|_| looks.at(thing)) {
                attributes.insert(name.to_owned(), value);
            }
        };
        add(
            Looks::EMAIL,
            "email",
            account.email.clone().map(Expression::new_string),
        );
        let verified = Expression::new_bool(account.email_verified_at.is_some());
        add(Looks::EMAIL_VERIFIED, "email_verified", Some(verified));
        add(
            Looks::USERNAME,
            "username",
            account.username.clone().map(Expression::new_string),
        );
        let state = Expression::new_string(account.state.as_str().to_owned());
        add(Looks::STATE, "state", Some(state));
        for definition in &self.attributes {
            let value = principal.facts.attributes.find(definition);
            add(Looks::ATTRIBUTES, definition.name, value.map(expression));
        }
        let carries_roles = looks.at(Looks::ROLES) && principal.is_unscoped();
        let roles = principal.roles().iter().filter(|_| carries_roles);
        let parents: HashSet<EntityUid> = roles.map(|role| uid(&self.role, role)).collect();
        Entity::new(self.account(principal), attributes, parents).map_err(Unfit::language)
    }

    /// The circumstances of the request as Cedar's `context`: of them only what the policies look at.
    pub(super) fn context(
        &self,
        looks: Looks,
        principal: &Principal,
        decision: &DecisionContext<'_>,
    ) -> Result<Context, Unfit> {
        defends!("T059");
        let mut pairs: Vec<(String, Expression)> = Vec::new();
        let mut add = |thing, name: &str, value: &dyn Fn() -> Option<Expression>| {
            if looks.at(thing)
                && let Some(value) = value()
            {
                pairs.push((name.to_owned(), value));
            }
        };
        add(Looks::NOW, "now", &|| {
            Some(Expression::new_datetime(datetime(decision.now)))
        });
        add(Looks::IP, "ip", &|| {
            decision
                .ip
                .map(|ip| Expression::new_ip(ip.to_canonical().to_string()))
        });
        add(Looks::USER_AGENT, "user_agent", &|| {
            decision
                .user_agent
                .map(|agent| Expression::new_string(agent.to_owned()))
        });
        add(Looks::MFA, "mfa", &|| {
            Some(Expression::new_bool(two_factors(principal)))
        });
        add(Looks::LOGIN_AGE, "login_age_seconds", &|| {
            login_age(principal, decision.now).map(Expression::new_long)
        });
        add(Looks::CREDENTIAL, "credential", &|| {
            Some(Expression::new_string(principal.kind().as_str().to_owned()))
        });
        add(Looks::ORGANIZATION, "organization", &|| {
            let organization = decision.member?.organization;
            Some(Expression::new_entity_uid(uid(
                &self.tenant,
                organization.to_string(),
            )))
        });
        add(Looks::ORG_ROLES, "org_roles", &|| {
            let member = decision.member.filter(|_| principal.is_unscoped());
            Some(texts(member.into_iter().flat_map(|member| &member.roles)))
        });
        add(Looks::PERMISSIONS, "permissions", &|| {
            Some(texts(principal.permissions()))
        });
        add(Looks::SCOPED, "scoped", &|| {
            Some(Expression::new_bool(!principal.is_unscoped()))
        });
        Context::from_pairs(pairs).map_err(Unfit::language)
    }

    /// A resource with those of its members that are looked at.
    pub(super) fn resource(
        &self,
        uid_: EntityUid,
        facts: &ResourceFacts,
        looked_at: &Members,
    ) -> Result<Entity, Unfit> {
        let mut attributes = HashMap::new();
        let mut add = |name: &str, value: &dyn Fn() -> Expression| {
            if looked_at.have(name) {
                attributes.insert(name.to_owned(), value());
            }
        };
        add(ID, &|| Expression::new_string(facts.id.clone()));
        if let Some(owner) = facts.owner {
            let owner = || Expression::new_entity_uid(uid(&self.account, owner.to_string()));
            add(OWNER, &owner);
        }
        if let Some(tenant) = facts.organization {
            let tenant = || Expression::new_entity_uid(uid(&self.tenant, tenant.to_string()));
            add(ORGANIZATION, &tenant);
        }
        for field in facts.kind.fields {
            if let Some(value) = facts.fields.get(field.name) {
                add(field.name, &|| self.value(value));
            }
        }
        Entity::new(uid_, attributes, HashSet::new()).map_err(Unfit::language)
    }

    fn value(&self, value: &Value) -> Expression {
        match value {
            Value::Bool(value) => Expression::new_bool(*value),
            Value::Long(value) => Expression::new_long(*value),
            Value::Text(value) => Expression::new_string(value.clone()),
            Value::Account(id) => Expression::new_entity_uid(uid(&self.account, id.to_string())),
            Value::Organization(id) => Expression::new_entity_uid(uid(&self.tenant, id.to_string())),
            Value::TextSet(values) => texts(values),
        }
    }
}

fn expression(value: &attribute::AttributeValue) -> Expression {
    match value {
        attribute::AttributeValue::Text(text) => Expression::new_string(text.clone()),
        attribute::AttributeValue::Integer(number) => Expression::new_long(*number),
        attribute::AttributeValue::Flag(yes) => Expression::new_bool(*yes),
        attribute::AttributeValue::Texts(values) => texts(values),
    }
}

/// Whether every declared field is there and of its kind.
pub(super) fn conforms(facts: &ResourceFacts) -> Result<(), Unfit> {
    let unfit = |field: &&ResourceField| match facts.fields.get(field.name) {
        Some(value) => !field.kind.holds(value),
        None => !field.optional,
    };
    match facts.kind.fields.iter().find(unfit) {
        Some(field) => Err(Unfit::Field {
            kind: facts.kind.name,
            field: field.name,
        }),
        None => Ok(()),
    }
}

/// A request that was built by the schema's own rules.
pub(super) fn request(
    principal: EntityUid,
    action: EntityUid,
    resource: EntityUid,
    context: Context,
) -> Result<Request, Unfit> {
    Request::new(principal, action, resource, context, None).map_err(Unfit::language)
}

pub(super) fn type_name(name: &str) -> Result<EntityTypeName, Unfit> {
    name.parse().map_err(Unfit::language)
}

pub(super) fn uid(of: &EntityTypeName, id: impl AsRef<str>) -> EntityUid {
    EntityUid::from_type_name_and_id(of.clone(), EntityId::new(id))
}

/// The name of the entity type of a kind.
pub(super) fn type_of(kind: Option<&ResourceKind>) -> &'static str {
    kind.map_or(APPLICATION, |kind| kind.name)
}

/// Whether the login was made with two factors by a person who is there.
pub(super) fn two_factors(principal: &Principal) -> bool {
    principal.kind().is_personal() && principal.assurance() == Some(Assurance::MultiFactor)
}

/// How long ago the login was made, in seconds; `None` for a credential that stands for none.
pub(super) fn login_age(principal: &Principal, now: Timestamp) -> Option<i64> {
    let at = principal
        .authenticated_at()
        .filter(|_| principal.kind().is_personal())?;
    Some(i64::try_from(now.since(at).as_secs()).unwrap_or(i64::MAX))
}

/// As the language writes a moment: to the millisecond. One beyond the calendar is none, and nothing is permitted.
fn datetime(moment: Timestamp) -> String {
    jiff::Timestamp::from_microsecond(moment.as_micros())
        .map(|moment| moment.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string())
        .unwrap_or_default()
}

fn texts<T: AsRef<str>>(values: impl IntoIterator<Item = T>) -> Expression {
    Expression::new_set(
        values
            .into_iter()
            .map(|value| Expression::new_string(value.as_ref().to_owned())),
    )
}
