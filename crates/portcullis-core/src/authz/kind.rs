//! The kinds of credential, and which of them a route accepts.

use std::fmt;

/// The kinds of credential a request can carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CredentialKind {
    /// A signed access token, `Authorization: Bearer`.
    Jwt,
    /// An opaque session token: cookie, bearer or `X-Session-Token`.
    Session,
    /// An API key: `X-API-Key` or bearer.
    ApiKey,
    /// An identifier and a password with every request, `Authorization: Basic`.
    Basic,
    /// A signature over the request, with a key of the caller's.
    Signature,
    /// An address that this program signed.
    SignedUrl,
}

impl CredentialKind {
    /// Every kind of credential there is, in the order of their declaration.
    pub const ALL: [Self; 6] = [
        Self::Jwt,
        Self::Session,
        Self::ApiKey,
        Self::Basic,
        Self::Signature,
        Self::SignedUrl,
    ];

    /// Whether it stands for a login by a person. Only such a credential can satisfy a fresh login or a second
    /// factor: a key and a stored password act without anybody there.
    pub const fn is_personal(self) -> bool {
        match self {
            Self::Jwt | Self::Session => true,
            Self::ApiKey | Self::Basic | Self::Signature | Self::SignedUrl => false,
        }
    }

    /// Whether it is a signature over what is asked, not something that is shown.
    pub const fn is_signed(self) -> bool {
        matches!(self, Self::Signature | Self::SignedUrl)
    }

    /// Its name in `authz.lock` and in refusals.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Jwt => "jwt",
            Self::Session => "session",
            Self::ApiKey => "api-key",
            Self::Basic => "basic",
            Self::Signature => "signature",
            Self::SignedUrl => "signed-url",
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Jwt => 1,
            Self::Session => 2,
            Self::ApiKey => 4,
            Self::Basic => 8,
            Self::Signature => 16,
            Self::SignedUrl => 32,
        }
    }
}

/// The kinds of credential a route accepts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Kinds(u8);

impl Kinds {
    /// Every kind of credential there is, Basic included.
    pub const ALL: Self = Self::of(&CredentialKind::ALL);

    /// What is signed, not shown.
    pub const SIGNED: Self = Self::of(&[CredentialKind::Signature, CredentialKind::SignedUrl]);

    /// What an account is known by.
    pub const OF_ACCOUNTS: Self = Self::of(&[
        CredentialKind::Jwt,
        CredentialKind::Session,
        CredentialKind::ApiKey,
        CredentialKind::Basic,
    ]);

    /// What stands for a login by a person.
    pub const PERSONAL: Self = Self::of(&[CredentialKind::Jwt, CredentialKind::Session]);

    /// What a route accepts that names nothing else. Without [`CredentialKind::Basic`]: browsers attach it by
    /// themselves, and every wrong guess costs a hash.
    pub const DEFAULT: Self = Self::of(&[
        CredentialKind::Jwt,
        CredentialKind::Session,
        CredentialKind::ApiKey,
    ]);

    /// The set of exactly these kinds.
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

    /// Kinds in both sets.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether the route accepts the kind.
    pub const fn accepts(self, kind: CredentialKind) -> bool {
        self.0 & kind.bit() != 0
    }

    /// Whether both are the same kinds.
    pub const fn equals(self, other: Self) -> bool {
        self.0 == other.0
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The kinds in the set, in the order of [`CredentialKind::ALL`].
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
