//! Offering a code that proves an address: the token and its e-mail, in the transaction of what they follow.
//!
//! Whether the address is free or another account has proven it, the same statements run: how long they take doesn't tell
//! which it is (`T012`).

use portcullis_core::account::{Addressee, AgainError, Claimed, Id, Offer, Offered};
use portcullis_core::audit::{Action, Context};
use portcullis_core::defends;
use portcullis_core::fault::Fault;
use portcullis_core::job::Withheld;

use crate::event::Entry;
use crate::row::{account, account_columns};
use crate::tx::Tx;
use crate::value::params;
use crate::{claim, job};

type Outcome = Result<Result<Offered, AgainError>, Fault>;

/// What is written of an offer to a new account. A token whose e-mail was withheld is kept: whoever registered may have it
/// from the program.
pub(super) async fn offer(tx: &mut Tx<'_>, id: Id, offer: &Offer, by: &Context) -> Outcome {
    defends!("T011");
    defends!("T012");
    defends!("T124");
    claim::adopt(tx, id, offer.expires_at).await?;
    let params = params![id, &offer.digest, offer.expires_at];
    let made = tx.execute(REMEMBER, params).await? == 1;
    let Some((claimed, owner)) = found(tx, id).await? else {
        return Ok(Ok(Offered::NothingToProve));
    };
    let to = match &owner {
        _ if made => Addressee::Claimant(&claimed),
        Some((account, address)) => Addressee::Owner {
            account: *account,
            address,
        },
        None => return Ok(Ok(Offered::NothingToProve)),
    };
    if let Some(email) = offer.email(to, by)?
        && let Err(Withheld(wait)) = job::enqueue(tx, &email, by).await?
    {
        return Ok(Err(AgainError::TooSoon(wait)));
    }
    Ok(Ok(if made {
        Offered::Made(claimed)
    } else {
        Offered::Taken
    }))
}

/// A further offer, because somebody asked for it: token, e-mail and event, or none of them.
pub(super) async fn offer_verification(tx: &mut Tx<'_>, id: Id, offer: &Offer, by: &Context) -> Outcome {
    let offered = self::offer(tx, id, offer, by).await?;
    let to = match offered {
        Ok(Offered::Made(_)) => "a code to the claimed address",
        Ok(Offered::Taken) => "a word to the address, which another account has proven",
        Ok(Offered::NothingToProve) => return Ok(offered),
        Err(_) => {
            let sql = "DELETE FROM portcullis_verifications WHERE digest = $1";
            tx.execute(sql, params![&offer.digest]).await?;
            return Ok(offered);
        }
    };
    let requested = Entry::of(Action::EmailVerificationRequested).account(id);
    tx.record(by, requested.detail(to));
    Ok(offered)
}

/// The account's claim, and who has proven its address.
async fn found(tx: &mut Tx<'_>, id: Id) -> Result<Option<(Claimed, Option<(Id, String)>)>, Fault> {
    let Some(mut row) = tx.query_one(FIND, params![id]).await? else {
        return Ok(None);
    };
    let claimed = Claimed {
        account: account(&mut row)?,
        at: row.take()?,
        from: row.take()?,
    };
    let owner: Option<Id> = row.take()?;
    let address: Option<String> = row.take()?;
    Ok(Some((claimed, owner.zip(address))))
}

/// A token for an address that nobody has proven.
const REMEMBER: &str = "INSERT INTO portcullis_verifications (digest, account_id, email_normalised, expires_at)
    SELECT $2, account_id, email_normalised, $3 FROM portcullis_email_claims WHERE account_id = $1 AND NOT EXISTS (
        SELECT 1 FROM portcullis_accounts
        WHERE portcullis_accounts.email_normalised = portcullis_email_claims.email_normalised
        AND portcullis_accounts.email_verified_at IS NOT NULL)";

const FIND: &str = concat!(
    "SELECT ",
    account_columns!(),
    ", portcullis_email_claims.claimed_at, portcullis_email_claims.claimed_from, owners.id, owners.email
        FROM portcullis_accounts
    JOIN portcullis_email_claims ON portcullis_email_claims.account_id = portcullis_accounts.id
    LEFT JOIN portcullis_accounts AS owners ON owners.email_normalised = portcullis_email_claims.email_normalised
      AND owners.email_verified_at IS NOT NULL
    WHERE portcullis_accounts.id = $1"
);
