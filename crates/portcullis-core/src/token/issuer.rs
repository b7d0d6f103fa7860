//! Issues tokens.

/// What was issued.
#[derive(Debug)]
pub struct Issued;
/// Role: issuer of access and refresh tokens.
#[derive(Debug)]
pub struct Issuer;
/// Why a refresh was refused.
#[derive(Debug)]
pub enum RefreshError {}
/// How tokens are issued.
#[derive(Debug)]
pub struct Settings;
