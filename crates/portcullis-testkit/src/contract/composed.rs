//! A store of everything whose sessions are kept by another store than the rest.

use portcullis_core::session;

use super::{Holding, Stores};

/// `sessions` for sessions, `rest` for everything else.
#[derive(Debug, Clone)]
pub struct Composed<R, S> {
    /// The store of everything but sessions.
    pub rest: R,
    /// The store of sessions.
    pub sessions: S,
    /// What the sessions that the cases open carry.
    pub holding: Holding,
}

impl<R, S> Stores for Composed<R, S>
where
    R: Stores,
    S: session::Store + Clone + 'static,
{
    fn holding(&self) -> Holding {
        self.holding
    }

    fn require_verified_email(&self) {
        self.rest.require_verified_email();
    }
}

/// Passes every verb of the port in scope as `Store` on to the field.
macro_rules! pass_on {
    ($to:ident $store:ident: $($kind:ident fn $verb:ident($($argument:ident: $type:ty),*) -> $answer:ty;)*) => {
        #[async_trait::async_trait]
        impl<R, S> Store for crate::contract::Composed<R, S>
        where
            R: crate::contract::Stores,
            S: portcullis_core::session::Store + Clone + 'static,
        {
            $(async fn $verb(&self, $($argument: $type),*) -> Result<$answer, portcullis_core::fault::Fault> {
                <$store as Store>::$verb(&self.$to, $($argument),*).await
            })*
        }
    };
}

macro_rules! pass_on_to_sessions {
    ($($verbs:tt)*) => { pass_on! { sessions S: $($verbs)* } };
}

macro_rules! pass_on_to_rest {
    ($($verbs:tt)*) => { pass_on! { rest R: $($verbs)* } };
}

use {pass_on_to_rest, pass_on_to_sessions};

mod of_sessions {
    use portcullis_core::environment::Timestamp;
    use portcullis_core::secret::Digest;
    use portcullis_core::session::{
        ApiKeyHandling, Ending, Everything, Id, NewSession, NotOpened, Opened, Session, SessionToken, Store,
    };
    use portcullis_core::{account, audit};

    use super::pass_on_to_sessions as implement;

    portcullis_core::session_port!();
}

mod of_accounts {
    use portcullis_core::account::{
        Account, AccountState, AccountsError, AgainError, EmailVerification, Id, Identifier, Login,
        NewAccount, NewServiceAccount, Offer, Offered, Proof, RegistrationError, Setup, Stamp, Store,
        VerifyError,
    };
    use portcullis_core::audit;
    use portcullis_core::environment::Timestamp;
    use portcullis_core::password::SealedHash;
    use portcullis_core::secret::Digest;
    use portcullis_core::throttle::Budget;
    use std::time::Duration;

    use super::pass_on_to_rest as implement;
    use portcullis_core::attribute::{AttributeChange, Attributes};

    portcullis_core::account_port!();
}

mod of_tokens {
    use portcullis_core::environment::Timestamp;
    use portcullis_core::token::{Id, PresentedRefresh, RefreshError, RefreshRotation, Rotated, Store};
    use portcullis_core::{account, audit, session};

    use super::pass_on_to_rest as implement;

    portcullis_core::token_port!();
}

mod of_roles {
    use portcullis_core::authz::AccountFacts;
    use portcullis_core::effect::Effect;
    use portcullis_core::environment::Timestamp;
    use portcullis_core::roles::{
        DeclarationError, MemberFacts, PermissionRecord, RoleRecord, RolesError, Store,
    };
    use portcullis_core::{account, audit};

    use super::pass_on_to_rest as implement;

    portcullis_core::roles_port!();
}

mod of_decisions {
    use portcullis_core::audit;
    use portcullis_core::authz::explain::{Bounds, Decision, Store};
    use uuid::Uuid;

    use super::pass_on_to_rest as implement;

    portcullis_core::decisions_port!();
}

mod of_organizations {
    use portcullis_core::effect::Effect;
    use portcullis_core::environment::Timestamp;
    use portcullis_core::organization::{
        Belonging, Id, Invitation, InvitationId, InvitationKind, MemberRecord, MembershipFacts,
        NewInvitation, NewOrganization, Organization, OrganizationState, OrganizationsError, Renaming,
        Selector, Store,
    };
    use portcullis_core::secret::Digest;
    use portcullis_core::{account, audit};

    use super::pass_on_to_rest as implement;

    portcullis_core::organization_port!();
}

mod of_audit {
    use portcullis_core::audit::{Context, Event, EventFilter, Occurrence, Store};

    use super::pass_on_to_rest as implement;

    portcullis_core::audit_port!();
}

mod of_keys {
    use portcullis_core::audit;
    use portcullis_core::environment::Timestamp;
    use portcullis_core::key::{KeyRecord, Store};

    use super::pass_on_to_rest as implement;

    portcullis_core::key_port!();
}

mod of_tiers {
    use portcullis_core::audit;
    use portcullis_core::tier::{Kept, Store};

    use super::pass_on_to_rest as implement;

    portcullis_core::tier_port!();
}

mod of_grants {
    use portcullis_core::audit;
    use portcullis_core::effect::Effect;
    use portcullis_core::environment::Timestamp;
    use portcullis_core::grants::{
        Grant, GrantError, GrantRecord, Ground, Holder, Store, Subject, Target, Term,
    };

    use super::pass_on_to_rest as implement;

    portcullis_core::grants_port!();
}

mod of_api_keys {
    use portcullis_core::api_key::{
        ApiKey, ApiKeysError, Change, ExpiryWindow, ExpiryWording, Found, Id, Imported, KeyDigest,
        KeyRotation, NewApiKey, Store, Warning,
    };
    use portcullis_core::environment::Timestamp;
    use portcullis_core::{account, audit};
    use std::net::IpAddr;
    use std::sync::Arc;

    use super::pass_on_to_rest as implement;

    portcullis_core::api_key_port!();
}

mod of_jobs {
    use portcullis_core::audit;
    use portcullis_core::environment::Timestamp;
    use portcullis_core::job::{Id, Job, JobKind, Lease, NewJob, Store, Withheld};

    use super::pass_on_to_rest as implement;

    portcullis_core::jobs_port!();
}
