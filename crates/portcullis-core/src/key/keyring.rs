//! The ring.

/// Role: key manager.
#[derive(Debug)]
pub struct Keyring;
