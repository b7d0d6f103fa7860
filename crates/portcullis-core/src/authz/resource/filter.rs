//! A decision about all resources of a kind at once.

use super::{ResourceFacts, Value};

/// Which resources of a kind are meant: what a decision leaves open once everything but the resource is known. A
/// store turns it into a condition of its language.
///
/// It has two values, never three: a comparison with a field that a resource lacks is false, and its negation true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// Means every resource of the kind.
    Always,
    /// Means no resource at all.
    Never,
    /// Those that all of these mean; all resources if there are none.
    All(Vec<Self>),
    /// Those that at least one of these means; none if there are none.
    Any(Vec<Self>),
    /// Those that it doesn't mean.
    Not(Box<Self>),
    /// Those whose field compares so with the value.
    Compare(&'static str, Comparison, Value),
    /// Those whose field is one of the values.
    OneOf(&'static str, Vec<Value>),
    /// Those whose field, a set, contains the text.
    Contains(&'static str, String),
    /// Those that have the field. [`OWNER`] and [`ORGANIZATION`] name what [`Filter::OwnedBy`] and [`Filter::Of`]
    /// compare.
    Present(&'static str),
    /// Those whose field, a text, has this form.
    Like(&'static str, Pattern),
    /// Those owned by this account.
    OwnedBy(crate::account::Id),
    /// Those that belong to this organization.
    Of(crate::id::OrganizationId),
    /// Those with one of these ids.
    Ids(Vec<String>),
}

/// How two values compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// They are the same.
    Equal,
    /// The field is smaller. Numbers only.
    Less,
    /// The field is smaller or the same. Numbers only.
    LessOrEqual,
}

/// The form of a text: these pieces in this order with anything between them. The first piece begins the text and
/// the last one ends it; an empty first or last piece leaves that end open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(pub Vec<String>);

impl Filter {
    /// Whether it means this resource.
    pub fn matches(&self, resource: &ResourceFacts) -> bool {
        let field = |name: &str| resource.fields.get(name);
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::All(filters) => filters.iter().all(|filter| filter.matches(resource)),
            Self::Any(filters) => filters.iter().any(|filter| filter.matches(resource)),
            Self::Not(filter) => !filter.matches(resource),
            Self::Compare(name, how, value) => field(name).is_some_and(|field| how.holds(field, value)),
            Self::OneOf(name, values) => field(name).is_some_and(|field| values.contains(field)),
            Self::Contains(name, text) => {
                matches!(field(name), Some(Value::TextSet(texts)) if texts.contains(text))
            }
            Self::Present(OWNER) => resource.owner.is_some(),
            Self::Present(ORGANIZATION) => resource.organization.is_some(),
            Self::Present(name) => field(name).is_some(),
            Self::Like(name, pattern) => {
                matches!(field(name), Some(Value::Text(text)) if pattern.matches(text))
            }
            Self::OwnedBy(account) => resource.owner == Some(*account),
            Self::Of(organization) => resource.organization == Some(*organization),
            Self::Ids(ids) => ids.contains(&resource.id),
        }
    }

    /// Those that every one of `filters` means, in the shortest form found.
    #[must_use]
    pub fn all(filters: impl IntoIterator<Item = Self>) -> Self {
        let mut parts = Vec::new();
        for filter in filters {
            match filter {
                Self::All(inner) => inner.into_iter().for_each(|filter| add(&mut parts, filter)),
                filter => add(&mut parts, filter),
            }
        }
        parts.retain(|filter| *filter != Self::Always);
        if parts.contains(&Self::Never) || contradict(&parts) {
            return Self::Never;
        }
        one_or(parts, Self::Always, Self::All)
    }

    /// Those that at least one of `filters` means, in the shortest form found.
    #[must_use]
    pub fn any(filters: impl IntoIterator<Item = Self>) -> Self {
        let mut parts = Vec::new();
        for filter in filters {
            match filter {
                Self::Any(inner) => inner.into_iter().for_each(|filter| add(&mut parts, filter)),
                filter => add(&mut parts, filter),
            }
        }
        parts.retain(|filter| *filter != Self::Never);
        if parts.contains(&Self::Always) || contradict(&parts) {
            return Self::Always;
        }
        one_or(parts, Self::Never, Self::Any)
    }

    /// Those that it doesn't mean.
    #[must_use]
    pub fn negated(self) -> Self {
        match self {
            Self::Always => Self::Never,
            Self::Never => Self::Always,
            Self::Not(filter) => *filter,
            filter => Self::Not(Box::new(filter)),
        }
    }

    /// The same resources in the shortest form found.
    #[must_use]
    pub fn simplified(self) -> Self {
        match self {
            Self::All(filters) => Self::all(filters.into_iter().map(Self::simplified)),
            Self::Any(filters) => Self::any(filters.into_iter().map(Self::simplified)),
            Self::Not(filter) => filter.simplified().negated(),
            Self::OneOf(_, values) if values.is_empty() => Self::Never,
            Self::Ids(ids) if ids.is_empty() => Self::Never,
            filter => filter,
        }
    }
}

impl Comparison {
    /// Whether the field compares so with the value. Values of different kinds never do.
    fn holds(self, field: &Value, value: &Value) -> bool {
        match (self, field, value) {
            (Self::Equal, field, value) => field == value,
            (Self::Less, Value::Long(field), Value::Long(value)) => field < value,
            (Self::LessOrEqual, Value::Long(field), Value::Long(value)) => field <= value,
            (Self::Less | Self::LessOrEqual, _, _) => false,
        }
    }
}

impl Pattern {
    /// Whether `text` has this form.
    pub fn matches(&self, text: &str) -> bool {
        let (first, middle, last) = match self.0.as_slice() {
            [] => return false,
            [whole] => return whole == text,
            [first, middle @ .., last] => (first, middle, last),
        };
        let Some(mut rest) = text.strip_prefix(first.as_str()) else {
            return false;
        };
        // Taking each piece at its first place leaves the most for the next one.
        for piece in middle {
            match rest.split_once(piece.as_str()) {
                Some((_, after)) => rest = after,
                None => return false,
            }
        }
        rest.ends_with(last.as_str())
    }
}

fn add(parts: &mut Vec<Filter>, filter: Filter) {
    if !parts.contains(&filter) {
        parts.push(filter);
    }
}

/// Whether one of the parts is the negation of another: a filter has two values, so one of them holds and one doesn't.
fn contradict(parts: &[Filter]) -> bool {
    parts
        .iter()
        .any(|part| matches!(part, Filter::Not(inner) if parts.contains(inner)))
}

fn one_or(mut parts: Vec<Filter>, none: Filter, several: impl FnOnce(Vec<Filter>) -> Filter) -> Filter {
    match (parts.pop(), parts.is_empty()) {
        (None, _) => none,
        (Some(only), true) => only,
        (Some(last), false) => {
            parts.push(last);
            several(parts)
        }
    }
}

/// The name of a resource's owner in [`Filter::Present`].
pub const OWNER: &str = "owner";

/// The name of a resource's organization in [`Filter::Present`].
pub const ORGANIZATION: &str = "organization";

#[cfg(test)]
mod tests;
