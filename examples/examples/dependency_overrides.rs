//! What handlers depend on, provided by the program and replaced by its tests: a service elsewhere, behind a trait.
//! `cargo run -p examples --example dependency_overrides`; how a test replaces it stands in
//! `examples/tests/dependency_overrides.rs`.
//!
//! In another terminal:
//!
//! ```console
//! $ curl -s localhost:8080/weather/oslo
//! {"city":"oslo","sky":"who knows"}
//! $ curl -s localhost:8080/weather/atlantis
//! {…"code":"no_forecast","detail":"there is no forecast for this city"…}
//! ```

use std::sync::Arc;

use async_trait::async_trait;
use portcullis_identity::{
    Api, Dependency, Json, JsonSchema, Path, Portcullis, Problem, Public, Result, schemars,
};
use serde::Serialize;

/// Knows the weather. A trait whose methods are `async` needs `async_trait` to stand behind `dyn`.
#[async_trait]
pub trait Forecast: Send + Sync {
    /// The sky over a city tomorrow, if it is known.
    async fn tomorrow(&self, city: &str) -> Option<String>;
}

/// Asks the service that the program is run with.
struct Office;

#[async_trait]
impl Forecast for Office {
    async fn tomorrow(&self, city: &str) -> Option<String> {
        // A real one waits here.
        (city != "atlantis").then(|| "who knows".to_owned())
    }
}

#[derive(Serialize, JsonSchema)]
#[schemars(crate = "schemars")]
struct Weather {
    city: String,
    sky: String,
}

async fn weather(
    _: Public,
    forecast: Dependency<dyn Forecast>,
    Path(city): Path<String>,
) -> Result<Json<Weather>> {
    match forecast.tomorrow(&city).await {
        Some(sky) => Ok(Json(Weather { city, sky })),
        None => {
            let detail = "there is no forecast for this city";
            Err(Problem::new(
                axum::http::StatusCode::NOT_FOUND,
                "no_forecast",
                detail,
            ))
        }
    }
}

/// Every route, behind what the first parameter of its handler asks for. A dependency that nobody provides is an error here,
/// not at the first call.
pub fn api(_: &Portcullis) -> Api {
    Api::new("Weather", "1.0")
        .get("/weather/{city}", weather)
        .provide::<dyn Forecast>(Arc::new(Office))
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let portcullis = Portcullis::open("sqlite:dependency_overrides.db").await?;
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:8080".to_owned());
    portcullis.serve(api(&portcullis), address).await?;
    Ok(())
}
