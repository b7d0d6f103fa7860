//! Organizations: tenants whose data must never meet.

use crate::define_id;

define_id! {
    /// Names an organization, for ever: ids are never reused.
    Id
}
