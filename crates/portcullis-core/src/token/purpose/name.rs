//! Which names a purpose may have.

pub(super) const fn valid_name(name: &str) -> bool {
    let mut rest = name.as_bytes();
    if rest.len() < 3 || rest.len() > 32 || matches!(rest, [b'-', ..] | [.., b'-']) {
        return false;
    }
    while let [byte, tail @ ..] = rest {
        if !matches!(byte, b'a'..=b'z' | b'-') {
            return false;
        }
        rest = tail;
    }
    true
}

pub(super) const fn is_taken(name: &str) -> bool {
    let mut taken: &[&str] = &TAKEN;
    while let [one, others @ ..] = taken {
        if same(one.as_bytes(), name.as_bytes()) {
            return true;
        }
        taken = others;
    }
    false
}

const fn same(mut one: &[u8], mut other: &[u8]) -> bool {
    while let ([a, rest @ ..], [b, more @ ..]) = (one, other) {
        if *a != *b {
            return false;
        }
        one = rest;
        other = more;
    }
    one.is_empty() && other.is_empty()
}

/// What `typ` means elsewhere, before its `+jwt`: registered media types, and kinds of our own.
const TAKEN: [&str; 17] = [
    "access",
    "client-authentication",
    "dpop",
    "entity-statement",
    "explicit-registration-response",
    "id-token",
    "key-attestation",
    "logout",
    "oauth-authz-req",
    "oauth-client-attestation",
    "oauth-client-attestation-pop",
    "refresh",
    "resolve-response",
    "secevent",
    "token-introspection",
    "trust-mark",
    "wallet-attestation",
];
