//! What happens at the same moment, here and in another process.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};

use futures_util::future::join_all;
use portcullis_core::account::AccountState;
use portcullis_core::checks;
use portcullis_core::environment::{Entropy, Environment};
use portcullis_identity::Portcullis;
use portcullis_testkit::{FakeClock, SeededEntropy, TestApp};
use serde_json::json;

use crate::fixtures::{events, log_in_with, me, node, refresh, session_of, set_state, within_a_second};

/// Randomness that stops once at a password's salt: the account was read by then, the hash not yet computed.
struct Pausing {
    drawn: SeededEntropy,
    armed: AtomicBool,
    reached: mpsc::Sender<()>,
    go: Mutex<mpsc::Receiver<()>>,
}

impl Entropy for Pausing {
    fn fill(&self, out: &mut [u8]) {
        if out.len() == SALT && self.armed.swap(false, Ordering::SeqCst) {
            self.reached.send(()).unwrap();
            self.go.lock().unwrap().recv().unwrap();
        }
        self.drawn.fill(out);
    }
}

const SALT: usize = 16;

/// A login that is let go on only after `between` was done to the account; what it answers.
async fn log_in_around(
    between: impl AsyncFnOnce(&TestApp, &portcullis_testkit::Account),
) -> (u16, String, usize) {
    let (reached, arrived) = mpsc::channel();
    let (go, wait) = mpsc::channel();
    let entropy = Arc::new(Pausing {
        drawn: SeededEntropy::new(1),
        armed: AtomicBool::new(false),
        reached,
        go: Mutex::new(wait),
    });
    let on = Environment::new(Arc::new(FakeClock::new()), Arc::clone(&entropy) as _);
    let app = Arc::new(TestApp::with(|builder| builder.environment(on), Portcullis::api).await);
    let anna = app.user("anna@example.com").await;
    entropy.armed.store(true, Ordering::SeqCst);
    let running = Arc::clone(&app);
    let login = tokio::spawn(async move {
        let more = json!({ "delivery": "session" });
        let answer = log_in_with(&running, "anna@example.com", &more).await;
        (answer.status(), answer.code())
    });
    tokio::task::spawn_blocking(move || arrived.recv().unwrap())
        .await
        .unwrap();
    between(&app, &anna).await;
    go.send(()).unwrap();
    let (status, code) = login.await.unwrap();
    let refused = events(&app, "login.refused").await.len();
    (status, code, refused)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn log_in_to_an_account_that_is_disabled_or_locked_during_the_hash_is_refused() {
    checks!("T035");
    for (state, code) in [
        (AccountState::Disabled, "account_disabled"),
        (AccountState::Locked, "account_locked"),
    ] {
        let answer = log_in_around(async |app, anna| set_state(app, anna, state).await).await;
        assert_eq!(
            answer,
            (403, code.to_owned(), 1),
            "the refusal is in the audit log, too"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn log_in_to_an_account_that_is_logged_out_everywhere_during_the_hash_is_refused() {
    checks!("T035");
    let answer = log_in_around(async |app, anna| {
        let request = app.post("/auth/logout/all").bearer(&anna.access_token);
        request.send().await.expect(204);
    })
    .await;
    assert_eq!(answer, (401, "invalid_credentials".to_owned(), 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn log_in_with_nothing_in_between_succeeds() {
    let answer = log_in_around(async |_, _| ()).await;
    assert_eq!(answer, (200, String::new(), 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn inherit_in_a_ring_at_once_leaves_no_cycle() {
    checks!("T025");
    let app = TestApp::new().await;
    let root = app.administrator("root@example.com").await;
    let names: Vec<_> = (0..8).map(|n| format!("role{n}")).collect();
    for name in &names {
        let request = app.post("/admin/api/v1/roles").bearer(&root.access_token);
        request.json(&json!({ "name": name })).send().await.expect(204);
    }
    let ring = (0..8).map(|n| {
        let path = format!("/admin/api/v1/roles/{}/inherits/{}", names[n], names[(n + 1) % 8]);
        let request = app.put(&path).bearer(&root.access_token);
        async move { request.send().await.status() }
    });
    let mut answers = join_all(ring).await;
    answers.sort_unstable();
    assert_eq!(answers, [204, 204, 204, 204, 204, 204, 204, 409]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_administrators_who_disable_each_other_leave_one() {
    for _ in 0..8 {
        let app = TestApp::new().await;
        let anna = app.administrator("anna@example.com").await;
        let otto = app.administrator("otto@example.com").await;
        let disable = |who: &portcullis_testkit::Account, whom: &portcullis_testkit::Account| {
            let path = format!("/admin/api/v1/accounts/{}/state", whom.id);
            let request = app.put(&path).bearer(&who.access_token);
            request.json(&json!({ "state": "disabled" })).send()
        };
        futures_util::future::join(disable(&anna, &otto), disable(&otto, &anna)).await;
        let left = [&anna, &otto].map(|who| me(&app, &who.access_token));
        let left = join_all(left).await;
        assert_eq!(left.iter().filter(|answer| answer.status() == 200).count(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn log_out_and_refresh_at_once_leave_nothing_alive() {
    checks!("T016");
    for _ in 0..8 {
        let app = TestApp::new().await;
        let anna = app.user("anna@example.com").await;
        let refreshes = join_all((0..8).map(|_| refresh(&app, &anna.refresh_token)));
        let log_out = app.post("/auth/logout").bearer(&anna.access_token).send();
        let (refreshed, log_out) = futures_util::future::join(refreshes, log_out).await;
        log_out.expect(204);
        for answer in refreshed.iter().filter(|answer| answer.status() == 200) {
            let body = answer.json();
            me(&app, body["access_token"].as_str().unwrap())
                .await
                .refused(401, "invalid_token");
            refresh(&app, body["refresh_token"].as_str().unwrap())
                .await
                .refused(400, "invalid_grant");
        }
    }
}

// Shows: TK-5
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn another_process_refuses_what_was_revoked_here_within_a_second() {
    checks!("T020");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("app.db");
    let here = node(&file, 1, Portcullis::api).await;
    let there = node(&file, 2, Portcullis::api).await;
    let status = async |token: &str| me(&there, token).await.status();

    let anna = here.user("anna@example.com").await;
    let session = session_of(&here, "anna@example.com").await;
    for token in [&anna.access_token, &session] {
        me(&there, token).await.expect(200);
    }
    let revoke = here
        .post("/oauth/revoke")
        .form(&[("token", anna.access_token.as_str())]);
    revoke.send().await.expect(200);
    within_a_second("a revoked token", async || {
        status(&anna.access_token).await == 401
    })
    .await;
    me(&there, &session).await.expect(200);
    here.post("/auth/logout")
        .cookie(&session)
        .send()
        .await
        .expect(204);
    within_a_second("an ended session", async || status(&session).await == 401).await;

    let pat = here.user("pat@example.com").await;
    let request = here.post("/auth/api-keys").bearer(&pat.access_token);
    let made = request
        .json(&json!({ "name": "ci", "permissions": [] }))
        .send()
        .await;
    let made = made.expect(201).json();
    let key = made["key"].as_str().unwrap();
    me(&there, key).await.expect(200);
    let path = format!("/auth/api-keys/{}", made["id"].as_str().unwrap());
    here.delete(&path)
        .bearer(&pat.access_token)
        .send()
        .await
        .expect(204);
    within_a_second("a revoked API key", async || status(key).await == 401).await;

    let reader = here
        .user_with("reader@example.com", &["portcullis:audit:read"])
        .await;
    let audit = async || {
        let request = there.get("/admin/api/v1/audit").bearer(&reader.access_token);
        request.send().await.status()
    };
    assert_eq!(audit().await, 200);
    let role = format!("r-{}", reader.id.as_uuid().simple());
    let permit = portcullis_core::authz::Permit::dangerous_for_operator();
    let roles = here.portcullis.roles();
    assert!(
        roles
            .unassign(&permit, reader.id, &role, here.by_operator())
            .await
            .is_ok()
    );
    within_a_second("a role taken away", async || audit().await == 403).await;
    set_state(&here, &reader, AccountState::Disabled).await;
    within_a_second("a disabled account", async || audit().await == 401).await;

    // A key that signs here verifies there, whether it was heard of before or not.
    for _ in 0..2 {
        here.portcullis
            .signing_keys()
            .rotate_at_once(
                &portcullis_core::authz::Permit::dangerous_for_operator(),
                here.by_operator(),
            )
            .await
            .unwrap();
    }
    let otto = here.user("otto@example.com").await;
    within_a_second("a rotated key", async || status(&otto.access_token).await == 200).await;
}
