//! What goes around the whole API.

use portcullis_identity::{Api, Cors};
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::SizeAbove;

/// Compressed answers of a kilobyte and more, and a front end on another origin.
pub fn around(api: Api) -> Api {
    api.layer(CompressionLayer::new().compress_when(SizeAbove::new(1024)))
        .cors(Cors::origins(["https://notes.example.com", "http://localhost:5173"]))
}
