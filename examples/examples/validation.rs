//! Validation: each constraint is written once, stands in the OpenAPI document and is checked before the handler runs.
//! `cargo run -p examples --example validation`
//!
//! In another terminal:
//!
//! ```console
//! $ json='Content-Type: application/json'
//! $ curl -s localhost:8080/bookings -H "$json" -d '{"guest": "A", "email": "ada", "room": "12", "firstNight": 3, "lastNight": 2, "beds": 9}'
//! {…"code":"invalid_fields"…"/guest"…"/email"…"/room"…"/beds"…}
//! $ curl -s localhost:8080/bookings -H "$json" -d '{"guest": "Ada", "email": "ada@example.com", "room": "AB12", "firstNight": 3, "lastNight": 2, "beds": 2}'
//! {…"field":"/lastNight","code":"ends_too_early"…}
//! $ curl -s localhost:8080/bookings -H "$json" -d '{"guest": "Ada", "email": "ada@example.com", "room": "AB12", "firstNight": 3, "lastNight": 4, "beds": 2}'
//! {"nights":2}
//! $ curl -s "localhost:8080/rooms/x?beds=9"
//! {…"field":"room"…}
//! $ curl -s localhost:8080/comments -H "$json" -d '{"text": "<b onclick=alert(1)>Nice</b><script>alert(1)</script>"}'
//! {"text":"<b>Nice</b>"}
//! ```

use portcullis_identity::validate::{rule, text_rule};
use portcullis_identity::{
    Api, CleanHtml, Created, FieldErrors, Json, JsonSchema, Path, Portcullis, Public, Query, schemars,
};
use serde::{Deserialize, Serialize};

/// What somebody books.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schemars(crate = "schemars", transform = rule(NewBooking::ends_after_it_begins))]
struct NewBooking {
    /// Who comes.
    #[schemars(length(min = 2, max = 80))]
    #[allow(dead_code, reason = "this example writes to no guest")]
    guest: String,
    /// Where the confirmation goes.
    #[schemars(email)]
    #[allow(dead_code, reason = "this example writes to no guest")]
    email: String,
    /// Which room.
    #[allow(dead_code, reason = "this example keeps no rooms")]
    room: Room,
    /// How many beds.
    #[schemars(range(min = 1, max = 6))]
    #[allow(dead_code, reason = "this example keeps no rooms")]
    beds: u8,
    /// The first night, counted from the season's first.
    first_night: u16,
    /// The last night.
    last_night: u16,
}

impl NewBooking {
    /// A rule over several fields.
    fn ends_after_it_begins(&self, errors: &mut FieldErrors) {
        if self.last_night < self.first_night {
            errors.push("/lastNight", "ends_too_early", "must not be before firstNight");
        }
    }
}

/// The name of a room: a type of its own, so that it is asked for wherever a room is named.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(crate = "schemars")]
struct Room(
    #[schemars(regex(pattern = "^[A-Z]{2}[0-9]{2}$"), transform = text_rule("no_such_wing", in_a_wing))]
    String,
);

/// A rule of the program's own over one text.
fn in_a_wing(room: &str) -> Result<(), &'static str> {
    match room.starts_with(['A', 'B']) {
        true => Ok(()),
        false => Err("must begin with the letter of a wing: A or B"),
    }
}

/// What was booked.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(crate = "schemars")]
struct Booking {
    /// For how many nights.
    nights: u16,
}

async fn book(_: Public, Json(new): Json<NewBooking>) -> Created<Booking> {
    // Nothing is checked here: `last_night` is no less than `first_night`.
    Created(Booking {
        nights: new.last_night - new.first_night + 1,
    })
}

/// What is looked for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "schemars")]
struct Search {
    /// How many beds there must be.
    #[schemars(range(min = 1, max = 6))]
    beds: Option<u8>,
}

async fn look(_: Public, Path(Room(room)): Path<Room>, Query(search): Query<Search>) -> String {
    format!("{room} with {} beds", search.beds.unwrap_or(1))
}

/// What somebody says of a stay.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "schemars")]
struct Comment {
    /// HTML, of which what could run or call home is taken out.
    text: CleanHtml<2_000>,
}

async fn comment(_: Public, Json(comment): Json<Comment>) -> Created<Comment> {
    Created(comment)
}

/// Every route, behind what the first parameter of its handler asks for.
pub fn api(portcullis: &Portcullis) -> Api {
    Api::new("Hotel", "1.0")
        .post("/bookings", book)
        .get("/rooms/{room}", look)
        .post("/comments", comment)
        .nest("/auth", portcullis.routes())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let portcullis = Portcullis::open("sqlite:validation.db").await?;
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:8080".to_owned());
    portcullis.serve(api(&portcullis), address).await?;
    Ok(())
}
