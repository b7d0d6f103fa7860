//! What a policy looks at: only that is built for it, and a decision may be remembered only if none of it changes
//! from request to request.

use std::collections::BTreeSet;

use cedar_policy::pst::{BinaryOp, Clause, Expr, PrincipalConstraint, ResourceConstraint, StaticPolicy, Var};

/// A set of things that can be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Looks(u32);

impl Looks {
    pub(super) const NOTHING: Self = Self(0);
    pub(super) const EVERYTHING: Self = Self(u32::MAX);

    pub(super) const NOW: Self = Self(1);
    pub(super) const IP: Self = Self(1 << 1);
    pub(super) const USER_AGENT: Self = Self(1 << 2);
    pub(super) const MFA: Self = Self(1 << 3);
    pub(super) const LOGIN_AGE: Self = Self(1 << 4);
    pub(super) const CREDENTIAL: Self = Self(1 << 5);
    pub(super) const ORGANIZATION: Self = Self(1 << 6);
    pub(super) const ORG_ROLES: Self = Self(1 << 7);
    pub(super) const PERMISSIONS: Self = Self(1 << 8);
    pub(super) const SCOPED: Self = Self(1 << 9);
    pub(super) const EMAIL: Self = Self(1 << 10);
    pub(super) const EMAIL_VERIFIED: Self = Self(1 << 11);
    pub(super) const USERNAME: Self = Self(1 << 12);
    pub(super) const STATE: Self = Self(1 << 13);
    pub(super) const ROLES: Self = Self(1 << 14);
    pub(super) const RESOURCE: Self = Self(1 << 15);
    pub(super) const ATTRIBUTES: Self = Self(1 << 16);

    /// What is another with every request, or with every resource.
    const VOLATILE: Self =
        Self(Self::NOW.0 | Self::IP.0 | Self::USER_AGENT.0 | Self::LOGIN_AGE.0 | Self::RESOURCE.0);

    /// What the membership brings.
    const MEMBERSHIP: Self = Self(Self::ORGANIZATION.0 | Self::ORG_ROLES.0);

    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) const fn at(self, thing: Self) -> bool {
        self.0 & thing.0 != 0
    }

    /// Whether account and credential alone decide.
    pub(super) const fn steady(self) -> bool {
        !self.at(Self::VOLATILE) && !self.at(Self::MEMBERSHIP)
    }

    /// What a policy looks at. What isn't known to be less is everything.
    pub(super) fn of(policy: &StaticPolicy) -> Self {
        let body = policy.body();
        let principal = match body.principal {
            PrincipalConstraint::Any | PrincipalConstraint::Eq(_) | PrincipalConstraint::Is(_) => {
                Self::NOTHING
            }
            PrincipalConstraint::In(_) | PrincipalConstraint::IsIn(..) => Self::ROLES,
        };
        let resource = match body.resource {
            ResourceConstraint::Any => Self::NOTHING,
            _ => Self::RESOURCE,
        };
        let clauses = body.clauses().iter().map(|clause| match clause {
            Clause::When(expr) | Clause::Unless(expr) => Self::in_expr(expr),
        });
        clauses.fold(principal.and(resource), Self::and)
    }

    fn in_expr(expr: &Expr) -> Self {
        expr.reduce(&Self::at_node, &Self::and, Self::NOTHING)
    }

    fn at_node(expr: &Expr) -> Option<Self> {
        match expr {
            Expr::GetAttr { expr, attr } => Self::member(expr, attr),
            Expr::HasAttr { expr, attrs } => Self::member(expr, &attrs.head),
            Expr::Var(Var::Context) => Some(Self::EVERYTHING),
            Expr::Var(Var::Resource) => Some(Self::RESOURCE),
            Expr::BinaryOp {
                op: BinaryOp::In,
                left,
                right,
            } => Some(Self::ROLES.and(Self::in_expr(left)).and(Self::in_expr(right))),
            Expr::Is {
                expr,
                in_expr: Some(group),
                ..
            } => Some(Self::ROLES.and(Self::in_expr(expr)).and(Self::in_expr(group))),
            _ => None,
        }
    }

    fn member(of: &Expr, name: &str) -> Option<Self> {
        let (table, others): (&[(&str, Self)], Self) = match of {
            Expr::Var(Var::Context) => (&CONTEXT, Self::EVERYTHING),
            // Whatever else an account has is an attribute that the program declares.
            Expr::Var(Var::Principal) => (&ACCOUNT, Self::ATTRIBUTES),
            // The account by a detour, such as `(if … then principal else …).email`.
            other if mentions(other, &Var::Principal) => return Some(Self::EVERYTHING),
            _ => return None,
        };
        let found = table.iter().find(|(known, _)| *known == name);
        Some(found.map_or(others, |(_, looks)| *looks))
    }
}

/// The members of a resource that a policy looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Members {
    /// The members of these names, and no others.
    Only(BTreeSet<String>),
    /// It can't be told, so all of them.
    All,
}

impl Members {
    pub(super) const NONE: Self = Self::Only(BTreeSet::new());

    pub(super) fn have(&self, name: &str) -> bool {
        match self {
            Self::Only(names) => names.contains(name),
            Self::All => true,
        }
    }

    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Only(mut names), Self::Only(others)) => {
                names.extend(others);
                Self::Only(names)
            }
            _ => Self::All,
        }
    }

    /// What a policy looks at. What isn't known to be less is everything.
    pub(super) fn of(policy: &StaticPolicy) -> Self {
        let clauses = policy.body().clauses().iter().map(|clause| match clause {
            Clause::When(expr) | Clause::Unless(expr) => expr.reduce(&Self::at_node, &Self::and, Self::NONE),
        });
        clauses.fold(Self::NONE, Self::and)
    }

    fn at_node(expr: &Expr) -> Option<Self> {
        let (of, name) = match expr {
            Expr::GetAttr { expr, attr } => (expr, attr),
            Expr::HasAttr { expr, attrs } => (expr, &attrs.head),
            _ => return None,
        };
        match &**of {
            Expr::Var(Var::Resource) => Some(Self::Only(BTreeSet::from([name.to_string()]))),
            // The resource by a detour, such as `(if … then resource else …).title`.
            other if mentions(other, &Var::Resource) => Some(Self::All),
            _ => None,
        }
    }
}

/// Whether the variable stands anywhere in the expression.
pub(super) fn mentions(expr: &Expr, var: &Var) -> bool {
    let found = |expr: &Expr| matches!(expr, Expr::Var(here) if here == var).then_some(true);
    expr.reduce(&found, &|left, right| left || right, false)
}

/// The members of the context.
const CONTEXT: [(&str, Looks); 10] = [
    ("now", Looks::NOW),
    ("ip", Looks::IP),
    ("user_agent", Looks::USER_AGENT),
    ("mfa", Looks::MFA),
    ("login_age_seconds", Looks::LOGIN_AGE),
    ("credential", Looks::CREDENTIAL),
    ("organization", Looks::ORGANIZATION),
    ("org_roles", Looks::ORG_ROLES),
    ("permissions", Looks::PERMISSIONS),
    ("scoped", Looks::SCOPED),
];

/// The attributes of the account.
const ACCOUNT: [(&str, Looks); 4] = [
    ("email", Looks::EMAIL),
    ("email_verified", Looks::EMAIL_VERIFIED),
    ("username", Looks::USERNAME),
    ("state", Looks::STATE),
];
