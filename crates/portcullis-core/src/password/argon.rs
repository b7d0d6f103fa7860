//! Argon2id: the computation and its text form.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::compute::{self, HASH_BYTES, Workspace};

/// What a hash costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

/// Why a cost is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "argon2id needs 7168 to 2097152 KiB of memory, 1 to 100 passes and 1 to 16 lanes, and at least the strength of 19456 KiB with 2 passes"
)]
pub struct InvalidCost;

impl Cost {
    /// 19 MiB, two passes, one lane.
    ///
    /// Source: OWASP Password Storage Cheat Sheet
    pub const OWASP: Self = Self {
        memory_kib: 19 * 1024,
        passes: 2,
        lanes: 1,
    };

    /// The least there is, for tests that hash a lot. Refused by [`Cost::new`].
    pub const DANGEROUSLY_CHEAP: Self = Self {
        memory_kib: 8,
        passes: 1,
        lanes: 1,
    };

    /// A cost at least as strong as OWASP's alternatives (46 MiB × 1, 19 MiB × 2, 12 MiB × 3, 9 MiB × 4, 7 MiB × 5).
    ///
    /// # Errors
    /// [`InvalidCost`] if it is weaker than all of them or beyond reason.
    pub fn new(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, InvalidCost> {
        let floor = match passes {
            1 => 47_104,
            2 => 19_456,
            3 => 12_288,
            4 => 9_216,
            5..=100 => 7_168,
            _ => return Err(InvalidCost),
        };
        if (floor..=2_097_152).contains(&memory_kib) && (1..=16).contains(&lanes) {
            Ok(Self {
                memory_kib,
                passes,
                lanes,
            })
        } else {
            Err(InvalidCost)
        }
    }

    /// Memory of one hash, in KiB.
    pub const fn memory_kib(self) -> u32 {
        self.memory_kib
    }

    /// Passes over that memory.
    pub const fn passes(self) -> u32 {
        self.passes
    }

    /// Lanes that are computed beside each other.
    pub const fn lanes(self) -> u32 {
        self.lanes
    }
}

/// A computed hash with what it was computed from.
#[derive(Clone)]
pub(super) struct ArgonHash {
    pub(super) cost: Cost,
    salt: [u8; SALT_BYTES],
    hash: Zeroizing<[u8; HASH_BYTES]>,
}

impl ArgonHash {
    /// Hashes `password`; `None` only if the library refuses the cost.
    pub(super) fn compute(
        password: &[u8],
        salt: [u8; SALT_BYTES],
        cost: Cost,
        workspace: &mut Workspace,
    ) -> Option<Self> {
        let mut hash = Zeroizing::new([0; HASH_BYTES]);
        let cost_of = (cost.memory_kib, cost.passes, cost.lanes);
        compute::argon2id(password, &salt, cost_of, workspace, &mut hash)?;
        Some(Self { cost, salt, hash })
    }

    /// Whether `password` has this hash; computed in full, compared in constant time.
    pub(super) fn matches(&self, password: &[u8], workspace: &mut Workspace) -> bool {
        Self::compute(password, self.salt, self.cost, workspace)
            .is_some_and(|other| bool::from(self.hash.ct_eq(&*other.hash)))
    }

    /// The PHC string form.
    pub(super) fn to_phc(&self) -> Zeroizing<String> {
        let Cost {
            memory_kib,
            passes,
            lanes,
        } = self.cost;
        let (salt, hash) = (
            STANDARD_NO_PAD.encode(self.salt),
            Zeroizing::new(STANDARD_NO_PAD.encode(*self.hash)),
        );
        Zeroizing::new(format!(
            "$argon2id$v=19$m={memory_kib},t={passes},p={lanes}${salt}${}",
            *hash
        ))
    }

    /// Reads what [`ArgonHash::to_phc`] writes.
    pub(super) fn from_phc(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix("$argon2id$v=19$")?.split('$');
        let (params, salt, hash) = (parts.next()?, parts.next()?, parts.next()?);
        let mut numbers = params.split(',');
        let mut number = |name: &str| {
            numbers
                .next()?
                .strip_prefix(name)?
                .strip_prefix('=')?
                .parse::<u32>()
                .ok()
        };
        let cost = Cost {
            memory_kib: number("m")?,
            passes: number("t")?,
            lanes: number("p")?,
        };
        let salt = STANDARD_NO_PAD.decode(salt).ok()?.try_into().ok()?;
        let hash = STANDARD_NO_PAD
            .decode(hash)
            .ok()?
            .try_into()
            .ok()
            .map(Zeroizing::new)?;
        let whole = parts.next().is_none() && numbers.next().is_none();
        whole.then_some(Self { cost, salt, hash })
    }
}

pub(super) const SALT_BYTES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_of_a_long_password_counts() {
        crate::checks!("T034");
        let mut workspace = Workspace::default();
        let password = vec![b'a'; 1024];
        let hash = ArgonHash::compute(&password, [1; 16], Cost::DANGEROUSLY_CHEAP, &mut workspace).unwrap();
        assert!(hash.matches(&password, &mut workspace));
        for index in [0, 51, 71, 72, 73, 255, 299, 1023] {
            let mut other = password.clone();
            other[index] = b'b';
            assert!(!hash.matches(&other, &mut workspace), "byte {index}");
        }
        assert!(!hash.matches(&password[..1023], &mut workspace));
    }

    #[test]
    fn phc_text_round_trips_and_other_texts_are_refused() {
        let mut workspace = Workspace::default();
        let hash = ArgonHash::compute(b"secret", [3; 16], Cost::DANGEROUSLY_CHEAP, &mut workspace).unwrap();
        let text = hash.to_phc();
        assert!(
            ArgonHash::from_phc(&text)
                .unwrap()
                .matches(b"secret", &mut workspace)
        );
        for bad in [
            "",
            "$argon2id$v=19$m=8,t=1,p=1$",
            &text.replace("argon2id", "argon2i"),
            &text.replace("v=19", "v=16"),
            &text.replace("m=8", "m=-8"),
            &text.replace(",p=1", ",p=1,x=1"),
            &format!("{}$more", *text),
            &text[..text.len() - 1],
        ] {
            assert!(ArgonHash::from_phc(bad).is_none(), "{bad}");
        }
    }

    // Shows: PW-2
    #[test]
    fn weak_costs_are_refused() {
        for (memory, passes, lanes, good) in [
            (19_456, 2, 1, true),
            (19_455, 2, 1, false),
            (47_104, 1, 1, true),
            (47_103, 1, 1, false),
            (7_168, 5, 1, true),
            (7_167, 5, 1, false),
            (19_456, 0, 1, false),
            (19_456, 101, 1, false),
            (19_456, 2, 0, false),
            (19_456, 2, 17, false),
            (2_097_153, 2, 1, false),
        ] {
            assert_eq!(
                Cost::new(memory, passes, lanes).is_ok(),
                good,
                "m={memory} t={passes} p={lanes}"
            );
        }
    }
}
