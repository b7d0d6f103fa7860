//! `dependency_overrides` through the test kit, with another service behind the trait.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "../examples/dependency_overrides.rs"]
#[allow(dead_code, unreachable_pub, reason = "its main runs in the other test")]
mod dependency_overrides;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use dependency_overrides::{Forecast, api};
use portcullis_testkit::TestApp;
use serde_json::json;

/// Says what the test wants, and remembers what it was asked for.
#[derive(Default)]
struct Told {
    sky: Option<&'static str>,
    asked: Mutex<Vec<String>>,
}

#[async_trait]
impl Forecast for Told {
    async fn tomorrow(&self, city: &str) -> Option<String> {
        self.asked.lock().unwrap().push(city.to_owned());
        self.sky.map(str::to_owned)
    }
}

// Shows: KIT-1
#[tokio::test]
async fn a_test_says_what_the_service_answers() {
    let app = TestApp::with(|settings| settings, api).await;
    let rain = Arc::new(Told {
        sky: Some("rain"),
        ..Told::default()
    });
    app.replace::<dyn Forecast>(rain.clone());
    let oslo = app.get("/weather/oslo").send().await.expect(200);
    assert_eq!(oslo.json(), json!({ "city": "oslo", "sky": "rain" }));
    assert_eq!(*rain.asked.lock().unwrap(), ["oslo"]);
    // Again, for the same app: from the next request on.
    app.replace::<dyn Forecast>(Arc::new(Told::default()));
    app.get("/weather/oslo").send().await.refused(404, "no_forecast");
}

#[tokio::test]
async fn what_is_replaced_here_is_replaced_nowhere_else() {
    let (here, elsewhere) = (
        TestApp::with(|settings| settings, api).await,
        TestApp::with(|settings| settings, api).await,
    );
    here.replace::<dyn Forecast>(Arc::new(Told::default()));
    elsewhere.get("/weather/oslo").send().await.expect(200);
}
