//! What passwords must be and what hashing costs.

use portcullis_core::password::{Cost, Password, PasswordPolicy, Settings};

use super::form::number;
use super::reader::Reader;
use super::section::section;

section! {
    /// What passwords must be and what hashing costs.
    pub(crate) struct Passwords {
        /// What they must be.
        policy: PasswordPolicy,
        /// What hashing costs, and how much of it is done at once.
        hashing: Settings,
    }
    // NIST SP 800-63B-4 §3.1.1.2: a floor of 8 characters, and at least 64 must be allowed.
    "passwords.min_characters" => policy.min_characters, number(8..=64),
        "fewest characters of a new password";
    "passwords.max_characters" => policy.max_characters, number(64..=Password::MAX_BYTES),
        "most characters of a new password";
    "passwords.memory_kib" => memory_kib: u32 = hashing.cost.memory_kib(), number(7_168..=2_097_152),
        "Argon2id: memory of one hash, in KiB",
        manual "Argon2id: memory of one hash, in KiB; cheaper hashes are renewed at the next login";
    "passwords.passes" => passes: u32 = hashing.cost.passes(), number(1..=100),
        "Argon2id: passes over that memory";
    "passwords.lanes" => lanes: u32 = hashing.cost.lanes(), number(1..=16),
        "Argon2id: lanes of that work";
    "passwords.threads" => hashing.threads, number(1..=1_024),
        "how many threads hash passwords",
        default "one per core",
        manual "how many hash at once";
    "passwords.waiting" => hashing.waiting, number(1..=100_000),
        "how many logins may wait for such a thread",
        default "32 per thread",
        manual "how many wait; beyond it 503 with `Retry-After`";
}

impl Passwords {
    pub(super) fn read(from: &mut Reader) -> Self {
        let mut passwords = Self::declared(from);
        let (memory, passes) = (passwords.memory_kib, passwords.passes);
        match Cost::new(memory, passes, passwords.lanes) {
            Ok(cost) => passwords.hashing.cost = cost,
            Err(error) => from.fail(
                "passwords.memory_kib",
                format!("is too little for {passes} passes: {error}"),
            ),
        }
        passwords
    }
}
