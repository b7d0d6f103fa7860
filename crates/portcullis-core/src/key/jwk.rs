//! JWK.
