//! What a change had to do.

/// What was asked for is so now. Asking for what is so already is no error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// This call made it so, and it is in the audit log.
    Changed,
    /// It was so already; nothing was written.
    Unchanged,
}
