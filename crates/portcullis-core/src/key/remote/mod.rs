//! Another issuer's published keys, followed from afar.
//!
//! ```text
//! request ──► fresh set? ── yes ─► verify, no I/O
//!                │ no: none yet, or over its time
//!                ▼
//!         one fetch, shared by all who wait ── fails ─► the set of before, while it may still count; else a fault
//! unknown kid ─► one fetch, if the last one is long enough ago ─► look again, once
//! ```
//! A set is fresh for as long as the issuer says, between [`Settings::fresh_at_least`] and
//! [`Settings::fresh_at_most`], and is fetched anew before that is over by whoever calls [`RemoteKeys::tend`].
//! While the issuer can't be reached the set of before counts for [`Settings::stale`], and requests wait for the first
//! failed attempt only.
//!
//! **Invariants:** at most one fetch is under way (`T053`), unless it was abandoned by all who waited for it; after a failure none begins before the back-off is over;
//! names that nobody knows cause one fetch per [`Settings::cooldown`] (`T053`), however many requests bring them. A key
//! has the algorithm its set says and one that the settings allow; shared secrets and private keys are no keys here
//! (`T054`). A set that can't be read changes nothing.
//!
//! **Deliberately absent:** sockets and timers. [`Fetch`] brings the text; whoever composes the program calls
//! [`RemoteKeys::tend`].

mod flight;
mod set;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use async_trait::async_trait;
use futures_util::FutureExt as _;

use self::flight::{Boarding, Flight, Flights};
pub use self::set::KeySet;
use super::Algorithm;
use crate::defends;
use crate::environment::{Environment, Timestamp};
use crate::fault::Fault;

/// A key set as its issuer publishes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The JWK set as it was received, in JSON (RFC 7517 §5); nothing of it is believed yet.
    pub text: Vec<u8>,
    /// How long the issuer says it may be kept.
    pub max_age: Option<Duration>,
}

/// Why a key set couldn't be had. The text goes to the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FetchFailed(pub String);

/// Brings the key set of one issuer.
#[async_trait]
pub trait Fetch: Send + Sync {
    /// The set as it is published now. Must end by itself: whoever implements it sets a time limit.
    async fn fetch(&self) -> Result<Published, FetchFailed>;
}

/// How a remote key set is kept.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Settings {
    /// The algorithms that are honoured; a shared secret's never is.
    pub algorithms: Vec<Algorithm>,
    /// A set counts as fresh for at least this long, whatever the issuer says: 5 minutes.
    pub fresh_at_least: Duration,
    /// A set counts as fresh for at most this long, whatever the issuer says: 24 hours.
    pub fresh_at_most: Duration,
    /// For how long after it was fetched a set counts while no newer one can be had: 24 hours.
    pub stale: Duration,
    /// How long after a fetch an unknown `kid` may cause the next one: 10 seconds.
    pub cooldown: Duration,
    /// How long after the first failure the next attempt is made; it doubles with each: 1 second.
    pub back_off: Duration,
    /// How far it doubles: 1 minute.
    pub back_off_most: Duration,
    /// How long after it began a fetch that hasn't ended is given up for another one: 30 seconds. Longer than the
    /// fetch's own time limits together.
    pub patience: Duration,
    /// How many keys a set may have: 64.
    pub keys: usize,
}

impl Settings {
    fn honours(&self, algorithm: Algorithm) -> bool {
        !algorithm.is_symmetric() && self.algorithms.contains(&algorithm)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            algorithms: Algorithm::ALL
                .into_iter()
                .filter(|algorithm| !algorithm.is_symmetric())
                .collect(),
            fresh_at_least: Duration::from_secs(5 * 60),
            fresh_at_most: Duration::from_secs(24 * 3_600),
            stale: Duration::from_secs(24 * 3_600),
            cooldown: Duration::from_secs(10),
            back_off: Duration::from_secs(1),
            back_off_most: Duration::from_secs(60),
            patience: Duration::from_secs(30),
            keys: 64,
        }
    }
}

/// Role: key manager of a resource server. Follows the keys of one issuer.
pub struct RemoteKeys {
    fetch: Arc<dyn Fetch>,
    environment: Environment,
    settings: Settings,
    set: ArcSwapOption<KeySet>,
    /// Locked for moments only; a new set is put in place under this lock.
    flights: Mutex<Flights>,
}

/// What a fetch is wanted for.
enum Want<'s> {
    /// A set that is fresh.
    Fresh,
    /// A newer set than this one: a name isn't in it.
    Newer(&'s Arc<KeySet>),
    /// A set whose time isn't nearly over.
    Early,
}

impl RemoteKeys {
    /// Follows what `fetch` brings. Nothing is fetched yet.
    pub fn new(fetch: Arc<dyn Fetch>, environment: Environment, settings: Settings) -> Self {
        Self {
            fetch,
            environment,
            settings,
            set: ArcSwapOption::empty(),
            flights: Mutex::default(),
        }
    }

    /// Whether tokens of this algorithm are looked at.
    pub fn honours(&self, algorithm: Algorithm) -> bool {
        self.settings.honours(algorithm)
    }

    /// The edition of the set if it is fresh at `now`: no lock, no waiting.
    pub(crate) fn fresh_edition(&self, now: Timestamp) -> Option<u64> {
        let set = self.set.load();
        set.as_ref()
            .filter(|set| set.is_fresh(now))
            .map(|set| set.edition)
    }

    /// The set that counts at `now`: fresh, or fetched now, or the one of before while it may still count.
    ///
    /// # Errors
    /// [`Fault::Keys`] if there is none: nobody is let in.
    pub async fn set(&self, now: Timestamp) -> Result<Arc<KeySet>, Fault> {
        if let Some(set) = self.set.load_full() {
            // Where the issuer is known to be down, requests don't wait for each attempt to fail: `tend` makes them.
            if set.is_fresh(now) || (now < set.good_until && self.flights().are_failing()) {
                return Ok(set);
            }
        }
        if let Boarding::On(number, flight) = self.board(&Want::Fresh, now) {
            self.travel(number, flight).await;
        }
        let set = self.set.load_full().filter(|set| now < set.good_until);
        set.ok_or_else(|| self.unavailable())
    }

    /// The set after a name was not in `seen`; `None` if the issuer was asked so recently that it isn't asked again.
    ///
    /// # Errors
    /// [`Fault::Keys`] if the issuer can't be asked: the key may exist.
    pub async fn after_unknown(
        &self,
        seen: &Arc<KeySet>,
        now: Timestamp,
    ) -> Result<Option<Arc<KeySet>>, Fault> {
        match self.board(&Want::Newer(seen), now) {
            Boarding::Cooling => Ok(None),
            Boarding::Arrived => Ok(self.set.load_full()),
            Boarding::BackingOff => Err(self.unavailable()),
            Boarding::On(number, flight) => {
                if self.travel(number, flight).await {
                    Ok(self.set.load_full())
                } else {
                    Err(self.unavailable())
                }
            }
        }
    }

    /// Fetches the set anew if its time is nearly over or there is none. Answers how long nothing needs doing.
    pub async fn tend(&self) -> Duration {
        if let Boarding::On(number, flight) = self.board(&Want::Early, self.environment.now()) {
            self.travel(number, flight).await;
        }
        let now = self.environment.now();
        let refresh_at = self.set.load().as_ref().map(|set| set.refresh_at);
        let next = refresh_at
            .filter(|at| *at > now)
            .unwrap_or_else(|| self.flights().retry_at);
        // A clock that was set back makes it due, not far away.
        let longest = self.settings.fresh_at_most.max(self.settings.back_off_most);
        next.since(now).min(longest).max(LEAST_PAUSE)
    }

    /// Whether tokens can be verified; tries to get the keys if there are none.
    ///
    /// # Errors
    /// [`Fault::Keys`] if there are none and none can be had now.
    pub async fn ready(&self) -> Result<(), Fault> {
        self.set(self.environment.now()).await.map(drop)
    }

    /// A place on the one flight there is, or why there is none.
    fn board(&self, want: &Want<'_>, now: Timestamp) -> Boarding {
        defends!("T053");
        let mut flights = self.flights();
        let set = self.set.load_full();
        let arrived = set.as_ref().is_some_and(|set| match want {
            Want::Fresh => set.is_fresh(now),
            Want::Newer(seen) => !Arc::ptr_eq(set, seen),
            Want::Early => set.is_fresh(now) && now < set.refresh_at,
        });
        if arrived {
            return Boarding::Arrived;
        }
        let cooldown = match want {
            Want::Newer(_) => self.settings.cooldown,
            Want::Fresh | Want::Early => Duration::ZERO,
        };
        flights.board(now, cooldown, &self.settings, || self.fetch_now(set, now))
    }

    /// A fetch that owns what it needs: whoever waits for it may go away, another one carries it on.
    fn fetch_now(&self, before: Option<Arc<KeySet>>, now: Timestamp) -> Flight {
        let fetch = Arc::clone(&self.fetch);
        let (environment, settings) = (self.environment.clone(), self.settings.clone());
        async move {
            let published = fetch.fetch().await.map_err(|failed| Arc::from(failed.0))?;
            KeySet::read(&published, before.as_deref(), &settings, &environment, now)
                .map(Arc::new)
                .map_err(|refused| Arc::from(format!("the published key set is refused: {refused}")))
        }
        .boxed()
        .shared()
    }

    /// Waits for a fetch and takes in what it brought. Answers whether that was a set.
    async fn travel(&self, number: u64, flight: Flight) -> bool {
        let landed = flight.await;
        let jitter = u32::from_le_bytes(self.environment.bytes());
        let mut flights = self.flights();
        // The first of those who waited takes it in.
        if flights.land(number) {
            match &landed {
                Ok(set) => {
                    flights.succeeded();
                    set.tell(self.set.load().as_deref());
                    self.set.store(Some(Arc::clone(set)));
                }
                Err(reason) => {
                    let pause = flights.failed(self.environment.now(), &self.settings, jitter);
                    tracing::warn!(%reason, ?pause, "fetching the issuer's keys failed; retrying after a pause");
                }
            }
        }
        landed.is_ok()
    }

    fn unavailable(&self) -> Fault {
        let retry_at = self.flights().retry_at;
        let pause = retry_at.since(self.environment.now());
        Fault::Keys(pause.min(self.settings.back_off_most).max(LEAST_PAUSE))
    }

    fn flights(&self) -> MutexGuard<'_, Flights> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for RemoteKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteKeys")
            .field("set", &*self.set.load())
            .finish_non_exhaustive()
    }
}

/// The shortest pause between two looks.
const LEAST_PAUSE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
