//! Sessions: what every store must do.

mod ending;
mod opening;
mod reading;

pub use self::ending::*;
pub use self::opening::*;
pub use self::reading::*;
