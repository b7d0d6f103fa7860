//! From what a request carries to who is calling.

use std::fmt;

/// The kinds of credential a request can carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CredentialKind {
    /// A signed access token, `Authorization: Bearer`.
    Jwt,
    /// An opaque session token: cookie, bearer or `X-Session-Token`.
    Session,
}

impl CredentialKind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::Jwt, Self::Session];

    /// Whether a person who logged in holds it. Only such a credential can satisfy a fresh login.
    pub const fn is_personal(self) -> bool {
        match self {
            Self::Jwt | Self::Session => true,
        }
    }

    /// Its name in `authz.lock` and in refusals.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Jwt => "jwt",
            Self::Session => "session",
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Jwt => 1,
            Self::Session => 2,
        }
    }
}

/// The kinds of credential a route accepts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Kinds(u8);

impl Kinds {
    /// Every kind.
    pub const ALL: Self = Self::of(&CredentialKind::ALL);

    /// Just these kinds.
    pub const fn of(mut kinds: &[CredentialKind]) -> Self {
        let mut bits = 0;
        while let [kind, rest @ ..] = kinds {
            bits |= kind.bit();
            kinds = rest;
        }
        Self(bits)
    }

    /// Kinds in either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether the route accepts the kind.
    pub const fn accepts(self, kind: CredentialKind) -> bool {
        self.0 & kind.bit() != 0
    }

    /// The accepted kinds.
    pub fn iter(self) -> impl Iterator<Item = CredentialKind> {
        CredentialKind::ALL
            .into_iter()
            .filter(move |kind| self.accepts(*kind))
    }
}

impl fmt::Debug for Kinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
