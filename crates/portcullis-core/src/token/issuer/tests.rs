mod length;

use std::collections::HashMap;
use std::sync::Mutex;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::account::{Account, AccountState, Stamp};
use crate::key::fakes::{FakeClock, START, SeededEntropy, block_on, signing_key};
use crate::key::{Algorithm, MasterKey};
use crate::secret::Digest;
use crate::session::{Device, Method, Session};
use crate::token::{self, InvalidResource, InvalidToken, PresentedRefresh, Refresh, Verifier};

/// The store as its documentation says, in memory: one session, its family.
#[derive(Default)]
struct Memory {
    family: Mutex<HashMap<[u8; 32], Row>>,
    ended: Mutex<bool>,
    revoked: Mutex<Vec<(Id, Timestamp)>>,
    down: Mutex<bool>,
}

#[derive(Clone, Copy)]
struct Row {
    expires_at: Timestamp,
    used: Option<(Timestamp, Digest<Refresh>)>,
}

#[async_trait]
impl token::Stub for Memory {
    async fn rotate_refresh(
        &self,
        rotation: RefreshRotation,
        by: audit::Context,
    ) -> Result<Result<Rotated, RefreshError>, Fault> {
        if *self.down.lock().unwrap() {
            return Err(Fault::Busy("down".into()));
        }
        let mut family = self.family.lock().unwrap();
        let mut ended = self.ended.lock().unwrap();
        let went_on = |digest: &Digest<Refresh>| {
            family
                .get(digest.as_bytes())
                .is_none_or(|next| next.used.is_some())
        };
        let went_on = went_on(&rotation.successor.digest);
        let Some(row) = family.get_mut(rotation.presented.digest.as_bytes()) else {
            return Ok(Err(RefreshError::Invalid));
        };
        if *ended {
            return Ok(Err(RefreshError::Invalid));
        }
        if let Some((at, successor)) = row.used {
            match (successor == rotation.successor.digest, went_on) {
                (true, false) => return Ok(Ok(Rotated::Again(Box::new(subject())))),
                (true, true) if at >= rotation.grace_from => return Ok(Err(RefreshError::Invalid)),
                _ => {}
            }
            *ended = true;
            return Ok(Err(RefreshError::Replayed(subject().session.id)));
        }
        if by.at >= row.expires_at || by.at >= subject().session.expires_at {
            return Ok(Err(RefreshError::Invalid));
        }
        row.used = Some((by.at, rotation.successor.digest));
        let next = Row {
            expires_at: rotation.successor.expires_at,
            used: None,
        };
        family.insert(*rotation.successor.digest.as_bytes(), next);
        Ok(Ok(Rotated::Fresh(Box::new(subject()))))
    }

    async fn find_refresh(&self, _: PresentedRefresh) -> Result<Option<session::Id>, Fault> {
        Ok(None)
    }

    async fn revoke(&self, id: Id, _: account::Id, until: Timestamp, _: audit::Context) -> Result<(), Fault> {
        self.revoked.lock().unwrap().push((id, until));
        Ok(())
    }

    async fn is_revoked(&self, id: Id) -> Result<bool, Fault> {
        Ok(self
            .revoked
            .lock()
            .unwrap()
            .iter()
            .any(|(revoked, _)| *revoked == id))
    }

    async fn sweep(&self, _: Timestamp, _: u32) -> Result<u64, Fault> {
        Ok(0)
    }
}

fn subject() -> TokenSubject {
    let account = account::Id::from_uuid(Uuid::from_u128(1));
    TokenSubject {
        session: Session {
            id: session::Id::from_uuid(Uuid::from_u128(2)),
            account,
            stamp: Stamp::from_uuid(Uuid::from_u128(3)),
            device: Device::default(),
            method: Method::Password,
            scopes: Some(vec!["posts:read".into()]),
            authenticated_at: START,
            last_seen_at: START,
            idle: Duration::from_secs(86_400 * 30),
            expires_at: START.plus(DAY * 20),
        },
        account: Account {
            id: account,
            email: None,
            username: Some("ada".into()),
            state: AccountState::Active,
            email_verified_at: None,
            stamp: Stamp::from_uuid(Uuid::from_u128(3)),
            created_at: START,
            kind: account::AccountKind::Person,
        },
    }
}

const DAY: Duration = Duration::from_secs(86_400);
const MICRO: Duration = Duration::from_micros(1);

struct World {
    clock: Arc<FakeClock>,
    store: Arc<Memory>,
    keyring: Arc<Keyring>,
    master: MasterKey,
}

impl World {
    fn new() -> Self {
        let clock = FakeClock::at(START);
        let master = MasterKey::generate(&Environment::new(clock.clone(), SeededEntropy::new(5)));
        let keyring = Arc::new(Keyring::of_keys(signing_key(Algorithm::EdDSA, 1), Vec::new()));
        Self {
            clock,
            store: Arc::default(),
            keyring,
            master,
        }
    }

    fn environment(&self, node: u64) -> Environment {
        Environment::new(self.clock.clone(), SeededEntropy::new(node))
    }

    fn node(&self, node: u64, master: &MasterKey) -> Issuer {
        self.of(node, master, Settings::default())
    }

    fn of(&self, node: u64, master: &MasterKey, settings: Settings) -> Issuer {
        let sealer = Sealer::new(master.clone(), self.environment(node + 100));
        Issuer::new(
            self.keyring.clone(),
            self.store.clone(),
            &sealer,
            self.environment(node),
            settings,
        )
    }

    fn issuer(&self) -> Issuer {
        self.node(1, &self.master)
    }

    fn issuer_with(&self, settings: Settings) -> Issuer {
        self.of(1, &self.master, settings)
    }

    /// Opens the session's family, as a login does.
    fn login(&self, issuer: &Issuer) -> RefreshToken {
        let (token, new) = issuer.first_refresh(subject().session.id, subject().session.expires_at);
        let row = Row {
            expires_at: new.expires_at,
            used: None,
        };
        self.store
            .family
            .lock()
            .unwrap()
            .insert(*new.digest.as_bytes(), row);
        token
    }

    fn now(&self) -> Timestamp {
        self.environment(0).now()
    }

    fn by(&self) -> audit::Context {
        audit::Context {
            actor: audit::Actor::Anonymous,
            ..audit::Context::system(self.now())
        }
    }

    fn refresh(&self, issuer: &Issuer, token: &RefreshToken) -> Result<IssuedTokens, RefreshError> {
        block_on(issuer.refresh(token, self.by()))
    }

    fn verify(&self, issuer: &Issuer, access: &SecretText) -> Result<AccessClaims, InvalidToken> {
        Verifier::new(self.keyring.clone(), issuer.settings().expectation())
            .verify(access.expose(), self.now())
    }
}

fn text(token: &RefreshToken) -> String {
    token.expose().to_string()
}

#[test]
fn a_refresh_brings_a_verifiable_token_and_a_new_refresh_token() {
    let world = World::new();
    let issuer = world.issuer();
    let first = world.login(&issuer);
    let issued = world.refresh(&issuer, &first).unwrap();
    assert_ne!(text(&issued.refresh_token), text(&first));
    assert_eq!(issued.expires_in, Duration::from_secs(900));
    assert_eq!(issued.session, subject().session.id);
    assert_eq!(issued.scopes, subject().session.scopes);
    let claims = world.verify(&issuer, &issued.access_token).unwrap();
    assert_eq!(claims.account, subject().account.id);
    assert_eq!(claims.session, subject().session.id);
    assert_eq!(claims.stamp, subject().account.stamp);
    assert_eq!(claims.scopes, subject().session.scopes);
    assert_eq!(claims.authenticated_at, START);
    world.refresh(&issuer, &issued.refresh_token).unwrap();
}

// Shows: TK-4
#[test]
fn racing_refreshes_on_two_nodes_get_the_same_successor() {
    crate::checks!("T008");
    let world = World::new();
    let nodes = [world.issuer(), world.node(2, &world.master)];
    let first = world.login(&nodes[0]);
    let successors: Vec<String> = std::thread::scope(|scope| {
        let tabs: Vec<_> = (0..16)
            .map(|tab| {
                let (world, node, first) = (&world, &nodes[tab % 2], &first);
                scope.spawn(move || text(&world.refresh(node, first).unwrap().refresh_token))
            })
            .collect();
        tabs.into_iter().map(|tab| tab.join().unwrap()).collect()
    });
    assert!(successors.iter().all(|successor| *successor == successors[0]));
    assert_eq!(
        world.store.family.lock().unwrap().len(),
        2,
        "the family never forks"
    );
    assert!(!*world.store.ended.lock().unwrap());
}

// Shows: TK-4
#[test]
fn both_sides_of_the_grace() {
    crate::checks!("T007");
    let grace = Settings::default().refresh_grace;
    for (later, within) in [(grace, true), (grace + MICRO, false)] {
        let world = World::new();
        let issuer = world.issuer();
        let first = world.login(&issuer);
        let issued = world.refresh(&issuer, &first).unwrap();
        let tip = world
            .refresh(&issuer, &issued.refresh_token)
            .unwrap()
            .refresh_token;
        world.clock.advance(later);
        match world.refresh(&issuer, &first) {
            Err(RefreshError::Invalid) => {
                assert!(within);
                world.refresh(&issuer, &tip).unwrap();
            }
            Err(RefreshError::Replayed(session)) => {
                assert!(!within);
                assert_eq!(session, subject().session.id);
                // The whole family is over, the living token included.
                assert!(matches!(world.refresh(&issuer, &tip), Err(RefreshError::Invalid)));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_lost_answer_is_given_again_however_late() {
    crate::checks!("T173");
    for later in [Duration::from_secs(12), Duration::from_secs(3_600), DAY * 6] {
        let world = World::new();
        let issuer = world.issuer();
        let first = world.login(&issuer);
        let lost = world.refresh(&issuer, &first).unwrap();
        world.clock.advance(later);
        let again = world.refresh(&issuer, &first).unwrap();
        assert_eq!(text(&again.refresh_token), text(&lost.refresh_token));
        world.refresh(&issuer, &again.refresh_token).unwrap();
        assert!(matches!(
            world.refresh(&issuer, &first),
            Err(RefreshError::Replayed(_))
        ));
    }
}

#[test]
fn both_sides_of_a_refresh_tokens_expiry() {
    let lifetime = Settings::default().refresh_lifetime;
    for (later, good) in [(lifetime - MICRO, true), (lifetime, false)] {
        let world = World::new();
        let issuer = world.issuer();
        let first = world.login(&issuer);
        world.clock.advance(later);
        let issued = world.refresh(&issuer, &first);
        assert_eq!(issued.is_ok(), good);
        assert!(good || matches!(issued, Err(RefreshError::Invalid)));
    }
}

#[test]
fn a_refresh_token_never_outlives_its_session() {
    let world = World::new();
    let issuer = world.issuer();
    let of = |ends: Timestamp| issuer.first_refresh(subject().session.id, ends).1.expires_at;
    let lifetime = Settings::default().refresh_lifetime;
    assert_eq!(of(START.plus(DAY)), START.plus(DAY));
    assert_eq!(of(START.plus(DAY * 365)), START.plus(lifetime));
}

#[test]
fn an_access_token_never_outlives_its_session() {
    let world = World::new();
    let issuer = world.issuer();
    let mut ending = subject();
    ending.session.expires_at = START.plus(Duration::from_millis(90_500));
    let access = issuer.mint_access(&ending, Map::new()).unwrap();
    assert_eq!(access.claims.expires_at, START.plus(Duration::from_secs(90)));
    let issued = Issuer::pair(access, RefreshToken::from_bytes([1; 32]));
    assert_eq!(issued.expires_in, Duration::from_secs(90));
}

#[test]
fn what_is_minted_is_what_is_verified() {
    let world = World::new();
    let issuer = world.issuer();
    world.clock.advance(Duration::from_micros(123_456));
    let extra = json!({"roles": ["editor"], "permissions": ["posts:read"]})
        .as_object()
        .unwrap()
        .clone();
    let access = issuer.mint_access(&subject(), extra).unwrap();
    assert_eq!(world.verify(&issuer, &access.token).unwrap(), access.claims);
    let other = issuer.mint_access(&subject(), Map::new()).unwrap();
    assert_ne!(other.claims.id, access.claims.id);
}

#[test]
fn claims_that_cannot_be_signed_are_refused() {
    let world = World::new();
    let issuer = world.issuer();
    let with = |extra: Value| {
        issuer
            .mint_access(&subject(), extra.as_object().unwrap().clone())
            .unwrap_err()
    };
    assert_eq!(
        with(json!({"exp": 1})),
        MintError::Claims(InvalidClaims::Reserved("exp".into()))
    );
    assert_eq!(
        with(json!({"x": "a".repeat(jws::MAX_LENGTH)})),
        MintError::TooLarge
    );
    let mut spaced = subject();
    spaced.session.scopes = Some(vec!["posts:read admin:all".into()]);
    assert!(matches!(
        issuer.mint_access(&spaced, Map::new()),
        Err(MintError::Claims(InvalidClaims::Scope(_)))
    ));
}

#[test]
fn text_that_is_no_refresh_token_is_invalid() {
    crate::checks!("T014");
    let world = World::new();
    let issuer = world.issuer();
    let good = text(&world.login(&issuer));
    let access = issuer.mint_access(&subject(), Map::new()).unwrap();
    for refused in [
        String::new(),
        access.token.expose().to_owned(),
        good.replace("pcr_", "pcs_"),
        good.replace("pcr_", "pcv_"),
        good[4..].to_owned(),
        format!("{good} "),
        text(&RefreshToken::from_bytes([9; 32])),
    ] {
        let outcome = block_on(issuer.refresh_text(&refused, world.by()));
        assert!(matches!(outcome, Err(RefreshError::Invalid)), "{refused}");
    }
    assert!(block_on(issuer.refresh_text(&good, world.by())).is_ok());
}

#[test]
fn a_token_that_names_no_session_is_exchanged_for_one_that_does() {
    let world = World::new();
    let issuer = world.issuer();
    let named = world.login(&issuer);
    let bare = RefreshToken::from_bytes(*named.expose_bytes());
    let next = world.refresh(&issuer, &bare).unwrap().refresh_token;
    assert_eq!(next.presented().session, Some(subject().session.id));
    // Whichever text it comes in, it is the same token.
    let again = world.refresh(&issuer, &named).unwrap().refresh_token;
    assert_eq!(text(&again), text(&next));
}

#[test]
fn a_fault_uses_nothing_up() {
    crate::checks!("T037");
    let world = World::new();
    let issuer = world.issuer();
    let first = world.login(&issuer);
    *world.store.down.lock().unwrap() = true;
    assert!(matches!(
        world.refresh(&issuer, &first),
        Err(RefreshError::Store(Fault::Busy(_)))
    ));
    *world.store.down.lock().unwrap() = false;
    assert!(world.refresh(&issuer, &first).is_ok());
}

#[test]
fn a_new_master_key_on_one_node_forks_no_family() {
    crate::checks!("T008");
    let world = World::new();
    let before = world.issuer();
    let rotated = world.master.rotated(&world.environment(9));
    let after = world.node(2, &rotated);
    let first = world.login(&before);
    let one = world.refresh(&before, &first).unwrap();
    let two = world.refresh(&after, &first).unwrap();
    assert_eq!(text(&one.refresh_token), text(&two.refresh_token));
    // Another master key altogether computes another successor: it can't be guessed from the token.
    let stranger = world.node(3, &MasterKey::generate(&world.environment(10)));
    assert_ne!(
        stranger.successor_of(&first).expose_bytes(),
        one.refresh_token.expose_bytes()
    );
}

// Shows: TK-5
#[test]
fn a_revocation_outlasts_every_leeway() {
    let world = World::new();
    let issuer = world.issuer();
    let access = issuer.mint_access(&subject(), Map::new()).unwrap();
    let AccessClaims {
        id,
        account,
        expires_at,
        ..
    } = access.claims;
    block_on(issuer.revoke(id, account, expires_at, world.by())).unwrap();
    assert!(block_on(world.store.is_revoked(id)).unwrap());
    let (_, until) = world.store.revoked.lock().unwrap()[0];
    assert_eq!(until, expires_at.plus(Duration::from_secs(60)));
}

#[test]
fn nothing_issued_shows_in_debug() {
    let world = World::new();
    let issuer = world.issuer();
    let first = world.login(&issuer);
    let issued = world.refresh(&issuer, &first).unwrap();
    let shown = format!("{issued:?} {issuer:?}");
    assert!(!shown.contains(issued.access_token.expose()));
    assert!(!shown.contains(&text(&issued.refresh_token)));
}

#[test]
fn an_access_token_has_every_claim_of_rfc_9068() {
    let world = World::new();
    let issuer = world.issuer();
    let access = issuer.mint_access(&subject(), Map::new()).unwrap();
    let payload = access.token.expose().split('.').nth(1).unwrap();
    let payload = URL_SAFE_NO_PAD.decode(payload).unwrap();
    let claims: Value = serde_json::from_slice(&payload).unwrap();
    for name in ["iss", "exp", "aud", "sub", "client_id", "iat", "jti"] {
        assert!(claims.get(name).is_some_and(|claim| !claim.is_null()), "{name}");
    }
    assert_eq!(claims["client_id"], "portcullis", "the deployment's own client");
}

#[test]
fn a_token_is_for_one_audience_that_the_issuer_knows() {
    crate::checks!("T094");
    let world = World::new();
    let mut settings = Settings::default();
    for resource in ["https://blog.example.com", "https://shop.example.com"] {
        settings.resources.push(Resource::parse(resource).unwrap());
    }
    settings.check().unwrap();
    let issuer = world.issuer_with(settings.clone());
    for unknown in [
        "",
        "portcullis",
        "https://blog.example.com/",
        "HTTPS://blog.example.com",
        "https://blog.example.com https://shop.example.com",
        "https://evil.example.com",
    ] {
        assert_eq!(issuer.audience(Some(unknown)), Err(UnknownResource), "{unknown}");
    }
    let blog = issuer.audience(Some("https://blog.example.com")).unwrap();
    let access = issuer.mint_access_for(&subject(), &blog, Map::new()).unwrap();
    assert_eq!(access.claims.audience, ["https://blog.example.com"]);
    assert_eq!(
        world.verify(&issuer, &access.token),
        Err(InvalidToken::WrongAudience),
        "not even for who issued it"
    );
    let own = issuer.audience(None).unwrap();
    let access = issuer.mint_access_for(&subject(), &own, Map::new()).unwrap();
    assert_eq!(access.claims.audience, ["portcullis"]);
    assert!(world.verify(&issuer, &access.token).is_ok());

    settings.audience = "https://blog.example.com".into();
    let own = InvalidResource::Own("https://blog.example.com".into());
    assert_eq!(settings.check(), Err(own));
}

#[test]
fn a_retired_key_verifies_for_as_long_as_tokens_need_by_default() {
    assert_eq!(
        crate::key::keyring::Settings::default().overlap,
        Settings::default().key_overlap()
    );
}
