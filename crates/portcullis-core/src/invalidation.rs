//! What every node must forget, and how a node knows that what it remembers still holds.
//!
//! A verb that takes something away (ends a session, disables an account, changes a role) writes an
//! [`Invalidation`] in the same transaction. The node that ran the verb applies it before it answers; every other
//! node reads it from the store within a second.
//!
//! A cache never deletes by key. Each entry remembers the [`Generations`] of the subjects it was built from, read
//! *before* its records were read; applying an invalidation moves the generation, and an entry with an old generation is no
//! hit. So an entry built while its subject changes is stale from birth, whatever the order of events (`T021`),
//! and memory is bounded: subjects share a fixed table of generations, and sharing costs a reload, never a stale hit.

use std::sync::atomic::{AtomicU64, Ordering};

use uuid::Uuid;

use crate::id::{AccountId, ApiKeyId, OrganizationId, SessionId, TokenId};

/// Something that is no longer what it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Invalidation {
    /// The account's state, stamp, roles or identifiers changed.
    Account(AccountId),
    /// The session ended or its token changed.
    Session(SessionId),
    /// The access token with this `jti` was revoked.
    Token(TokenId),
    /// The API key changed or ended.
    ApiKey(ApiKeyId),
    /// The organization, its members or their roles changed.
    Organization(OrganizationId),
    /// A role or its permissions changed: every principal may differ.
    Roles,
    /// The key ring changed.
    Keys,
    /// What tiers allow changed.
    Tiers,
}

impl Invalidation {
    /// The stored form: a kind and, where it names one, the subject.
    pub fn to_parts(self) -> (&'static str, Option<Uuid>) {
        match self {
            Self::Account(id) => ("account", Some(id.as_uuid())),
            Self::Session(id) => ("session", Some(id.as_uuid())),
            Self::Token(id) => ("token", Some(id.as_uuid())),
            Self::ApiKey(id) => ("api_key", Some(id.as_uuid())),
            Self::Organization(id) => ("organization", Some(id.as_uuid())),
            Self::Roles => ("roles", None),
            Self::Keys => ("keys", None),
            Self::Tiers => ("tiers", None),
        }
    }

    /// Reads the stored form; `None` for a kind this version doesn't know (a newer node may write one).
    pub fn from_parts(kind: &str, subject: Option<Uuid>) -> Option<Self> {
        Some(match (kind, subject) {
            ("account", Some(id)) => Self::Account(AccountId::from_uuid(id)),
            ("session", Some(id)) => Self::Session(SessionId::from_uuid(id)),
            ("token", Some(id)) => Self::Token(TokenId::from_uuid(id)),
            ("api_key", Some(id)) => Self::ApiKey(ApiKeyId::from_uuid(id)),
            ("organization", Some(id)) => Self::Organization(OrganizationId::from_uuid(id)),
            ("roles", None) => Self::Roles,
            ("keys", None) => Self::Keys,
            ("tiers", None) => Self::Tiers,
            _ => return None,
        })
    }
}

const SLOTS: u16 = 1 << 14;

/// The generations of all subjects: a fixed table of counters, 128 KiB.
pub struct Generations {
    slots: Box<[AtomicU64]>,
    everything: AtomicU64,
    applied: AtomicU64,
}

/// What a cache entry remembers of one subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Generation {
    slot: u64,
    everything: u64,
}

/// The generations of the three subjects that a verified credential was built from, in 16 bytes. Counters only ever rise, so
/// their sum is what it was if and only if none of them moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GenerationSnapshot {
    slots: [u16; 3],
    sum: u64,
}

impl Generations {
    /// A table in which nothing was invalidated yet.
    pub fn new() -> Self {
        Self {
            slots: (0..SLOTS).map(|_| AtomicU64::new(0)).collect(),
            everything: AtomicU64::new(0),
            applied: AtomicU64::new(0),
        }
    }

    /// How many invalidations were applied. If it is the same before a record was read and after a generation was, the
    /// generation is as old as the record: for records whose subject is known only once they are read.
    pub fn applied(&self) -> u64 {
        self.applied.load(Ordering::Acquire)
    }

    /// The subject's generation now. Read it before reading the subject's records.
    pub fn generation(&self, subject: Uuid) -> Generation {
        Generation {
            slot: self.slot(subject).map_or(0, |slot| slot.load(Ordering::Acquire)),
            everything: self.everything.load(Ordering::Acquire),
        }
    }

    /// Whether what was read at `generation` still holds.
    pub fn holds(&self, subject: Uuid, generation: Generation) -> bool {
        self.generation(subject) == generation
    }

    /// The generations of these subjects now. Read them before reading the subjects' records.
    pub fn snapshot(&self, subjects: [Uuid; 3]) -> GenerationSnapshot {
        let slots = subjects.map(place);
        GenerationSnapshot {
            slots,
            sum: self.sum(slots),
        }
    }

    /// Whether what was read at these generations still holds.
    pub fn still_hold(&self, snapshot: &GenerationSnapshot) -> bool {
        self.sum(snapshot.slots) == snapshot.sum
    }

    fn sum(&self, slots: [u16; 3]) -> u64 {
        let moved = slots.iter().map(|slot| {
            let slot = self.slots.get(usize::from(*slot));
            slot.map_or(0, |slot| slot.load(Ordering::Acquire))
        });
        let everything = self.everything.load(Ordering::Acquire);
        moved.fold(everything, u64::wrapping_add)
    }

    /// Makes everything that was read from the subject before now a miss.
    pub fn apply(&self, invalidation: Invalidation) {
        if invalidation == Invalidation::Tiers {
            // Nothing that is remembered of a caller rests on them.
            return;
        }
        self.count();
        match invalidation.to_parts().1.and_then(|subject| self.slot(subject)) {
            Some(slot) => slot.fetch_add(1, Ordering::AcqRel),
            None => self.everything.fetch_add(1, Ordering::AcqRel),
        };
    }

    /// Makes everything a miss, for when it isn't known what was missed.
    pub fn forget_everything(&self) {
        self.count();
        self.everything.fetch_add(1, Ordering::AcqRel);
    }

    /// Counts before the generation moves: whoever sees the moved generation sees the count too.
    fn count(&self) {
        self.applied.fetch_add(1, Ordering::AcqRel);
    }

    fn slot(&self, subject: Uuid) -> Option<&AtomicU64> {
        self.slots.get(usize::from(place(subject)))
    }
}

/// Which counter is the subject's. The last bytes of a UUID v7 are random: they spread the subjects evenly.
fn place(subject: Uuid) -> u16 {
    let [.., high, low] = *subject.as_bytes();
    u16::from_be_bytes([high, low]) % SLOTS
}

impl Default for Generations {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Generations {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Generations").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_built_during_a_change_is_stale() {
        let generations = Generations::new();
        let id = Uuid::from_u128(5);
        let before = generations.generation(id);
        // The change lands between reading the record and keeping the entry.
        generations.apply(Invalidation::Account(AccountId::from_uuid(id)));
        assert!(!generations.holds(id, before));
        assert!(generations.holds(id, generations.generation(id)));
    }

    #[test]
    fn everything_that_moves_a_mark_is_counted() {
        let generations = Generations::new();
        let id = Uuid::from_u128(5);
        let moves: [&dyn Fn(); 3] = [
            &|| generations.apply(Invalidation::Session(SessionId::from_uuid(id))),
            &|| generations.apply(Invalidation::Roles),
            &|| generations.forget_everything(),
        ];
        for (index, move_one) in moves.iter().enumerate() {
            let (generation, applied) = (generations.generation(id), generations.applied());
            move_one();
            assert!(!generations.holds(id, generation), "move {index}");
            assert_eq!(generations.applied(), applied + 1, "move {index}");
        }
    }

    #[test]
    fn the_marks_of_three_subjects_hold_until_any_of_them_moves() {
        let generations = Generations::new();
        let [account, session, token] = [5, 6, 7].map(Uuid::from_u128);
        let of = |id| Invalidation::Account(AccountId::from_uuid(id));
        let moves: [&dyn Fn(); 5] = [
            &|| generations.apply(of(account)),
            &|| generations.apply(of(session)),
            &|| generations.apply(of(token)),
            &|| generations.apply(Invalidation::Roles),
            &|| generations.forget_everything(),
        ];
        for (index, move_one) in moves.iter().enumerate() {
            let snapshot = generations.snapshot([account, session, token]);
            let twice = generations.snapshot([account, session, session]);
            generations.apply(of(Uuid::from_u128(8)));
            assert!(
                generations.still_hold(&snapshot) && generations.still_hold(&twice),
                "{index}"
            );
            move_one();
            assert!(!generations.still_hold(&snapshot), "{index}");
            assert_eq!(generations.still_hold(&twice), index == 2, "{index}");
        }
        assert_eq!(size_of::<GenerationSnapshot>(), 16);
    }

    #[test]
    fn a_role_change_reaches_every_subject() {
        let generations = Generations::new();
        let seen: Vec<_> = (0..100)
            .map(|n| (Uuid::from_u128(n), generations.generation(Uuid::from_u128(n))))
            .collect();
        generations.apply(Invalidation::Roles);
        assert!(
            seen.iter()
                .all(|(id, generation)| !generations.holds(*id, *generation))
        );
    }

    #[test]
    fn parts_round_trip_and_unknown_kinds_are_none() {
        let id = Uuid::from_u128(9);
        for what in [
            Invalidation::Account(AccountId::from_uuid(id)),
            Invalidation::Session(SessionId::from_uuid(id)),
            Invalidation::Token(TokenId::from_uuid(id)),
            Invalidation::ApiKey(ApiKeyId::from_uuid(id)),
            Invalidation::Organization(OrganizationId::from_uuid(id)),
            Invalidation::Roles,
            Invalidation::Keys,
            Invalidation::Tiers,
        ] {
            let (kind, subject) = what.to_parts();
            assert_eq!(Invalidation::from_parts(kind, subject), Some(what));
        }
        assert_eq!(Invalidation::from_parts("planet", Some(id)), None);
        assert_eq!(Invalidation::from_parts("account", None), None);
    }
}
