//! Sessions: what every store must do.

// This file shows: SE-4, SE-5

mod ending;
mod opening;
mod reading;

pub use self::ending::*;
pub use self::opening::*;
pub use self::reading::*;
