//! What may be used up over all nodes and restarts: e-mails.

use aws_lc_rs::digest::{Context, SHA256};

use super::Rate;

/// What is counted: a purpose and whom it is about. It is a digest, so that no address stands where counts are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BudgetSubject([u8; 32]);

impl BudgetSubject {
    /// The subject of this purpose and these parts.
    pub fn new(purpose: &'static str, parts: &[&[u8]]) -> Self {
        let mut context = Context::new(&SHA256);
        for part in [purpose.as_bytes()].iter().chain(parts) {
            // With its length, so that no part can be taken for the end of the one before.
            context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            context.update(part);
        }
        let mut bytes = [0; 32];
        bytes.copy_from_slice(context.finish().as_ref());
        Self(bytes)
    }

    /// The digest in 32 bytes, as the store keeps it.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A subject, and how often it may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// What the count is kept of.
    pub subject: BudgetSubject,
    /// How often it may be.
    pub rate: Rate,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_of_one_purpose_and_one_list_of_parts() {
        let all = [
            BudgetSubject::new("a", &[]),
            BudgetSubject::new("b", &[]),
            BudgetSubject::new("a", &[b""]),
            BudgetSubject::new("a", &[b"bc"]),
            BudgetSubject::new("a", &[b"b", b"c"]),
            BudgetSubject::new("ab", &[b"c"]),
        ];
        for (index, one) in all.iter().enumerate() {
            assert_eq!(all.iter().position(|other| other == one), Some(index));
        }
        assert_eq!(BudgetSubject::new("a", &[b"b"]), BudgetSubject::new("a", &[b"b"]));
    }
}
