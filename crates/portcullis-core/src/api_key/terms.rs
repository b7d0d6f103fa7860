//! What a key asks of each request.

use super::{Id, Networks};
use crate::throttle::Rate;

/// What a key asks of each request, beyond what is remembered of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Terms {
    pub(crate) id: Id,
    pub(crate) networks: Networks,
    pub(crate) limit: Option<Rate>,
}
