//! The accounts of the play: who they are, and what they hold when the routes are called.
//!
//! They are made through the services, not through routes: the API under test may have none of Portcullis' own.

use std::collections::BTreeSet;
use std::time::Duration;

use portcullis::Portcullis;
use portcullis::core::access::{
    AccountsRead, AccountsWrite, CredentialKind, Kinds, MayGive, Permit, RolesRead,
};
use portcullis::core::account::{self, Account, Registration, State, Username};
use portcullis::core::audit::Context;
use portcullis::core::environment::Clock as _;
use portcullis::core::secret::SecretText;
use portcullis::core::session::{Delivery, Device, LoggedIn, LoginForm};
use portcullis::core::token::{RefreshToken, Standing};

use super::privileges::{NO_LOGIN, Privileges, ages};
use super::route::Route;
use super::tenants::{Stranger, Strangers, Tenants};
use super::{basic, keys};
use crate::{PASSWORD, TestApp};

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

/// Everybody.
pub(super) struct Cast {
    /// Credentials that are refused everywhere, by what is wrong with them.
    pub(super) refused: Vec<(String, Vec<Held>)>,
    /// Good credentials that don't suffice everywhere.
    pub(super) limited: Vec<Limited>,
    /// Good credentials of somebody who may do everything.
    pub(super) good: Vec<Held>,
    /// What the good access token was made from.
    pub(super) standing: Standing,
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
    pub(super) async fn gather(app: &TestApp, routes: &[Route]) -> Self {
        let mut stage = Stage::set(app, routes).await;
        let (past, stale) = stage.before(routes).await;
        let mut refused = stage.refused().await;
        refused.extend(past);
        let mut limited = stage.underprivileged(routes).await;
        limited.extend(stage.narrowed(routes).await);
        limited.extend(stale);
        let strangers = stage.strangers().await;
        let all = stage.everything.clone();
        let (account, _) = stage.account(&all).await;
        let tokens = stage.log_in(&account, Delivery::Tokens, None).await;
        let session = stage.log_in(&account, Delivery::Session, None).await;
        let standing = stage.standing(&account).await;
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
            refused,
            limited,
            standing,
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
        let name = self.standing.account.username.as_deref().unwrap_or_default();
        if let Some(tenants) = &self.tenants {
            let who = (name, self.standing.account.id);
            tenants.settle(app, who, &self.everything).await;
        }
    }

    /// A new login of somebody who may do everything, or the one key of theirs.
    pub(super) async fn fresh(&self, app: &TestApp, kind: CredentialKind) -> Held {
        if let (CredentialKind::ApiKey, Some(key)) = (kind, self.good.iter().find(|held| held.kind == kind)) {
            return key.clone();
        }
        let account = self.standing.account.username.clone().unwrap_or_default();
        if kind == CredentialKind::Basic {
            return basic::hold(&account);
        }
        log_in(app, &account, delivery(kind), None, &self.by).await.held
    }
}

/// Makes accounts and logs them in.
struct Stage<'a> {
    app: &'a TestApp,
    everything: Privileges,
    tenants: Option<Tenants>,
    count: usize,
}

struct Login {
    held: Held,
    refresh: Option<String>,
}

impl<'a> Stage<'a> {
    /// With every role that a rule names.
    async fn set(app: &'a TestApp, routes: &[Route]) -> Self {
        let mut everything = Privileges::default();
        for route in routes {
            everything.add(Privileges::named_by(&route.rule));
        }
        let roles = app.portcullis.roles();
        let permit = Permit::<RolesRead>::dangerous_for_operator();
        let all = roles.permissions(&permit).await.unwrap();
        everything
            .permissions
            .extend(all.into_iter().map(|permission| permission.name));
        let permit = Permit::<MayGive>::dangerous_for_operator();
        for role in &everything.roles {
            roles.create(&permit, role, "", app.by_operator()).await.unwrap();
        }
        Self {
            app,
            everything,
            tenants: Tenants::found(app, routes).await,
            count: 0,
        }
    }

    /// An account with exactly these privileges, outside and in the cast's organization: its user name and its id.
    async fn account(&mut self, privileges: &Privileges) -> (String, account::Id) {
        let (name, id) = self.outsider(privileges).await;
        if let Some(tenants) = &self.tenants {
            tenants.settle(self.app, (&name, id), privileges).await;
        }
        (name, id)
    }

    /// Those who may do everything, but are members elsewhere.
    async fn strangers(&mut self) -> Vec<Stranger> {
        let Some(tenants) = self.tenants else {
            return Vec::new();
        };
        let everything = self.everything.clone();
        let accounts = [
            self.outsider(&everything).await,
            self.outsider(&everything).await,
            self.outsider(&everything).await,
        ];
        let [first, second, third] = accounts.each_ref().map(|(name, _)| name);
        let held = [
            self.all_kinds(first, None).await,
            self.all_kinds(second, None).await,
            self.all_kinds(third, None).await,
        ];
        tenants.place(self.app, &Strangers(accounts), &everything).await;
        Strangers::holding(held)
    }

    /// An account with exactly these privileges, a member of nothing.
    async fn outsider(&mut self, privileges: &Privileges) -> (String, account::Id) {
        self.count += 1;
        let name = format!("somebody{}", self.count);
        let form = Registration {
            email: None,
            username: Some(Username::parse(&name).unwrap()),
            password: SecretText::new(PASSWORD.to_owned()),
        };
        let registrar = self.app.portcullis.registrar();
        let registered = registrar.register(form, self.app.by_operator()).await.unwrap();
        let id = registered.account.id;
        let (roles, by) = (self.app.portcullis.roles(), || self.app.by_operator());
        let permit = Permit::<MayGive>::dangerous_for_operator();
        roles.create(&permit, &name, "", by()).await.unwrap();
        for permission in &privileges.permissions {
            roles.allow(&permit, &name, permission, by()).await.unwrap();
        }
        for role in privileges.roles.iter().chain([&name]) {
            roles.assign(&permit, id, role, by()).await.unwrap();
        }
        (name, id)
    }

    async fn log_in(&self, name: &str, delivery: Delivery, scopes: Option<Vec<String>>) -> Login {
        log_in(self.app, name, delivery, scopes, &self.app.by_operator()).await
    }

    /// A credential of every kind.
    async fn all_kinds(&self, name: &str, scopes: Option<Vec<String>>) -> Vec<Held> {
        let mut held = Vec::new();
        for kind in Kinds::PERSONAL.iter() {
            held.push(self.log_in(name, delivery(kind), scopes.clone()).await.held);
        }
        let login = self.log_in(name, Delivery::Tokens, None).await.held;
        held.push(keys::held(self.app, &login.text, scopes, None).await);
        held
    }

    /// What was made before the routes are called: logins that have expired, and logins that are too old for some
    /// rule.
    async fn before(&mut self, routes: &[Route]) -> (Vec<(String, Vec<Held>)>, Vec<Limited>) {
        let mut wanted = BTreeSet::new();
        routes.iter().for_each(|route| ages(&route.rule, &mut wanted));
        wanted.retain(|age| *age <= OLDEST);
        let mut moments = wanted.clone();
        moments.extend([SESSION_OVER, TOKEN_OVER]);
        let everything = self.everything.clone();
        let (name, _) = self.account(&everything).await;
        let (mut expired, mut logins) = (Vec::new(), Vec::new());
        let mut ahead = moments.last().copied().unwrap_or_default();
        for moment in moments.iter().rev() {
            self.advance(ahead - moment);
            ahead = *moment;
            if *moment == SESSION_OVER {
                expired.push(self.log_in(&name, Delivery::Session, None).await.held);
            }
            if *moment == TOKEN_OVER {
                let login = self.log_in(&name, Delivery::Tokens, None).await.held;
                let end = self.app.clock.now().plus(Duration::from_secs(60));
                expired.push(keys::held(self.app, &login.text, None, Some(end)).await);
                expired.push(login);
            }
            if wanted.contains(moment) {
                let tokens = self.log_in(&name, Delivery::Tokens, None).await;
                let session = self.log_in(&name, Delivery::Remembered, None).await;
                logins.push((*moment, tokens.refresh, session.held));
            }
        }
        self.advance(ahead);
        let mut stale = Vec::new();
        for (age, refresh, session) in logins {
            stale.push(Limited {
                name: format!("a login {age} s ago"),
                held: vec![self.refreshed(refresh).await, session],
                privileges: everything.clone(),
                age,
            });
        }
        (vec![("expired".to_owned(), expired)], stale)
    }

    fn advance(&self, seconds: u32) {
        self.app.clock.advance_secs(seconds.into());
    }

    /// A new access token of an old login.
    async fn refreshed(&self, refresh: Option<String>) -> Held {
        let refresh = RefreshToken::parse(&refresh.unwrap()).unwrap();
        let sessions = self.app.portcullis.sessions();
        let issued = sessions.refresh(&refresh, self.app.by_operator()).await.unwrap();
        jwt(issued.access_token.expose())
    }

    /// Credentials that were good until something was done to them, or to their account.
    async fn refused(&mut self) -> Vec<(String, Vec<Held>)> {
        let mut all = Vec::new();
        for what in Undoing::ALL {
            let everything = self.everything.clone();
            let (name, id) = self.account(&everything).await;
            let mut held = self.all_kinds(&name, None).await;
            held.retain(|held| what.undoes(held.kind));
            if what.reaches_passwords() {
                held.push(basic::hold(&name));
            }
            self.undo(what, &name, id, &held).await;
            all.push((what.name().to_owned(), held));
        }
        all
    }

    async fn undo(&self, what: Undoing, name: &str, id: account::Id, held: &[Held]) {
        let (portcullis, by) = (&self.app.portcullis, || self.app.by_operator());
        match what {
            Undoing::Revoke => {
                for held in held {
                    portcullis.revoke(&held.text, by()).await.unwrap();
                }
                keys::revoke(self.app, id).await;
            }
            Undoing::SwitchOff => keys::switch_off(self.app, id).await,
            Undoing::Replace => {
                let login = self.log_in(name, Delivery::Tokens, None).await.held;
                keys::replace(self.app, id, &login.text).await;
            }
            Undoing::End => self.end_all_of(id).await,
            Undoing::Everywhere => {
                portcullis.sessions().log_out_everywhere(id, by()).await.unwrap();
            }
            Undoing::Lock => self.set_state(id, State::Locked).await,
            Undoing::Disable => self.set_state(id, State::Disabled).await,
        }
    }

    async fn end_all_of(&self, id: account::Id) {
        let sessions = self.app.portcullis.sessions();
        for session in sessions.list(id).await.unwrap() {
            let by = self.app.by_operator();
            assert!(sessions.end(id, session.id, by).await.unwrap());
        }
    }

    async fn set_state(&self, id: account::Id, state: State) {
        let permit = Permit::<AccountsWrite>::dangerous_for_operator();
        let accounts = self.app.portcullis.accounts();
        let by = self.app.by_operator();
        accounts.set_state(&permit, id, state, by).await.unwrap();
    }

    /// Somebody without anything, and for every name in a rule somebody who has all but that.
    async fn underprivileged(&mut self, routes: &[Route]) -> Vec<Limited> {
        let mut lacking = BTreeSet::new();
        for route in routes {
            let named = Privileges::named_by(&route.rule);
            lacking.extend(named.singles());
            lacking.insert(named);
        }
        lacking.retain(|privileges| !privileges.is_empty());
        let mut limited = vec![("no permissions".to_owned(), Privileges::default())];
        for lacking in lacking {
            let rest = self.everything.without(&lacking).without_rulers();
            limited.push((format!("all but {lacking}"), rest));
        }
        let mut all = Vec::new();
        for (name, privileges) in limited {
            let (account, _) = self.account(&privileges).await;
            all.push(Limited {
                name: name.clone(),
                held: vec![basic::hold(&account)],
                privileges: privileges.clone(),
                age: NO_LOGIN,
            });
            all.push(Limited {
                name,
                held: self.all_kinds(&account, None).await,
                privileges,
                age: 0,
            });
        }
        all
    }

    /// Somebody with everything, narrowed by scopes to all but what some rule asks for.
    async fn narrowed(&mut self, routes: &[Route]) -> Vec<Limited> {
        let named: BTreeSet<_> = routes
            .iter()
            .map(|route| Privileges::named_by(&route.rule))
            .collect();
        let everything = self.everything.clone();
        let mut all = Vec::new();
        for named in named.iter().filter(|named| !named.is_empty()) {
            let scopes = everything.without(named).permissions;
            if scopes.is_empty() {
                continue;
            }
            // One account each: the sessions of an account are limited.
            let (account, _) = self.account(&everything).await;
            let asked = scopes.iter().cloned().collect();
            all.push(Limited {
                name: format!("scopes without {named}"),
                held: self.all_kinds(&account, Some(asked)).await,
                privileges: Privileges {
                    permissions: scopes,
                    // A credential with scopes never speaks for a role.
                    roles: BTreeSet::new(),
                },
                age: 0,
            });
        }
        all
    }

    /// What the access token of the account's newest login rests on.
    async fn standing(&self, name: &str) -> Standing {
        let permit = Permit::<AccountsRead>::dangerous_for_operator();
        let accounts = self.app.portcullis.accounts();
        let listed = accounts.list(&permit, None, u32::MAX >> 1).await.unwrap();
        let account: Account = listed
            .into_iter()
            .find(|account| account.username.as_deref() == Some(name))
            .unwrap();
        let sessions = self.app.portcullis.sessions().list(account.id).await.unwrap();
        Standing {
            session: sessions.into_iter().next().unwrap(),
            account,
        }
    }
}

/// What makes a good credential bad.
#[derive(Clone, Copy)]
enum Undoing {
    Revoke,
    SwitchOff,
    Replace,
    End,
    Everywhere,
    Lock,
    Disable,
}

impl Undoing {
    const ALL: [Self; 7] = [
        Self::Revoke,
        Self::SwitchOff,
        Self::Replace,
        Self::End,
        Self::Everywhere,
        Self::Lock,
        Self::Disable,
    ];

    /// Whether it ends credentials of this kind: a key outlives every login.
    const fn undoes(self, kind: CredentialKind) -> bool {
        match self {
            Self::Revoke | Self::Lock | Self::Disable => true,
            Self::SwitchOff | Self::Replace => matches!(kind, CredentialKind::ApiKey),
            Self::End | Self::Everywhere => kind.is_personal(),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Revoke => "revoked",
            Self::SwitchOff => "switched off",
            Self::Replace => "rotated away",
            Self::End => "of an ended session",
            Self::Everywhere => "logged out everywhere",
            Self::Lock => "of a locked account",
            Self::Disable => "of a disabled account",
        }
    }
}

impl Undoing {
    /// Whether the account's password lets nobody in any more either.
    const fn reaches_passwords(self) -> bool {
        match self {
            Self::Lock | Self::Disable => true,
            Self::Revoke | Self::SwitchOff | Self::Replace | Self::End | Self::Everywhere => false,
        }
    }
}

/// What a login must ask for to get this kind of credential.
const fn delivery(kind: CredentialKind) -> Delivery {
    match kind {
        CredentialKind::Jwt => Delivery::Tokens,
        // A login gives neither of the latter: nobody asks for them.
        CredentialKind::Session | CredentialKind::ApiKey | CredentialKind::Basic => Delivery::Session,
    }
}

async fn log_in(
    app: &TestApp,
    name: &str,
    delivery: Delivery,
    scopes: Option<Vec<String>>,
    by: &Context,
) -> Login {
    let form = LoginForm {
        identifier: name.to_owned(),
        password: SecretText::new(PASSWORD.to_owned()),
        delivery,
        scopes,
        device: Device::default(),
    };
    let by = Context {
        at: app.clock.now(),
        ..by.clone()
    };
    match app.portcullis.log_in(form, by).await.unwrap() {
        LoggedIn::Tokens { issued, .. } => Login {
            held: jwt(issued.access_token.expose()),
            refresh: Some(issued.refresh_token.expose().to_string()),
        },
        LoggedIn::Session { token, .. } => Login {
            held: Held {
                kind: CredentialKind::Session,
                text: token.expose().to_string(),
                csrf: app.portcullis.gate().csrf_token(&token),
            },
            refresh: None,
        },
    }
}

fn jwt(text: &str) -> Held {
    Held {
        kind: CredentialKind::Jwt,
        text: text.to_owned(),
        csrf: String::new(),
    }
}

/// Longer than any browser's session lives, in seconds.
const SESSION_OVER: u32 = 13 * 3_600;

/// Longer than an access token lives, its session still there, in seconds.
const TOKEN_OVER: u32 = 3_600;

/// No login can be older and have an access token: by then its refresh token has expired.
const OLDEST: u32 = 7 * 24 * 3_600 - 1;
