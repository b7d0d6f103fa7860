//! Nonces in Redis or Valkey: one key each, which goes by itself.
//!
//! **Deployment caveats:** with `maxmemory-policy noeviction` a full Redis refuses, and so does whoever asked; another policy forgets
//! nonces early, and a request would be good again. So it would after a Redis came back with older data: not for longer than a signature
//! is good at all.

use async_trait::async_trait;
use portcullis_core::defends;
use portcullis_core::environment::Timestamp;
use portcullis_core::fault::Fault;
use portcullis_core::signature::{Nonce, Nonces};

use super::{Redis, record};

#[async_trait]
impl Nonces for Redis {
    async fn take(&self, nonce: Nonce, now: Timestamp) -> Result<bool, Fault> {
        defends!("T255");
        let digest: String = nonce
            .subject()
            .as_bytes()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let left = nonce.until().since(now).min(Nonce::MAX_LIFETIME).as_millis();
        let left = u64::try_from(left).unwrap_or(u64::MAX);
        let mut set = redis::cmd("SET");
        set.arg(format!("{}o:{digest}", self.prefix))
            .arg(1)
            .arg("NX")
            .arg("PX")
            .arg(left.saturating_add(record::GRACE_MILLIS));
        let answer: Option<String> = self.connection.send(&set).await?;
        Ok(answer.is_some())
    }
}
