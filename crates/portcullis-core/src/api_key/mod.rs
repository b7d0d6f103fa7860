//! API keys: long-lived credentials of programs.

use crate::define_id;

define_id! {
    /// Names an API key. Shown to its owner; never a secret.
    Id
}
