//! What people, organizations, keys and devices are called: names that can be told apart, and texts that hide nothing.

use portcullis_core::checks;
use portcullis_testkit::{Answer, PASSWORD, TestApp};
use serde_json::{Value, json};

use crate::fixtures::{complaints, log_in_with, me, pairs, password_form, text};

async fn register(app: &TestApp, field: &str, value: &str) -> Answer {
    let body = json!({ field: value, "password": PASSWORD });
    app.post("/auth/register").json(&body).send().await
}

#[tokio::test]
async fn register_refuses_names_that_hide_or_mix_scripts() {
    checks!("T142");
    let app = TestApp::new().await;
    register(&app, "username", "anna").await.expect(201);
    register(&app, "email", "anna@example.com").await.expect(201);
    for name in [
        "anna\u{3164}",
        "an\u{1160}na",
        "anna\u{115f}",
        "an\u{345}na",
        "root\u{3164}",
        "аnna",
        "rооt",
        "rοοt",
        "\u{301}anna",
        "b\u{330}\u{331}\u{332}\u{333}\u{32d}bb",
        "an\u{202e}na",
        "an\u{200b}na",
        "an\u{2066}na",
    ] {
        let answer = register(&app, "username", name)
            .await
            .refused(422, "invalid_fields");
        assert_eq!(
            complaints(&answer),
            pairs(&[("/username", "invalid_username")]),
            "{name:?}"
        );
    }
    for address in [
        "anna\u{3164}@example.com",
        "anna@exam\u{3164}ple.com",
        "anna@exаmple.com",
        "ﬁona@example.com",
        "\u{212a}arl@example.com",
        "сосо@example.com",
    ] {
        let answer = register(&app, "email", address)
            .await
            .refused(422, "invalid_fields");
        assert_eq!(
            complaints(&answer),
            pairs(&[("/email", "invalid_email")]),
            "{address:?}"
        );
    }
}

#[tokio::test]
async fn register_takes_the_words_of_living_scripts() {
    checks!("T142");
    let app = TestApp::new().await;
    register(&app, "username", "ismail").await.expect(201);
    for name in [
        "विक्रम",
        "தமிழ்",
        "জয়",
        "ที่อยู่",
        "राहुल",
        "สมชาย",
        "நீலா",
        "İsmail",
        "می\u{200c}خواهم",
    ] {
        let made = register(&app, "username", name).await.expect(201).json();
        assert_eq!(text(&made, "username"), name);
        log_in_with(&app, name, &json!({})).await.expect(200);
    }
    for address in [
        "संपर्क@डाटामेल.भारत",
        "ที่อยู่@example.com",
        "தமிழ்@example.com",
        "İsmail@example.com",
    ] {
        register(&app, "email", address).await.expect(201);
        log_in_with(&app, address, &json!({})).await.expect(200);
    }
    register(&app, "username", "v\u{169}an").await.expect(201);
    register(&app, "username", "vu\u{303}an")
        .await
        .refused(409, "username_taken");
}

#[tokio::test]
async fn register_refuses_the_names_of_the_server() {
    checks!("T143");
    let app = TestApp::new().await;
    for name in ["administrator", "Operator", "SYSTEM", "anonymous", "0perator"] {
        let answer = register(&app, "username", name)
            .await
            .refused(422, "invalid_fields");
        assert_eq!(
            complaints(&answer),
            pairs(&[("/username", "reserved_username")]),
            "{name:?}"
        );
    }
    register(&app, "username", "root").await.expect(201);
}

#[tokio::test]
async fn emails_go_to_the_address_that_was_compared() {
    checks!("T144");
    let app = TestApp::new().await;
    for (typed, mailed, shown) in [
        (
            "max@müller.example",
            "max@xn--mller-kva.example",
            "max@müller.example",
        ),
        ("x@ｅｘａｍｐｌｅ.com", "x@example.com", "x@example.com"),
        ("boss＠corp．example", "boss@corp.example", "boss@corp.example"),
        (
            "max@maßanfertigung.example",
            "max@xn--maanfertigung-cdb.example",
            "max@maßanfertigung.example",
        ),
        ("Ben@Example.COM", "Ben@example.com", "Ben@example.com"),
    ] {
        let made = register(&app, "email", typed).await.expect(201).json();
        assert_eq!(text(&made, "email"), shown);
        app.mailer.email_to(mailed).await;
        log_in_with(&app, mailed, &json!({})).await.expect(200);
    }
}

#[tokio::test]
async fn space_around_an_identifier_is_forgiven_and_kept_out() {
    let app = TestApp::new().await;
    let made = register(&app, "email", " anna@example.com\t")
        .await
        .expect(201)
        .json();
    assert_eq!(text(&made, "email"), "anna@example.com");
    app.mailer.email_to("anna@example.com").await;
    let made = register(&app, "username", "bob ").await.expect(201).json();
    assert_eq!(text(&made, "username"), "bob");
    for typed in [
        "anna@example.com ",
        " anna@example.com",
        "anna@example.com\n",
        "\tbob",
        "bob\u{a0}",
    ] {
        log_in_with(&app, typed, &json!({})).await.expect(200);
        password_form(&app, typed, PASSWORD).await.expect(200);
    }
    for typed in ["an na@example.com", "anna @example.com", "b ob"] {
        log_in_with(&app, typed, &json!({}))
            .await
            .refused(401, "invalid_credentials");
        register(&app, "email", typed)
            .await
            .refused(422, "invalid_fields");
    }
    // A password is what was typed.
    let body = json!({ "username": "carla", "password": "  spaced  " });
    app.post("/auth/register").json(&body).send().await.expect(201);
    for (password, status) in [("  spaced  ", 200), ("spaced", 401), (" spaced ", 401)] {
        let body = json!({ "identifier": "carla ", "password": password });
        app.post("/auth/login").json(&body).send().await.expect(status);
    }
}

#[tokio::test]
async fn no_text_that_turns_or_hides_is_stored() {
    checks!("T141");
    let app = TestApp::new().await;
    let anna = app.administrator("anna@example.com").await;
    let send = async |method: &str, path: &str, body: Value| {
        let request = app
            .request(method.parse().unwrap(), path)
            .bearer(&anna.access_token);
        request.json(&body).send().await
    };
    let acme = send(
        "POST",
        "/auth/organizations",
        json!({ "slug": "acme", "name": "Acme" }),
    )
    .await;
    let acme = format!("/auth/organizations/{}", text(&acme.expect(201).json(), "id"));
    let session = format!("/auth/sessions/{}", anna.session_id);
    for hostile in HOSTILE {
        let named = format!("safe{hostile}name");
        for (method, path, body) in [
            (
                "POST",
                "/admin/api/v1/roles",
                json!({ "name": "writer", "description": named }),
            ),
            (
                "PUT",
                "/admin/api/v1/permissions/app:read",
                json!({ "description": named }),
            ),
            ("POST", "/admin/api/v1/service-accounts", json!({ "name": named })),
            (
                "POST",
                "/admin/api/v1/organizations",
                json!({ "slug": "other", "name": named, "owner": anna.id }),
            ),
            (
                "POST",
                "/auth/organizations",
                json!({ "slug": "third", "name": named }),
            ),
            ("PATCH", &*acme, json!({ "name": named })),
            (
                "POST",
                "/auth/api-keys",
                json!({ "name": named, "permissions": [] }),
            ),
            ("PATCH", &*session, json!({ "name": named })),
            (
                "POST",
                "/auth/register",
                json!({ "username": named, "password": PASSWORD }),
            ),
        ] {
            let answer = send(method, path, body).await;
            let status = answer.status();
            assert!(
                matches!(status, 400 | 422),
                "{method} {path} {hostile:?}: {status} {}",
                answer.text()
            );
        }
        let login = log_in_with(&app, "anna@example.com", &json!({ "device_name": named })).await;
        assert_eq!(
            complaints(&login.refused(422, "invalid_fields"))[0].1,
            "invalid_device_name"
        );
    }
}

#[tokio::test]
async fn a_user_agent_that_turns_or_hides_is_shown_as_what_it_is() {
    checks!("T141");
    let app = TestApp::new().await;
    let anna = app.administrator("anna@example.com").await;
    let body = json!({ "identifier": "anna@example.com", "password": PASSWORD });
    for hostile in HOSTILE {
        let agent = format!("Agent{hostile}tnegA");
        let login = app.post("/auth/login").header("user-agent", &agent).json(&body);
        login.send().await.expect(200);
    }
    for path in ["/auth/sessions", "/admin/api/v1/audit"] {
        let shown = app.get(path).bearer(&anna.access_token).send().await.expect(200);
        let shown = shown.text().to_owned();
        assert!(shown.contains("Agent\u{fffd}tnegA"), "{path}: {shown}");
        assert!(
            HOSTILE.iter().all(|hostile| !shown.contains(hostile)),
            "{path}: {shown}"
        );
    }
    me(&app, &anna.access_token).await.expect(200);
}

const HOSTILE: [&str; 9] = [
    "\u{202a}",
    "\u{202e}",
    "\u{2066}",
    "\u{2069}",
    "\u{200b}",
    "\u{feff}",
    "\u{ad}",
    "\u{3164}",
    "\u{e0061}",
];
