//! Secrets that are easy to recognise, and every place where they must not turn up.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use portcullis_core::checks;
use portcullis_identity::Portcullis;
use portcullis_testkit::{Answer, TestApp};
use serde_json::{Value, json};
use tracing_subscriber::fmt::MakeWriter;

const PASSWORD: &str = "canary-kanarienvogel-4711";
const WRONG: &str = "canary-wellensittich-0815";

/// Everything that is logged, on any thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// The secrets of a walk, and the answers that didn't deliver them.
#[derive(Default)]
struct Walk {
    secrets: BTreeMap<String, String>,
    answers: Vec<(String, String)>,
}

impl Walk {
    fn secret(&mut self, what: &str, text: &str) {
        self.secrets.insert(what.to_owned(), text.to_owned());
    }

    /// Keeps what an answer delivers, and lets no other answer repeat it.
    fn delivers(&mut self, what: &str, answer: &Answer) -> Value {
        let body = answer.json();
        for name in ["access_token", "refresh_token", "session_token"] {
            if let Some(text) = body[name].as_str() {
                self.secret(&format!("{what}: {name}"), text);
            }
        }
        body
    }

    fn answers(&mut self, what: &str, answer: &Answer) {
        let headers = format!("{:?}", answer.headers());
        self.answers
            .push((what.to_owned(), format!("{headers}\n{}", answer.text())));
    }

    /// Fails if any secret is in `text`, whole or by its telling part.
    fn must_not_be_in(&self, place: &str, text: &[u8]) {
        for (what, secret) in &self.secrets {
            let part = telling_part(secret);
            assert!(part.len() >= 8, "{what} is too short to be looked for");
            for needle in [secret.as_str(), part, &secret[secret.len() / 2..]] {
                let found = text
                    .windows(needle.len())
                    .any(|window| window == needle.as_bytes());
                assert!(!found, "{what} is in {place}");
            }
        }
    }
}

/// What makes a secret work: the signature of a JWT, the random part of an opaque token. Both are base64url, where
/// `_` is a digit: only the first one ends an opaque token's prefix.
fn telling_part(secret: &str) -> &str {
    if let Some((_, signature)) = secret.rsplit_once('.') {
        return signature;
    }
    secret
        .strip_prefix("pc")
        .and_then(|rest| rest.split_once('_'))
        .map_or(secret, |(_, random)| random)
}

/// A whole walk, with mistakes on the way.
async fn walk(app: &TestApp) -> Walk {
    let mut walk = Walk::default();
    walk.secret("password", PASSWORD);
    walk.secret("wrong password", WRONG);
    register(app, &mut walk).await;
    let body = json!({ "identifier": "anna@example.com", "password": PASSWORD });
    let answer = app.post("/auth/login").json(&body).send().await.expect(200);
    let tokens = walk.delivers("login", &answer);
    let body = json!({ "identifier": "anna@example.com", "password": PASSWORD, "delivery": "session" });
    let answer = app.post("/auth/login").json(&body).send().await.expect(200);
    let session = walk.delivers("session", &answer);
    let body = json!({ "identifier": "anna@example.com", "password": PASSWORD, "delivery": "cookie" });
    let answer = app.post("/auth/login").json(&body).send().await.expect(200);
    let cookie = answer
        .header("set-cookie")
        .split([';', '='])
        .nth(1)
        .unwrap()
        .to_owned();
    walk.secret("cookie", &cookie);
    let form = [
        ("grant_type", "password"),
        ("username", "anna@example.com"),
        ("password", PASSWORD),
    ];
    let answer = app.post("/oauth/token").form(&form).send().await.expect(200);
    walk.delivers("form", &answer);

    let access = tokens["access_token"].as_str().unwrap();
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let session = session["session_token"].as_str().unwrap();
    use_them(app, &mut walk, [access, session, &cookie]).await;
    use_keys(app, &mut walk, access).await;
    use_pages(app, &mut walk, &cookie).await;
    invite(app, &mut walk, access).await;
    make_mistakes(app, &mut walk, [access, refresh, session]).await;
    renew_and_end(app, &mut walk, access, refresh, &cookie).await;
    walk
}

async fn register(app: &TestApp, walk: &mut Walk) {
    let setup = app.portcullis.registrar().offer_setup().await.unwrap().unwrap();
    walk.secret("set-up token", &setup.expose());
    let body = json!({ "token": *setup.expose(), "email": "root@example.com", "password": PASSWORD });
    let answer = app.post("/auth/setup").json(&body).send().await.expect(201);
    walk.answers("set-up", &answer);
    let body = json!({ "email": "anna@example.com", "username": "anna", "password": PASSWORD });
    // The second time the user name is taken.
    for status in [201, 409] {
        let answer = app.post("/auth/register").json(&body).send().await.expect(status);
        walk.answers("register", &answer);
    }
    let code = app.mailer.code_to("anna@example.com").await;
    walk.secret("mailed code", &code);
    for (password, status) in [(WRONG, 403), (PASSWORD, 200), (PASSWORD, 400)] {
        let body = json!({ "token": code, "password": password });
        let request = app.post("/auth/email/verify").json(&body);
        walk.answers("verify", &request.send().await.expect(status));
    }
}

async fn use_them(app: &TestApp, walk: &mut Walk, [access, session, cookie]: [&str; 3]) {
    for path in ["/auth/me", "/auth/sessions", "/admin/api/v1/audit", "/nowhere"] {
        walk.answers(path, &app.get(path).bearer(access).send().await);
        walk.answers(
            path,
            &app.get(path).header("x-session-token", session).send().await,
        );
        walk.answers(path, &app.get(path).cookie(cookie).send().await);
        let query = format!("{path}?access_token={access}&password={PASSWORD}");
        walk.answers(path, &app.get(&query).send().await);
    }
}

async fn use_keys(app: &TestApp, walk: &mut Walk, access: &str) {
    let form = json!({ "name": "ci", "permissions": [], "networks": ["203.0.113.0/24"], "limit": "2/hour" });
    let made = app.post("/auth/api-keys").bearer(access).json(&form).send().await;
    let made = made.expect(201).json();
    let rotate = format!("/auth/api-keys/{}/rotate", made["id"].as_str().unwrap());
    let rotated = app.post(&rotate).bearer(access).json(&json!({})).send().await;
    let rotated = rotated.expect(200).json();
    for (what, body) in [("API key", &made), ("rotated API key", &rotated)] {
        let key = body["key"].as_str().unwrap();
        walk.secret(what, key);
        for address in ["203.0.113.7", "198.51.100.1", "203.0.113.7", "203.0.113.7"] {
            let request = app.get("/auth/me").api_key(key).from_address(address);
            walk.answers("key", &request.send().await);
        }
        for request in [
            app.get(&format!("/auth/me?api_key={key}")),
            app.get(&format!("/auth/api-keys/{key}")).bearer(access),
            app.get("/auth/me").api_key(&key.replacen("live", "test", 1)),
            app.get("/auth/me").api_key(key).bearer(access),
            app.get("/auth/me").header("x-session-token", key),
            app.get("/auth/api-keys").bearer(access),
            app.post(&rotate).bearer(access).json(&json!({})),
        ] {
            walk.answers("key", &request.send().await);
        }
    }
}

/// The CSRF tokens of a cookie, each where it belongs and where it doesn't.
async fn use_pages(app: &TestApp, walk: &mut Walk, cookie: &str) {
    let told = app.get("/auth/csrf").cookie(cookie).send().await.expect(200);
    let csrf = told.json()["csrf_token"].as_str().unwrap().to_owned();
    walk.secret("CSRF token", &csrf);
    for path in ["/auth/sessions/others", "/auth/nowhere"] {
        let page = app.delete(path).bare_cookie(cookie);
        walk.answers(path, &page.header("x-csrf-token", &csrf).send().await);
    }
    let forged = csrf.chars().rev().collect::<String>();
    for token in [forged.as_str(), &csrf] {
        let elsewhere = app.post("/auth/organizations").bare_cookie(cookie);
        let elsewhere = elsewhere
            .header("x-csrf-token", token)
            .json(&json!({ "name": csrf }));
        walk.answers("forged page", &elsewhere.send().await);
        walk.answers("bearer", &app.get("/auth/me").bearer(&csrf).send().await);
    }
}

/// An invitation, tried by somebody else and in the wrong places.
async fn invite(app: &TestApp, walk: &mut Walk, access: &str) {
    let body = json!({ "name": "Acme", "slug": "acme" });
    let made = app
        .post("/auth/organizations")
        .bearer(access)
        .json(&body)
        .send()
        .await;
    walk.answers("organization", &made.expect(201));
    let body = json!({ "email": "ben@example.com", "roles": [] });
    let path = "/auth/organizations/acme/invitations";
    let invited = app.post(path).bearer(access).json(&body).send().await;
    walk.answers("invite", &invited.expect(201));
    let email = app.mailer.email_to("ben@example.com").await;
    let code = email
        .text
        .split_whitespace()
        .find(|word| word.starts_with("pci_"));
    let code = code.unwrap().to_owned();
    walk.secret("invitation", &code);
    walk.answers(
        "invitations",
        &app.get(path).bearer(access).send().await.expect(200),
    );
    for (path, body) in [
        ("/auth/invitations/accept", json!({ "token": code })),
        ("/auth/email/verify", json!({ "token": code })),
    ] {
        let answer = app.post(path).bearer(access).json(&body).send().await;
        assert!(answer.status() >= 400, "{path}");
        walk.answers(path, &answer);
    }
    walk.answers(
        "bearer",
        &app.get("/auth/me")
            .bearer(&code)
            .send()
            .await
            .refused(401, "invalid_token"),
    );
}

/// Secrets where they don't belong, and requests that break.
async fn make_mistakes(app: &TestApp, walk: &mut Walk, [access, refresh, session]: [&str; 3]) {
    let wrong = json!({ "identifier": "anna@example.com", "password": WRONG });
    let swapped = json!({ "identifier": PASSWORD, "password": "anna@example.com" });
    let unknown = json!({ "identifier": "anna", "password": PASSWORD, PASSWORD: PASSWORD });
    let typed = json!({ "identifier": "anna", "password": [PASSWORD] });
    let name =
        json!({ "identifier": "anna", "password": PASSWORD, "device_name": format!("{PASSWORD}\u{7}") });
    let short = json!({ "email": PASSWORD, "username": PASSWORD, "password": PASSWORD });
    for (path, body) in [
        ("/auth/login", &wrong),
        ("/auth/login", &swapped),
        ("/auth/login", &typed),
        ("/auth/login", &name),
        ("/auth/register", &short),
        ("/auth/email/verify", &json!({ "token": refresh })),
        (
            "/auth/setup",
            &json!({ "token": session, "email": "x@example.com", "password": WRONG }),
        ),
    ] {
        let answer = app.post(path).json(body).send().await;
        assert!(answer.status() >= 400, "{path} {body}");
        walk.answers(path, &answer);
    }
    // A field's name is the caller's own words: an unknown one is named back, so no secret of ours is in it.
    app.post("/auth/login")
        .json(&unknown)
        .send()
        .await
        .refused(422, "invalid_fields");
    let broken = format!("{{\"identifier\":\"anna\",\"password\":\"{PASSWORD}\"");
    let request = app
        .post("/auth/login")
        .bytes("application/json", broken.as_bytes());
    walk.answers("broken JSON", &request.send().await.refused(400, "invalid_json"));
    let broken = format!("grant_type=password&username=%zz&password={PASSWORD}&refresh_token={refresh}");
    let request = app
        .post("/oauth/token")
        .bytes("application/x-www-form-urlencoded", broken.as_bytes());
    walk.answers(
        "broken form",
        &request.send().await.refused(400, "invalid_request"),
    );
    let twice = app
        .get("/auth/me")
        .bearer(access)
        .header("x-session-token", session);
    walk.answers(
        "two credentials",
        &twice.send().await.refused(400, "multiple_credentials"),
    );
    let basic = app
        .get("/auth/me")
        .header("authorization", &format!("Basic {PASSWORD}"));
    walk.answers("no pair", &basic.send().await.refused(400, "invalid_request"));
    for (identifier, password) in [("anna@example.com", PASSWORD), (PASSWORD, "anna@example.com")] {
        let basic = app.get("/auth/me").basic(identifier, password);
        walk.answers(
            "basic",
            &basic.send().await.refused(401, "credential_not_accepted"),
        );
    }
    walk.answers(
        "forged",
        &app.get("/auth/me")
            .bearer(&format!("{access}x"))
            .send()
            .await
            .refused(401, "invalid_token"),
    );
    let path = format!("/auth/sessions/{session}");
    walk.answers(
        "path",
        &app.delete(&path)
            .bearer(access)
            .send()
            .await
            .refused(404, "not_found"),
    );
}

async fn renew_and_end(app: &TestApp, walk: &mut Walk, access: &str, refresh: &str, cookie: &str) {
    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
    let answer = app.post("/oauth/token").form(&form).send().await.expect(200);
    let next = walk.delivers("refresh", &answer);
    app.clock.advance_secs(60);
    let successor = next["refresh_token"].as_str().unwrap();
    let used = [("grant_type", "refresh_token"), ("refresh_token", successor)];
    let answer = app.post("/oauth/token").form(&used).send().await.expect(200);
    walk.delivers("refresh of the successor", &answer);
    app.clock.advance_secs(60);
    let answer = app
        .post("/oauth/token")
        .form(&form)
        .send()
        .await
        .refused(400, "invalid_grant");
    walk.answers("replay", &answer);
    for token in [
        access,
        refresh,
        next["access_token"].as_str().unwrap(),
        cookie,
        PASSWORD,
    ] {
        let answer = app
            .post("/oauth/revoke")
            .form(&[("token", token)])
            .send()
            .await
            .expect(200);
        walk.answers("revoke", &answer);
    }
    let permit = portcullis_core::authz::Permit::dangerous_for_operator();
    let keyring = app.portcullis.signing_keys();
    keyring.rotate_at_once(&permit, app.by_operator()).await.unwrap();
    app.portcullis.write_seen().await.unwrap();
    app.portcullis.sweep().await.unwrap();
    app.portcullis.gate().settled().await;
    // Faults are logged, too: no row's content may come along.
    let body = json!({ "identifier": "anna", "password": PASSWORD });
    app.portcullis.database().close().await;
    walk.answers(
        "fault",
        &app.post("/auth/login")
            .json(&body)
            .send()
            .await
            .refused(503, "unavailable"),
    );
    let answer = app
        .post("/oauth/token")
        .form(&form)
        .send()
        .await
        .refused(503, "temporarily_unavailable");
    walk.answers("fault", &answer);
}

/// Every value of every table, as it stands in the file.
fn dump(file: &Path) -> BTreeMap<String, Vec<u8>> {
    use rusqlite::types::ValueRef;
    let database = rusqlite::Connection::open(file).unwrap();
    let mut tables = database
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")
        .unwrap();
    let names: Vec<String> = tables
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let mut all = BTreeMap::new();
    for name in names {
        let mut select = database.prepare(&format!("SELECT * FROM {name}")).unwrap();
        let columns = select.column_count();
        let mut rows = select.query([]).unwrap();
        let mut text = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            for column in 0..columns {
                match row.get_ref(column).unwrap() {
                    ValueRef::Text(bytes) | ValueRef::Blob(bytes) => text.extend_from_slice(bytes),
                    ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => {}
                }
                text.push(b'\n');
            }
        }
        all.insert(name, text);
    }
    all
}

// Shows: OP-5
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_is_in_a_log_line_an_answer_or_the_database() {
    checks!("T015");
    checks!("T030");
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(log.clone())
        .finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("app.db");
    let url = format!("sqlite:{}", file.display());
    let app = TestApp::with(|builder| builder.database(&url), Portcullis::api).await;

    let walk = walk(&app).await;
    assert!(walk.secrets.len() >= 12, "{:?}", walk.secrets.keys());
    for (what, answer) in &walk.answers {
        walk.must_not_be_in(what, answer.as_bytes());
    }
    let logged = log.0.lock().unwrap().clone();
    let lines = String::from_utf8_lossy(&logged);
    for line in [
        "portcullis::request",
        "credential refused",
        "store fault",
        "DEBUG",
    ] {
        assert!(lines.contains(line), "no line with {line:?} was captured");
    }
    walk.must_not_be_in("the log", &logged);

    let tables = dump(&file);
    for table in [
        "portcullis_accounts",
        "portcullis_passwords",
        "portcullis_sessions",
        "portcullis_refresh_tokens",
        "portcullis_audit_events",
        "portcullis_decisions",
        "portcullis_verifications",
        "portcullis_organization_invitations",
    ] {
        assert!(
            !tables[table].is_empty(),
            "{table} is empty: the dump proves nothing"
        );
    }
    for (table, values) in &tables {
        walk.must_not_be_in(&format!("the table {table}"), values);
        let encoded = values.windows(8).any(|window| window == b"$argon2i");
        assert!(!encoded, "an unsealed hash is in the table {table}");
    }
    // What was deleted or overwritten must not stay in the file's pages either.
    for name in ["app.db", "app.db-wal"] {
        if let Ok(bytes) = std::fs::read(folder.path().join(name)) {
            walk.must_not_be_in(name, &bytes);
        }
    }
    random_bytes_are_digested(&walk, &tables);
}

/// The random bytes of an opaque token would be as good as its text.
fn random_bytes_are_digested(walk: &Walk, tables: &BTreeMap<String, Vec<u8>>) {
    use base64::Engine as _;
    let opaque = walk.secrets.values().filter(|text| text.starts_with("pc"));
    let mut checked = 0;
    for text in opaque {
        let body = text.split_once('_').unwrap().1;
        let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD
            .decode(body)
            .unwrap();
        // What stands before the secret of a refresh token is the id of its session, which is none.
        assert!(
            bytes.len() == 32 || (bytes.len() == 48 && text.starts_with("pcr_")),
            "{text}"
        );
        let secret = &bytes[bytes.len() - 32..];
        for (table, values) in tables {
            let found = values.windows(32).any(|window| window == secret);
            assert!(!found, "the bytes of {} are in {table}", &text[..8]);
        }
        checked += 1;
    }
    assert!(checked >= 6, "{checked}");
}
