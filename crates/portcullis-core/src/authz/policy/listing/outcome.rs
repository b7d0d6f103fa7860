//! What is known of a condition: where it is true, and where evaluating it fails.
//!
//! A chain of conditions grows by its parts. Where parts that may fail are nested in each other it can grow faster, so
//! there is a bound ([`MOST`], [`DEEPEST`]), and what passes it can't be said.

use cedar_policy::pst::Expr;

use super::condition::{Unsayable, unsayable};
use crate::authz::resource::Filter;
use crate::defends;

/// Where a condition is true and where evaluating it fails; everywhere else it is false.
#[derive(Debug, Clone)]
pub(super) struct Outcome {
    pub(super) yes: Filter,
    pub(super) fails: Filter,
}

impl Outcome {
    pub(super) const fn always() -> Self {
        Self::certain(Filter::Always)
    }

    /// It doesn't fail: the language let no expression pass that reads a field without asking whether it is there.
    pub(super) const fn certain(yes: Filter) -> Self {
        Self {
            yes,
            fails: Filter::Never,
        }
    }

    /// Whether it is this everywhere and never fails.
    pub(super) fn is(&self, filter: &Filter) -> bool {
        self.yes == *filter && self.fails == Filter::Never
    }

    fn no(&self) -> Filter {
        Filter::all([self.yes.clone().negated(), self.fails.clone().negated()])
    }

    pub(super) fn negated(self) -> Self {
        Self {
            yes: self.no(),
            fails: self.fails,
        }
    }

    /// All of them, evaluated from left to right; they stand in `expr`.
    pub(super) fn all(outcomes: Vec<Self>, expr: &Expr) -> Result<Self, Unsayable> {
        defends!("T101");
        if outcomes.iter().all(|outcome| outcome.fails == Filter::Never) {
            let each = outcomes.into_iter().map(|outcome| outcome.yes);
            return Self::certain(Filter::all(each)).bounded(expr);
        }
        let mut from_right = outcomes.into_iter().rev();
        from_right.try_fold(Self::always(), |rest, left| left.and(rest).bounded(expr))
    }

    /// At least one of them, evaluated from left to right; they stand in `expr`.
    pub(super) fn any(outcomes: Vec<Self>, expr: &Expr) -> Result<Self, Unsayable> {
        defends!("T101");
        if outcomes.iter().all(|outcome| outcome.fails == Filter::Never) {
            let each = outcomes.into_iter().map(|outcome| outcome.yes);
            return Self::certain(Filter::any(each)).bounded(expr);
        }
        let mut from_right = outcomes.into_iter().rev();
        let none = Self::certain(Filter::Never);
        from_right.try_fold(none, |rest, left| left.or(rest).bounded(expr))
    }

    pub(super) fn and(self, right: Self) -> Self {
        Self {
            fails: Filter::any([self.fails, Filter::all([self.yes.clone(), right.fails])]),
            yes: Filter::all([self.yes, right.yes]),
        }
    }

    fn or(self, right: Self) -> Self {
        let reached = |filter: &Filter, then| Filter::all([filter.clone().negated(), then]);
        Self {
            yes: Filter::any([self.yes.clone(), reached(&self.fails, right.yes)]),
            fails: Filter::any([self.fails, reached(&self.yes, right.fails)]),
        }
    }

    pub(super) fn choose(condition: Self, then: Self, otherwise: Self) -> Self {
        let (yes, no) = (condition.yes.clone(), condition.no());
        let either = |then, otherwise| {
            [
                Filter::all([yes.clone(), then]),
                Filter::all([no.clone(), otherwise]),
            ]
        };
        Self {
            yes: Filter::any(either(then.yes, otherwise.yes)),
            fails: Filter::any(
                [condition.fails]
                    .into_iter()
                    .chain(either(then.fails, otherwise.fails)),
            ),
        }
    }

    /// The same, if a database can be asked for it.
    pub(super) fn bounded(self, expr: &Expr) -> Result<Self, Unsayable> {
        let (yes, fails) = (Extent::of(&self.yes), Extent::of(&self.fails));
        if yes.nodes + fails.nodes <= MOST && yes.depth.max(fails.depth) <= DEEPEST {
            Ok(self)
        } else {
            Err(unsayable(expr))
        }
    }

    /// How many parts it has.
    pub(super) fn nodes(&self) -> usize {
        Extent::of(&self.yes).nodes + Extent::of(&self.fails).nodes
    }
}

/// How much a database has to read.
#[derive(Debug, Clone, Copy)]
struct Extent {
    nodes: usize,
    depth: usize,
}

impl Extent {
    fn of(filter: &Filter) -> Self {
        let leaf = |nodes| Self { nodes, depth: 1 };
        match filter {
            Filter::All(parts) | Filter::Any(parts) => parts.iter().map(Self::of).fold(leaf(1), Self::with),
            Filter::Not(inner) => leaf(1).with(Self::of(inner)),
            Filter::Like(_, pattern) => leaf(pattern.0.len().max(1)),
            _ => leaf(1),
        }
    }

    fn with(self, inner: Self) -> Self {
        Self {
            nodes: self.nodes + inner.nodes,
            depth: self.depth.max(inner.depth + 1),
        }
    }
}

/// The most parts of one action's filters: each is at most one parameter, of which SQLite takes 32,766.
pub(super) const MOST: usize = 10_000;

/// How deep they are nested at most. SQLite reads expressions up to 1,000 deep, and a part of a filter takes several.
const DEEPEST: usize = 100;
