//! portcullis-testkit

pub mod contract;
