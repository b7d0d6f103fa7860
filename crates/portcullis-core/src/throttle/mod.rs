//! Throttle: how often something may happen.
//!
//! A [`Rate`] is text such as `100/minute`; a [`Limit`] says how it is kept (`1000/day; burst 50`, `5/minute; sliding`), and
//! [`Limits`] are several that must all admit (`60/minute, 1000/day`). A [`Quota`] gives them a name, and is counted for each
//! [`LimitKey`]: an address, a user, a key, an organization, or what a function names.
//!
//! [`admit`] is the usual rule, a pure function: the generic cell rate algorithm, which needs one moment per subject and
//! spreads what was used up evenly instead of opening all at once when a window turns. The sliding window ([`window`]) keeps
//! more, and never admits more than its count in any span of its period.
//!
//! [`Limiter`] remembers many subjects in this process. [`Throttle`] asks counts that all nodes share, where there are any,
//! and goes by its own while they are away.
//!
//! **Invariants:** never more than the count at once, however large it is; nobody waits longer than one period, also
//! after a clock was set back; what is refused costs nothing; memory is bounded, and whoever fills it makes nobody forget
//! who used up more than they did (`T243`).
//!
//! **Deployment caveat:** without shared counts a node counts what its own process sees. Behind a balancer each node allows
//! the whole rate, so a deployment of three allows up to three times as much.

mod ask;
mod bucket;
mod budget;
mod limit;
mod limiter;
mod limits;
mod outcome;
mod quota;
mod rate;
mod shared;
mod state;
mod subject;
mod tiers;
pub mod window;

pub use self::ask::Ask;
pub use self::bucket::{Due, admit};
pub use self::budget::{Budget, BudgetSubject};
pub use self::limit::{InvalidLimit, Keeping, Limit};
pub use self::limiter::Limiter;
pub use self::limits::{InvalidLimits, Limits};
pub use self::outcome::{LimitVerdict, Outcome};
pub use self::quota::{InvalidQuota, Quota};
pub use self::rate::{InvalidRate, Per, Rate};
pub use self::shared::{Counts, SharedCounts, Throttle};
pub use self::subject::{LimitKey, V6Prefix};
pub use self::tiers::{InvalidTier, InvalidTiers, Tiers};
