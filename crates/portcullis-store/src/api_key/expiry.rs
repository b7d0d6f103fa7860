//! Keys that end soon, and who is to be told.

use std::sync::Arc;

use portcullis_core::account::{self, Account};
use portcullis_core::api_key::{ApiKey, Expiring, ExpiryWindow, ExpiryWording, Warned, Warning};
use portcullis_core::audit::{Action, Context};
use portcullis_core::fault::Fault;
use uuid::Uuid;

use super::{api_key, api_key_columns, record};
use crate::access::people_who_administer;
use crate::job;
use crate::row::{account, account_columns};
use crate::tx::Tx;
use crate::value::params;

pub(super) async fn warn_expiring(
    tx: &mut Tx<'_>,
    due: ExpiryWindow,
    wording: &Arc<dyn ExpiryWording>,
    by: &Context,
) -> Result<Vec<Warning>, Fault> {
    let [one, other] = tx.acting();
    let (end, id) = due
        .after
        .map_or((by.at, Uuid::nil()), |(end, id)| (end, id.as_uuid()));
    let params = params![by.at, due.before, due.limit, one, other, end, id];
    let mut keys = Vec::new();
    for mut row in tx.query(TAKE, params).await? {
        keys.push(api_key(&mut row)?);
    }
    keys.sort_by_key(|key| (key.expires_at, key.id));
    let mut warnings = Vec::with_capacity(keys.len());
    for key in keys {
        let owner = find(tx, key.account).await?;
        let owner = owner.ok_or_else(|| Fault::Corrupt(format!("the key {} has no owner", key.id)))?;
        let recipients = recipients(tx, &key, &owner).await?;
        let expiring = Expiring {
            key,
            owner,
            recipients,
        };
        let outcome = tell(tx, &expiring, wording.as_ref(), by).await?;
        warnings.push(Warning { expiring, outcome });
    }
    Ok(warnings)
}

/// Writes the e-mails about a key. If every one is withheld, the key is taken by a later call.
async fn tell(
    tx: &mut Tx<'_>,
    expiring: &Expiring,
    wording: &dyn ExpiryWording,
    by: &Context,
) -> Result<Warned, Fault> {
    let emails = wording.ends_soon(expiring, by)?;
    let mut written = 0;
    for email in &emails {
        if job::enqueue(tx, email, by).await?.is_ok() {
            written += 1;
        }
    }
    if written == 0 && !emails.is_empty() {
        tx.execute(UNMARK, params![expiring.key.id]).await?;
        record(tx, Action::ApiKeyUntold, &expiring.key, by);
        return Ok(Warned::Untold);
    }
    record(tx, Action::ApiKeyExpiring, &expiring.key, by);
    Ok(Warned::Told(written))
}

/// The owner, or for one without an address whoever made the key, or the people who administer.
async fn recipients(tx: &mut Tx<'_>, key: &ApiKey, owner: &Account) -> Result<Vec<Account>, Fault> {
    if owner.email.is_some() {
        return Ok(vec![owner.clone()]);
    }
    if let Some(maker) = maker(tx, key).await? {
        return Ok(vec![maker]);
    }
    let mut people = people_who_administer(tx).await?;
    people.retain(|account| account.email.is_some());
    people.truncate(MOST_TOLD);
    Ok(people)
}

/// Who made the key, by the audit log, if that is somebody who may act and has an address.
async fn maker(tx: &mut Tx<'_>, key: &ApiKey) -> Result<Option<Account>, Fault> {
    let [made, imported] = [Action::ApiKeyCreated, Action::ApiKeyImported].map(Action::as_str);
    let created = params![key.account, made, key.id.to_string(), imported];
    let Some(mut row) = tx.query_one(MAKER, created).await? else {
        return Ok(None);
    };
    let Ok(actor) = row.take::<String>()?.parse::<account::Id>() else {
        return Ok(None);
    };
    let maker = find(tx, actor).await?;
    Ok(maker.filter(|maker| tx.may_act(maker.state) && maker.email.is_some()))
}

async fn find(tx: &mut Tx<'_>, id: account::Id) -> Result<Option<Account>, Fault> {
    let sql = concat!(
        "SELECT ",
        account_columns!(),
        " FROM portcullis_accounts WHERE id = $1"
    );
    let row = tx.query_one(sql, params![id]).await?;
    row.map(|mut row| account(&mut row)).transpose()
}

const TAKE: &str = concat!(
    "UPDATE portcullis_api_keys SET warned_at = $1 WHERE warned_at IS NULL AND id IN (
       SELECT keys.id FROM portcullis_api_keys AS keys JOIN portcullis_accounts ON portcullis_accounts.id = keys.account_id
       WHERE keys.warned_at IS NULL AND keys.expires_at > $1 AND keys.expires_at <= $2 AND keys.enabled = 1
         AND keys.expires_at - keys.created_at > $2 - $1 AND portcullis_accounts.state IN ($4, $5)
         AND (keys.expires_at, keys.id) > ($6, $7)
       ORDER BY keys.expires_at, keys.id LIMIT $3) RETURNING ",
    api_key_columns!()
);

const UNMARK: &str = "UPDATE portcullis_api_keys SET warned_at = NULL WHERE id = $1";

const MAKER: &str =
    "SELECT actor FROM portcullis_audit_events WHERE account_id = $1 AND action IN ($2, $4) AND detail = $3
    ORDER BY id DESC LIMIT 1";

/// How many people who administer are told of one key.
const MOST_TOLD: usize = 10;
