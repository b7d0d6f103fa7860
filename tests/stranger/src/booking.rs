//! What is asked of what comes in, written once.

use portcullis_identity::validate::{rule, text_rule};
use portcullis_identity::{Api, Created, FieldErrors, Json, JsonSchema, Public, schemars};
use serde::{Deserialize, Serialize};

/// What somebody books.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schemars(crate = "schemars", transform = rule(NewBooking::ends_after_it_begins))]
pub struct NewBooking {
    /// Who comes.
    #[schemars(length(min = 2, max = 80))]
    guest: String,
    /// Where the confirmation goes.
    #[schemars(email)]
    email: String,
    /// The beds of each room.
    #[schemars(length(min = 1, max = 5), inner(range(min = 1, max = 4)))]
    rooms: Vec<u8>,
    /// The code of a voucher.
    #[schemars(length(max = 20), transform = text_rule("bad_voucher", checksum))]
    voucher: Option<String>,
    /// The first night, counted from the season's first.
    first_night: u16,
    /// The last night.
    last_night: u16,
}

impl NewBooking {
    fn ends_after_it_begins(&self, errors: &mut FieldErrors) {
        if self.last_night < self.first_night {
            errors.push("/lastNight", "ends_too_early", "must not be before firstNight");
        }
    }
}

/// The last character of a voucher is the sum of its digits.
fn checksum(code: &str) -> Result<(), &'static str> {
    let digits: Option<Vec<u32>> = code.chars().map(|c| c.to_digit(10)).collect();
    match digits.as_deref() {
        Some([digits @ .., check]) if digits.iter().sum::<u32>() % 10 == *check => Ok(()),
        _ => Err("must be a code as it is printed on a voucher"),
    }
}

/// What was booked.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(crate = "schemars")]
pub struct Booking {
    /// For how many nights.
    nights: u16,
}

async fn book(_: Public, Json(new): Json<NewBooking>) -> Created<Booking> {
    Created(Booking { nights: new.last_night - new.first_night + 1 })
}

/// Bookings.
pub fn api() -> Api {
    Api::new("", "").post("/bookings", book)
}
