//! How often: limits that are always the same, or those of the caller's tier.

use std::borrow::Cow;
use std::sync::Arc;

use portcullis_core::attribute::Attribute;
use portcullis_core::throttle::{InvalidLimits, Limit, Limits, Rate, Tiers};

use super::Asking;

type TierOf = dyn Fn(&Asking<'_>) -> Option<Cow<'static, str>> + Send + Sync;

/// How often something may be done.
#[derive(Clone)]
pub struct Allowance(Kind);

#[derive(Clone)]
enum Kind {
    Fixed(Limits),
    Tiered(Tiers, Arc<TierOf>),
}

impl Allowance {
    /// What the caller's tier allows, as a function names it for each request. Whoever has none, or one that there isn't, has
    /// the default.
    ///
    /// ```
    /// use portcullis::rates::{Allowance, RateLimit};
    /// use portcullis::core::throttle::Tiers;
    ///
    /// let tiers = Tiers::new("free", [("free", "60/minute, 1000/day"), ("pro", "1000/minute, 100000/day")])?;
    /// let plan = |asking: &portcullis::rates::Asking<'_>| {
    ///     let pro = asking.principal().is_some_and(|who| who.has_role("pro"));
    ///     pro.then_some("pro".into())
    /// };
    /// let limit = RateLimit::by_user(Allowance::tier(&tiers, plan));
    /// # Ok::<_, portcullis::core::throttle::InvalidTiers>(())
    /// ```
    pub fn tier(
        tiers: &Tiers,
        of: impl Fn(&Asking<'_>) -> Option<Cow<'static, str>> + Send + Sync + 'static,
    ) -> Self {
        Self(Kind::Tiered(tiers.clone(), Arc::new(of)))
    }

    /// What the tier allows that stands in this attribute of the caller's account.
    pub fn tier_in(tiers: &Tiers, attribute: Attribute<String>) -> Self {
        Self::tier(tiers, move |asking| {
            Some(asking.principal()?.attribute(attribute)?.into())
        })
    }

    /// The limits that hold for a request.
    pub(super) fn of(&self, asking: &Asking<'_>) -> Limits {
        match &self.0 {
            Kind::Fixed(limits) => *limits,
            Kind::Tiered(tiers, of) => tiers.limits(of(asking).as_deref()),
        }
    }

    /// The limits, if they are always the same.
    pub(super) const fn fixed(&self) -> Option<&Limits> {
        match &self.0 {
            Kind::Fixed(limits) => Some(limits),
            Kind::Tiered(..) => None,
        }
    }

    /// As the docs and `authz.lock` say it: of tiers only that they are, for they change while the program runs.
    pub(super) fn say(&self) -> String {
        self.fixed()
            .map_or_else(|| "by tier".to_owned(), Limits::to_string)
    }
}

impl std::fmt::Debug for Allowance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.say())
    }
}

/// What says how often something may be done: a text such as `"60/minute, 1000/day"`, the same as types, or an
/// [`Allowance`].
pub trait IntoAllowance {
    /// What it says.
    ///
    /// # Errors
    /// [`InvalidLimits`] if it is a text that says nothing.
    fn into_allowance(self) -> Result<Allowance, InvalidLimits>;
}

impl IntoAllowance for Allowance {
    fn into_allowance(self) -> Result<Allowance, InvalidLimits> {
        Ok(self)
    }
}

impl IntoAllowance for Limits {
    fn into_allowance(self) -> Result<Allowance, InvalidLimits> {
        Ok(Allowance(Kind::Fixed(self)))
    }
}

impl IntoAllowance for Limit {
    fn into_allowance(self) -> Result<Allowance, InvalidLimits> {
        Limits::one(self).into_allowance()
    }
}

impl IntoAllowance for Rate {
    fn into_allowance(self) -> Result<Allowance, InvalidLimits> {
        Limit::of(self).into_allowance()
    }
}

impl IntoAllowance for &str {
    fn into_allowance(self) -> Result<Allowance, InvalidLimits> {
        Limits::parse(self)?.into_allowance()
    }
}

impl IntoAllowance for String {
    fn into_allowance(self) -> Result<Allowance, InvalidLimits> {
        self.as_str().into_allowance()
    }
}
