//! A notes API as somebody writes it who has read docs/use-it.md.

pub mod booking;
pub mod errors;
pub mod layers;
pub mod notes;
pub mod own;
pub mod page;
pub mod paging;
pub mod rules;
pub mod versions;
