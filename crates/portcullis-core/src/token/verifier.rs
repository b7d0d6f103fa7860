//! Turns an access token into its claims.

use std::sync::Arc;

use super::{AccessClaims, Expectation, InvalidToken};
use crate::environment::Timestamp;
use crate::key::Keyring;

/// Role: verifier of signed access tokens.
pub struct Verifier {
    keyring: Arc<Keyring>,
    expectation: Expectation,
}

impl Verifier {
    /// A verifier that trusts the keys of `keyring` and insists on `expectation`.
    pub fn new(keyring: Arc<Keyring>, expectation: Expectation) -> Self {
        Self { keyring, expectation }
    }

    /// How far clocks may differ.
    pub fn leeway(&self) -> std::time::Duration {
        self.expectation.leeway
    }

    /// Verifies form, type, signature and claims of `token` at `now`.
    ///
    /// # Errors
    /// [`InvalidToken`]. The claims are looked at only after the signature was found good.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<AccessClaims, InvalidToken> {
        let _ = (&self.keyring, &self.expectation, token, now);
        todo!()
    }
}
