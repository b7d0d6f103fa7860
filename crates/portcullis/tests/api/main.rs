//! The API a library user sees, through the real router.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::too_many_lines,
    clippy::type_complexity,
    reason = "tests stop where they fail, tables are long, and rules are types"
)]

mod addresses;
mod checking;
mod compile_fail;
mod cross_origin;
mod decisions;
mod describing;
mod documentation;
mod fuzzing;
mod listening;
mod logging;
mod own_document;
mod own_pages;
mod protection;
mod providing;
mod rates;
mod routing;
mod rules;
mod signing;
mod step_up;
mod support;
mod validation;
mod versions;
