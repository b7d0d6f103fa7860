//! A key's end, what is told before it, and when it was last used.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use portcullis_core::account::AccountState;
use portcullis_core::email::{Email, Id, MailError, Mailer};
use portcullis_testkit::FakeMailer;
#[cfg(feature = "redis")]
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;
use crate::fixtures::{complaints, events, pairs, set_state};

#[tokio::test]
async fn a_key_is_honoured_until_the_second_it_expires() {
    let app = app().await;
    let anna = anna(&app).await;
    let made = issued(
        &app,
        &anna,
        &form_with(json!({ "expires_at": "2026-01-01T01:00:00Z" })),
    )
    .await;
    let key = text(&made, "key");
    app.clock.advance_secs(3_599);
    with_key(&app, key, "/read").await.expect(200);
    let again = app.log_in(&anna.email).await;
    app.clock.advance_secs(1);
    check(&with_key(&app, key, "/read").await, 401, "invalid_token");
    let rotate = format!("/auth/api-keys/{}/rotate", text(&made, "id"));
    check(&post(&app, &again, &rotate, &json!({})).await, 409, "key_expired");
}

// Shows: AK-2
#[tokio::test]
async fn a_rotation_moves_the_end_of_a_key_that_has_not_ended() {
    let app = app().await;
    let anna = anna(&app).await;
    let hour = form_with(json!({ "expires_at": "2026-01-01T01:00:00Z" }));
    let made = issued(&app, &anna, &hour).await;
    let rotate = format!("/auth/api-keys/{}/rotate", text(&made, "id"));
    let past = json!({ "expires_at": "2026-01-01T00:00:00Z" });
    let answer = post(&app, &anna, &rotate, &past)
        .await
        .refused(422, "invalid_fields");
    assert_eq!(complaints(&answer), pairs(&[("/expires_at", "in_the_past")]));
    let nonsense = json!({ "expires_at": "soon" });
    post(&app, &anna, &rotate, &nonsense)
        .await
        .refused(422, "invalid_fields");
    let later = json!({ "expires_at": "2026-01-01T02:00:00Z", "overlap_seconds": 7_200 });
    let rotated = post(&app, &anna, &rotate, &later).await.expect(200).json();
    assert_eq!(text(&rotated, "expires_at"), "2026-01-01T02:00:00Z");
    app.clock.advance_secs(7_199);
    // The old text has the new end too, and its overlap besides.
    for key in [text(&made, "key"), text(&rotated, "key")] {
        with_key(&app, key, "/read").await.expect(200);
    }
    let again = app.log_in(&anna.email).await;
    let never = json!({ "expires_at": null, "overlap_seconds": 0 });
    let rotated = post(&app, &again, &rotate, &never).await.expect(200).json();
    assert_eq!(rotated["expires_at"], Value::Null);
    app.clock.advance_secs(86_400 * 365);
    with_key(&app, text(&rotated, "key"), "/read").await.expect(200);
}

// Shows: AK-2
#[tokio::test]
async fn the_owner_is_told_once_a_week_before_the_end() {
    let app = app().await;
    let anna = anna(&app).await;
    let otto = app.user_with("otto@example.com", &["keys:read"]).await;
    let month = form_with(json!({ "expires_at": "2026-01-31T00:00:00Z", "name": "monthly" }));
    issued(&app, &anna, &month).await;
    issued(&app, &otto, &month).await;
    issued(&app, &anna, &form()).await;
    issued(
        &app,
        &anna,
        &form_with(json!({ "expires_at": "2026-01-08T00:00:00Z" })),
    )
    .await;
    set_state(&app, &otto, AccountState::Locked).await;
    let emails = async || {
        app.portcullis.warn_expiring().await.unwrap();
        events(&app, "api_key.expiring").await.len()
    };
    let welcome = app.mailer.email_to(&anna.email).await;
    assert!(welcome.text.contains("pcv_"));
    app.clock.advance_secs(23 * 86_400 - 1);
    assert_eq!(emails().await, 0);
    app.clock.advance_secs(1);
    assert_eq!(emails().await, 1);
    let email = app.mailer.email_to(&anna.email).await;
    for part in ["monthly", "pk_live_…", "2026-01-31T00:00:00Z", "id.example.com"] {
        assert!(email.text.contains(part), "{part}: {}", email.text);
    }
    assert_eq!(emails().await, 1, "once is enough");
}

/// A mail system that can be away.
#[derive(Default)]
struct Unsteady {
    away: AtomicBool,
    mailer: FakeMailer,
}

#[async_trait]
impl Mailer for Unsteady {
    async fn send(&self, email: Email, id: Id) -> Result<(), MailError> {
        if self.away.load(Ordering::SeqCst) {
            return Err(MailError::NotNow("away".into()));
        }
        self.mailer.send(email, id).await
    }
}

// Shows: AK-2
#[tokio::test]
async fn a_warning_that_could_not_be_mailed_waits_and_is_mailed_once() {
    let mailer = Arc::new(Unsteady::default());
    let by = Arc::clone(&mailer);
    let app = TestApp::with(|builder| builder.mailer(by as _), api).await;
    let anna = anna(&app).await;
    let month = form_with(json!({ "expires_at": "2026-01-31T00:00:00Z" }));
    issued(&app, &anna, &month).await;
    app.clock.advance_secs(24 * 86_400);
    mailer.away.store(true, Ordering::SeqCst);
    for _ in 0..2 {
        app.portcullis.warn_expiring().await.unwrap();
        app.emails_sent().await;
        app.clock.advance_secs(3_600);
    }
    mailer.away.store(false, Ordering::SeqCst);
    mailer.mailer.email_to(&anna.email).await;
    app.emails_sent().await;
    let email = mailer.mailer.email_to(&anna.email).await;
    assert!(email.subject.contains("expires soon"), "{}", email.subject);
    app.portcullis.warn_expiring().await.unwrap();
    app.emails_sent().await;
    assert_eq!(mailer.mailer.waiting(), 0);
    assert_eq!(events(&app, "api_key.expiring").await.len(), 1, "once is enough");
    assert_eq!(events(&app, "api_key.untold").await.len(), 0);
}

// Shows: AK-2
#[tokio::test]
async fn last_used_is_written_behind_with_the_address() {
    let app = app().await;
    let anna = anna(&app).await;
    let made = issued(&app, &anna, &form()).await;
    let key = text(&made, "key");
    let shown = async || {
        let path = format!("/auth/api-keys/{}", text(&made, "id"));
        let body = app
            .get(&path)
            .bearer(&anna.access_token)
            .send()
            .await
            .expect(200)
            .json();
        (body["last_used_at"].clone(), body["last_used_ip"].clone())
    };
    let ask = async || {
        let request = app.get("/read").api_key(key).from_address("203.0.113.7");
        request.send().await.expect(200)
    };
    ask().await;
    let commits = app.portcullis.database().commits();
    for _ in 0..20 {
        ask().await;
    }
    assert_eq!(
        app.portcullis.database().commits(),
        commits,
        "a request writes nothing"
    );
    assert_eq!(shown().await, (json!(null), json!(null)));
    app.portcullis.write_seen().await.unwrap();
    assert_eq!(
        shown().await,
        (json!("2026-01-01T00:00:00Z"), json!("203.0.113.7"))
    );
    app.clock.advance_secs(61);
    app.get("/read")
        .api_key(key)
        .from_address("203.0.113.8")
        .send()
        .await
        .expect(200);
    app.portcullis.write_seen().await.unwrap();
    assert_eq!(
        shown().await,
        (json!("2026-01-01T00:01:01Z"), json!("203.0.113.8"))
    );
}

/// A Redis that says no more than that it is there, until it is away.
#[cfg(feature = "redis")]
struct Redis {
    url: String,
    running: tokio::task::JoinHandle<()>,
}

#[cfg(feature = "redis")]
impl Redis {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("redis://{}/", listener.local_addr().unwrap());
        let running = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(Self::answer(stream));
            }
        });
        Self { url, running }
    }

    async fn answer(mut stream: tokio::net::TcpStream) {
        let mut asked = [0; 4_096];
        while let Ok(read @ 1..) = stream.read(&mut asked).await {
            // Every command is an array, and nothing else begins with this byte here.
            let commands = asked[..read].iter().filter(|byte| **byte == b'*').count();
            if stream.write_all(&b"+PONG\r\n".repeat(commands)).await.is_err() {
                return;
            }
        }
    }

    /// Closes what is open and lets nobody in any more.
    async fn away(self) {
        self.running.abort();
        assert!(self.running.await.unwrap_err().is_cancelled());
    }
}

#[cfg(feature = "redis")]
#[tokio::test]
async fn last_used_is_written_while_the_session_store_is_away() {
    let redis = Redis::start().await;
    let store = portcullis_identity::SessionStore::Redis(redis.url.clone());
    let app = TestApp::with(|builder| builder.session_store(store), api).await;
    let anna = anna(&app).await;
    let made = issued(&app, &anna, &form()).await;
    let (key, path) = (
        text(&made, "key"),
        format!("/auth/api-keys/{}", text(&made, "id")),
    );
    redis.away().await;
    // The key, and a session: both are to be written down.
    app.clock.advance_secs(61);
    with_key(&app, key, "/read").await.expect(200);
    let shown = app.get(&path).bearer(&anna.access_token).send().await;
    assert_eq!(shown.expect(200).json()["last_used_at"], json!(null));
    app.portcullis
        .write_seen()
        .await
        .expect_err("the sessions' store is away");
    let shown = app.get(&path).bearer(&anna.access_token).send().await;
    assert_eq!(
        shown.expect(200).json()["last_used_at"],
        json!("2026-01-01T00:01:01Z")
    );
}
