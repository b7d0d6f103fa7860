//! Opens and ends sessions.
