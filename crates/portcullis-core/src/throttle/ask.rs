//! What is asked of a limiter.

use super::{LimitKey, Quota};

/// One call, before it is counted.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'q> {
    /// What may be done how often.
    pub quota: &'q Quota,
    /// For whom is counted.
    pub subject: LimitKey,
    /// What the call counts as: one for most. More than may come at once counts as all of it; zero only looks.
    pub cost: u32,
}

impl<'q> Ask<'q> {
    /// A call that counts as one.
    pub const fn once(quota: &'q Quota, subject: LimitKey) -> Self {
        Self {
            quota,
            subject,
            cost: 1,
        }
    }
}
