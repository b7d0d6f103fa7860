//! Argon2id itself. Without the feature `passwords` the library isn't linked: no [`Hasher`](super::Hasher) can be started then,
//! and nothing is ever computed here.

/// Bytes of a hash.
pub(super) const HASH_BYTES: usize = 32;

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
