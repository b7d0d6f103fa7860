//! Sealing.

/// Master key.
#[derive(Debug)]
pub struct MasterKey;
/// Sealed.
#[derive(Debug)]
pub struct Sealed;
/// Sealer.
#[derive(Debug)]
pub struct Sealer;
