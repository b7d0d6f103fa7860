//! Tokens for purposes of the program's own, signed with the deployment's keys.

use std::sync::Arc;

use portcullis_core::token::{Purpose, PurposeTokens};

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
    /// once, and says nothing of whether its subject may still act.
    pub fn tokens_for<C>(&self, purpose: Purpose<C>) -> PurposeTokens<C> {
        let keyring = Arc::clone(self.keyring());
        PurposeTokens::new(
            purpose,
            keyring,
            self.environment().clone(),
            self.issuer().settings(),
        )
    }
}
