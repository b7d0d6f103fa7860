//! How accounts are shown.

use jiff::Timestamp as Moment;
use portcullis_core::account::{Account, shown_address};
use portcullis_core::authz::Principal;
use portcullis_core::environment::Timestamp;
use portcullis_core::scopes::Scopes;
use portcullis_core::session::{Assurance, Method};
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

/// An account, as its owner and administrators see it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Account")]
pub(crate) struct AccountView {
    /// The account's id.
    #[schemars(with = "Uuid")]
    pub(crate) id: String,
    /// Its address: as it is mailed, but with the e-mails of an international domain.
    email: Option<String>,
    /// Whether the address is proven.
    email_verified: bool,
    /// Its user name, as typed.
    username: Option<String>,
    /// `active`, `unverified`, `locked` or `disabled`.
    state: &'static str,
    /// `person`, or `service` for a program's account.
    kind: &'static str,
    /// When it was registered, RFC 3339.
    #[schemars(with = "Moment")]
    created_at: Timestamp,
}

impl From<&Account> for AccountView {
    fn from(account: &Account) -> Self {
        Self {
            id: account.id.to_string(),
            email: account.email.as_deref().map(shown_address),
            email_verified: account.email_verified_at.is_some(),
            username: account.username.clone(),
            state: account.state.as_str(),
            kind: account.kind.as_str(),
            created_at: account.created_at,
        }
    }
}

/// Who the caller is, and what the presented credential may do.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Me {
    /// The account that the credential speaks for.
    #[serde(flatten)]
    account: AccountView,
    /// All its roles, inherited ones included.
    roles: Vec<String>,
    /// What the presented credential may do: the account's permissions, narrowed by its scopes.
    permissions: Vec<String>,
    /// The scopes it is narrowed to; absent for none.
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    /// The session the credential belongs to.
    #[schemars(with = "Option<Uuid>")]
    session_id: Option<String>,
    /// When the login was made, RFC 3339; absent for a credential that stands for no login.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Moment>")]
    authenticated_at: Option<Timestamp>,
    /// How: values of RFC 8176; empty for a credential that stands for no login.
    amr: Vec<&'static str>,
    /// How sure the login makes us: what a challenge's `acr_values` asks for; absent for a credential that stands
    /// for no login.
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<&'static str>,
}

impl Me {
    pub(super) fn from(principal: &Principal) -> Self {
        Self {
            account: AccountView::from(principal.account()),
            roles: principal.roles().to_vec(),
            permissions: principal
                .permissions()
                .into_iter()
                .map(ToOwned::to_owned)
                .collect(),
            scope: match principal.scopes() {
                Scopes::Everything => None,
                Scopes::Only(scopes) => Some(scopes.join(" ")),
            },
            session_id: principal.session().map(|id| id.to_string()),
            authenticated_at: principal.authenticated_at(),
            amr: principal.method().map(Method::amr).into_iter().collect(),
            acr: principal.assurance().map(Assurance::acr),
        }
    }
}
