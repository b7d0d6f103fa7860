//! Signed requests and signed URLs, through the real router.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::Extension;
use axum::body::{Body, Bytes};
use http::{Method, Request};
use http_body_util::BodyExt as _;
use portcullis::core::authz::Permission as _;
use portcullis::core::checks;
use portcullis::core::environment::Timestamp;
use portcullis::core::fault::Fault;
use portcullis::core::key::{Algorithm, HmacSecret, SigningKey};
use portcullis::core::secret::SecretBytes;
use portcullis::core::signature::{
    KeyList, Keys, KnownKey, MemoryNonces, Nonce, Nonces, RequestSigner, Settings, SignatureVerifier,
    UrlGrant,
};
use portcullis::{
    Allow, Api, ApiError, Authenticated, Json, Jwt, Path, Signature, Signed, SignedUrl, Via, permissions,
    sign_request,
};

use crate::support::{Answer, Bench, Client, bearer, cookie};

permissions! {
    OrdersWrite = "orders-test:write": "Write orders";
    OrdersErase = "orders-test:erase": "Erase orders";
}

/// How often a handler ran, and what it read.
#[derive(Clone, Default)]
struct Seen(Arc<AtomicUsize>, Arc<Mutex<Vec<u8>>>);

async fn receive(who: Allow<Signed>, Extension(seen): Extension<Seen>, body: Bytes) -> String {
    seen.0.fetch_add(1, Ordering::Relaxed);
    let caller = who.signer().and_then(|signer| signer.caller.clone()).unwrap();
    format!("{caller} {}", body.len())
}
async fn stream(_: Allow<Signed>, Extension(seen): Extension<Seen>, body: Body) -> String {
    let mut body = body;
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => seen
                .1
                .lock()
                .unwrap()
                .extend_from_slice(frame.data_ref().unwrap()),
            Err(_) => return "broken".to_owned(),
        }
    }
    seen.0.fetch_add(1, Ordering::Relaxed);
    "whole".to_owned()
}
async fn write(_: Allow<(Signed, OrdersWrite)>, _again: Allow<Signed>, Json(n): Json<u8>) -> String {
    n.to_string()
}
async fn erase(_: Allow<(Signed, OrdersErase)>) {}
async fn either(who: Allow<Authenticated, Via<(Jwt, Signature)>>) -> String {
    who.kind().as_str().to_owned()
}
async fn file(who: Allow<Signed, Via<SignedUrl>>, Path(id): Path<u64>) -> String {
    let subject = who.signer().and_then(|signer| signer.subject.clone());
    format!("{id} {}", subject.unwrap_or_default())
}

fn api(seen: &Seen) -> Api {
    Api::new("Orders", "1")
        .post("/orders", receive)
        .post("/stream", stream)
        .post("/write", write)
        .delete("/orders", erase)
        .get("/either", either)
        .get("/files/{id}", file)
        .layer(Extension(seen.clone()))
}

const SECRET: [u8; 32] = [7; 32];

fn keys() -> KeyList {
    let acme = KnownKey::hmac_sha256("acme", SecretBytes::new(SECRET.to_vec())).unwrap();
    KeyList::new().with("acme-1", acme.may([OrdersWrite::PERMISSION.name]))
}

fn bench_with(keys: Arc<dyn Keys>, nonces: Arc<dyn Nonces>) -> Bench {
    Bench::with(|settings| {
        settings.signatures =
            Some(SignatureVerifier::new(keys, Arc::clone(&nonces), Settings::default()).unwrap());
        settings.nonces = nonces;
    })
}

fn bench() -> Bench {
    bench_with(Arc::new(keys()), Arc::new(MemoryNonces::new()))
}

fn signer() -> RequestSigner {
    let secret = HmacSecret::new(Algorithm::HS256, SecretBytes::new(SECRET.to_vec())).unwrap();
    RequestSigner::new(SigningKey::of_secret("acme-1", secret).unwrap()).unwrap()
}

fn signed(bench: &Bench, method: Method, path: &str, body: &str) -> Request<Vec<u8>> {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "api.example.com");
    let mut request = request
        .header("content-type", "application/json")
        .body(body.as_bytes().to_vec())
        .unwrap();
    sign_request(&signer(), &mut request, &bench.environment).unwrap();
    request
}

fn ready(request: &Request<Vec<u8>>) -> Request<Body> {
    request.clone().map(Body::from)
}

fn client(bench: &Bench, seen: &Seen) -> Client {
    bench.client(api(seen))
}

#[track_caller]
fn refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!(
        (answer.status.as_u16(), &*answer.code()),
        (status, code),
        "{}",
        answer.text
    );
}

#[tokio::test]
async fn a_request_that_is_not_signed_is_refused_and_told_what_to_send() {
    let (bench, seen) = (bench(), Seen::default());
    let client = client(&bench, &seen);
    let answer = client.post_json("/orders", "{}").await;
    refused(&answer, 401, "authentication_required");
    assert_eq!(
        answer.header("www-authenticate"),
        "Signature realm=\"portcullis\""
    );
    let shown = bearer(&bench.jwt(None));
    let answer = client
        .call(Method::POST, "/orders", &[("authorization", &shown)], "{}")
        .await;
    refused(&answer, 401, "credential_not_accepted");
    assert_eq!(seen.0.load(Ordering::Relaxed), 0);
}

// Shows: WP-1
#[tokio::test]
async fn a_signed_request_is_let_in_once() {
    checks!("T255");
    let (bench, seen) = (bench(), Seen::default());
    let client = client(&bench, &seen);
    let request = signed(&bench, Method::POST, "/orders?dry=1", "{\"sku\":1}");
    let answer = client.send(ready(&request)).await;
    assert_eq!((answer.status.as_u16(), &*answer.text), (200, "acme 9"));
    for _ in 0..2 {
        refused(&client.send(ready(&request)).await, 401, "signature_replayed");
    }
    assert_eq!(seen.0.load(Ordering::Relaxed), 1);
    // A hundred at once are one.
    let request = signed(&bench, Method::POST, "/orders", "{}");
    let all = (0..100).map(|_| client.send(ready(&request)));
    let all = futures_util::future::join_all(all).await;
    assert_eq!(all.iter().filter(|answer| answer.status == 200).count(), 1);
}

#[tokio::test]
async fn what_was_changed_on_the_way_is_refused() {
    checks!("T256");
    checks!("T257");
    let (bench, seen) = (bench(), Seen::default());
    let client = client(&bench, &seen);
    let send = async |change: fn(&mut Request<Vec<u8>>)| {
        let mut request = signed(&bench, Method::POST, "/orders?dry=1", "{\"sku\":1}");
        change(&mut request);
        client.send(ready(&request)).await
    };
    refused(&send(|r| r.body_mut()[3] ^= 1).await, 401, "digest_mismatch");
    refused(&send(|r| r.body_mut().push(b' ')).await, 401, "digest_mismatch");
    refused(&send(|r| r.body_mut().clear()).await, 401, "digest_mismatch");
    refused(
        &send(|r| *r.uri_mut() = "/orders?dry=0".parse().unwrap()).await,
        401,
        "invalid_signature",
    );
    refused(
        &send(|r| *r.uri_mut() = "/stream?dry=1".parse().unwrap()).await,
        401,
        "invalid_signature",
    );
    let host =
        |r: &mut Request<Vec<u8>>| drop(r.headers_mut().insert("host", "evil.example".parse().unwrap()));
    refused(&send(host).await, 401, "invalid_signature");
    let twice = |r: &mut Request<Vec<u8>>| {
        assert!(
            r.headers_mut()
                .append("content-digest", "md5=:AAAA:".parse().unwrap())
        );
    };
    refused(&send(twice).await, 401, "invalid_signature");
    let bare = |r: &mut Request<Vec<u8>>| drop(r.headers_mut().remove("content-digest"));
    refused(&send(bare).await, 401, "signature_incomplete");
    let half = |r: &mut Request<Vec<u8>>| drop(r.headers_mut().remove("signature"));
    refused(&send(half).await, 401, "signature_incomplete");
    let broken =
        |r: &mut Request<Vec<u8>>| drop(r.headers_mut().insert("signature-input", "x".parse().unwrap()));
    refused(&send(broken).await, 400, "malformed_signature");
    assert_eq!(seen.0.load(Ordering::Relaxed), 0, "no handler ran");
    // A body that was added to a request without one isn't covered.
    let mut added = signed(&bench, Method::POST, "/orders", "");
    added.body_mut().extend_from_slice(b"{}");
    refused(&client.send(ready(&added)).await, 401, "signature_incomplete");
}

#[tokio::test]
async fn the_last_part_of_another_body_is_held_back() {
    checks!("T256");
    let (bench, seen) = (bench(), Seen::default());
    let client = client(&bench, &seen);
    let send = async |parts: [&'static str; 3]| {
        let request = signed(&bench, Method::POST, "/stream", "one,two,three");
        let (head, _) = request.into_parts();
        let parts = parts.map(|part| Ok::<_, std::io::Error>(Bytes::from(part)));
        let body = Body::from_stream(futures_util::stream::iter(parts));
        seen.1.lock().unwrap().clear();
        client.send(Request::from_parts(head, body)).await
    };
    let answer = send(["one,", "two,", "three"]).await;
    assert_eq!(answer.text, "whole");
    refused(&send(["one,", "two,", "thief"]).await, 401, "digest_mismatch");
    refused(&send(["one,", "two,", ""]).await, 401, "digest_mismatch");
    assert_eq!(
        seen.0.load(Ordering::Relaxed),
        1,
        "nobody saw the end of another body"
    );
}

#[tokio::test]
async fn the_limit_of_the_body_comes_first() {
    let (bench, seen) = (bench(), Seen::default());
    let api = api(&seen).nest("/small", Api::new("", "").post("/orders", receive).body_limit(8));
    let client = bench.client(api.layer(Extension(seen.clone())));
    let answer = client
        .send(ready(&signed(&bench, Method::POST, "/small/orders", "12345678")))
        .await;
    assert_eq!(answer.text, "acme 8");
    let answer = client
        .send(ready(&signed(&bench, Method::POST, "/small/orders", "123456789")))
        .await;
    assert_eq!(answer.status, 413);
}

#[tokio::test]
async fn a_caller_may_what_the_program_says_of_the_key() {
    let (bench, seen) = (bench(), Seen::default());
    let client = client(&bench, &seen);
    // Two rules look at one signature, which takes one nonce.
    let answer = client
        .send(ready(&signed(&bench, Method::POST, "/write", "5")))
        .await;
    assert_eq!((answer.status.as_u16(), &*answer.text), (200, "5"));
    let answer = client
        .send(ready(&signed(&bench, Method::DELETE, "/orders", "")))
        .await;
    refused(&answer, 403, "missing_permission");
}

#[tokio::test]
async fn a_signature_is_the_only_credential() {
    let (bench, seen) = (bench(), Seen::default());
    let client = client(&bench, &seen);
    let token = bearer(&bench.jwt(None));
    let answer = client.get("/either", &[("authorization", &token)]).await;
    assert_eq!(answer.text, "jwt");
    let mut request = signed(&bench, Method::GET, "/either", "");
    assert_eq!(client.send(ready(&request)).await.text, "signature");
    request = signed(&bench, Method::GET, "/either", "");
    request
        .headers_mut()
        .insert("authorization", token.parse().unwrap());
    refused(&client.send(ready(&request)).await, 400, "multiple_credentials");
}

#[tokio::test]
async fn clocks_may_differ_by_the_leeway() {
    checks!("T259");
    let (bench, seen) = (bench(), Seen::default());
    let client = client(&bench, &seen);
    let old = signed(&bench, Method::POST, "/orders", "{}");
    let older = signed(&bench, Method::POST, "/orders", "{}");
    bench.pass(Duration::from_micros(330_000_000 - 1));
    assert_eq!(client.send(ready(&old)).await.status, 200);
    bench.pass(Duration::from_micros(1));
    refused(&client.send(ready(&older)).await, 401, "signature_expired");
}

#[tokio::test]
async fn while_nonces_cannot_be_remembered_nobody_is_let_in() {
    checks!("T264");
    struct Away;
    #[async_trait]
    impl Nonces for Away {
        async fn take(&self, _: Nonce, _: Timestamp) -> Result<bool, Fault> {
            Err(Fault::Unreachable("away".into()))
        }
    }
    let (bench, seen) = (bench_with(Arc::new(keys()), Arc::new(Away)), Seen::default());
    let client = client(&bench, &seen);
    refused(
        &client
            .send(ready(&signed(&bench, Method::POST, "/orders", "{}")))
            .await,
        503,
        "unavailable",
    );
    let grant = UrlGrant::lasting(Duration::from_secs(60)).once();
    let url = bench
        .gate
        .signed_urls()
        .sign("/files/7", &grant, &bench.environment)
        .unwrap();
    refused(&client.get(&url, &[]).await, 503, "unavailable");
    assert_eq!(seen.0.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_key_that_is_taken_away_lets_no_more_of_the_body_through() {
    checks!("T111");
    #[derive(Default)]
    struct Fading(Mutex<KeyList>);
    #[async_trait]
    impl Keys for Fading {
        async fn find(&self, key_id: &str) -> Result<Option<KnownKey>, Fault> {
            let keys = self.0.lock().unwrap().clone();
            keys.find(key_id).await
        }
    }
    let fading = Arc::new(Fading(Mutex::new(keys())));
    let bench = Arc::new(bench_with(
        Arc::clone(&fading) as _,
        Arc::new(MemoryNonces::new()),
    ));
    let seen = Seen::default();
    let (head, _) = signed(&bench, Method::POST, "/stream", "one,two").into_parts();
    let (clock, gone) = (Arc::clone(&bench), Arc::clone(&fading));
    let parts = futures_util::stream::iter(["one,", "two"]).map_parts(move |part| {
        if part == "two" {
            *gone.0.lock().unwrap() = KeyList::new();
            clock.pass(Duration::from_secs(1));
        }
        part
    });
    let answer = client(&bench, &seen)
        .send(Request::from_parts(head, Body::from_stream(parts)))
        .await;
    refused(&answer, 401, "invalid_signature");
    assert_eq!(*seen.1.lock().unwrap(), b"one,");
}

/// Parts of a body, with something that happens before each.
trait MapParts {
    fn map_parts(
        self,
        before: impl FnMut(&'static str) -> &'static str,
    ) -> impl futures_util::Stream<Item = Result<Bytes, std::io::Error>>;
}

impl<S: futures_util::Stream<Item = &'static str>> MapParts for S {
    fn map_parts(
        self,
        mut before: impl FnMut(&'static str) -> &'static str,
    ) -> impl futures_util::Stream<Item = Result<Bytes, std::io::Error>> {
        use futures_util::StreamExt as _;
        self.map(move |part| Ok(Bytes::from(before(part))))
    }
}

// Shows: WP-2
#[tokio::test]
async fn a_signed_url_opens_what_it_was_made_for() {
    checks!("T260");
    checks!("T261");
    let (bench, seen) = (bench(), Seen::default());
    let client = client(&bench, &seen);
    let urls = bench.gate.signed_urls();
    let grant = UrlGrant::lasting(Duration::from_secs(60))
        .made_for("anna")
        .from_address("192.0.2.7".parse().unwrap());
    let url = urls
        .sign("/files/7?size=large", &grant, &bench.environment)
        .unwrap();
    assert_eq!(client.get(&url, &[]).await.text, "7 anna");
    // What browsers send along by themselves is no second credential: the route accepts it not.
    let session = cookie(&bench.token());
    assert_eq!(client.get(&url, &[("cookie", &session)]).await.text, "7 anna");
    assert_eq!(client.call(Method::HEAD, &url, &[], "").await.status, 200);
    refused(
        &client.get(&url.replace("files/7", "files/8"), &[]).await,
        401,
        "invalid_link",
    );
    refused(
        &client.get(&url.replace("large", "small"), &[]).await,
        401,
        "invalid_link",
    );
    refused(&client.get("/files/7", &[]).await, 401, "authentication_required");
    let others = UrlGrant::lasting(Duration::from_secs(60)).from_address("192.0.2.8".parse().unwrap());
    let others = urls.sign("/files/7", &others, &bench.environment).unwrap();
    refused(&client.get(&others, &[]).await, 403, "address_not_allowed");
    let once = UrlGrant::lasting(Duration::from_secs(60)).once();
    let once = urls.sign("/files/7", &once, &bench.environment).unwrap();
    let all = futures_util::future::join_all((0..100).map(|_| client.get(&once, &[]))).await;
    assert_eq!(all.iter().filter(|answer| answer.status == 200).count(), 1);
    refused(&client.get(&once, &[]).await, 401, "link_used");
    bench.pass(Duration::from_secs(60));
    refused(&client.get(&url, &[]).await, 401, "link_expired");
    // It opens nothing that asks for a signed request.
    let other = urls
        .sign(
            "/either",
            &UrlGrant::lasting(Duration::from_secs(60)),
            &bench.environment,
        )
        .unwrap();
    refused(&client.get(&other, &[]).await, 401, "authentication_required");
}

#[tokio::test]
async fn a_path_is_signed_as_it_was_sent_below_a_prefix() {
    let (bench, seen) = (bench(), Seen::default());
    let router = axum::Router::new().route("/x", axum::routing::get(async || "inner"));
    let api: Api = Api::new("Outer", "1")
        .mount::<Allow<Signed>>("/inner", router)
        .nest("/v1", api(&seen));
    let client = bench.client(api);
    assert_eq!(
        client
            .send(ready(&signed(&bench, Method::GET, "/inner/x?a=1", "")))
            .await
            .text,
        "inner"
    );
    assert_eq!(
        client
            .send(ready(&signed(&bench, Method::POST, "/v1/orders", "{}")))
            .await
            .text,
        "acme 2"
    );
    let mut other = signed(&bench, Method::GET, "/x?a=1", "");
    *other.uri_mut() = "/inner/x?a=1".parse().unwrap();
    refused(&client.send(ready(&other)).await, 401, "invalid_signature");
}

#[tokio::test]
async fn a_layer_that_reads_the_body_first_lets_nobody_in() {
    checks!("T256");
    async fn greedy(request: Request<Body>, next: axum::middleware::Next) -> axum::response::Response {
        let (head, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        next.run(Request::from_parts(head, Body::from(body))).await
    }
    let (bench, seen) = (bench(), Seen::default());
    let api: Api = Api::new("", "").post("/orders", receive);
    let api = api
        .route_layer(axum::middleware::from_fn(greedy))
        .layer(Extension(seen.clone()));
    let client = bench.client(api);
    let answer = client
        .send(ready(&signed(&bench, Method::POST, "/orders", "{}")))
        .await;
    assert_ne!(answer.status, 200, "{}", answer.text);
    assert_eq!(seen.0.load(Ordering::Relaxed), 0);
}

#[test]
fn the_rule_is_locked_and_documented_as_any_other() {
    let api = api(&Seen::default());
    let lock = api.authz_lock();
    for line in [
        "POST    /orders      signed                            via signature",
        "DELETE  /orders      signed and orders-test:erase      via signature",
        "GET     /either      authenticated                     via jwt, signature",
        "GET     /files/{id}  signed                            via signed-url",
    ] {
        let words: Vec<&str> = line.split_whitespace().collect();
        let found = lock
            .lines()
            .any(|line| line.split_whitespace().collect::<Vec<_>>() == words);
        assert!(found, "{line}\n{lock}");
    }
    let document = api.openapi();
    assert_eq!(
        document["paths"]["/orders"]["post"]["security"],
        serde_json::json!([{ "signature": [] }])
    );
    assert_eq!(
        document["paths"]["/files/{id}"]["get"]["security"],
        serde_json::json!([{ "signedUrl": [] }])
    );
    let schemes = &document["components"]["securitySchemes"];
    assert_eq!(
        (&schemes["signature"]["name"], &schemes["signedUrl"]["name"]),
        (&"Signature".into(), &"pc_signature".into())
    );
}

#[test]
fn signed_requests_without_anybodys_key_are_a_mistake_of_the_program() {
    let errors = api(&Seen::default())
        .into_router(Bench::default().gate)
        .unwrap_err();
    let expected = |method: &str, path: &str| ApiError::NoKeys {
        method: method.into(),
        path: path.into(),
    };
    assert!(errors.0.contains(&expected("POST", "/orders")), "{errors}");
    assert!(!errors.0.contains(&expected("GET", "/files/{id}")), "{errors}");
}
