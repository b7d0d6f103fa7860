//! Credentials that were good until something was done to them, or to their account.

use portcullis_identity::core::account::{self, AccountState};
use portcullis_identity::core::authz::{AccountsWrite, CredentialKind, Permit};
use portcullis_identity::core::login::Delivery;

use super::Held;
use super::stage::Stage;
use crate::matrix::{basic, keys};

impl Stage<'_> {
    /// Credentials that were good until something was done to them, or to their account.
    pub(super) async fn refused(&mut self) -> Vec<(String, Vec<Held>)> {
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
            Undoing::Lock => self.set_state(id, AccountState::Locked).await,
            Undoing::Disable => self.set_state(id, AccountState::Disabled).await,
        }
    }

    async fn end_all_of(&self, id: account::Id) {
        let sessions = self.app.portcullis.sessions();
        for session in sessions.list(id).await.unwrap() {
            let by = self.app.by_operator();
            assert!(sessions.end(id, session.id, by).await.unwrap());
        }
    }

    async fn set_state(&self, id: account::Id, state: AccountState) {
        let permit = Permit::<AccountsWrite>::dangerous_for_operator();
        let accounts = self.app.portcullis.accounts();
        let by = self.app.by_operator();
        accounts.set_state(&permit, id, state, by).await.unwrap();
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
    /// Whether the account's password lets nobody in any more either.
    const fn reaches_passwords(self) -> bool {
        match self {
            Self::Lock | Self::Disable => true,
            Self::Revoke | Self::SwitchOff | Self::Replace | Self::End | Self::Everywhere => false,
        }
    }
}
