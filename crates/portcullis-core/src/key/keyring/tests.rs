use std::sync::Mutex;

use async_trait::async_trait;

use super::*;
use crate::fault::Fault;
use crate::key::fakes::{FakeClock, START, SeededEntropy, block_on, signing_key};
use crate::key::{HmacSecret, KeyRecord, MasterKey, SealError, Stub};
use crate::secret::SecretBytes;

/// The store as its documentation says, in memory.
#[derive(Default)]
struct Memory {
    records: Mutex<Vec<KeyRecord>>,
    down: AtomicBool,
}

impl Memory {
    fn up(&self) -> Result<(), Fault> {
        if self.down.load(Ordering::SeqCst) {
            Err(Fault::Busy("down".into()))
        } else {
            Ok(())
        }
    }
}

#[async_trait]
impl Stub for Memory {
    async fn load(&self) -> Result<Vec<KeyRecord>, Fault> {
        self.up()?;
        Ok(self.records.lock().unwrap().clone())
    }

    async fn initialize(&self, new: Vec<KeyRecord>, _: audit::Context) -> Result<Vec<KeyRecord>, Fault> {
        self.up()?;
        let mut records = self.records.lock().unwrap();
        let lives = |r: &KeyRecord| r.algorithm == new[0].algorithm && r.phase != Phase::Retired;
        if !records.iter().any(lives) {
            records.extend(new);
        }
        Ok(records.clone())
    }

    async fn rotate(
        &self,
        expected_current: String,
        next: KeyRecord,
        delete_retired_at: Timestamp,
        _: audit::Context,
    ) -> Result<bool, Fault> {
        self.up()?;
        let mut records = self.records.lock().unwrap();
        let same = |r: &KeyRecord| r.algorithm == next.algorithm;
        let current = |r: &KeyRecord| r.phase == Phase::Current && r.kid == expected_current;
        if !records.iter().any(|r| same(r) && current(r)) {
            return Ok(false);
        }
        for record in records.iter_mut().filter(|r| r.algorithm == next.algorithm) {
            match record.phase {
                Phase::Current => {
                    record.phase = Phase::Retired;
                    record.delete_at = Some(delete_retired_at);
                }
                Phase::Next => record.phase = Phase::Current,
                Phase::Retired => {}
            }
        }
        records.push(next);
        Ok(true)
    }

    async fn retire_others(
        &self,
        algorithm: String,
        delete_at: Timestamp,
        _: audit::Context,
    ) -> Result<u64, Fault> {
        self.up()?;
        let mut records = self.records.lock().unwrap();
        let mut retired = 0;
        for record in records
            .iter_mut()
            .filter(|r| r.algorithm != algorithm && r.phase != Phase::Retired)
        {
            record.phase = Phase::Retired;
            record.delete_at = Some(delete_at);
            retired += 1;
        }
        Ok(retired)
    }

    async fn withdraw(
        &self,
        kid: String,
        replacement: Option<KeyRecord>,
        _: audit::Context,
    ) -> Result<bool, Fault> {
        self.up()?;
        let mut records = self.records.lock().unwrap();
        let phase = records.iter().find(|r| r.kid == kid).map(|r| r.phase);
        match (phase, &replacement) {
            (None | Some(Phase::Current), _) | (Some(Phase::Next), None) => return Ok(false),
            _ => {}
        }
        records.retain(|record| record.kid != kid);
        records.extend(replacement);
        Ok(true)
    }

    async fn delete_retired(&self, now: Timestamp) -> Result<u64, Fault> {
        self.up()?;
        let mut records = self.records.lock().unwrap();
        let before = records.len();
        records.retain(|record| record.delete_at.is_none_or(|end| now < end));
        Ok((before - records.len()) as u64)
    }

    async fn reseal(&self, kid: String, old: Vec<u8>, new: Vec<u8>) -> Result<bool, Fault> {
        self.up()?;
        let mut records = self.records.lock().unwrap();
        let found = records
            .iter_mut()
            .find(|record| record.kid == kid && record.sealed == old);
        Ok(found.map(|record| record.sealed = new).is_some())
    }
}

struct World {
    store: Arc<Memory>,
    clock: Arc<FakeClock>,
    master: MasterKey,
}

impl World {
    fn new() -> Self {
        let clock = FakeClock::at(START);
        let environment = Environment::new(clock.clone(), SeededEntropy::new(99));
        let master = MasterKey::generate(&environment);
        Self {
            store: Arc::default(),
            clock,
            master,
        }
    }

    fn environment(&self, node: u64) -> Environment {
        Environment::new(self.clock.clone(), SeededEntropy::new(node))
    }

    fn sealer(&self, node: u64) -> Arc<Sealer> {
        Arc::new(Sealer::new(self.master.clone(), self.environment(node + 1_000)))
    }

    fn try_open(&self, node: u64, algorithm: Algorithm) -> Result<Keyring, KeyringError> {
        let settings = Settings {
            algorithm,
            overlap: OVERLAP,
        };
        block_on(Keyring::open(
            self.store.clone(),
            self.sealer(node),
            self.environment(node),
            settings,
        ))
    }

    fn open(&self, node: u64) -> Keyring {
        self.try_open(node, Algorithm::ES256).unwrap()
    }

    fn now(&self) -> Timestamp {
        self.environment(0).now()
    }

    fn by(&self) -> audit::Context {
        audit::Context::system(self.now())
    }
}

const OVERLAP: Duration = Duration::from_secs(960);
const MICRO: Duration = Duration::from_micros(1);

fn verifies(ring: &Keyring, kid: &str, now: Timestamp) -> bool {
    ring.verifying(kid, now).is_some()
}

fn phases(ring: &Keyring) -> Vec<Phase> {
    ring.list().into_iter().map(|(_, _, phase)| phase).collect()
}

#[test]
fn a_ring_is_founded_once_and_opened_again() {
    let world = World::new();
    let first = world.open(1);
    assert_eq!(phases(&first), [Phase::Current, Phase::Next]);
    let again = world.open(2);
    assert_eq!(again.signer().kid(), first.signer().kid());
    let signature = first.signer().sign(b"m").unwrap();
    assert!(
        again
            .verifying(first.signer().kid(), START)
            .unwrap()
            .matches(b"m", &signature)
    );
    assert!(!verifies(&again, "unknown", START));
    assert!(!verifies(&again, "", START));
}

#[test]
fn two_nodes_that_found_at_once_agree() {
    let world = World::new();
    let rings: Vec<Keyring> = std::thread::scope(|scope| {
        let nodes: Vec<_> = (0..8)
            .map(|node| {
                scope.spawn({
                    let world = &world;
                    move || world.open(node)
                })
            })
            .collect();
        nodes.into_iter().map(|node| node.join().unwrap()).collect()
    });
    assert_eq!(world.store.records.lock().unwrap().len(), 2);
    let signers: std::collections::HashSet<_> =
        rings.iter().map(|ring| ring.signer().kid().to_owned()).collect();
    assert_eq!(signers.len(), 1);
}

// Shows: TK-3
#[test]
fn two_nodes_that_rotate_at_once_rotate_once() {
    let world = World::new();
    let rings: Vec<Keyring> = (0..4).map(|node| world.open(node)).collect();
    let next = rings[0].list()[1].0.clone();
    let rotated: usize = std::thread::scope(|scope| {
        let world = &world;
        let nodes: Vec<_> = rings
            .iter()
            .map(|ring| scope.spawn(move || block_on(ring.rotate_at_once(world.by())).unwrap()))
            .collect();
        nodes
            .into_iter()
            .map(|node| usize::from(node.join().unwrap()))
            .sum()
    });
    assert_eq!(rotated, 1);
    assert_eq!(world.store.records.lock().unwrap().len(), 3);
    for ring in &rings {
        assert_eq!(
            ring.signer().kid(),
            next,
            "everyone signs with the key that was next"
        );
    }
}

// Shows: TK-3
#[test]
fn a_retired_key_verifies_until_its_overlap_ends() {
    let world = World::new();
    let ring = world.open(1);
    let old = ring.signer().kid().to_owned();
    assert!(block_on(ring.rotate_at_once(world.by())).unwrap());
    assert_ne!(ring.signer().kid(), old);
    let end = world.now().plus(OVERLAP);
    assert!(verifies(&ring, &old, end.minus(MICRO)));
    assert!(!verifies(&ring, &old, end));
    assert!(
        ring.by_access_header(ring_header(&ring, &old).as_str(), end)
            .is_none()
    );

    world.clock.advance(OVERLAP - MICRO);
    assert_eq!(block_on(ring.delete_retired()).unwrap(), 0);
    world.clock.advance(MICRO);
    assert_eq!(block_on(ring.delete_retired()).unwrap(), 1);
    assert!(!verifies(&ring, &old, START), "gone from the ring");
}

fn ring_header(ring: &Keyring, kid: &str) -> String {
    ring.verifying(kid, START).unwrap().access_header().to_owned()
}

#[test]
fn a_node_learns_of_a_rotation_by_reloading() {
    let world = World::new();
    let (here, there) = (world.open(1), world.open(2));
    let old = here.signer().kid().to_owned();
    block_on(here.rotate_at_once(world.by())).unwrap();
    // What the other node signs meanwhile is known here, and what this node signs there: the next key was known.
    assert_eq!(there.signer().kid(), old);
    assert!(verifies(&here, &old, world.now()));
    assert!(verifies(&there, here.signer().kid(), world.now()));
    block_on(there.reload()).unwrap();
    assert_eq!(there.signer().kid(), here.signer().kid());
}

#[test]
fn a_rotation_is_due_when_the_current_key_has_signed_long_enough() {
    let world = World::new();
    let ring = world.open(1);
    let age = Duration::from_secs(3_600);
    let due = |ring: &Keyring| block_on(ring.rotate_if_due(age, world.by())).unwrap();
    world.clock.advance(age - MICRO);
    assert!(!due(&ring));
    world.clock.advance(MICRO);
    assert!(due(&ring));
    // The key that signs now is as old as the ring, but hasn't signed yet.
    assert!(!due(&ring));
    world.clock.advance(age - MICRO);
    assert!(!due(&ring));
    assert!(!due(&world.open(2)), "another node knows the same");
    world.clock.advance(MICRO);
    assert!(due(&ring));
}

#[test]
fn a_store_that_is_down_leaves_the_ring_as_it_is() {
    let world = World::new();
    let ring = world.open(1);
    let signer = ring.signer().kid().to_owned();
    world.store.down.store(true, Ordering::SeqCst);
    assert!(matches!(block_on(ring.reload()), Err(KeyringError::Store(_))));
    assert!(matches!(
        block_on(ring.rotate_at_once(world.by())),
        Err(KeyringError::Store(_))
    ));
    assert!(matches!(
        block_on(ring.delete_retired()),
        Err(KeyringError::Store(_))
    ));
    assert_eq!(ring.signer().kid(), signer);
    assert!(verifies(&ring, &signer, START));
    assert!(matches!(
        world.try_open(2, Algorithm::ES256),
        Err(KeyringError::Store(_))
    ));
}

#[test]
fn a_ring_that_makes_no_sense_is_refused_and_leaves_the_old_one() {
    let world = World::new();
    let ring = world.open(1);
    let (signer, good) = (
        ring.signer().kid().to_owned(),
        world.store.records.lock().unwrap().clone(),
    );
    let attempt = |change: fn(&mut Vec<KeyRecord>)| {
        let mut records = good.clone();
        change(&mut records);
        *world.store.records.lock().unwrap() = records;
        let said = block_on(ring.reload()).unwrap_err();
        assert!(world.try_open(7, Algorithm::ES256).is_err());
        assert_eq!(ring.signer().kid(), signer);
        said
    };
    let unknown = attempt(|records| records[0].algorithm = "ML-DSA-65".into());
    assert!(
        matches!(unknown, KeyringError::UnknownAlgorithm { .. }),
        "{unknown}"
    );
    assert!(unknown.to_string().contains(&signer), "{unknown}");
    let swapped = attempt(|records| records[0].algorithm = "HS256".into());
    assert!(
        matches!(
            swapped,
            KeyringError::Sealed {
                why: SealError::Refused,
                ..
            }
        ),
        "{swapped}"
    );
    let missing = attempt(|records| {
        records.remove(0);
    });
    assert!(
        matches!(missing, KeyringError::NoSigner(Algorithm::ES256)),
        "{missing}"
    );
}

// Shows: TK-3
/// Another node has a new master key, or a newer version: what it added can't be read here, what it took away is gone.
#[test]
fn a_withdrawal_is_heard_where_another_key_can_not_be_opened() {
    crate::checks!("T110");
    let world = World::new();
    let ring = world.open(1);
    let stolen = ring.signer().kid().to_owned();
    assert!(ring.is_whole() && ring.verifying(&stolen, START).is_some());
    let good = world.store.records.lock().unwrap().clone();
    let edition = ring.edition();
    {
        let mut records = world.store.records.lock().unwrap();
        records.retain(|record| record.kid != stolen);
        let mut foreign = good[1].clone();
        foreign.kid = "of-another-master-key".into();
        *foreign.sealed.last_mut().unwrap() ^= 1;
        records.push(foreign);
    }
    let said = block_on(ring.reload()).unwrap_err();
    assert!(said.to_string().contains("of-another-master-key"), "{said}");
    assert!(ring.verifying(&stolen, START).is_none());
    assert!(
        ring.verifying(&good[1].kid, START).is_some(),
        "what is left stays"
    );
    assert!(!ring.is_whole() && ring.edition() != edition);
    *world.store.records.lock().unwrap() = good;
    block_on(ring.reload()).unwrap();
    assert!(ring.is_whole() && ring.verifying(&stolen, START).is_some());
}

#[test]
fn rotating_by_force_is_bounded() {
    crate::checks!("T113");
    let world = World::new();
    let ring = world.open(1);
    for _ in 0..MOST_RETIRED {
        assert!(block_on(ring.rotate_at_once(world.by())).unwrap());
    }
    let (signer, set) = (ring.signer().kid().to_owned(), ring.jwks(START).to_string());
    let refused = block_on(ring.rotate_at_once(world.by())).unwrap_err();
    assert!(matches!(refused, KeyringError::TooManyRetired(8)), "{refused}");
    assert_eq!(
        (ring.signer().kid(), ring.jwks(START).to_string()),
        (&*signer, set)
    );
    // One that was taken out makes room, and so does time.
    let (retired, ..) = ring
        .list()
        .into_iter()
        .find(|(_, _, phase)| *phase == Phase::Retired)
        .unwrap();
    assert!(block_on(ring.withdraw(&retired, world.by())).unwrap());
    assert!(block_on(ring.rotate_at_once(world.by())).unwrap());
    world.clock.advance(Duration::from_secs(3_600));
    assert!(block_on(ring.rotate_at_once(world.by())).unwrap());
}

#[test]
fn a_key_whose_seal_is_not_ours_is_refused_with_its_name() {
    crate::checks!("T015");
    let world = World::new();
    let kid = world.open(1).signer().kid().to_owned();
    let good = world.store.records.lock().unwrap().clone();
    let changes: [fn(&mut Vec<KeyRecord>); 4] = [
        |records| *records[0].sealed.last_mut().unwrap() ^= 1,
        |records| records[0].sealed = records[1].sealed.clone(),
        |records| records[0].sealed.clear(),
        |records| records[0].sealed = b"-----BEGIN PRIVATE KEY-----".to_vec(),
    ];
    for change in changes {
        let mut records = good.clone();
        change(&mut records);
        *world.store.records.lock().unwrap() = records;
        let said = world.try_open(2, Algorithm::ES256).unwrap_err();
        assert!(
            matches!(said, KeyringError::Sealed { .. }) && said.to_string().contains(&kid),
            "{said}"
        );
    }
    *world.store.records.lock().unwrap() = good;
    let other = World {
        master: MasterKey::generate(&world.environment(77)),
        ..world
    };
    let said = other.try_open(3, Algorithm::ES256).unwrap_err();
    assert!(
        matches!(
            said,
            KeyringError::Sealed {
                why: SealError::UnknownKey(_),
                ..
            }
        ),
        "{said}"
    );
}

// Shows: TK-3
#[test]
fn nothing_readable_rests_in_the_store() {
    crate::checks!("T015");
    for algorithm in [Algorithm::HS256, Algorithm::EdDSA, Algorithm::ES256] {
        let world = World::new();
        let ring = world.try_open(1, algorithm).unwrap();
        let secret = ring.signer().to_stored().unwrap();
        for record in world.store.records.lock().unwrap().iter() {
            let shows = record
                .sealed
                .windows(8)
                .any(|part| secret.expose().windows(8).any(|s| s == part));
            assert!(!shows, "{algorithm}");
        }
    }
}

// Shows: TK-3
#[test]
fn the_published_set_has_no_shared_secret() {
    let world = World::new();
    let hmac = world.try_open(1, Algorithm::HS256).unwrap();
    assert_eq!(hmac.jwks(START), serde_json::json!({ "keys": [] }));
    // Another algorithm's keys are founded beside them, and published.
    let both = world.open(2);
    let jwks = both.jwks(START);
    let kids: Vec<_> = jwks["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["kid"].as_str().unwrap())
        .collect();
    assert_eq!(kids.len(), 2);
    assert_eq!(kids[0], both.signer().kid(), "the current key first");
    assert!(
        verifies(&both, hmac.signer().kid(), START),
        "what it signed still verifies"
    );
    block_on(both.retire_former(world.by())).unwrap();
    assert!(
        !verifies(&both, hmac.signer().kid(), START.plus(OVERLAP)),
        "for as long as it may be good"
    );
    block_on(both.rotate_at_once(world.by())).unwrap();
    assert_eq!(
        both.jwks(START)["keys"].as_array().unwrap().len(),
        3,
        "current, next and retired"
    );
}

#[test]
fn an_import_is_next_and_signs_after_one_more_rotation() {
    let world = World::new();
    let ring = world.open(1);
    let key = signing_key(Algorithm::ES256, 50);
    let kid = key.kid().to_owned();
    assert!(block_on(ring.import(key, world.by())).unwrap());
    assert_ne!(ring.signer().kid(), kid);
    assert!(verifies(&ring, &kid, START));
    let again = block_on(ring.import(signing_key(Algorithm::ES256, 50), world.by()));
    assert!(matches!(again, Err(KeyringError::Known(_))));
    block_on(ring.rotate_at_once(world.by())).unwrap();
    assert_eq!(ring.signer().kid(), kid);

    // The first key of an algorithm founds it.
    let secret = HmacSecret::new(Algorithm::HS512, SecretBytes::new(vec![7; 64])).unwrap();
    assert!(block_on(ring.import(SigningKey::of_secret("shared", secret).unwrap(), world.by())).unwrap());
    assert!(verifies(&ring, "shared", START));
    assert_eq!(ring.signer().kid(), kid, "another algorithm doesn't take over");
}

#[test]
fn an_rsa_ring_is_founded_off_this_thread() {
    let world = World::new();
    let source = world.environment(1);
    let key = block_on(generate(Algorithm::RS256, &source)).unwrap();
    assert_eq!(key.algorithm(), Algorithm::RS256);
}

#[test]
fn a_new_master_key_reseals_every_key_once() {
    let mut world = World::new();
    let signer = world.open(1).signer().kid().to_owned();
    let old = world.master.clone();
    world.master = old.rotated(&world.environment(9));
    let ring = world.open(2);
    assert_eq!(block_on(ring.reseal()).unwrap(), 2);
    assert_eq!(block_on(ring.reseal()).unwrap(), 0);
    world.master = world.master.without(old.current_id());
    assert_eq!(world.open(3).signer().kid(), signer);
}

#[test]
fn a_fixed_ring_signs_and_never_changes() {
    let ring = Keyring::of_keys(
        signing_key(Algorithm::EdDSA, 1),
        vec![signing_key(Algorithm::ES256, 2)],
    );
    let by = audit::Context::system(START);
    assert!(matches!(
        block_on(ring.rotate_at_once(by.clone())),
        Err(KeyringError::Fixed)
    ));
    assert!(matches!(block_on(ring.reload()), Err(KeyringError::Fixed)));
    assert!(matches!(block_on(ring.reseal()), Err(KeyringError::Fixed)));
    assert_eq!(ring.signer().algorithm(), Algorithm::EdDSA);
    assert_eq!(ring.jwks(START)["keys"].as_array().unwrap().len(), 2);
}

#[test]
fn a_load_that_began_earlier_never_replaces_a_later_one() {
    let world = World::new();
    let ring = world.open(1);
    // A reload that began before the rotation ends after it.
    *ring.applied.lock().unwrap() = 100;
    let before = ring.signer().kid().to_owned();
    block_on(ring.rotate_at_once(world.by())).unwrap();
    assert_eq!(ring.signer().kid(), before, "an overtaken load is dropped");
    ring.begun.store(100, Ordering::SeqCst);
    block_on(ring.reload()).unwrap();
    assert_ne!(ring.signer().kid(), before);
}

#[test]
fn a_retired_key_is_published_no_longer_than_it_verifies() {
    crate::checks!("T095");
    let world = World::new();
    let ring = world.open(1);
    let old = ring.signer().kid().to_owned();
    block_on(ring.rotate_at_once(world.by())).unwrap();
    let end = world.now().plus(OVERLAP);
    let published = |now: Timestamp| ring.jwks(now).to_string().contains(&old);
    assert!(published(end.minus(MICRO)));
    assert!(!published(end), "nobody has deleted it yet");
    assert_eq!(ring.jwks(end)["keys"].as_array().unwrap().len(), 2);
}

#[test]
fn keys_of_a_former_algorithm_retire() {
    crate::checks!("T095");
    let world = World::new();
    let former = world.open(1);
    let (old, end) = (former.signer().kid().to_owned(), world.now().plus(OVERLAP));
    let ring = world.try_open(2, Algorithm::EdDSA).unwrap();
    // Whoever only opens it, such as a command, takes nothing away.
    assert_eq!(
        phases(&ring),
        [Phase::Current, Phase::Next, Phase::Current, Phase::Next]
    );
    assert_eq!(block_on(ring.retire_former(world.by())).unwrap(), 2);
    assert_eq!(
        phases(&ring),
        [Phase::Retired, Phase::Retired, Phase::Current, Phase::Next]
    );
    // The node that still has the former one goes on, and knows the new keys.
    block_on(former.reload()).unwrap();
    assert_eq!(former.signer().kid(), old);
    assert!(verifies(&former, ring.signer().kid(), end));
    assert!(!verifies(&former, &old, end));
    assert!(verifies(&ring, &old, end.minus(MICRO)));
    assert!(!verifies(&ring, &old, end));
    assert!(!ring.jwks(end).to_string().contains(&old));
    // Opening again gives them no more time.
    world.clock.advance(OVERLAP / 2);
    let again = world.try_open(3, Algorithm::EdDSA).unwrap();
    assert_eq!(block_on(again.retire_former(world.by())).unwrap(), 0);
    assert!(!verifies(&again, &old, end));
    // And the way back is open.
    let back = world.open(4);
    assert_ne!(back.signer().kid(), old);
    assert_eq!(back.signer().algorithm(), Algorithm::ES256);
    block_on(back.retire_former(world.by())).unwrap();
    assert!(!verifies(&back, ring.signer().kid(), world.now().plus(OVERLAP)));
}

#[test]
fn a_withdrawal_is_heard_where_nothing_is_left_to_sign() {
    crate::checks!("T095");
    let world = World::new();
    let former = world.open(1);
    let keys: Vec<_> = former.list().into_iter().map(|(kid, ..)| kid).collect();
    let ring = world.try_open(2, Algorithm::EdDSA).unwrap();
    block_on(ring.retire_former(world.by())).unwrap();
    for kid in &keys {
        assert!(block_on(ring.withdraw(kid, world.by())).unwrap());
    }
    block_on(former.reload()).unwrap();
    for kid in &keys {
        assert!(!verifies(&former, kid, START), "{kid}");
    }
    assert!(verifies(&former, ring.signer().kid(), START));
}

// Shows: TK-3
#[test]
fn a_withdrawn_key_verifies_nothing_at_once() {
    crate::checks!("T095");
    let world = World::new();
    let (ring, there) = (world.open(1), world.open(2));
    let current = ring.signer().kid().to_owned();
    let withdraw = |kid: &str| block_on(ring.withdraw(kid, world.by()));
    assert!(!withdraw("unknown").unwrap());
    assert!(matches!(withdraw(&current), Err(KeyringError::Signs(kid)) if kid == current));
    assert!(verifies(&ring, &current, START));

    let edition = ring.edition();
    block_on(ring.rotate_at_once(world.by())).unwrap();
    assert!(withdraw(&current).unwrap());
    assert!(!verifies(&ring, &current, START));
    assert!(!ring.jwks(START).to_string().contains(&current));
    assert_ne!(
        ring.edition(),
        edition,
        "what was verified with it is verified again"
    );
    block_on(there.reload()).unwrap();
    assert!(!verifies(&there, &current, START));

    // A next key is replaced, so that the ring can still turn.
    let next = ring.list()[1].0.clone();
    assert!(withdraw(&next).unwrap());
    assert!(!verifies(&ring, &next, START));
    assert_eq!(phases(&ring), [Phase::Current, Phase::Next]);
    block_on(ring.rotate_at_once(world.by())).unwrap();
    assert!(!withdraw(&next).unwrap());
}

#[test]
fn a_key_never_signs_before_its_publication_could_be_seen() {
    let world = World::new();
    let ring = world.open(1);
    let rotate = || block_on(ring.rotate(world.by()));
    let signer = ring.signer().kid().to_owned();
    world.clock.advance(PUBLICATION - MICRO);
    assert!(matches!(rotate(), Err(KeyringError::TooSoon(left)) if left == MICRO));
    assert_eq!(ring.signer().kid(), signer);
    world.clock.advance(MICRO);
    assert!(rotate().unwrap());
    assert_ne!(ring.signer().kid(), signer);
    assert!(
        matches!(rotate(), Err(KeyringError::TooSoon(left)) if left == PUBLICATION),
        "the key that is next now was made now"
    );
    assert!(block_on(ring.rotate_at_once(world.by())).unwrap());

    // A shared secret is published to nobody.
    let world = World::new();
    let ring = world.try_open(1, Algorithm::HS256).unwrap();
    assert!(block_on(ring.rotate(world.by())).unwrap());
}
