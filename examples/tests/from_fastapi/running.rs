//! Tests, start and stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use portcullis_identity::listener::Limits;
use portcullis_identity::{Allow, Api, Dependency, FreshLogin, Portcullis, Public};
use portcullis_testkit::{Matrix, TestApp};
use tokio::net::TcpListener;

trait Weather: Send + Sync {
    fn today(&self) -> String;
}

struct Forecast;

impl Weather for Forecast {
    fn today(&self) -> String {
        "who knows".to_owned()
    }
}

async fn today(_: Public, weather: Dependency<dyn Weather>) -> String {
    weather.today()
}

async fn erase(_: Allow<FreshLogin<300>>) -> &'static str {
    "erased"
}

fn api(portcullis: &Portcullis) -> Api {
    Api::new("Weather", "1.0")
        .get("/today", today)
        .provide::<dyn Weather>(Arc::new(Forecast))
        .delete("/history", erase)
        .nest("/auth", portcullis.routes())
}

struct Rain;

impl Weather for Rain {
    fn today(&self) -> String {
        "rain".to_owned()
    }
}

#[tokio::test]
async fn a_test_replaces_what_handlers_depend_on() {
    let app = TestApp::with(|settings| settings, api).await;
    app.replace::<dyn Weather>(Arc::new(Rain));
    assert_eq!(app.get("/today").send().await.expect(200).text(), "rain");
}

#[tokio::test]
async fn a_test_moves_the_clock() {
    let app = TestApp::with(|settings| settings, api).await;
    let anna = app.user("anna@example.com").await;
    app.delete("/history")
        .bearer(&anna.access_token)
        .send()
        .await
        .expect(200);
    app.clock.advance_secs(300);
    let late = app.delete("/history").bearer(&anna.access_token).send().await;
    late.refused(401, "login_too_old");
}

#[tokio::test]
async fn every_route_refuses_every_bad_credential() {
    Matrix::of(api).run().await.assert_sound();
}

static WARM: AtomicBool = AtomicBool::new(false);

async fn warm_up() {
    WARM.store(true, Ordering::SeqCst);
}

async fn clean_up() {
    WARM.store(false, Ordering::SeqCst);
}

async fn run(
    portcullis: &Portcullis,
    listener: TcpListener,
    asked_to_stop: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    warm_up().await;
    portcullis
        .serve_on(api(portcullis), listener, Limits::default(), asked_to_stop)
        .await?;
    clean_up().await;
    Ok(())
}

#[tokio::test]
async fn what_stands_before_and_after_serving_runs_before_and_after_it() {
    let portcullis = Portcullis::open("sqlite::memory:").await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let asked_to_stop = async { assert!(WARM.load(Ordering::SeqCst)) };
    run(&portcullis, listener, asked_to_stop).await.unwrap();
    assert!(!WARM.load(Ordering::SeqCst));
}
