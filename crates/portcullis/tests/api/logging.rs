//! What the log says of a request, and what it never says.

use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex};

use axum::response::Html;
use portcullis::core::checks;
use portcullis::{Allow, Api, Authenticated, Csp, Json, Path, Public, permissions};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::support::{Bench, bearer};

permissions! { Secret = "secret:read": "Read secrets"; }

async fn known(_: Allow<Authenticated>, Path(_): Path<String>) {}
async fn echo(_: Allow<Authenticated>, Json(_): Json<u8>) {}
async fn denied(_: Allow<Secret>) {}
async fn page(_: Public) -> Html<&'static str> {
    Html("<style>p { color: red }</style>")
}

/// Writes every event down.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<String>>);

impl Visit for &Paper {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0.lock().unwrap(), " {field}={value:?}").unwrap();
    }
}

impl Subscriber for Paper {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        attributes.record(&mut &*self);
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut &*self);
    }
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        event.record(&mut &*self);
        self.0.lock().unwrap().push('\n');
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[tokio::test]
async fn a_request_leaves_its_route_and_status_and_nothing_that_was_sent() {
    checks!("T030");
    let paper = Paper::default();
    let _guard = tracing::subscriber::set_default(paper.clone());
    let bench = Bench::default();
    let api = Api::new("Test", "1")
        .get("/known/{name}", known)
        .post("/echo", echo)
        .get("/denied", denied);
    let client = bench.client(api);
    let header = bearer(&bench.token());
    let headers = [
        ("authorization", header.as_str()),
        ("user-agent", "canary"),
        ("x-any", "canary"),
    ];
    let answer = client.get("/known/canary?access_token=canary", &headers).await;
    assert_eq!(answer.status, 200);
    client.get("/canary", &headers).await;
    client.get("/denied?canary", &headers).await;
    client
        .get("/known/x", &[("authorization", "Bearer canary")])
        .await;
    client
        .get("/known/x", &[("cookie", "__Host-portcullis=canary")])
        .await;
    client.post_json("/echo?canary", "\"canary\"").await;
    bench.gate.settled().await;
    let log = paper.0.lock().unwrap().clone();
    let line = log
        .lines()
        .find(|line| line.contains("route=\"/known/{name}\""))
        .expect(&log);
    assert!(
        line.contains("method=GET") && line.contains("status=200"),
        "{line}"
    );
    assert!(line.contains(answer.header("x-request-id")), "{line}");
    assert!(
        log.contains("access denied") && log.contains("route=\"-\""),
        "{log}"
    );
    let token = header.trim_start_matches("Bearer pcs_");
    assert!(!log.contains("canary") && !log.contains(token), "{log}");
}

#[tokio::test]
async fn a_page_that_loads_nothing_is_named_once_and_how_to_give_it_a_policy() {
    let paper = Paper::default();
    let _guard = tracing::subscriber::set_default(paper.clone());
    let api = Api::new("Test", "1")
        .get("/dressed", page)
        .csp(Csp::new("default-src 'self'"))
        .get("/page", page);
    let client = Bench::default().client(api);
    for path in ["/page", "/page", "/dressed"] {
        client.get(path, &[]).await;
    }
    let log = paper.0.lock().unwrap().clone();
    let told: Vec<_> = log.lines().filter(|line| line.contains("Api::csp")).collect();
    assert_eq!(told.len(), 1, "{log}");
    assert!(told[0].contains("/page"), "{}", told[0]);
}
