//! Values that the program provides, and what is wrong with them.

use std::sync::Arc;

use portcullis::{Api, ApiError, Dependency, Public};

use super::support::Bench;

trait Weather: Send + Sync {
    fn today(&self) -> String;
}

struct Always(&'static str);

impl Weather for Always {
    fn today(&self) -> String {
        self.0.to_owned()
    }
}

async fn today(_: Public, weather: Dependency<dyn Weather>) -> String {
    weather.today()
}

async fn degrees(_: Public, degrees: Dependency<i8>) -> String {
    degrees.to_string()
}

fn forecast() -> Api {
    Api::new("", "").get("/today", today)
}

fn errors(api: Api) -> Vec<String> {
    let errors = api.into_router(Bench::default().gate).unwrap_err().0;
    errors.iter().map(ToString::to_string).collect()
}

// Shows: KIT-1
#[tokio::test]
async fn a_value_that_is_provided_reaches_handlers_of_nested_apis_and_can_be_replaced() {
    let api = Api::new("Weather", "1")
        .provide::<dyn Weather>(Arc::new(Always("sun")))
        .nest(
            "/forecast",
            forecast().get("/degrees", degrees).provide(Arc::new(21i8)),
        );
    let dependencies = api.dependencies();
    let client = Bench::default().client(api);
    assert_eq!(client.get("/forecast/today", &[]).await.text, "sun");
    assert_eq!(client.get("/forecast/degrees", &[]).await.text, "21");
    assert!(dependencies.replace::<dyn Weather>(Arc::new(Always("rain"))));
    assert!(dependencies.replace(Arc::new(-3i8)));
    assert!(
        !dependencies.replace(Arc::new(3u64)),
        "nothing of that type is provided"
    );
    assert_eq!(client.get("/forecast/today", &[]).await.text, "rain");
    assert_eq!(client.get("/forecast/degrees", &[]).await.text, "-3");
}

#[test]
fn what_nobody_provides_is_refused_when_the_app_is_built() {
    let missing = errors(Api::new("Weather", "1").nest("/forecast", forecast()));
    assert_eq!(missing.len(), 1);
    assert!(
        missing[0].starts_with("GET /forecast/today takes a dyn "),
        "{}",
        missing[0]
    );
    assert!(
        missing[0].contains("Weather") && missing[0].contains(".provide::<"),
        "{}",
        missing[0]
    );
}

#[test]
fn two_values_of_one_type_are_refused_when_the_app_is_built() {
    let twice = || {
        Api::new("Weather", "1")
            .provide(Arc::new(1i8))
            .get("/degrees", degrees)
    };
    for api in [
        twice().provide(Arc::new(2i8)),
        twice().nest("/other", Api::new("", "").provide(Arc::new(2i8))),
    ] {
        let found = api.into_router(Bench::default().gate).unwrap_err().0;
        assert_eq!(found, [ApiError::ProvidedTwice("i8")]);
    }
}
