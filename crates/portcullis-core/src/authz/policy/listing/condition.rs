//! A condition on a resource, as filters.

use cedar_policy::pst::{BinaryOp, Expr, Literal, UnaryOp, Var};

use super::super::looks::mentions;
use super::super::schema::{ACCOUNT, ID, TENANT};
use super::Outcome;
use super::literal::{entity, is_value, pieces, text, value, values};
use crate::authz::resource::{
    Comparison, FieldKind, Filter, ORGANIZATION, OWNER, ResourceField, ResourceKind, Value,
};

/// A condition, or a part of it, that no filter can say.
#[derive(Debug, thiserror::Error)]
#[error("no list can ask for `{0}`")]
pub(in super::super) struct Unsayable(pub(in super::super) String);

impl Unsayable {
    pub(super) fn too_much() -> Self {
        Self("so many conditions".to_owned())
    }
}

/// When what doesn't depend on the resource is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// It was evaluated: it is a value.
    Now,
    /// It will be when somebody calls.
    Later,
}

/// Turns conditions on a resource of a kind into filters.
#[derive(Debug, Clone, Copy)]
pub(super) struct Condition {
    pub(super) kind: &'static ResourceKind,
    pub(super) known: Known,
}

/// A side of a comparison.
enum Side<'a> {
    Field(&'static ResourceField),
    Id,
    Owner,
    Organization,
    Resource,
    /// It doesn't depend on the resource.
    Known(&'a Expr),
}

impl Condition {
    /// Where the condition is true and where it fails.
    pub(super) fn outcome(self, expr: &Expr) -> Result<Outcome, Unsayable> {
        if self.known == Known::Later && !mentions(expr, &Var::Resource) {
            return Ok(Outcome::certain(LATER));
        }
        match expr {
            Expr::Literal(Literal::Bool(true)) => Ok(Outcome::always()),
            Expr::Literal(Literal::Bool(false)) => Ok(Outcome::certain(Filter::Never)),
            Expr::ResidualError => Ok(Outcome {
                yes: Filter::Never,
                fails: Filter::Always,
            }),
            Expr::UnaryOp {
                op: UnaryOp::Not,
                expr,
            } => Ok(self.outcome(expr)?.negated()),
            Expr::BinaryOp {
                op: op @ (BinaryOp::And | BinaryOp::Or),
                ..
            } => self.chain(expr, *op),
            Expr::IfThenElse {
                cond,
                then_expr,
                else_expr,
            } => match self.outcome(cond)? {
                always if always.is(&Filter::Always) => self.outcome(then_expr),
                never if never.is(&Filter::Never) => self.outcome(else_expr),
                condition => Outcome::choose(condition, self.outcome(then_expr)?, self.outcome(else_expr)?)
                    .bounded(expr),
            },
            _ => self.simple(expr).map(Outcome::certain),
        }
    }

    /// `a && b && …` or `a || b || …`.
    fn chain(self, expr: &Expr, op: BinaryOp) -> Result<Outcome, Unsayable> {
        // What isn't reached needn't be sayable, as in evaluating.
        let end = if op == BinaryOp::And {
            Filter::Never
        } else {
            Filter::Always
        };
        let mut outcomes = Vec::new();
        for operand in operands(expr, op) {
            let outcome = self.outcome(operand)?;
            let last = outcome.is(&end);
            outcomes.push(outcome);
            if last {
                break;
            }
        }
        if op == BinaryOp::And {
            Outcome::all(outcomes, expr)
        } else {
            Outcome::any(outcomes, expr)
        }
    }

    /// A condition without parts that are conditions.
    fn simple(self, expr: &Expr) -> Result<Filter, Unsayable> {
        match expr {
            Expr::GetAttr { .. } => match self.side(expr)? {
                Side::Field(field) => self.equal(expr, Side::Field(field), Side::Known(&TRUE)),
                _ => Err(unsayable(expr)),
            },
            Expr::HasAttr { expr: of, attrs }
                if **of == Expr::Var(Var::Resource) && attrs.tail.is_empty() =>
            {
                self.has(expr, &attrs.head)
            }
            Expr::Is {
                expr: of,
                entity_type,
                in_expr,
            } if **of == Expr::Var(Var::Resource) => match in_expr {
                _ if entity_type.to_string() != self.kind.name => Ok(Filter::Never),
                None => Ok(Filter::Always),
                Some(group) => self.within(expr, of, group),
            },
            Expr::Like { expr: of, pattern } => match self.side(of)? {
                Side::Field(field) => Ok(Filter::Like(field.name, pieces(pattern))),
                _ => Err(unsayable(expr)),
            },
            Expr::BinaryOp { op, left, right } => self.binary(expr, *op, left, right),
            _ => Err(unsayable(expr)),
        }
    }

    fn binary(self, expr: &Expr, op: BinaryOp, left: &Expr, right: &Expr) -> Result<Filter, Unsayable> {
        match op {
            BinaryOp::Eq => self.equal(expr, self.side(left)?, self.side(right)?),
            BinaryOp::NotEq => Ok(self.equal(expr, self.side(left)?, self.side(right)?)?.negated()),
            BinaryOp::Less => self.ordered(expr, (left, right), Comparison::Less),
            BinaryOp::LessEq => self.ordered(expr, (left, right), Comparison::LessOrEqual),
            BinaryOp::Greater => self.ordered(expr, (right, left), Comparison::Less),
            BinaryOp::GreaterEq => self.ordered(expr, (right, left), Comparison::LessOrEqual),
            BinaryOp::In => self.within(expr, left, right),
            BinaryOp::Contains => self.contains(expr, left, right),
            BinaryOp::ContainsAny => {
                let any = |set, of| Ok(Filter::any(self.each_contained(expr, set, of)?));
                match self.side(left) {
                    Ok(Side::Field(_)) => any(left, right),
                    _ => any(right, left),
                }
            }
            BinaryOp::ContainsAll => Ok(Filter::all(self.each_contained(expr, left, right)?)),
            _ => Err(unsayable(expr)),
        }
    }

    fn side<'e>(self, expr: &'e Expr) -> Result<Side<'e>, Unsayable> {
        match expr {
            Expr::Var(Var::Resource) => Ok(Side::Resource),
            Expr::GetAttr { expr: of, attr } if **of == Expr::Var(Var::Resource) => match attr.as_str() {
                ID => Ok(Side::Id),
                OWNER => Ok(Side::Owner),
                ORGANIZATION => Ok(Side::Organization),
                name => self.field(name).map(Side::Field).ok_or_else(|| unsayable(expr)),
            },
            _ if self.known == Known::Later && !mentions(expr, &Var::Resource) => Ok(Side::Known(expr)),
            _ if self.known == Known::Now && is_value(expr) => Ok(Side::Known(expr)),
            _ => Err(unsayable(expr)),
        }
    }

    fn field(self, name: &str) -> Option<&'static ResourceField> {
        self.kind.fields.iter().find(|field| field.name == name)
    }

    fn has(self, expr: &Expr, name: &str) -> Result<Filter, Unsayable> {
        match (name, self.field(name)) {
            (ID, _) => Ok(Filter::Always),
            (OWNER, _) => Ok(Filter::Present(OWNER)),
            (ORGANIZATION, _) => Ok(Filter::Present(ORGANIZATION)),
            (_, Some(field)) => Ok(present(field)),
            (_, None) => Err(unsayable(expr)),
        }
    }

    /// `left == right`. What no resource can be equal to is [`Filter::Never`].
    fn equal(self, expr: &Expr, left: Side<'_>, right: Side<'_>) -> Result<Filter, Unsayable> {
        let (side, known) = match (left, right) {
            (Side::Known(Expr::Literal(left)), Side::Known(Expr::Literal(right)))
                if self.known == Known::Now =>
            {
                return Ok(if left == right {
                    Filter::Always
                } else {
                    Filter::Never
                });
            }
            (Side::Known(_), Side::Known(_)) if self.known == Known::Later => return Ok(LATER),
            (Side::Known(known), side) | (side, Side::Known(known)) => (side, known),
            _ => return Err(unsayable(expr)),
        };
        if self.known == Known::Later {
            return match side {
                Side::Field(ResourceField {
                    kind: FieldKind::TextSet,
                    ..
                }) => Err(unsayable(expr)),
                _ => Ok(LATER),
            };
        }
        let Expr::Literal(literal) = known else {
            return Err(unsayable(expr));
        };
        let filter = match side {
            Side::Field(field) if field.kind == FieldKind::TextSet => return Err(unsayable(expr)),
            Side::Field(field) => {
                value(literal, field.kind).map(|value| Filter::Compare(field.name, Comparison::Equal, value))
            }
            Side::Id => text(literal).map(|id| Filter::Ids(vec![id])),
            Side::Owner => entity(literal, ACCOUNT)
                .and_then(|id| id.parse().ok())
                .map(Filter::OwnedBy),
            Side::Organization => entity(literal, TENANT)
                .and_then(|id| id.parse().ok())
                .map(Filter::Of),
            Side::Resource => entity(literal, self.kind.name).map(|id| Filter::Ids(vec![id.to_owned()])),
            Side::Known(_) => return Err(unsayable(expr)),
        };
        Ok(filter.unwrap_or(Filter::Never))
    }

    /// `left < right` or `left <= right`, where one of them is a field.
    fn ordered(
        self,
        expr: &Expr,
        (left, right): (&Expr, &Expr),
        how: Comparison,
    ) -> Result<Filter, Unsayable> {
        let number = |known: &Expr| match (self.known, known) {
            (Known::Now, Expr::Literal(Literal::Long(number))) => Ok(Value::Long(*number)),
            (Known::Later, _) => Ok(Value::Long(0)),
            _ => Err(unsayable(expr)),
        };
        match (self.side(left)?, self.side(right)?) {
            (Side::Field(field), Side::Known(known)) => Ok(Filter::Compare(field.name, how, number(known)?)),
            (Side::Known(known), Side::Field(field)) => {
                // `5 < field` is `field` neither smaller nor the same.
                let opposite = match how {
                    Comparison::Less => Comparison::LessOrEqual,
                    Comparison::LessOrEqual | Comparison::Equal => Comparison::Less,
                };
                let smaller = Filter::Compare(field.name, opposite, number(known)?);
                Ok(Filter::all([present(field), smaller.negated()]))
            }
            _ => Err(unsayable(expr)),
        }
    }

    /// `left in right`. Nothing but accounts is in anything but itself, and accounts are in roles only: what an
    /// account is in was evaluated already, unless `right` depends on the resource, and then it can only be the same.
    fn within(self, expr: &Expr, left: &Expr, right: &Expr) -> Result<Filter, Unsayable> {
        match right {
            Expr::Set(items) => {
                let same = items
                    .iter()
                    .map(|item| self.equal(expr, self.side(left)?, self.side(item)?));
                Ok(Filter::any(same.collect::<Result<Vec<_>, _>>()?))
            }
            _ => self.equal(expr, self.side(left)?, self.side(right)?),
        }
    }

    /// The filter that `set.contains(item)` means, where one of the two is a field of the resource.
    fn contains(self, expr: &Expr, set: &Expr, item: &Expr) -> Result<Filter, Unsayable> {
        if let Expr::Set(items) = set {
            if let (Known::Now, Ok(Side::Field(field))) = (self.known, self.side(item))
                && field.kind != FieldKind::TextSet
                && let Some(values) = values(items, field.kind)
            {
                return Ok(Filter::OneOf(field.name, values).simplified());
            }
            let same = items
                .iter()
                .map(|other| self.equal(expr, self.side(other)?, self.side(item)?));
            return Ok(Filter::any(same.collect::<Result<Vec<_>, _>>()?));
        }
        match (self.side(set)?, self.side(item)?) {
            (Side::Field(field), Side::Known(known)) => self.holds(expr, field, known),
            // A set that is known later: checked here only for having a form that can be said.
            (Side::Known(_), Side::Field(field)) if field.kind == FieldKind::TextSet => Err(unsayable(expr)),
            (Side::Known(_), side) if !matches!(side, Side::Known(_)) && self.known == Known::Later => {
                Ok(LATER)
            }
            _ => Err(unsayable(expr)),
        }
    }

    /// `set.contains(item)` for each of `items`.
    fn each_contained(self, expr: &Expr, set: &Expr, items: &Expr) -> Result<Vec<Filter>, Unsayable> {
        let Side::Field(field) = self.side(set)? else {
            return Err(unsayable(expr));
        };
        match (self.side(items)?, items) {
            (Side::Known(_), Expr::Set(items)) => {
                items.iter().map(|item| self.holds(expr, field, item)).collect()
            }
            (Side::Known(_), _) if self.known == Known::Later => Ok(vec![LATER]),
            _ => Err(unsayable(expr)),
        }
    }

    /// The field, a set, contains a known text.
    fn holds(self, expr: &Expr, field: &'static ResourceField, known: &Expr) -> Result<Filter, Unsayable> {
        match (self.known, known) {
            (Known::Now, Expr::Literal(Literal::String(text))) => {
                Ok(Filter::Contains(field.name, text.to_string()))
            }
            (Known::Later, _) => Ok(LATER),
            _ => Err(unsayable(expr)),
        }
    }
}

/// The operands of a chain of one operator, from left to right, however it is nested.
fn operands(expr: &Expr, op: BinaryOp) -> Vec<&Expr> {
    let (mut found, mut open) = (Vec::new(), vec![expr]);
    while let Some(expr) = open.pop() {
        match expr {
            Expr::BinaryOp {
                op: here,
                left,
                right,
            } if *here == op => open.extend([&**right, &**left]),
            operand => found.push(operand),
        }
    }
    found
}

fn present(field: &'static ResourceField) -> Filter {
    if field.optional {
        Filter::Present(field.name)
    } else {
        Filter::Always
    }
}

pub(super) fn unsayable(expr: &Expr) -> Unsayable {
    const LONGEST: usize = 300;
    let text = expr.to_string();
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => Unsayable(format!("{} …", text.get(..end).unwrap_or_default())),
        None => Unsayable(text),
    }
}

/// Stands for what will be known: neither always nor never.
const LATER: Filter = Filter::Present("");

const TRUE: Expr = Expr::Literal(Literal::Bool(true));
