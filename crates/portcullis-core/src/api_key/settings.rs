//! How keys are handled.

use std::time::Duration;

/// How keys are handled.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Settings {
    /// How many keys an account may have: 100.
    pub per_account: u32,
    /// How long the old text is honoured after a rotation that doesn't say: 24 hours.
    pub overlap: Duration,
    /// How long before its end a key's owner is told: 7 days.
    pub warning: Duration,
}

impl Settings {
    /// The longest overlap: 30 days.
    pub const LONGEST_OVERLAP: Duration = Duration::from_secs(30 * 86_400);
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            per_account: 100,
            overlap: Duration::from_secs(86_400),
            warning: Duration::from_secs(7 * 86_400),
        }
    }
}
