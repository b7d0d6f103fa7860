//! Argon2id itself. Without the feature `passwords` the library isn't linked: no [`Hasher`](super::Hasher) can be started then,
//! and nothing is ever computed here.

use std::time::{Duration, Instant};

use aws_lc_rs::digest::{SHA256, digest};

/// Bytes of a hash.
pub(super) const HASH_BYTES: usize = 32;

/// Whether a hash takes many times as long as it must, because Argon2id was compiled without optimisation. A program that isn't
/// built for debugging isn't asked. It is measured, in milliseconds: what a crate is compiled with, only that crate is told.
pub fn is_unoptimised() -> bool {
    if !cfg!(debug_assertions) {
        return false;
    }
    let mut tries = (0..3).map(|_| {
        let hashing = time(|| {
            let _ = argon2id(
                b"a password",
                &[7; 16],
                (256, 1, 1),
                &mut Workspace::default(),
                &mut [0; 32],
            );
        });
        // In assembly and always as fast as the machine is: by it a slow machine is told from slow code.
        let digesting = time(|| {
            let _ = digest(&SHA256, &[7; 256 * 1024]);
        });
        is_slow(hashing, digesting)
    });
    tries.all(|slow| slow)
}

fn is_slow(hashing: Duration, digesting: Duration) -> bool {
    hashing.as_nanos() / digesting.as_nanos().max(1) >= SLOW
}

/// How many times as long as a digest of the same memory a hash takes if it isn't optimised.
const SLOW: u128 = 12;

fn time(work: impl FnOnce()) -> Duration {
    let begun = Instant::now();
    work();
    begun.elapsed()
}

#[cfg(not(feature = "passwords"))]
pub(super) use self::left_out::{Workspace, argon2id};
#[cfg(feature = "passwords")]
pub(super) use self::linked::{Workspace, argon2id};

#[cfg(feature = "passwords")]
mod linked {
    use argon2::{Algorithm, Argon2, Block, Params, Version};

    use super::HASH_BYTES;

    /// The memory one hashing thread works in, kept between hashes.
    #[derive(Default)]
    pub(in super::super) struct Workspace {
        blocks: Vec<Block>,
    }

    impl Workspace {
        fn of(&mut self, count: usize) -> &mut [Block] {
            if self.blocks.len() < count {
                self.blocks.resize(count, Block::new());
            }
            self.blocks.get_mut(..count).unwrap_or_default()
        }

        /// Gives the memory back: a server that nobody logs in to is small.
        pub(in super::super) fn release(&mut self) {
            self.blocks = Vec::new();
        }
    }

    /// Hashes with this memory in KiB, these passes and lanes; `None` only if the library refuses the cost.
    pub(in super::super) fn argon2id(
        password: &[u8],
        salt: &[u8],
        (memory_kib, passes, lanes): (u32, u32, u32),
        workspace: &mut Workspace,
        hash: &mut [u8; HASH_BYTES],
    ) -> Option<()> {
        let params = Params::new(memory_kib, passes, lanes, Some(HASH_BYTES)).ok()?;
        let blocks = workspace.of(params.block_count());
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into_with_memory(password, salt, hash, blocks)
            .ok()
    }
}

#[cfg(not(feature = "passwords"))]
mod left_out {
    use super::HASH_BYTES;

    #[derive(Default)]
    pub(in super::super) struct Workspace {}

    impl Workspace {
        pub(in super::super) fn release(&mut self) {
            *self = Self {};
        }
    }

    pub(in super::super) fn argon2id(
        _: &[u8],
        _: &[u8],
        _: (u32, u32, u32),
        _: &mut Workspace,
        _: &mut [u8; HASH_BYTES],
    ) -> Option<()> {
        None
    }
}

#[cfg(feature = "passwords")]
#[cfg(test)]
mod tests {
    use argon2::{Algorithm, Argon2, Params, Version};

    // As it was measured on a machine whose processor digests SHA-256 by itself, and on one five times as slow at it.
    #[test]
    fn slow_code_is_told_from_a_slow_machine() {
        let micros = std::time::Duration::from_micros;
        for (hashing, digesting, slow) in [
            (17_000, 174, true),
            (20_400, 900, true),
            (800, 169, false),
            (3_200, 840, false),
            (800, 0, true),
        ] {
            assert_eq!(
                super::is_slow(micros(hashing), micros(digesting)),
                slow,
                "{hashing} {digesting}"
            );
        }
    }

    // Shows: PW-2
    #[test]
    fn agrees_with_the_reference_implementation() {
        // From the reference implementation's own test file: 2^16 KiB, 2 passes, 1 lane, "password", "somesalt".
        // Our form fixes a 16-byte salt, so the raw primitive is compared at the level below it.
        let mut out = [0; 32];
        Argon2::new(
            Algorithm::Argon2id,
            Version::V0x13,
            Params::new(256, 2, 1, Some(32)).unwrap(),
        )
        .hash_password_into(b"password", b"somesalt", &mut out)
        .unwrap();
        let hex: String = out.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            hex,
            "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe"
        );
    }
}
