//! Names of permissions and roles, and sets of permissions as bits.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

/// Why a permission's or role's name is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// Not the form of a permission.
    #[error(
        "a permission's name has 3 to 64 of a-z 0-9 _ - . and at least one colon inside, such as posts:read"
    )]
    Permission,
    /// Not the form of a role.
    #[error("a role's name has 1 to 64 of a-z 0-9 _ - . and begins with a letter, such as editor")]
    Role,
}

/// Whether `name` is a permission's name: `posts:read`. Every such name is a scope token too (RFC 6749 §3.3).
pub const fn valid_permission_name(name: &str) -> bool {
    match colons_in(name) {
        Some(colons) => colons > 0,
        None => false,
    }
}

/// Whether `name` is a role's name: `editor`.
pub const fn valid_role_name(name: &str) -> bool {
    matches!(colons_in(name), Some(0))
}

/// How many colons a well-formed name has; `None` if it isn't well formed.
const fn colons_in(name: &str) -> Option<usize> {
    let mut rest = name.as_bytes();
    if rest.len() > 64 || !matches!(rest, [b'a'..=b'z', ..]) || matches!(rest, [.., b':']) {
        return None;
    }
    let mut colons = 0;
    while let [byte, tail @ ..] = rest {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'.' => {}
            b':' => colons += 1,
            _ => return None,
        }
        rest = tail;
    }
    Some(colons)
}

/// The bit a permission's name has in this process. The same name always has the same bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PermissionId(u32);

/// All names this process has met. It only grows, and holds nothing but names: a memo, not a setting.
static NAMES: LazyLock<RwLock<HashMap<Box<str>, PermissionId>>> = LazyLock::new(RwLock::default);

impl PermissionId {
    /// The bit of a name that this process's own code declares; meeting it for the first time assigns one.
    pub fn of_declared(name: &'static str) -> Self {
        if let Some(id) = Self::find(name) {
            return id;
        }
        let mut names = NAMES.write().unwrap_or_else(PoisonError::into_inner);
        let next = Self(u32::try_from(names.len()).unwrap_or(u32::MAX));
        *names.entry(name.into()).or_insert(next)
    }

    /// The bit of a name that came from outside. A name no code declares has none: no rule can ask for it.
    pub fn find(name: &str) -> Option<Self> {
        NAMES
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)
            .copied()
    }
}

/// A set of permissions: one bit each.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct PermissionSet {
    /// Principals of one account, and accounts of the same roles, share them.
    words: Arc<[u64]>,
}

impl PermissionSet {
    /// The set of those `names` that this process's code declares.
    pub fn of_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        names.into_iter().filter_map(PermissionId::find).collect()
    }

    /// Whether the set has the permission.
    pub fn contains(&self, id: PermissionId) -> bool {
        self.words
            .get(id.0 as usize / 64)
            .is_some_and(|word| word & (1 << (id.0 % 64)) != 0)
    }

    /// The permissions both sets have.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self {
            words: self.words.iter().zip(&*other.words).map(|(a, b)| a & b).collect(),
        }
    }
}

impl FromIterator<PermissionId> for PermissionSet {
    fn from_iter<I: IntoIterator<Item = PermissionId>>(ids: I) -> Self {
        let mut words = Vec::new();
        for PermissionId(id) in ids {
            let index = id as usize / 64;
            if words.len() <= index {
                words.resize(index + 1, 0);
            }
            if let Some(word) = words.get_mut(index) {
                *word |= 1_u64 << (id % 64);
            }
        }
        Self { words: words.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_told_apart() {
        for (name, permission, role) in [
            ("posts:read", true, false),
            ("a:b:c", true, false),
            ("editor", false, true),
            ("e", false, true),
            ("", false, false),
            (":", false, false),
            ("posts:", false, false),
            (":read", false, false),
            ("Posts:read", false, false),
            ("posts:read ", false, false),
            ("posts read", false, false),
            ("pösts:read", false, false),
            ("1:a", false, false),
            ("\"quoted\"", false, false),
        ] {
            assert_eq!(
                valid_permission_name(name),
                permission,
                "{name:?} as a permission"
            );
            assert_eq!(valid_role_name(name), role, "{name:?} as a role");
        }
        assert!(valid_role_name(&"a".repeat(64)));
        assert!(!valid_role_name(&"a".repeat(65)));
    }

    #[test]
    fn a_name_keeps_its_bit_and_unknown_names_have_none() {
        let id = PermissionId::of_declared("names-test:one");
        assert_eq!(PermissionId::of_declared("names-test:one"), id);
        assert_eq!(PermissionId::find("names-test:one"), Some(id));
        assert_ne!(PermissionId::of_declared("names-test:two"), id);
        assert_eq!(PermissionId::find("names-test:never"), None);
    }

    proptest! {
        #[test]
        fn a_set_has_exactly_what_was_put_in(ids in proptest::collection::vec(0_u32..300, 0..40), other in proptest::collection::vec(0_u32..300, 0..40)) {
            let a: PermissionSet = ids.iter().copied().map(PermissionId).collect();
            let b: PermissionSet = other.iter().copied().map(PermissionId).collect();
            let both = a.intersection(&b);
            for id in 0..300 {
                prop_assert_eq!(a.contains(PermissionId(id)), ids.contains(&id));
                prop_assert_eq!(both.contains(PermissionId(id)), ids.contains(&id) && other.contains(&id));
            }
        }
    }
}
