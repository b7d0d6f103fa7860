//! Two versions, each with a document of its own.

use portcullis_identity::router::Deprecation;
use portcullis_identity::{Api, Public};

async fn first(_: Public) -> &'static str {
    "milk"
}

/// Both versions of the notes' first page.
pub fn versions() -> Api {
    let deprecation = Deprecation::since("2026-06-01").sunset("2027-01-01").successor("/v2");
    let v1 = Api::new("Notes", "1.4").get("/first", first).deprecated(deprecation);
    let v2 = Api::new("Notes", "2.0").get("/first", first);
    Api::new("Notes", "2.0").sub("/v1", v1).sub("/v2", v2)
}
