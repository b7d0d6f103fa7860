//! Layers: a function that measures, compression and CORS around the whole API, a function that writes down who changed something
//! around one route; in which order they run, and what each may see of the caller.
//! `cargo run -p examples --example middleware`
//!
//! In another terminal:
//!
//! ```console
//! $ json='Content-Type: application/json'
//! $ curl -s -D - -o /dev/null localhost:8080/nowhere | grep server-timing
//! server-timing: all;dur=…
//! $ curl -s -D - -o /dev/null -H 'Origin: https://notes.example.com' localhost:8080/notes | grep access-control-allow-origin
//! access-control-allow-origin: https://notes.example.com…
//! $ curl -s -D - -o /dev/null -H 'Accept-Encoding: gzip' localhost:8080/openapi.json | grep content-encoding
//! content-encoding: gzip…
//! $ curl -s localhost:8080/auth/register -H "$json" -d '{"username": "anna", "password": "correct horse battery"}'
//! {"id":"…"username":"anna"…}
//! $ anna=$(curl -s localhost:8080/auth/login -H "$json" -d '{"identifier": "anna", "password": "correct horse battery"}' | grep -o 'eyJ[^"]*')
//! $ curl -s localhost:8080/notes -H "Authorization: Bearer $anna" -H "$json" -d '"milk"'
//! "milk"
//! $ curl -s localhost:8080/changes
//! ["anna: POST /notes, 200"]
//! ```
//!
//! A request goes through them from the outside in: CORS, the layers of `Api::layer` (the last one added first), Portcullis (trace,
//! limits, the address of the client), the layers of `Api::route_layer` (the last one added first), the rule, the handler. The
//! answer goes the other way.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use portcullis_identity::{Allow, Api, Authenticated, Cors, Json, Portcullis, Public, State, WhoCalled};
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::SizeAbove;

/// Around everything: nobody is authenticated yet, and a header is all that it knows of a caller. It isn't told who it was
/// afterwards either.
async fn timed(request: Request, next: Next) -> Response {
    let began = Instant::now();
    let mut answer = next.run(request).await;
    let text = format!("all;dur={:.3}", began.elapsed().as_secs_f64() * 1_000.0);
    if let Ok(value) = HeaderValue::try_from(text) {
        answer.headers_mut().insert("server-timing", value);
    }
    answer
}

/// What was changed, by whom.
type Changes = Arc<Mutex<Vec<String>>>;

/// Around one route: once it has answered, `who` says whom its rule let in. What it refused has no caller.
async fn written_down(
    State(changes): State<Changes>,
    who: WhoCalled,
    path: MatchedPath,
    request: Request,
    next: Next,
) -> Response {
    let method = request.method().clone();
    let answer = next.run(request).await;
    if let Some(caller) = who.principal() {
        let name = caller.account().username.as_deref().unwrap_or("somebody");
        let line = format!("{name}: {method} {}, {}", path.as_str(), answer.status().as_u16());
        tracing::info!("{line}");
        if let Ok(mut changes) = changes.lock() {
            changes.push(line);
        }
    }
    answer
}

async fn write(_: Allow<Authenticated>, Json(text): Json<String>) -> Json<String> {
    Json(text)
}

async fn notes(_: Public, headers: HeaderMap) -> Json<usize> {
    Json(headers.len())
}

async fn changes(_: Public, State(changes): State<Changes>) -> Json<Vec<String>> {
    Json(changes.lock().map(|changes| changes.clone()).unwrap_or_default())
}

/// Every route, behind what the first parameter of its handler asks for.
pub fn api(portcullis: &Portcullis) -> Api {
    let known = Changes::default();
    Api::new("Notes", "1.0")
        // Around the routes so far, which is one; `merge` takes over an `Api` with layers of its own as well.
        .post("/notes", write)
        .route_layer(from_fn_with_state(known.clone(), written_down))
        .get("/notes", notes)
        .get("/changes", changes)
        .with_state(known)
        .nest("/auth", portcullis.routes())
        // Around everything. The one below is the outermost of the two, so its time has the packing in it.
        .layer(CompressionLayer::new().compress_when(SizeAbove::new(1024)))
        .layer(from_fn(timed))
        .cors(Cors::origins(["https://notes.example.com"]))
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().init();
    let portcullis = Portcullis::open("sqlite:middleware.db").await?;
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:8080".to_owned());
    portcullis.serve(api(&portcullis), address).await?;
    Ok(())
}
