//! The accounts of the play: who they are, and what they hold when the routes are called.
//!
//! They are made through the services, not through routes: the API under test may have none of Portcullis' own.

mod limited;
mod login;
mod past;
mod stage;
mod undoing;

use portcullis_identity::Portcullis;
use portcullis_identity::core::audit::Context;
use portcullis_identity::core::authz::CredentialKind;
use portcullis_identity::core::login::{Delivery, Stay};
use portcullis_identity::core::token::TokenSubject;

use self::login::{delivery, log_in};
use self::stage::Stage;
use super::privileges::{NO_LOGIN, Privileges};
use super::route::Route;
use super::target::Target;
use super::tenants::{Stranger, Tenants};
use super::{basic, keys};
use crate::TestApp;

/// A credential as text.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) kind: CredentialKind,
    pub(super) text: String,
    /// What a cookie needs beside it; empty for what is no session.
    pub(super) csrf: String,
}

/// Credentials of somebody with these privileges, from a login of this age.
pub(super) struct Limited {
    pub(super) name: String,
    pub(super) held: Vec<Held>,
    pub(super) privileges: Privileges,
    pub(super) age: u32,
}

/// Everybody who calls the routes, by what their credentials are worth.
pub(super) struct Cast {
    /// Credentials whose time is over.
    pub(super) expired: Vec<Held>,
    /// Credentials that were withdrawn, by how.
    pub(super) refused: Vec<(String, Vec<Held>)>,
    /// Good credentials that don't suffice everywhere.
    pub(super) limited: Vec<Limited>,
    /// Good credentials of somebody who may do everything.
    pub(super) good: Vec<Held>,
    /// What the good access token was made from.
    pub(super) subject: TokenSubject,
    /// A refresh token that nobody has used.
    pub(super) refresh: String,
    /// Good credentials of members of other organizations.
    pub(super) strangers: Vec<Stranger>,
    /// What the good ones may do.
    pub(super) everything: Privileges,
    pub(super) portcullis: Portcullis,
    tenants: Option<Tenants>,
    by: Context,
}

impl Cast {
    /// Lets everybody log in, some of them long ago.
    pub(super) async fn gather(target: &Target, routes: &[Route]) -> Self {
        let app = &target.issuer;
        let mut stage = Stage::set(app, routes).await;
        let (expired, stale) = stage.before(routes).await;
        let refused = stage.refused().await;
        let mut limited = stage.underprivileged(routes).await;
        limited.extend(stage.narrowed(routes).await);
        limited.extend(stale);
        let strangers = stage.strangers(target, routes).await;
        let all = stage.everything.clone();
        let (account, id) = stage.account(&all).await;
        if let Some(tenants) = &stage.tenants {
            tenants.settle_away(app, (&account, id), &all).await;
        }
        let tokens = stage.log_in(&account, Delivery::Tokens, None).await;
        let session = stage.log_in(&account, Delivery::Session(Stay::Brief), None).await;
        let subject = stage.subject(&account).await;
        let key = keys::held(app, &tokens.held.text, None, None).await;
        limited.push(Limited {
            name: "everything but a login".to_owned(),
            held: vec![key.clone()],
            privileges: all.clone(),
            age: 0,
        });
        limited.push(Limited {
            name: "no login".to_owned(),
            held: vec![basic::hold(&account)],
            privileges: all.clone(),
            age: NO_LOGIN,
        });
        Self {
            expired,
            refused,
            limited,
            subject,
            good: vec![tokens.held, session.held, key, basic::hold(&account)],
            refresh: tokens.refresh.unwrap_or_default(),
            strangers,
            everything: all,
            tenants: stage.tenants,
            portcullis: app.portcullis.clone(),
            by: app.by_operator(),
        }
    }

    /// Makes the one who may do everything a member again, whatever a route has done.
    pub(super) async fn settle(&self, app: &TestApp) {
        let name = self.subject.account.username.as_deref().unwrap_or_default();
        if let Some(tenants) = &self.tenants {
            let who = (name, self.subject.account.id);
            tenants.settle(app, who, &self.everything).await;
        }
    }

    /// A new login of somebody who may do everything, or the one key of theirs.
    pub(super) async fn fresh(&self, app: &TestApp, kind: CredentialKind) -> Held {
        if let (CredentialKind::ApiKey, Some(key)) = (kind, self.good.iter().find(|held| held.kind == kind)) {
            return key.clone();
        }
        let account = self.subject.account.username.clone().unwrap_or_default();
        if kind == CredentialKind::Basic {
            return basic::hold(&account);
        }
        log_in(app, &account, delivery(kind), None, &self.by).await.held
    }
}
