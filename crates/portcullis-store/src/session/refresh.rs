//! A session's refresh tokens as it gets them; how one is exchanged is in `token.rs`.

use portcullis_core::fault::Fault;
use portcullis_core::session;
use portcullis_core::token::NewRefresh;

use crate::tx::Tx;
use crate::value::params;

/// Keeps a session's first or next refresh token.
pub(crate) async fn insert(tx: &mut Tx<'_>, session: session::Id, new: &NewRefresh) -> Result<(), Fault> {
    let sql = "INSERT INTO portcullis_refresh_tokens (digest, session_id, expires_at) VALUES ($1, $2, $3)";
    let params = params![&new.digest, session, new.expires_at];
    tx.execute(sql, params).await.map(drop)
}
