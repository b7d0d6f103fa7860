//! How accounts are shown.

use portcullis_core::account::{Account, shown_address};
use serde_json::{Value, json};

pub(super) fn called(account: &Account) -> String {
    email(account)
        .or_else(|| account.username.clone())
        .unwrap_or_else(|| account.id.to_string())
}

/// The address as people read it.
pub(super) fn email(account: &Account) -> Option<String> {
    account.email.as_deref().map(shown_address)
}

pub(super) fn row(account: &Account) -> Vec<Value> {
    vec![
        json!(account.id),
        json!(email(account)),
        json!(account.username),
        json!(account.state.as_str()),
        json!(account.created_at),
    ]
}

pub(super) fn object(account: &Account) -> Value {
    json!({
        "id": account.id,
        "email": email(account),
        "username": account.username,
        "state": account.state.as_str(),
        "created_at": account.created_at,
    })
}

pub(super) const COLUMNS: [&str; 5] = ["id", "email", "username", "state", "created_at"];
