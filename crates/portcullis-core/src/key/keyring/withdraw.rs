//! Takes out a key that is no longer trusted.

use super::source::generate;
use super::{Keyring, KeyringError};
use crate::audit;
use crate::key::Phase;

impl Keyring {
    /// What [`SigningKeys::withdraw`](crate::administration::SigningKeys::withdraw) does once the permit is shown.
    pub(crate) async fn withdraw(&self, kid: &str, by: audit::Context) -> Result<bool, KeyringError> {
        crate::defends!("T095");
        let source = self.source()?;
        self.reload().await?;
        let found = self.ring.load().entries.iter().find_map(|entry| {
            let phase_and_algorithm = (entry.phase, entry.key.algorithm());
            (entry.key.kid() == kid).then_some(phase_and_algorithm)
        });
        let replacement = match found {
            None => return Ok(false),
            Some((Phase::Current, _)) => return Err(KeyringError::Signs(kid.to_owned())),
            Some((Phase::Next, algorithm)) => {
                let key = generate(algorithm, &source.environment).await?;
                Some(source.record(&key, Phase::Next)?)
            }
            Some((Phase::Retired, _)) => None,
        };
        let withdrawn = source.store.withdraw(kid.to_owned(), replacement, by).await?;
        self.reload().await?;
        // Another node rotated meanwhile: what was next signs now.
        let signs = |(name, _, phase): &(String, _, _)| name == kid && *phase == Phase::Current;
        if !withdrawn && self.list().iter().any(signs) {
            return Err(KeyringError::Signs(kid.to_owned()));
        }
        Ok(withdrawn)
    }
}
