//! Counts for many subjects at once, in memory.
//!
//! Flow: a keyed hash of quota and subject says in which of the shards it is counted; each is a map under a lock that is held
//! for a few instructions. What is all back is forgotten little by little, by whoever begins to be counted.
//!
//! A shard that is full makes room for a new subject by forgetting the one of sixteen that has used the smallest part of its
//! limit. So whoever makes up subjects to have others, or themself, forgotten must use up as much for most of what is
//! remembered. Subjects that the server gave out (accounts, keys, organizations) have shards of their own, where nobody's
//! made-up ones come.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indexmap::IndexMap;
use indexmap::map::Entry;
use uuid::Uuid;

use super::state::State;
use super::{Ask, LimitKey, LimitVerdict, Quota, Rate};
use crate::defends;
use crate::environment::Timestamp;

/// Remembers, for up to so many subjects, what each has used.
pub struct Limiter {
    made_up: Shards,
    given: Shards,
}

struct Shards {
    /// Nobody outside knows which subjects meet in a shard, or in a place of its map.
    hasher: RandomState,
    all: Box<[Mutex<Shard>]>,
    /// How much one of them remembers.
    room: usize,
}

#[derive(Default)]
struct Shard {
    subjects: IndexMap<Key, State, RandomState>,
    /// What they weigh together.
    weight: usize,
    /// Where the search for what is all back goes on.
    next: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    tag: u64,
    subject: [u8; 16],
}

impl Limiter {
    /// How many subjects of each sort are remembered where nobody says otherwise, in at most 110 MB. One with several limits
    /// takes the room of several; one with a sliding window that of five.
    pub const CAPACITY: usize = 1 << 20;

    /// A limiter that remembers up to about `capacity` subjects that callers make up (addresses, what a function names), and
    /// as many that the server gave out. Memory is taken as they come.
    pub fn new(capacity: usize) -> Self {
        Self {
            made_up: Shards::new(capacity),
            given: Shards::new(capacity),
        }
    }

    /// Counts a call at `now`, if every limit of its quota admits it. What is refused isn't counted.
    pub fn take(&self, ask: &Ask<'_>, now: Timestamp) -> LimitVerdict {
        defends!("T243");
        let shards = match ask.subject.is_made_up() {
            true => &self.made_up,
            false => &self.given,
        };
        let key = Key::of(ask);
        shards.of(&key).take(key, ask, now, shards.room)
    }

    /// Counts one for something that the server gave out.
    ///
    /// # Errors
    /// How long to wait; what is refused isn't counted.
    pub fn count(&self, subject: Uuid, rate: Rate, now: Timestamp) -> Result<(), Duration> {
        let quota = Quota::of_rate("one", rate);
        let verdict = self.take(&Ask::once(&quota, LimitKey::user(subject)), now);
        verdict.wait().map_or(Ok(()), Err)
    }

    /// How many subjects are remembered.
    pub fn subjects(&self) -> usize {
        self.made_up.len() + self.given.len()
    }
}

impl Shards {
    fn new(capacity: usize) -> Self {
        let hasher = RandomState::new();
        let shard = || Shard {
            subjects: IndexMap::with_hasher(hasher.clone()),
            weight: 0,
            next: 0,
        };
        Self {
            all: (0..SHARDS).map(|_| Mutex::new(shard())).collect(),
            room: capacity.div_ceil(SHARDS).max(1),
            hasher,
        }
    }

    fn of(&self, key: &Key) -> MutexGuard<'_, Shard> {
        // The low bits choose a place within a shard's map.
        let index = usize::try_from(self.hasher.hash_one(key) >> 40).unwrap_or(0) % SHARDS;
        let shard = self.all.get(index).or(self.all.first());
        #[allow(clippy::expect_used, reason = "there are always shards")]
        let shard = shard.expect("a shard");
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn len(&self) -> usize {
        let locked = self
            .all
            .iter()
            .map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner));
        locked.map(|shard| shard.subjects.len()).sum()
    }
}

impl Shard {
    fn take(&mut self, key: Key, ask: &Ask<'_>, now: Timestamp, room: usize) -> LimitVerdict {
        let limits = ask.quota.limits();
        if let Some(state) = self.subjects.get_mut(&key) {
            return state.take(limits, ask.cost, now);
        }
        let mut state = State::fresh(limits, now);
        let verdict = state.take(limits, ask.cost, now);
        if !state.is_over(now) {
            self.make_room(now, room);
            if let Entry::Vacant(place) = self.subjects.entry(key) {
                self.weight += place.insert(state).weight();
            }
        }
        verdict
    }

    /// Forgets what is all back among the next few; if none was and all places are taken, whoever has used the smallest
    /// part.
    fn make_room(&mut self, now: Timestamp, room: usize) {
        for _ in 0..SWEPT {
            match self.subjects.get_index(self.next) {
                Some((_, state)) if state.is_over(now) => self.forget(self.next),
                Some(_) => self.next += 1,
                None => self.next = 0,
            }
        }
        while self.weight >= room && !self.subjects.is_empty() {
            self.forget_one(now);
        }
    }

    /// Forgets whoever has used the smallest part, of the next few.
    fn forget_one(&mut self, now: Timestamp) {
        let len = self.subjects.len();
        let sample = (self.next..).take(SAMPLE).map(|index| index % len.max(1));
        let least = sample.min_by_key(|index| {
            let state = self.subjects.get_index(*index).map(|(_, state)| state);
            state.map_or(u8::MAX, |state| state.share(now))
        });
        if let Some(index) = least {
            self.forget(index);
        }
        self.next = (self.next + SAMPLE) % len.max(1);
    }

    fn forget(&mut self, index: usize) {
        if let Some((_, state)) = self.subjects.swap_remove_index(index) {
            self.weight = self.weight.saturating_sub(state.weight());
        }
    }
}

impl Key {
    fn of(ask: &Ask<'_>) -> Self {
        let (subject, kind) = ask.subject.parts();
        Self {
            tag: ask.quota.tag().rotate_left(3) ^ u64::from(kind),
            subject,
        }
    }
}

impl std::fmt::Debug for Limiter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Limiter")
            .field("subjects", &self.subjects())
            .finish_non_exhaustive()
    }
}

/// So many that two cores seldom meet in one.
const SHARDS: usize = 64;

/// How many are looked at by whoever begins to be counted: more than one, so that what is all back goes sooner than new
/// subjects come.
const SWEPT: usize = 4;

/// Of how many the one that has used least makes room.
const SAMPLE: usize = 16;

#[cfg(test)]
mod tests;
