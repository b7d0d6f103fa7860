//! A data folder of schema 10, the last one whose tables had no prefix, and what must still be in it afterwards.

use std::time::Duration;

use portcullis_core::account::{self, Identifier};
use portcullis_core::api_key::KeyDigest;
use portcullis_core::audit::{self, Context, EventFilter};
use portcullis_core::effect::Effect;
use portcullis_core::environment::Timestamp;
use portcullis_core::grants::{Holder, Store as _, Target, Term};
use portcullis_core::organization::{Selector, Slug, Store as _};
use portcullis_core::roles::{RolesError, Store as _};
use portcullis_core::secret::Digest;
use portcullis_core::token::{
    self, NewRefresh, PresentedRefresh, RefreshError, RefreshRotation, Rotated, Store as _,
};
use portcullis_core::{api_key, session};
use portcullis_store::Database;
use uuid::Uuid;

/// The SHA-256 of the token of a session of anna's.
const TOKEN: &str = "50a64f3fa0faa2f9dd43a368afa72b339a9980c8d090458bc0ff7af3d4a66ec1";
/// The same of the text of an API key of anna's.
const KEY: &str = "283b2ec252a8b642129fc2f57f4232da8981ea5145b2853ab0ffaa60665858f2";
/// The same of a refresh token of a session of hers, which isn't the session above.
const REFRESH: &str = "fbc18aa9b1cc6ce561a709cf6d6d7d81a6933e5194fefe33b9401deef5e975e8";
/// How many events its audit log has.
const EVENTS: usize = 55;

fn bytes(hex: &str) -> Vec<u8> {
    let pairs = (0..hex.len()).step_by(2);
    pairs
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

async fn id_of(database: &Database, name: &str) -> account::Id {
    let who = Identifier::parse(name).unwrap();
    let logins = account::Store::find_logins(database, who).await.unwrap();
    logins[0].account.id
}

/// A refresh token of before says nothing of its session. It is good once, its successor names the session, and a replay of the
/// one that was stored before ends it.
async fn assert_refreshes_go_on(database: &Database) {
    let old = PresentedRefresh {
        session: None,
        digest: Digest::from_slice(&bytes(REFRESH)).unwrap(),
    };
    let session = database.find_refresh(old).await.unwrap();
    assert!(session.is_some());
    let at = Timestamp::from_micros(1_796_000_000_000_000);
    let rotate = async |presented, byte| {
        let successor = NewRefresh {
            digest: Digest::from_slice(&[byte; 32]).unwrap(),
            expires_at: at.plus(Duration::from_secs(60)),
        };
        let rotation = RefreshRotation {
            presented,
            successor,
            grace_from: at.plus(Duration::from_secs(1)),
            require_verified: false,
        };
        let by = Context::operator(at);
        token::Store::rotate_refresh(database, rotation, by)
            .await
            .unwrap()
    };
    let next = |byte| PresentedRefresh {
        session,
        digest: Digest::from_slice(&[byte; 32]).unwrap(),
    };
    assert!(matches!(rotate(old, 1).await, Ok(Rotated::Fresh(_))));
    assert!(matches!(rotate(old, 1).await, Ok(Rotated::Again(_))));
    assert!(matches!(rotate(next(1), 2).await, Ok(Rotated::Fresh(_))));
    // Under either of its texts it is the same token: used.
    let named = PresentedRefresh { session, ..old };
    assert_eq!(
        rotate(named, 1).await,
        Err(RefreshError::Replayed(session.unwrap()))
    );
    assert_eq!(rotate(old, 1).await, Err(RefreshError::Invalid));
    assert_eq!(rotate(next(2), 3).await, Err(RefreshError::Invalid));
}

/// Everything that the folder's accounts had, they have, and what comes by inheritance follows the graph from now on.
pub(crate) async fn assert_it_goes_on(database: &Database) {
    let (anna, berta) = (id_of(database, "anna").await, id_of(database, "berta").await);
    let token = Digest::from_slice(&bytes(TOKEN)).unwrap();
    let session = session::Store::find_by_token(database, token).await.unwrap();
    assert_eq!(session.unwrap().account, anna);
    let key = KeyDigest::from_slice(&bytes(KEY)).unwrap();
    let key = api_key::Store::find_by_digest(database, key)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((&*key.key.name, key.key.account), ("ci", anna));
    let events = audit::Store::list(database, EventFilter::default(), 1_000)
        .await
        .unwrap();
    assert_eq!(events.len(), EVENTS);

    // Over two ways to the same.
    let facts = async || database.facts(anna).await.unwrap().unwrap();
    assert_eq!(facts().await.roles, ["chief", "editor", "reader", "writer"]);
    let all = ["posts:delete", "posts:read", "posts:write"];
    assert_eq!(facts().await.permissions, all);
    let acme = Selector::Slug(Slug::parse("acme").unwrap());
    let member = database.membership(berta, acme.clone()).await.unwrap().unwrap();
    assert_eq!(member.roles, ["reader", "writer"]);
    assert_eq!(member.permissions, ["posts:read", "posts:write"]);
    let owner = database.membership(anna, acme).await.unwrap().unwrap();
    assert!(owner.permissions.contains(&"org:members:write".to_owned()));

    let by = || Context::operator(Timestamp::from_seconds(1_800_000_000));
    let holder = Holder {
        account: anna,
        organization: None,
    };
    let note = Target {
        kind: "note".into(),
        id: "7".into(),
    };
    let held = database.held(holder, note, "read".into(), by().at).await;
    assert_eq!(held.unwrap(), Some(Term::Open));

    let ring = database.inherit("reader".into(), "chief".into(), by()).await;
    assert_eq!(ring.unwrap(), Err(RolesError::Cycle));
    let gone = database.disinherit("chief".into(), "editor".into(), by()).await;
    assert_eq!(gone.unwrap(), Ok(Effect::Changed));
    assert_eq!(facts().await.roles, ["chief", "reader", "writer"]);
    let gone = database.delete_role("writer".into(), by()).await;
    assert_eq!(gone.unwrap(), Ok(Effect::Changed));
    assert_eq!(facts().await.roles, ["chief"]);
    assert_refreshes_go_on(database).await;
    // And so does whatever else there is, such as the numbers of invalidations and what is swept.
    let ended = session::Store::end(database, anna, id_of_session(), session::Ending::Logout, by()).await;
    assert!(ended.unwrap());
}

fn id_of_session() -> session::Id {
    session::Id::from_uuid(Uuid::from_u128(0x01a2_26b9_6758_79b2_9b79_e212_6faf_aaf6))
}
