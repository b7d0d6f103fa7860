//! Tokens for purposes of the program's own, signed with the deployment's keys.

use std::sync::Arc;

use portcullis_core::token::{KeptPurpose, KeptTokens, Purpose, PurposeTokens};

use super::Portcullis;

impl Portcullis {
    /// Signs and verifies tokens of one purpose: a link to a download, an unsubscription. They are signed with the same
    /// keys as access tokens and never taken for one, nor one for them.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use portcullis_identity::core::token::{InvalidToken, Purpose, SignError};
    /// use portcullis_identity::Portcullis;
    ///
    /// #[derive(serde::Serialize, serde::Deserialize)]
    /// struct Download {
    ///     file: String,
    /// }
    ///
    /// const DOWNLOAD: Purpose<Download> = Purpose::new("download");
    ///
    /// fn link(portcullis: &Portcullis, file: String) -> Result<String, SignError> {
    ///     let tokens = portcullis.tokens_for(DOWNLOAD);
    ///     let token = tokens.sign(&Download { file }, None, Duration::from_secs(300))?;
    ///     Ok(format!("https://app.example.com/files/{token}"))
    /// }
    ///
    /// fn file(portcullis: &Portcullis, token: &str) -> Result<String, InvalidToken> {
    ///     Ok(portcullis.tokens_for(DOWNLOAD).verify(token)?.claims.file)
    /// }
    /// ```
    ///
    /// How long one may be good for is [`Settings::purpose_lifetime`](portcullis_core::token::Settings::purpose_lifetime): a
    /// key that retired verifies for as long. Nothing is read to verify one, so it can't be revoked, is good more than
    /// once ([`Portcullis::kept_tokens_for`] does that), and says nothing of whether its subject may still act. A service without the
    /// database verifies it by [`Remote::tokens_for`](crate::Remote::tokens_for).
    pub fn tokens_for<C>(&self, purpose: Purpose<C>) -> PurposeTokens<C> {
        let keyring = Arc::clone(self.keyring());
        PurposeTokens::new(
            purpose,
            keyring,
            self.environment().clone(),
            self.issuer().settings(),
        )
    }

    /// Signs and takes tokens of a purpose whose tokens are good once, or can be revoked: the database is asked for each.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use portcullis_identity::core::token::{KeptPurpose, Purpose, UseError};
    /// use portcullis_identity::{Portcullis, Problem};
    ///
    /// #[derive(serde::Serialize, serde::Deserialize)]
    /// struct Voucher {
    ///     cents: u32,
    /// }
    ///
    /// const VOUCHER: KeptPurpose<Voucher> = Purpose::new("voucher").once();
    ///
    /// fn print(portcullis: &Portcullis, cents: u32) -> Result<String, Problem> {
    ///     let token = portcullis.kept_tokens_for(VOUCHER).sign(&Voucher { cents }, None, Duration::from_secs(900));
    ///     token.map_err(Problem::internal)
    /// }
    ///
    /// async fn redeem(portcullis: &Portcullis, token: &str) -> Result<u32, Problem> {
    ///     match portcullis.kept_tokens_for(VOUCHER).take(token).await {
    ///         Ok(voucher) => Ok(voucher.claims.cents),
    ///         Err(UseError::Fault(fault)) => Err(fault.into()),
    ///         Err(_) => Err(Problem::not_found()),
    ///     }
    /// }
    /// ```
    ///
    /// Of any number of parallel calls, on all nodes, one takes a token that is good once. In a
    /// [transaction](Portcullis::transaction) taking it is a part of it: if that is undone, the token is good again.
    pub fn kept_tokens_for<C>(&self, purpose: KeptPurpose<C>) -> KeptTokens<C> {
        let store = Arc::new(self.database().clone());
        KeptTokens::new(
            purpose,
            Arc::clone(self.keyring()),
            self.environment().clone(),
            self.issuer().settings(),
            store,
        )
    }
}
