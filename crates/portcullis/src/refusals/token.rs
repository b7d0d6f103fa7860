//! Why no token is for what was asked.

use portcullis_core::token::UnknownResource;

use crate::Problem;

impl From<UnknownResource> for Problem {
    fn from(_: UnknownResource) -> Self {
        Self::bad_request("invalid_target", NO_SUCH_RESOURCE)
    }
}

/// What is said of a resource that isn't registered.
pub const NO_SUCH_RESOURCE: &str =
    "no such resource: name one that is registered here, to the letter, or none for a token for this server";
