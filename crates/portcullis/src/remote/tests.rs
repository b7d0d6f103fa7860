//! The issuer's documents as an attacker, or a careless operator, would write them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Request;
use http::{HeaderValue, StatusCode, header};
use portcullis_core::checks;
use portcullis_core::key::remote::{Fetch, FetchFailed, Published};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use url::Url;

use super::Remote;
use super::discovery::{Discovery, Issuer};
use crate::outbound::{Client, Settings};

type Answer = (StatusCode, &'static str, String);

/// A web server that answers these paths and remembers which it was asked for.
struct Site {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
    serving: JoinHandle<()>,
}

impl Site {
    async fn of(answers: impl FnOnce(&str) -> HashMap<&'static str, Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (answers, asked) = (answers(&url), Arc::new(Mutex::new(Vec::new())));
        let seen = Arc::clone(&asked);
        let router = Router::new().fallback(move |request: Request| {
            let path = request.uri().path().to_owned();
            seen.lock().unwrap().push(path.clone());
            let answer = answers.get(path.as_str()).cloned();
            async move {
                let (status, media_type, body) =
                    answer.unwrap_or((StatusCode::NOT_FOUND, "text/plain", String::new()));
                let media_type = [(header::CONTENT_TYPE, HeaderValue::from_static(media_type))];
                (status, media_type, body)
            }
        });
        let serving = tokio::spawn(async move {
            axum::serve(listener, router).await.unwrap();
        });
        Self { url, asked, serving }
    }

    async fn metadata(metadata: impl FnOnce(&str) -> String) -> Self {
        Self::of(|url| {
            HashMap::from([
                (OAUTH, ok(metadata(url))),
                ("/keys", ok(KEYS.to_owned())),
                ("/elsewhere", (StatusCode::FOUND, JSON, String::new())),
            ])
        })
        .await
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    fn discovery(&self, path: &str) -> Discovery {
        self.discovery_with(path, Vec::new())
    }

    fn discovery_with(&self, path: &str, origins: Vec<url::Origin>) -> Discovery {
        let settings = Settings {
            loopback: true,
            ..Settings::default()
        };
        Discovery {
            client: Client::new(settings).unwrap(),
            issuer: Issuer::parse(&format!("{}{path}", self.url), true).unwrap(),
            origins,
        }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn ok(body: String) -> Answer {
    (StatusCode::OK, JSON, body)
}

const JSON: &str = "application/json";
const OAUTH: &str = "/.well-known/oauth-authorization-server";
const OPENID: &str = "/.well-known/openid-configuration";
const KEYS: &str = r#"{"keys":[]}"#;

/// Why nothing comes of this metadata, and which paths were asked for.
async fn refusal(metadata: impl FnOnce(&str) -> String) -> (String, Vec<String>) {
    let site = Site::metadata(metadata).await;
    let refused = site.discovery("").fetch().await.unwrap_err();
    (refused.to_string(), site.asked())
}

#[tokio::test]
async fn metadata_of_another_issuer_is_not_believed() {
    checks!("T055");
    let of = |issuer: String, url: &str| {
        json!({ "issuer": issuer, "jwks_uri": format!("{url}/keys") }).to_string()
    };
    for change in [
        |_: &str| "https://id.example".to_owned(),
        |url: &str| format!("{url}/"),
        |url: &str| url.to_uppercase(),
        |url: &str| format!("{url}/tenant"),
        |_: &str| String::new(),
    ] {
        let (why, asked) = refusal(|url| of(change(url), url)).await;
        assert!(why.contains("write the issuer exactly so"), "{why}");
        assert_eq!(asked, [OAUTH], "its keys aren't looked at");
    }
    for broken in [
        |url: &str| json!({ "issuer": url }).to_string(),
        |url: &str| json!({ "jwks_uri": format!("{url}/keys") }).to_string(),
        |url: &str| json!({ "issuer": [url], "jwks_uri": format!("{url}/keys") }).to_string(),
        |url: &str| {
            format!(r#"{{"issuer":"https://evil.example","issuer":"{url}","jwks_uri":"{url}/keys"}}"#)
        },
        |url: &str| format!(r#"["{url}"]"#),
        |_: &str| "<html>".to_owned(),
    ] {
        let (why, asked) = refusal(broken).await;
        assert!(why.contains("can't be read"), "{why}");
        assert_eq!(asked, [OAUTH]);
    }
}

#[tokio::test]
async fn keys_are_fetched_from_the_issuers_own_origin_only() {
    checks!("T052");
    for jwks in [
        "https://keys.example/keys",
        "http://169.254.169.254/latest/meta-data/",
        "http://127.0.0.1:1/keys",
        "http://localhost/keys",
        "https://127.0.0.1/keys",
        "file:///etc/passwd",
        "data:application/json,{}",
        "/keys",
        "",
    ] {
        let (why, asked) = refusal(|url| json!({ "issuer": url, "jwks_uri": jwks }).to_string()).await;
        assert!(
            why.contains("jwks_uri") || why.contains("another origin"),
            "{jwks}: {why}"
        );
        assert_eq!(asked, [OAUTH], "{jwks}");
    }
    // With a user before the host the origin is the same, and it is refused all the same.
    let with_user = |url: &str| {
        let jwks = url.replace("http://", "http://user:secret@") + "/keys";
        json!({ "issuer": url, "jwks_uri": jwks }).to_string()
    };
    let (why, asked) = refusal(with_user).await;
    assert!(why.contains("is not fetched"), "{why}");
    assert_eq!(asked, [OAUTH]);
}

#[tokio::test]
async fn another_origin_is_asked_where_that_was_allowed() {
    let keys = Site::of(|_| HashMap::from([("/keys", ok(KEYS.to_owned()))])).await;
    let jwks = format!("{}/keys", keys.url);
    let site = Site::metadata(|url| json!({ "issuer": url, "jwks_uri": jwks }).to_string()).await;
    assert!(site.discovery("").fetch().await.is_err());
    let allowed = keys.url.parse::<Url>().unwrap().origin();
    let published = site.discovery_with("", vec![allowed]).fetch().await.unwrap();
    assert_eq!(published.text, KEYS.as_bytes());
}

#[tokio::test]
async fn a_redirect_of_the_keys_is_not_followed() {
    checks!("T052");
    let (why, asked) =
        refusal(|url| json!({ "issuer": url, "jwks_uri": format!("{url}/elsewhere") }).to_string()).await;
    assert!(why.contains("leads elsewhere"), "{why}");
    assert_eq!(asked, [OAUTH, "/elsewhere"]);
}

#[tokio::test]
async fn the_other_document_is_asked_for_only_where_the_first_is_not_there() {
    let good = |url: &str| ok(json!({ "issuer": url, "jwks_uri": format!("{url}/keys") }).to_string());
    let site = |first: Option<Answer>| {
        Site::of(move |url| {
            let mut answers = HashMap::from([(OPENID, good(url)), ("/keys", ok(KEYS.to_owned()))]);
            answers.extend(first.map(|first| (OAUTH, first)));
            answers
        })
    };
    for (first, asked) in [
        (None, true),
        (Some((StatusCode::METHOD_NOT_ALLOWED, JSON, String::new())), true),
        (Some((StatusCode::OK, "text/html", "<html>".to_owned())), true),
        (
            Some((StatusCode::INTERNAL_SERVER_ERROR, JSON, String::new())),
            false,
        ),
        (Some((StatusCode::FOUND, JSON, String::new())), false),
        (Some(ok("{}".to_owned())), false),
        (
            Some(ok(
                json!({ "issuer": "https://evil.example", "jwks_uri": "x" }).to_string()
            )),
            false,
        ),
    ] {
        let site = site(first.clone()).await;
        assert_eq!(site.discovery("").fetch().await.is_ok(), asked, "{first:?}");
        assert_eq!(site.asked().contains(&OPENID.to_owned()), asked, "{first:?}");
    }
}

#[tokio::test]
async fn an_issuer_with_a_path_is_asked_where_the_rfcs_say() {
    let site = Site::of(|_| HashMap::new()).await;
    assert!(site.discovery("/tenant/one").fetch().await.is_err());
    assert_eq!(
        site.asked(),
        [
            "/.well-known/oauth-authorization-server/tenant/one",
            "/tenant/one/.well-known/openid-configuration"
        ]
    );
}

// Shows: TK-3
#[tokio::test]
async fn keys_that_moved_are_found_at_the_next_fetch() {
    let at = Arc::new(Mutex::new("/keys"));
    let (said, asked) = (Arc::clone(&at), Arc::new(Mutex::new(Vec::new())));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (issuer, seen) = (url.clone(), Arc::clone(&asked));
    let router = Router::new().fallback(move |request: Request| {
        let path = request.uri().path().to_owned();
        let body = if path == OAUTH {
            let jwks = format!("{issuer}{}", said.lock().unwrap());
            json!({ "issuer": issuer, "jwks_uri": jwks }).to_string()
        } else {
            KEYS.to_owned()
        };
        seen.lock().unwrap().push(path);
        async move { ([(header::CONTENT_TYPE, JSON)], body) }
    });
    let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let site = Site { url, asked, serving };
    let discovery = site.discovery("");
    discovery.fetch().await.unwrap();
    // What was there before still answers.
    *at.lock().unwrap() = "/moved";
    discovery.fetch().await.unwrap();
    assert_eq!(site.asked(), [OAUTH, "/keys", OAUTH, "/moved"]);
}

/// Key sets that are given, not fetched.
struct Given(&'static str);

#[async_trait::async_trait]
impl Fetch for Given {
    async fn fetch(&self) -> Result<Published, FetchFailed> {
        Ok(Published {
            text: self.0.as_bytes().to_vec(),
            max_age: None,
        })
    }
}

#[tokio::test]
async fn given_keys_are_used_without_a_socket() {
    let keys = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","kid":"one","use":"sig","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
    let remote = Remote::builder("https://id.example.com")
        .dangerous_keys_from(Arc::new(Given(keys)))
        .open()
        .await
        .unwrap();
    remote.ready().await.unwrap();
}
