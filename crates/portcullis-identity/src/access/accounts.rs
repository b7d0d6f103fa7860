//! Accounts, as administrators see them.

use axum::extract::State;
use portcullis_core::account;
use portcullis_core::authz::{AccountsRead, AccountsWrite, SessionsWrite};
use schemars::JsonSchema;
use serde::Deserialize;

use super::roles::account_id;
use crate::account::AccountView;
use crate::composition::Portcullis;
use crate::describe::shape;
use crate::page::{Items, Page};
use crate::session::{EndedEverything, WithKeys};
use crate::{Allow, Api, AuditContext, Json, Path, Problem, Query};

pub(super) fn routes(api: Api<Portcullis>) -> Api<Portcullis> {
    api.get("/accounts", list)
        .summary("Accounts, by id")
        .operation_id("listAccounts")
        .description("A page of all accounts.")
        .get("/accounts/{account}", find)
        .summary("One account")
        .operation_id("getAccount")
        .description("As its owner sees it.")
        .put("/accounts/{account}/state", set_state)
        .summary("Enable, lock or disable an account")
        .operation_id("setAccountState")
        .description(
            "A locked account is refused until it is unlocked; of a disabled one the sessions and tokens end \
             too, and its API keys are disabled: enabling the account doesn't enable them again.",
        )
        .delete("/accounts/{account}/sessions", end_sessions)
        .summary("End every session and token of an account; its API keys stay unless asked otherwise")
        .operation_id("endAccountSessions")
        .description(
            "Every session and every token, at once and on every node. `api_keys` says whether its API keys \
             are disabled or revoked, too, which asks for `portcullis:api-keys:write`.",
        )
        .parameter::<shape::AccountId>("account")
}

async fn list(
    who: Allow<AccountsRead>,
    State(portcullis): State<Portcullis>,
    Query(page): Query<Page>,
) -> Result<Json<Items<AccountView>>, Problem> {
    let limit = page.limit()?;
    let accounts = portcullis.accounts();
    let accounts = accounts
        .list(who.permit(), page.cursor()?, limit.and_one())
        .await?;
    let accounts = accounts.iter().map(AccountView::from).collect();
    Ok(Items::page(accounts, limit, |account: &AccountView| {
        account.id.clone()
    }))
}

async fn find(
    who: Allow<AccountsRead>,
    State(portcullis): State<Portcullis>,
    Path(account): Path<String>,
) -> Result<Json<AccountView>, Problem> {
    let account = portcullis
        .accounts()
        .find(who.permit(), account_id(&account)?)
        .await?;
    Ok(Json(AccountView::from(&account.ok_or_else(Problem::not_found)?)))
}

/// A settable state.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum SettableAccountState {
    /// May log in.
    Active,
    /// Refused until it is unlocked; nothing is taken away.
    Locked,
    /// Refused everywhere at once; sessions and tokens end, and API keys are disabled: enabling the account doesn't enable
    /// them.
    Disabled,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewAccountState {
    /// `active`, `locked` or `disabled`.
    state: SettableAccountState,
}

async fn set_state(
    who: Allow<AccountsWrite>,
    State(portcullis): State<Portcullis>,
    Path(account): Path<String>,
    AuditContext(by): AuditContext,
    Json(form): Json<NewAccountState>,
) -> Result<Json<AccountView>, Problem> {
    let state = match form.state {
        SettableAccountState::Active => account::AccountState::Active,
        SettableAccountState::Locked => account::AccountState::Locked,
        SettableAccountState::Disabled => account::AccountState::Disabled,
    };
    let account = portcullis
        .accounts()
        .set_state(who.permit(), account_id(&account)?, state, by)
        .await?;
    Ok(Json(AccountView::from(&account)))
}

async fn end_sessions(
    who: Allow<SessionsWrite>,
    State(portcullis): State<Portcullis>,
    Path(account): Path<String>,
    AuditContext(by): AuditContext,
    Query(asked): Query<WithKeys>,
) -> Result<Json<EndedEverything>, Problem> {
    let account = account_id(&account)?;
    let sessions = portcullis.sessions();
    let ended = sessions.end_everything_of(who.permit(), account, asked.keys(), by);
    Ok(Json(ended.await?.into()))
}
