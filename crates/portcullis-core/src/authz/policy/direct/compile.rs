//! From a policy's text to steps.

use std::sync::Arc;

use cedar_policy::pst::{
    BinaryOp, Clause, EntityOrSlot, EntityUID, Expr, Literal, PrincipalConstraint, ResourceConstraint,
    StaticPolicy, UnaryOp, Var,
};

use super::super::listing::pieces;
use super::super::schema::{ACCOUNT, ID, ROLE, TENANT};
use super::{Place, Step};
use crate::attribute::Definition;
use crate::authz::ResourceKind;
use crate::authz::resource::{ORGANIZATION, OWNER};

/// What names mean. Every method answers `None` for what it has no step for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Compiler<'c> {
    pub(super) kind: Option<&'static ResourceKind>,
    pub(super) attributes: &'c [Definition],
}

impl Compiler<'_> {
    /// The whole condition: the head and all clauses. That the policy speaks of the action is known.
    pub(super) fn condition(self, policy: &StaticPolicy) -> Option<Step> {
        let body = policy.body();
        let mut parts = vec![self.principal(&body.principal)?, self.resource(&body.resource)?];
        for clause in body.clauses() {
            parts.push(match clause {
                Clause::When(expr) => self.step(expr)?,
                Clause::Unless(expr) => Step::Not(Box::new(self.step(expr)?)),
            });
        }
        let all = parts.into_iter().filter(|step| !matches!(step, Step::Bool(true)));
        let all: Vec<Step> = all.collect();
        let from_right = all.into_iter().rev();
        let whole = from_right.reduce(|rest, step| Step::Both(Box::new([step, rest])));
        Some(whole.unwrap_or(Step::Bool(true)))
    }

    fn principal(self, head: &PrincipalConstraint) -> Option<Step> {
        match head {
            PrincipalConstraint::Any => Some(Step::Bool(true)),
            PrincipalConstraint::Is(only) => Some(Step::Bool(only.to_string() == ACCOUNT)),
            PrincipalConstraint::Eq(EntityOrSlot::Entity(uid)) => {
                let account = Step::Account(entity(uid, ACCOUNT)?.parse().ok()?);
                Some(Step::Equal(Box::new([Step::Get(Place::Caller), account])))
            }
            PrincipalConstraint::In(EntityOrSlot::Entity(uid)) => {
                Some(Step::InRoles(vec![entity(uid, ROLE)?.to_owned()]))
            }
            _ => None,
        }
    }

    fn resource(self, head: &ResourceConstraint) -> Option<Step> {
        match head {
            ResourceConstraint::Any => Some(Step::Bool(true)),
            ResourceConstraint::Is(only) => Some(Step::Bool(only.to_string() == self.kind?.name)),
            ResourceConstraint::Eq(EntityOrSlot::Entity(uid)) => self.is_resource(uid),
            _ => None,
        }
    }

    fn is_resource(self, uid: &EntityUID) -> Option<Step> {
        Some(Step::IsResource(entity(uid, self.kind?.name)?.to_owned()))
    }

    fn step(self, expr: &Expr) -> Option<Step> {
        match expr {
            Expr::Literal(literal) => self::literal(literal),
            Expr::Var(Var::Principal) => Some(Step::Get(Place::Caller)),
            Expr::UnaryOp { op, expr } => self.unary(*op, expr),
            Expr::BinaryOp { op, left, right } => self.binary(*op, left, right),
            Expr::GetAttr { expr, attr } => Some(Step::Get(self.place(expr, attr)?)),
            Expr::HasAttr { expr, attrs } if attrs.tail.is_empty() => {
                Some(Step::Has(self.place(expr, &attrs.head)?))
            }
            Expr::Like { expr, pattern } => Some(Step::Like(Box::new(self.step(expr)?), pieces(pattern))),
            Expr::Is {
                expr,
                entity_type,
                in_expr: None,
            } => match **expr {
                Expr::Var(Var::Principal) => Some(Step::Bool(entity_type.to_string() == ACCOUNT)),
                Expr::Var(Var::Resource) => Some(Step::Bool(entity_type.to_string() == self.kind?.name)),
                _ => None,
            },
            Expr::IfThenElse {
                cond,
                then_expr,
                else_expr,
            } => {
                let steps = [self.step(cond)?, self.step(then_expr)?, self.step(else_expr)?];
                Some(Step::Choose(Box::new(steps)))
            }
            Expr::Set(items) => Some(Step::Texts(texts(items)?)),
            _ => None,
        }
    }

    fn unary(self, op: UnaryOp, expr: &Expr) -> Option<Step> {
        match op {
            UnaryOp::Not => Some(Step::Not(Box::new(self.step(expr)?))),
            UnaryOp::IsLoopback => Some(Step::Loopback(Box::new(self.step(expr)?))),
            UnaryOp::Datetime => match expr {
                Expr::Literal(Literal::String(text)) => moment(text).map(Step::Moment),
                _ => None,
            },
            _ => None,
        }
    }

    fn binary(self, op: BinaryOp, left: &Expr, right: &Expr) -> Option<Step> {
        match (op, left, right) {
            (BinaryOp::In, Expr::Var(Var::Principal), groups) => return roles(groups),
            (BinaryOp::Eq, Expr::Var(Var::Resource), Expr::Literal(Literal::EntityUID(uid))) => {
                return self.is_resource(uid);
            }
            (BinaryOp::Contains, Expr::Set(items), item) => {
                let items: Option<Vec<Step>> = items.iter().map(|item| self.step(item)).collect();
                return Some(Step::Among(Box::new(self.step(item)?), items?));
            }
            _ => {}
        }
        let steps = Box::new([self.step(left)?, self.step(right)?]);
        let turned = |steps: Box<[Step; 2]>| {
            let [left, right] = *steps;
            Box::new([right, left])
        };
        Some(match op {
            BinaryOp::And => Step::Both(steps),
            BinaryOp::Or => Step::Either(steps),
            BinaryOp::Eq => Step::Equal(steps),
            BinaryOp::NotEq => Step::Not(Box::new(Step::Equal(steps))),
            BinaryOp::Less => Step::Less(steps),
            BinaryOp::LessEq => Step::LessOrEqual(steps),
            BinaryOp::Greater => Step::Less(turned(steps)),
            BinaryOp::GreaterEq => Step::LessOrEqual(turned(steps)),
            BinaryOp::Contains => Step::Contains(steps),
            BinaryOp::ContainsAll => Step::ContainsAll(steps),
            BinaryOp::ContainsAny => Step::ContainsAny(steps),
            _ => return None,
        })
    }

    fn place(self, of: &Expr, name: &str) -> Option<Place> {
        match of {
            Expr::Var(Var::Principal) => self.of_account(name),
            Expr::Var(Var::Context) => of_context(name),
            Expr::Var(Var::Resource) => self.of_resource(name),
            _ => None,
        }
    }

    fn of_account(self, name: &str) -> Option<Place> {
        Some(match name {
            "email" => Place::Email,
            "email_verified" => Place::EmailVerified,
            "username" => Place::Username,
            "state" => Place::State,
            own => {
                let found = self.attributes.iter().find(|definition| definition.name == own);
                Place::Attribute(*found?)
            }
        })
    }

    fn of_resource(self, name: &str) -> Option<Place> {
        let kind = self.kind?;
        Some(match name {
            ID => Place::Id,
            OWNER => Place::Owner,
            ORGANIZATION => Place::Tenant,
            own => Place::Field(kind.fields.iter().find(|field| field.name == own)?.name),
        })
    }
}

fn of_context(name: &str) -> Option<Place> {
    Some(match name {
        "now" => Place::Now,
        "ip" => Place::Ip,
        "user_agent" => Place::UserAgent,
        "mfa" => Place::Mfa,
        "login_age_seconds" => Place::LoginAge,
        "credential" => Place::Credential,
        "organization" => Place::Selected,
        "org_roles" => Place::OrgRoles,
        "permissions" => Place::Permissions,
        "scoped" => Place::Scoped,
        _ => return None,
    })
}

fn literal(literal: &Literal) -> Option<Step> {
    Some(match literal {
        Literal::Bool(yes) => Step::Bool(*yes),
        Literal::Long(number) => Step::Long(*number),
        Literal::String(text) => Step::Text(text.to_string()),
        Literal::EntityUID(uid) => match (entity(uid, ACCOUNT), entity(uid, TENANT)) {
            (Some(id), _) => Step::Account(id.parse().ok()?),
            (_, Some(id)) => Step::Organization(id.parse().ok()?),
            _ => return None,
        },
        _ => return None,
    })
}

/// The id of an entity of this type.
fn entity<'u>(uid: &'u EntityUID, of: &str) -> Option<&'u str> {
    (uid.ty.to_string() == of).then_some(uid.eid.as_str())
}

/// Whether the caller is in a role, or in one of several.
fn roles(groups: &Expr) -> Option<Step> {
    let role = |group: &Expr| match group {
        Expr::Literal(Literal::EntityUID(uid)) => Some(entity(uid, ROLE)?.to_owned()),
        _ => None,
    };
    let names = match groups {
        Expr::Set(groups) => groups
            .iter()
            .map(|group| role(group))
            .collect::<Option<Vec<_>>>()?,
        one => vec![role(one)?],
    };
    Some(Step::InRoles(names))
}

fn texts(items: &[Arc<Expr>]) -> Option<Vec<String>> {
    let text = |item: &Arc<Expr>| match &**item {
        Expr::Literal(Literal::String(text)) => Some(text.to_string()),
        _ => None,
    };
    items.iter().map(text).collect()
}

/// A date, or a moment in UTC to the second or millisecond, in milliseconds since 1970. Other spellings, and years of long
/// ago, are left to the language.
fn moment(text: &str) -> Option<i64> {
    let shape: String = text
        .chars()
        .map(|letter| if letter.is_ascii_digit() { '0' } else { letter })
        .collect();
    let spelled = match shape.as_str() {
        "0000-00-00" => format!("{text}T00:00:00Z"),
        "0000-00-00T00:00:00Z" | "0000-00-00T00:00:00.000Z" => text.to_owned(),
        _ => return None,
    };
    let moment: jiff::Timestamp = spelled.parse().ok()?;
    // A leap second is a moment to some readers and none to others.
    let leap = spelled.get(17..19) == Some("60");
    (moment.as_millisecond() >= 0 && !leap).then_some(moment.as_millisecond())
}
