//! Makes accounts and logs them in.

use portcullis_identity::core::account::{self, Account, Registration, Username};
use portcullis_identity::core::authz::{AccountsRead, Kinds, Permit, RolesRead};
use portcullis_identity::core::login::Delivery;
use portcullis_identity::core::organization::OWNER;
use portcullis_identity::core::roles::{MayGive, RolesError};
use portcullis_identity::core::secret::SecretText;
use portcullis_identity::core::token::TokenSubject;

use super::Held;
use super::login::{Login, delivery, log_in};
use crate::matrix::keys;
use crate::matrix::privileges::Privileges;
use crate::matrix::route::Route;
use crate::matrix::target::Target;
use crate::matrix::tenants::{self, Stranger, Strangers, Tenants};
use crate::{PASSWORD, TestApp};

/// Makes accounts and logs them in.
pub(super) struct Stage<'a> {
    pub(super) app: &'a TestApp,
    pub(super) everything: Privileges,
    pub(super) tenants: Option<Tenants>,
    count: usize,
}

impl<'a> Stage<'a> {
    /// With every role that a rule names.
    pub(super) async fn set(app: &'a TestApp, routes: &[Route]) -> Self {
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
            let made = roles.create(&permit, role, "", app.by_operator()).await;
            assert!(matches!(made, Ok(_) | Err(RolesError::Taken)), "{role}: {made:?}");
        }
        Self {
            app,
            everything,
            tenants: Tenants::found(app, routes).await,
            count: 0,
        }
    }

    /// An account with exactly these privileges, outside and in the cast's organization: its user name and its id.
    pub(super) async fn account(&mut self, privileges: &Privileges) -> (String, account::Id) {
        let (name, id) = self.outsider(privileges).await;
        if let Some(tenants) = &self.tenants {
            tenants.settle(self.app, (&name, id), privileges).await;
        }
        (name, id)
    }

    /// Those who may do everything, but are members elsewhere.
    pub(super) async fn strangers(&mut self, target: &Target, routes: &[Route]) -> Vec<Stranger> {
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
        let (accounts, strangers) = (Strangers(accounts), Strangers::holding(held));
        tenants.place(self.app, &accounts, &everything).await;
        tenants::warm(target, routes, &strangers).await;
        tenants.displace(self.app, &accounts).await;
        strangers
    }

    /// An account with exactly these privileges, a member of nothing.
    pub(super) async fn outsider(&mut self, privileges: &Privileges) -> (String, account::Id) {
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
        assert!(roles.create(&permit, &name, "", by()).await.is_ok());
        for permission in &privileges.permissions {
            assert!(roles.allow(&permit, &name, permission, by()).await.is_ok());
        }
        // An owner is one in an organization: the server gives the role to nobody.
        let roles_here = privileges.roles.iter().filter(|role| *role != OWNER);
        for role in roles_here.chain([&name]) {
            assert!(roles.assign(&permit, id, role, by()).await.is_ok());
        }
        (name, id)
    }

    pub(super) async fn log_in(&self, name: &str, delivery: Delivery, scopes: Option<Vec<String>>) -> Login {
        log_in(self.app, name, delivery, scopes, &self.app.by_operator()).await
    }

    /// A credential of every kind.
    pub(super) async fn all_kinds(&self, name: &str, scopes: Option<Vec<String>>) -> Vec<Held> {
        let mut held = Vec::new();
        for kind in Kinds::PERSONAL.iter() {
            held.push(self.log_in(name, delivery(kind), scopes.clone()).await.held);
        }
        let login = self.log_in(name, Delivery::Tokens, None).await.held;
        held.push(keys::held(self.app, &login.text, scopes, None).await);
        held
    }

    /// What the access token of the account's newest login rests on.
    pub(super) async fn subject(&self, name: &str) -> TokenSubject {
        let permit = Permit::<AccountsRead>::dangerous_for_operator();
        let accounts = self.app.portcullis.accounts();
        let listed = accounts.list(&permit, None, u32::MAX >> 1).await.unwrap();
        let account: Account = listed
            .into_iter()
            .find(|account| account.username.as_deref() == Some(name))
            .unwrap();
        let sessions = self.app.portcullis.sessions().list(account.id).await.unwrap();
        TokenSubject {
            session: sessions.into_iter().next().unwrap(),
            account,
        }
    }
}
