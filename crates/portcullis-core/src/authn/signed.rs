//! Whoever proved a signature, as a principal.
//!
//! There is no account: a caller is the name that the program gives the key, a visitor of a signed URL nobody in particular. So the
//! principal's account is one of which nothing is known but that name. It has no roles and no state, and what it may do is what the
//! program said of the key.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use uuid::Uuid;

use crate::account::{self, Account, AccountKind, AccountState, Stamp};
use crate::attribute::Attributes;
use crate::authz::{AccountFacts, CredentialKind, Facts, Principal};
use crate::defends;
use crate::environment::Timestamp;
use crate::scopes::Scopes;
use crate::signature::Proven;

/// A signature that was good, and whose.
pub(super) struct Signed {
    pub(super) principal: Arc<Principal>,
    pub(super) proven: Proven,
}

impl Signed {
    pub(super) fn new(proven: Proven) -> Self {
        Self {
            principal: Arc::new(principal(&proven)),
            proven,
        }
    }
}

fn principal(proven: &Proven) -> Principal {
    let permissions = proven.permissions().to_vec();
    // Narrowed, as every machine's credential is: what is for an account as a whole isn't for a signer.
    let scopes = Scopes::Only(permissions.clone());
    let facts = Facts::from(AccountFacts {
        account: account_of(proven),
        roles: Vec::new(),
        permissions,
        attributes: Attributes::default(),
    });
    Principal {
        effective: facts.within(&scopes),
        facts: Arc::new(facts),
        kind: if proven.is_url() {
            CredentialKind::SignedUrl
        } else {
            CredentialKind::Signature
        },
        session: None,
        token: None,
        method: None,
        assurance: None,
        authenticated_at: None,
        scopes,
        key: None,
        signer: Some(Arc::clone(proven.signer())),
    }
}

fn account_of(proven: &Proven) -> Account {
    Account {
        id: account_id(proven),
        kind: AccountKind::Service,
        email: None,
        username: None,
        state: AccountState::Active,
        email_verified_at: None,
        stamp: Stamp::from_uuid(Uuid::nil()),
        created_at: Timestamp::from_micros(0),
    }
}

/// A UUID made of the SHA-256 of the name: of version 8, as no account's is. Whoever is named in a signed URL isn't acted for: nobody has
/// asked whether they still may.
///
/// Source: RFC 9562 §5.8
fn account_id(proven: &Proven) -> account::Id {
    defends!("T257");
    let signer = proven.signer();
    let (purpose, name) = match &signer.caller {
        Some(caller) => (CALLER, caller.as_bytes()),
        None => (VISITOR, signer.subject.as_deref().unwrap_or_default().as_bytes()),
    };
    let hash = digest(&SHA256, &[purpose, name].concat());
    let mut bytes = [0; 16];
    bytes
        .iter_mut()
        .zip(hash.as_ref())
        .for_each(|(to, from)| *to = *from);
    account::Id::from_uuid(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}

const CALLER: &[u8] = b"portcullis:signer:";
const VISITOR: &[u8] = b"portcullis:signed-url:";
