//! Signed requests and signed URLs over the deployment's database.

use std::sync::Arc;

use async_trait::async_trait;
use portcullis_core::account::Store as _;
use portcullis_core::defends;
use portcullis_core::environment::Timestamp;
use portcullis_core::fault::Fault;
use portcullis_core::signature::{
    self, InvalidGrant, InvalidSettings, Keys, Nonce, Nonces, SignatureVerifier, UrlGrant,
};
use portcullis_core::throttle::{Budget, Per, Rate};
use portcullis_store::Database;

use super::{Builder, Portcullis};

/// What is said of signatures before the deployment opens.
#[derive(Default)]
pub(super) struct Signatures {
    keys: Option<(Arc<dyn Keys>, signature::Settings)>,
    nonces: Option<Arc<dyn Nonces>>,
}

impl Signatures {
    /// Where nonces are remembered, and what verifies signed requests if any are.
    pub(super) fn build(
        &self,
        database: &Database,
    ) -> Result<(Arc<dyn Nonces>, Option<SignatureVerifier>), InvalidSettings> {
        let nonces = match &self.nonces {
            Some(nonces) => Arc::clone(nonces),
            None => Arc::new(InDatabase(database.apart())) as _,
        };
        let verifier = self.keys.as_ref().map(|(keys, settings)| {
            SignatureVerifier::new(Arc::clone(keys), Arc::clone(&nonces), settings.clone())
        });
        Ok((nonces, verifier.transpose()?))
    }
}

impl Builder {
    /// The keys of callers who sign their requests (RFC 9421), and what their signatures must cover: routes with
    /// [`Allow<Signed>`](crate::Signed) take them. That a request came before is remembered in the database, for all nodes, unless
    /// [`Builder::nonces`] says otherwise.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use portcullis_identity::Portcullis;
    /// use portcullis_identity::core::secret::SecretBytes;
    /// use portcullis_identity::core::signature::{KeyList, KnownKey, Settings};
    ///
    /// let secret = SecretBytes::new(b"from the configuration, 32 bytes or more".to_vec());
    /// let keys = KeyList::new().with("acme-2026", KnownKey::hmac_sha256("acme", secret)?);
    /// let builder = Portcullis::builder().signed_requests(Arc::new(keys), Settings::default());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn signed_requests(mut self, keys: Arc<dyn Keys>, settings: signature::Settings) -> Self {
        self.signatures.keys = Some((keys, settings));
        self
    }

    /// Where it is remembered which signatures were used: in the database unless said so, where each is a durable write. Several nodes
    /// need a store that they share.
    pub fn nonces(mut self, nonces: Arc<dyn Nonces>) -> Self {
        self.signatures.nonces = Some(nonces);
        self
    }
}

impl Portcullis {
    /// Signs an address of this deployment's, for a route with [`Via<SignedUrl>`](crate::SignedUrl): a path with its query, or all of it.
    ///
    /// # Errors
    /// [`InvalidGrant`]: it can't be signed, or not so.
    pub fn sign_url(&self, target: &str, grant: &UrlGrant) -> Result<String, InvalidGrant> {
        self.gate().signed_urls().sign(target, grant, self.environment())
    }
}

/// Nonces in the database, among what is used up over all nodes and restarts.
struct InDatabase(Database);

#[async_trait]
impl Nonces for InDatabase {
    async fn take(&self, nonce: Nonce, now: Timestamp) -> Result<bool, Fault> {
        defends!("T255");
        let rate = once_until(&nonce, now);
        let budget = Budget {
            subject: nonce.subject(),
            rate,
        };
        Ok(self.0.spend(vec![budget], now).await?.is_ok())
    }
}

/// Once in a period that is no shorter than the nonce must be remembered.
fn once_until(nonce: &Nonce, now: Timestamp) -> Rate {
    let left = nonce.until().since(now);
    let per = Per::ALL.into_iter().find(|per| per.duration() >= left);
    Rate::clamped(1, per.unwrap_or(Per::Day))
}
