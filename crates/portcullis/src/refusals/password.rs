//! Why nothing was hashed.

use std::time::Duration;

use portcullis_core::password::HashError;

use crate::Problem;

impl From<HashError> for Problem {
    fn from(error: HashError) -> Self {
        match error {
            HashError::Overloaded { retry_after } => {
                Self::unavailable(retry_after.max(Duration::from_secs(1)))
            }
            other => Self::internal(other),
        }
    }
}
