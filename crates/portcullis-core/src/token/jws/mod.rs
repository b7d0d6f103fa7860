//! JWS: signing and verifying.
