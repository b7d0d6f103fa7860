//! A limit, as a program says it.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use portcullis_core::authz::Principal;
use portcullis_core::throttle::{Limit, LimitKey, Limits, Quota, Rate, V6Prefix};

use super::{Allowance, Asking, IntoAllowance};

type Naming = dyn Fn(&Asking<'_>) -> Option<LimitKey> + Send + Sync;
type Pricing = dyn Fn(&Asking<'_>) -> u32 + Send + Sync;

/// How often routes may be called, and for whom that is counted.
///
/// ```
/// use portcullis::{Allow, Api, Authenticated, Public};
/// use portcullis::rates::RateLimit;
///
/// async fn sign_up(_: Public) {}
/// async fn search(_: Allow<Authenticated>) {}
///
/// let api: Api = Api::new("Shop", "1.0")
///     .post("/sign-up", sign_up)
///     .rate_limit(RateLimit::by_address("5/minute"))
///     .get("/search", search)
///     .rate_limit(RateLimit::by_user("60/minute, 1000/day").cost(2))
///     .rate_limit_all(RateLimit::by_address("1000/minute; burst 200"));
/// assert!(api.authz_lock().contains("at most 5/minute by address"));
/// ```
///
/// A text that is no limit is an error of the router, which lists all that is wrong
/// ([`ApiError`](crate::router::ApiError)).
#[derive(Clone)]
#[must_use]
pub struct RateLimit {
    pub(super) allowance: Option<Allowance>,
    pub(super) by: By,
    pub(super) cost: Cost,
    pub(super) name: Option<Cow<'static, str>>,
    prefix: V6Prefix,
    /// Whether it is of a whole API, and this route is one of it.
    handed_down: bool,
    errors: Vec<String>,
}

/// For whom is counted.
#[derive(Clone)]
pub(super) enum By {
    Address,
    User,
    ApiKey,
    Organization,
    Request(Arc<Naming>),
    Caller(Arc<Naming>),
}

/// What a call counts as.
#[derive(Clone)]
pub(super) enum Cost {
    Fixed(u32),
    Of(Arc<Pricing>),
}

impl RateLimit {
    /// For each client's address, before anybody is authenticated. Of IPv6 all addresses of a network are one
    /// ([`Self::v6_prefix`]).
    pub fn by_address(allowance: impl IntoAllowance) -> Self {
        Self::new(By::Address, allowance)
    }

    /// For each account, whatever its credential. Strangers are counted by their address.
    pub fn by_user(allowance: impl IntoAllowance) -> Self {
        Self::new(By::User, allowance)
    }

    /// For each API key, beside the rate that a key may have of its own. Who comes without one is counted as the account.
    pub fn by_api_key(allowance: impl IntoAllowance) -> Self {
        Self::new(By::ApiKey, allowance)
    }

    /// For each organization, on routes whose rule asks for a member, once membership is decided.
    pub fn by_organization(allowance: impl IntoAllowance) -> Self {
        Self::new(By::Organization, allowance)
    }

    /// For whatever a function makes of a request's head, before anybody is authenticated. `None` isn't limited: answer
    /// [`LimitKey::NOBODY`] for what all others share. A header is what the caller wants it to be.
    pub fn by_request(
        allowance: impl IntoAllowance,
        subject: impl Fn(&Asking<'_>) -> Option<LimitKey> + Send + Sync + 'static,
    ) -> Self {
        Self::new(By::Request(Arc::new(subject)), allowance)
    }

    /// For whatever a function makes of a request and its caller, once they are authenticated. `None` isn't limited.
    pub fn by_caller(
        allowance: impl IntoAllowance,
        subject: impl Fn(&Asking<'_>) -> Option<LimitKey> + Send + Sync + 'static,
    ) -> Self {
        Self::new(By::Caller(Arc::new(subject)), allowance)
    }

    fn new(by: By, allowance: impl IntoAllowance) -> Self {
        let allowance = allowance.into_allowance();
        let errors = allowance.as_ref().err().map(ToString::to_string);
        Self {
            allowance: allowance.ok(),
            by,
            cost: Cost::Fixed(1),
            name: None,
            prefix: V6Prefix::SITE,
            handed_down: false,
            errors: errors.into_iter().collect(),
        }
    }

    /// What one call counts as: 1 unless it is said.
    pub fn cost(mut self, cost: u32) -> Self {
        if cost == 0 {
            self.errors.push(
                "a cost of 0 limits nothing: leave the limit away, or let a function say when".to_owned(),
            );
        }
        self.cost = Cost::Fixed(cost);
        self
    }

    /// What one call counts as, by its head: more than may come at once counts as all of it, and 0 as nothing.
    pub fn cost_of(mut self, cost: impl Fn(&Asking<'_>) -> u32 + Send + Sync + 'static) -> Self {
        self.cost = Cost::Of(Arc::new(cost));
        self
    }

    /// The name that clients are told: lower-case letters, digits and `-`. Without it method and path make one. Limits of one
    /// name that allow the same count together, on whatever routes they are.
    pub fn named(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        let name = name.into();
        if let Err(error) = Quota::new(name.clone(), Limits::one(Limit::of(Rate::ONCE_A_MINUTE))) {
            self.errors.push(format!("{name:?}: {error}"));
        }
        self.name = Some(name);
        self
    }

    /// How many leading bits of an IPv6 address are one client: 64, as much as a network has at least. A customer of a
    /// provider often has 56 or 48.
    pub fn v6_prefix(mut self, bits: u8) -> Self {
        match V6Prefix::new(bits) {
            Some(prefix) => self.prefix = prefix,
            None => self
                .errors
                .push(format!("a prefix of {bits} bits: write 16 to 128")),
        }
        self
    }

    /// The same as a limit of a whole API, under this name unless it has one.
    pub(crate) fn or_named(mut self, name: &'static str) -> Self {
        self.name.get_or_insert(Cow::Borrowed(name));
        self.handed_down = true;
        self
    }

    /// Whether it is of a whole API.
    pub(crate) const fn is_handed_down(&self) -> bool {
        self.handed_down
    }

    /// All that is wrong with it.
    pub(crate) fn errors(&self) -> Vec<String> {
        let mut errors = self.errors.clone();
        if let (Some(limits), Cost::Fixed(cost)) =
            (self.allowance.as_ref().and_then(Allowance::fixed), &self.cost)
        {
            let dear = limits.iter().find(|limit| limit.at_once() < *cost);
            errors.extend(dear.map(|limit| {
                format!("{limit}: a call that costs {cost} is more than may ever come at once")
            }));
        }
        errors
    }

    /// Whether it is counted by who calls.
    pub(crate) const fn asks_for_caller(&self) -> bool {
        matches!(self.by, By::User | By::ApiKey | By::Organization | By::Caller(_))
    }

    /// Whether it is counted by the organization that a request is for.
    pub(crate) const fn asks_for_organization(&self) -> bool {
        matches!(self.by, By::Organization)
    }

    /// For whom the request is counted, if it is.
    pub(super) fn subject(&self, asking: &Asking<'_>) -> Option<LimitKey> {
        let user = || asking.principal.map(|who| LimitKey::user(who.id().as_uuid()));
        let known = match &self.by {
            By::Request(subject) | By::Caller(subject) => return subject(asking),
            By::Address => None,
            By::User => user(),
            By::ApiKey => {
                let key = asking.principal.and_then(Principal::api_key);
                key.map(|key| LimitKey::api_key(key.as_uuid())).or_else(user)
            }
            By::Organization => asking
                .organization
                .map(|here| LimitKey::organization(here.id().as_uuid()))
                .or_else(user),
        };
        let address = || asking.client.map(|client| LimitKey::address(client, self.prefix));
        known.or_else(address).or(Some(LimitKey::NOBODY))
    }
}

/// As the docs and `authz.lock` say it: `at most 5/minute by address`.
impl fmt::Display for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = match &self.by {
            By::Address => "address",
            By::User => "user",
            By::ApiKey => "API key",
            By::Organization => "organization",
            By::Request(_) => "a function of the request",
            By::Caller(_) => "a function of the caller",
        };
        let says = self.allowance.as_ref().map_or_else(String::new, Allowance::say);
        write!(f, "at most {says} by {by}")?;
        match &self.cost {
            Cost::Fixed(1) => Ok(()),
            Cost::Fixed(cost) => write!(f, ", each counts {cost}"),
            Cost::Of(_) => f.write_str(", at a cost of its own each"),
        }
    }
}

impl fmt::Debug for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RateLimit({self})")
    }
}
