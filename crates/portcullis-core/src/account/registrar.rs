//! Registers accounts.
