//! What passwords must be and what hashing costs.

use portcullis_core::password::{Cost, Password, Policy, Settings};

use super::reader::Reader;

/// What passwords must be and what hashing costs.
#[derive(Debug, Clone)]
pub(crate) struct Passwords {
    /// Fewest characters.
    pub(crate) min_characters: usize,
    /// Most characters.
    pub(crate) max_characters: usize,
    /// What a hash costs.
    pub(crate) cost: Cost,
    /// How many threads hash.
    pub(crate) threads: usize,
    /// How many logins may wait.
    pub(crate) waiting: usize,
}

impl Passwords {
    pub(super) fn read(from: &mut Reader) -> Self {
        let (policy, hashing) = (Policy::default(), Settings::default());
        let longest = small(Password::MAX_BYTES);
        // NIST SP 800-63B-4 §3.1.1.2: a floor of 8 characters, and at least 64 must be allowed.
        let min_characters = from.number("passwords.min_characters", small(policy.min_characters), 8..=64);
        let max_characters = from.number(
            "passwords.max_characters",
            small(policy.max_characters),
            64..=longest,
        );
        let memory = from.number("passwords.memory_kib", 19 * 1024, 7_168..=2_097_152);
        let passes = from.number("passwords.passes", 2, 1..=100);
        let lanes = from.number("passwords.lanes", 1, 1..=16);
        let cost = Cost::new(memory, passes, lanes).unwrap_or_else(|error| {
            from.fail(
                "passwords.memory_kib",
                format!("is too little for {passes} passes: {error}"),
            );
            Cost::OWASP
        });
        Self {
            min_characters: min_characters as usize,
            max_characters: max_characters as usize,
            cost,
            threads: from.number("passwords.threads", small(hashing.threads), 1..=1_024) as usize,
            waiting: from.number("passwords.waiting", small(hashing.waiting), 1..=100_000) as usize,
        }
    }
}

fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
