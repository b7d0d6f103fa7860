mod invitation;
mod look;

use portcullis_core::account::SetupToken;
use portcullis_core::checks;
use portcullis_testkit::{Answer, TestApp};

use super::*;
use crate::config::{Config, Flag, Sources};

const ORIGIN: &str = "https://id.example.com";
const PASSWORD: &str = "a gate that closes";

async fn app() -> TestApp {
    branded(&[]).await
}

/// A server with these keys set.
async fn branded(keys: &[(&str, &str)]) -> TestApp {
    let flag = |(key, value): &(&str, &str)| Flag {
        key: (*key).to_owned(),
        value: (*value).to_owned(),
        typed: format!("--set {key}"),
    };
    let sources = Sources {
        flags: keys.iter().map(flag).collect(),
        ..Sources::default()
    };
    let brand = Config::load(&sources).unwrap().brand;
    let api = |portcullis: &Portcullis| {
        portcullis
            .api()
            .merge(pages(portcullis, &Url::parse(ORIGIN).unwrap(), &brand))
    };
    TestApp::with(|builder| builder, api).await
}

async fn setup_token(app: &TestApp) -> String {
    app.portcullis
        .registrar()
        .offer_setup()
        .await
        .unwrap()
        .unwrap()
        .expose()
        .to_string()
}

async fn get(app: &TestApp, path: &str) -> Answer {
    app.get(path).send().await
}

async fn post(app: &TestApp, path: &str, fields: &[(&str, &str)]) -> Answer {
    app.post(path).header("origin", ORIGIN).form(fields).send().await
}

async fn set_up(app: &TestApp, token: &str, email: &str, password: &str, again: &str) -> Answer {
    let fields = [
        ("token", token),
        ("email", email),
        ("username", ""),
        ("password", password),
        ("password_again", again),
    ];
    post(app, "/setup", &fields).await
}

async fn log_in(app: &TestApp, email: &str) -> u16 {
    let form = serde_json::json!({ "identifier": email, "password": PASSWORD });
    app.post("/auth/login").json(&form).send().await.status()
}

#[tokio::test]
async fn a_setup_page_without_a_good_token_is_closed() {
    checks!("T031");
    let app = app().await;
    let (old, token) = (setup_token(&app).await, setup_token(&app).await);
    for query in [
        String::new(),
        "?token=".into(),
        "?token=pcsetup_x".into(),
        format!("?token={old}"),
        format!("?token={}", token.to_uppercase()),
        format!("?token={}", token.replace("pcsetup_", "pcv_")),
        format!("?token={token}&token={token}"),
        format!("?token={token}%00"),
    ] {
        let page = get(&app, &format!("/setup{query}")).await.expect(410);
        assert!(
            page.text().contains("Set-up is closed") && !page.text().contains("<form"),
            "{query}"
        );
    }
    let page = set_up(&app, &old, "a@b.example", PASSWORD, PASSWORD)
        .await
        .expect(410);
    assert!(page.text().contains("Set-up is closed"));
    assert_eq!(log_in(&app, "a@b.example").await, 401);
    // An hour short of a day it is good still, after a day it isn't.
    app.clock.advance_secs(24 * 3_600 - 1);
    get(&app, &format!("/setup?token={token}")).await.expect(200);
    app.clock.advance_secs(1);
    get(&app, &format!("/setup?token={token}")).await.expect(410);
}

// Shows: OP-3
#[tokio::test]
async fn looking_at_the_setup_page_uses_nothing_up() {
    checks!("T029");
    let app = app().await;
    let token = setup_token(&app).await;
    for _ in 0..3 {
        let page = get(&app, &format!("/setup?token={token}")).await.expect(200);
        assert!(page.text().contains(&format!("name=\"token\" value=\"{token}\"")));
    }
    set_up(&app, &token, "chief@example.com", PASSWORD, PASSWORD)
        .await
        .expect(303);
}

// Shows: OP-1
#[tokio::test]
async fn one_administrator_is_made_and_set_up_closes() {
    checks!("T031");
    let app = app().await;
    let token = setup_token(&app).await;
    let answer = set_up(&app, &token, "chief@example.com", PASSWORD, PASSWORD)
        .await
        .expect(303);
    assert_eq!(answer.header("location"), "./setup/done");
    assert!(
        get(&app, "/setup/done")
            .await
            .expect(200)
            .text()
            .contains("An administrator exists")
    );
    assert_eq!(log_in(&app, "chief@example.com").await, 200);
    // Whoever has the set-up link needs no e-mail to get in.
    assert_eq!(app.mailer.waiting(), 0);

    get(&app, &format!("/setup?token={token}")).await.expect(410);
    set_up(&app, &token, "thief@example.com", PASSWORD, PASSWORD)
        .await
        .expect(410);
    let other = SetupToken::from_bytes([1; 32]).expose().to_string();
    set_up(&app, &other, "thief@example.com", PASSWORD, PASSWORD)
        .await
        .expect(410);
    assert_eq!(log_in(&app, "thief@example.com").await, 401);
    assert!(app.portcullis.registrar().offer_setup().await.unwrap().is_none());
}

#[tokio::test]
async fn a_faulty_form_comes_back_with_its_faults_and_without_the_passwords() {
    checks!("T030");
    let app = app().await;
    let token = setup_token(&app).await;
    let hostile = "\"><script>alert(1)</script>";
    for (email, password, again, says, field) in [
        ("", PASSWORD, PASSWORD, "Enter an e-mail address.", "email"),
        ("nobody", PASSWORD, PASSWORD, "Not an e-mail address", "email"),
        (hostile, PASSWORD, PASSWORD, "Not an e-mail address", "email"),
        (
            "chief@example.com",
            "short",
            "short",
            "Use at least 8 characters.",
            "password",
        ),
        (
            "chief@example.com",
            "chief@example.com",
            "chief@example.com",
            "your e-mail address",
            "password",
        ),
        (
            "chief@example.com",
            PASSWORD,
            "another gate",
            "The two passwords differ.",
            "password_again",
        ),
    ] {
        let page = set_up(&app, &token, email, password, again).await.expect(422);
        let html = page.text();
        assert!(html.contains(says), "{says} in {html}");
        assert!(
            html.contains(&format!("<a href=\"#{field}\">")),
            "the summary leads to the field: {html}"
        );
        assert!(html.contains(&format!(
            "aria-describedby=\"{}",
            if field == "password" { "password-hint " } else { "" }
        )));
        assert!(html.contains(&format!("{field}-error-0")), "{html}");
        assert_eq!(html.matches("aria-invalid").count(), 1, "{html}");
        assert_eq!(html.matches("autofocus").count(), 1, "{html}");
        assert!(!html.contains("<script"), "{html}");
        if email == "chief@example.com" && password != email {
            assert!(
                html.contains("value=\"chief@example.com\""),
                "what was entered stays: {html}"
            );
        }
        assert!(
            !html.contains("another gate") && !html.contains(PASSWORD),
            "{html}"
        );
    }
    // The link is good still.
    set_up(&app, &token, "chief@example.com", PASSWORD, PASSWORD)
        .await
        .expect(303);
}

#[tokio::test]
async fn a_taken_address_is_said_and_the_link_stays_good() {
    let app = app().await;
    app.user("anna@example.com").await;
    let code = app.mailer.code_to("anna@example.com").await;
    let proof = [
        ("token", code.as_str()),
        ("password", portcullis_testkit::PASSWORD),
    ];
    post(&app, "/verify-email", &proof).await.expect(303);
    let token = setup_token(&app).await;
    let page = set_up(&app, &token, "Anna@Example.com", PASSWORD, PASSWORD)
        .await
        .expect(409);
    assert!(
        page.text()
            .contains("An account has proven this address already.")
    );
    set_up(&app, &token, "chief@example.com", PASSWORD, PASSWORD)
        .await
        .expect(303);
}

#[tokio::test]
async fn forms_of_other_sites_change_nothing() {
    checks!("T023");
    let app = app().await;
    let token = setup_token(&app).await;
    app.user("anna@example.com").await;
    let code = app.mailer.code_to("anna@example.com").await;
    let setup = [
        ("token", token.as_str()),
        ("email", "thief@example.com"),
        ("password", PASSWORD),
        ("password_again", PASSWORD),
    ];
    for (name, value) in [
        ("x-nothing", "x"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
    ] {
        for (path, fields) in [
            ("/setup", &setup[..]),
            (
                "/verify-email",
                &[
                    ("token", code.as_str()),
                    ("password", portcullis_testkit::PASSWORD),
                ],
            ),
        ] {
            let answer = app.post(path).header(name, value).form(fields).send().await;
            assert_eq!(answer.status(), 403, "{path} {name}: {value}");
        }
    }
    assert_eq!(log_in(&app, "thief@example.com").await, 401);
    post(
        &app,
        "/verify-email",
        &[("token", &code), ("password", portcullis_testkit::PASSWORD)],
    )
    .await
    .expect(303);
}

// Shows: OP-3
#[tokio::test]
async fn a_mailed_link_is_used_up_by_its_button_alone() {
    checks!("T029");
    let app = app().await;
    app.user("anna@example.com").await;
    let code = app.mailer.code_to("anna@example.com").await;
    for _ in 0..3 {
        let page = get(&app, &format!("/verify-email?token={code}"))
            .await
            .expect(200);
        assert!(page.text().contains("<button type=\"submit\""));
    }
    let right = [
        ("token", code.as_str()),
        ("password", portcullis_testkit::PASSWORD),
    ];
    let wrong = [("token", code.as_str()), ("password", PASSWORD)];
    let alone = [("token", code.as_str())];
    for fields in [&wrong[..], &alone[..]] {
        let page = post(&app, "/verify-email", fields).await.expect(422);
        assert!(page.text().contains(&code) && page.text().contains("role=\"alert\""));
        assert!(!page.text().contains(PASSWORD));
    }
    let answer = post(&app, "/verify-email", &right).await.expect(303);
    assert_eq!(answer.header("location"), "./verify-email/done");
    get(&app, "/verify-email/done").await.expect(200);
    let page = post(&app, "/verify-email", &right).await.expect(410);
    assert!(page.text().contains("This link leads nowhere"));
    // The way to another is on the same page.
    assert!(page.text().contains("action=\"./verify-email/again\""));
    for broken in ["", "?token=", "?token=pcv_x", "?token=%22%3E%3Cscript%3E"] {
        let page = get(&app, &format!("/verify-email{broken}")).await.expect(410);
        assert!(!page.text().contains("<script"), "{broken}");
    }
}

#[tokio::test]
async fn whoever_did_not_register_the_account_takes_it_over_on_the_page() {
    checks!("T120");
    let app = app().await;
    let attacker = app.user("ceo@corp.example").await;
    let code = app.mailer.code_to("ceo@corp.example").await;
    let take = |new: &'static str, again: &'static str| {
        let fields = [
            ("token", code.clone()),
            ("new_password", new.to_owned()),
            ("new_password_again", again.to_owned()),
        ];
        let app = &app;
        async move {
            let fields: Vec<(&str, &str)> = fields
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            post(app, "/verify-email", &fields).await
        }
    };
    take("short", "short").await.expect(422);
    take(PASSWORD, "another one entirely").await.expect(422);
    take(PASSWORD, PASSWORD).await.expect(303);
    app.get("/auth/me")
        .bearer(&attacker.access_token)
        .send()
        .await
        .refused(401, "invalid_token");
    assert_eq!(log_in(&app, "ceo@corp.example").await, 200);
}

#[tokio::test]
async fn another_code_is_asked_for_on_a_page_that_answers_everybody_alike() {
    checks!("T122");
    let app = app().await;
    app.user("anna@example.com").await;
    app.mailer.code_to("anna@example.com").await;
    get(&app, "/verify-email/again").await.expect(200);
    let ask = async |who: &str| post(&app, "/verify-email/again", &[("identifier", who)]).await;
    let (known, unknown) = (ask("anna@example.com").await, ask("nobody@example.com").await);
    assert_eq!((known.status(), known.text()), (unknown.status(), unknown.text()));
    known.expect(200);
    app.mailer.code_to("anna@example.com").await;
    ask("not an address").await.expect(422);
    for _ in 0..4 {
        ask("anna@example.com").await.expect(200);
        ask("nobody@example.com").await.expect(200);
    }
    ask("anna@example.com").await.expect(429);
    ask("nobody@example.com").await.expect(429);
}

#[tokio::test]
async fn forms_with_other_fields_are_refused() {
    checks!("T026");
    let app = app().await;
    let token = setup_token(&app).await;
    let fields = [
        ("token", token.as_str()),
        ("email", "chief@example.com"),
        ("password", PASSWORD),
        ("password_again", PASSWORD),
        ("role", "x"),
    ];
    post(&app, "/setup", &fields).await.refused(422, "invalid_fields");
    assert_eq!(log_in(&app, "chief@example.com").await, 401);
}

// Shows: OP-3
#[tokio::test]
async fn every_page_is_plain_private_and_alone() {
    let app = app().await;
    let token = setup_token(&app).await;
    let pages = [
        "/".to_owned(),
        "/setup".to_owned(),
        format!("/setup?token={token}"),
        "/setup/done".to_owned(),
        "/setup/nowhere".to_owned(),
        "/accept-invitation".to_owned(),
        "/accept-invitation/done".to_owned(),
        format!("/accept-invitation?token={INVITATION}"),
        "/verify-email".to_owned(),
        format!("/verify-email?token={VERIFICATION}"),
        "/verify-email/done".to_owned(),
        "/verify-email/again".to_owned(),
    ];
    for path in pages {
        let page = get(&app, &path).await;
        let html = page.text();
        assert!(
            html.starts_with("<!doctype html>\n<html lang=\"en\">"),
            "{path}: {html}"
        );
        let policy = page.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; style-src 'self'"),
            "{path}: {policy}"
        );
        assert!(
            policy.contains("frame-ancestors 'none'") && policy.contains("form-action 'self'"),
            "{path}"
        );
        let html = &without_our_script(&path, html, policy);
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert!(policy.contains("base-uri 'none'"), "{path}: {policy}");
        assert_eq!(page.header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(page.header("cache-control"), "no-store", "{path}");
        assert_eq!(page.header("x-content-type-options"), "nosniff", "{path}");
        for banned in [
            "<script",
            "style=",
            "<style",
            " onclick",
            " onload",
            " onsubmit",
            "http://",
            "https://",
        ] {
            assert!(!html.contains(banned), "{path}: {banned} in {html}");
        }
        assert_eq!(html.matches("<h1>").count(), 1, "{path}");
        assert!(html.contains("<title>") && html.contains("<main>"), "{path}");
        every_label_has_its_field(&path, html);
    }
}

fn every_label_has_its_field(path: &str, html: &str) {
    for label in html.split("<label for=\"").skip(1) {
        let id = label.split('"').next().unwrap();
        assert_eq!(
            html.matches(&format!("id=\"{id}\"")).count(),
            1,
            "{path}: a field for the label {id}"
        );
    }
}

/// The page's text without the script that one page may have: what stands in a page never runs.
fn without_our_script(path: &str, html: &str, policy: &str) -> String {
    let scripted = path.contains(INVITATION);
    assert_eq!(
        policy.contains("script-src 'self';"),
        scripted,
        "{path}: {policy}"
    );
    if !scripted {
        return html.to_owned();
    }
    let ours = "<script src=\"./assets/copy.js\" defer></script>";
    assert!(html.contains(ours), "{path}: {html}");
    html.replacen(ours, "", 1)
}

const VERIFICATION: &str = "pcv_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const INVITATION: &str = "pci_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

#[tokio::test]
async fn style_and_icon_are_ours_and_may_be_kept() {
    let app = app().await;
    for (path, kind) in [
        ("/assets/portcullis.css", "text/css"),
        ("/assets/mark", "image/svg+xml"),
        ("/assets/copy.js", "text/javascript"),
    ] {
        let answer = get(&app, path).await.expect(200);
        assert!(answer.header("content-type").starts_with(kind), "{path}");
        assert_eq!(answer.header("cache-control"), "public, max-age=3600", "{path}");
        assert!(!answer.text().contains("url("), "{path}");
    }
    get(&app, "/assets/../portcullis.db").await.expect(404);
    get(&app, "/assets/other").await.expect(404);
}

#[tokio::test]
async fn passwords_are_masked_and_may_be_pasted_and_remembered() {
    let app = app().await;
    let token = setup_token(&app).await;
    let page = get(&app, &format!("/setup?token={token}")).await.expect(200);
    let html = page.text();
    let fields: Vec<_> = html.split("<input ").skip(1).collect();
    let masked = fields.iter().filter(|field| field.contains("type=\"password\""));
    let masked: Vec<_> = masked.map(|field| field.split('>').next().unwrap()).collect();
    assert_eq!(masked.len(), 2, "{html}");
    for field in masked {
        assert!(field.contains("autocomplete=\"new-password\""), "{field}");
        assert!(field.contains("value=\"\""), "{field}");
        for hindrance in ["maxlength", "pattern=", "onpaste", "readonly"] {
            assert!(!field.contains(hindrance), "{field}");
        }
    }
}

/// Escaping is the templates' default; none of them may lift it.
#[test]
fn no_template_lets_markup_through() {
    let mut folders = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ui")];
    let mut templates = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "html") {
                let text = std::fs::read_to_string(&path).unwrap();
                let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
                for way in ["|safe", "|escape", "autoescape", "{%raw"] {
                    assert!(!text.contains(way), "{}: {way}", path.display());
                }
                templates += 1;
            }
        }
    }
    assert!(templates >= 5);
}
