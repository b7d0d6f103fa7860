//! The page that an invitation's link leads to.

use portcullis_core::checks;
use portcullis_testkit::{Answer, TestApp};

use super::{INVITATION, app, get, post};

/// Ben's address is proven, and invited into an organization: the code that was mailed to him.
async fn invited(app: &TestApp) -> String {
    for name in ["anna", "ben"] {
        prove(app, &format!("{name}@example.com")).await;
    }
    let anna = app.log_in("anna@example.com").await;
    for (path, body) in [
        (
            "/auth/organizations",
            serde_json::json!({ "name": "Acme", "slug": "acme" }),
        ),
        (
            "/auth/organizations/acme/invitations",
            serde_json::json!({ "email": "ben@example.com" }),
        ),
    ] {
        let request = app.post(path).bearer(&anna.access_token).json(&body);
        request.send().await.expect(201);
    }
    let email = app.mailer.email_to("ben@example.com").await;
    let code = email
        .text
        .split_whitespace()
        .find(|word| word.starts_with("pci_"));
    code.unwrap().to_owned()
}

async fn prove(app: &TestApp, email: &str) {
    app.user(email).await;
    let verify = serde_json::json!({ "token": app.mailer.code_to(email).await, "password": portcullis_testkit::PASSWORD });
    app.post("/auth/email/verify")
        .json(&verify)
        .send()
        .await
        .expect(200);
}

pub(super) async fn accept(app: &TestApp, code: &str, identifier: &str, password: &str) -> Answer {
    let fields = [
        ("token", code),
        ("identifier", identifier),
        ("password", password),
    ];
    post(app, "/accept-invitation", &fields).await
}

/// How many organizations the account is in.
async fn organizations(app: &TestApp, email: &str) -> usize {
    let who = app.log_in(email).await;
    let answer = app
        .get("/auth/organizations")
        .bearer(&who.access_token)
        .send()
        .await
        .expect(200);
    answer.json()["items"].as_array().unwrap().len()
}

#[tokio::test]
async fn an_invitations_link_shows_its_code_and_uses_nothing_up() {
    checks!("T029");
    let app = app().await;
    let code = invited(&app).await;
    for _ in 0..3 {
        let page = get(&app, &format!("/accept-invitation?token={code}"))
            .await
            .expect(200);
        assert!(
            page.text()
                .contains(&format!("<code class=\"code\" id=\"code\">{code}</code>"))
        );
    }
    let ben = app.log_in("ben@example.com").await;
    let accept = app.post("/auth/invitations/accept").bearer(&ben.access_token);
    accept
        .json(&serde_json::json!({ "token": code }))
        .send()
        .await
        .expect(200);
    for broken in ["", "?token=", "?token=pci_x", "?token=%22%3E%3Cscript%3E", "/x"] {
        let page = get(&app, &format!("/accept-invitation{broken}")).await;
        assert!(
            page.status() >= 400 && !page.text().contains("<script"),
            "{broken}"
        );
    }
}

#[tokio::test]
async fn an_invitation_is_accepted_by_the_password_of_the_invited_address_alone() {
    checks!("T070");
    let app = app().await;
    let code = invited(&app).await;
    let right = portcullis_testkit::PASSWORD;
    prove(&app, "eve@example.com").await;
    for (who, password, says) in [
        (
            "ben@example.com",
            "another gate that closes",
            "no account with this name and this password",
        ),
        (
            "nobody@example.com",
            right,
            "no account with this name and this password",
        ),
        ("", right, "no account with this name and this password"),
        ("eve@example.com", right, "mailed to another address"),
    ] {
        let page = accept(&app, &code, who, password).await.expect(422);
        let html = page.text();
        assert!(html.contains(says) && html.contains(&code), "{who}: {html}");
        assert!(
            !html.contains(password) && page.header("set-cookie").is_empty(),
            "{who}"
        );
    }
    assert_eq!(organizations(&app, "ben@example.com").await, 0);
    for broken in ["", "pci_x", &code.to_uppercase(), INVITATION] {
        accept(&app, broken, "ben@example.com", right).await.expect(410);
    }
    // A form of another site, as if it had found the code.
    let fields = [
        ("token", code.as_str()),
        ("identifier", "ben@example.com"),
        ("password", right),
    ];
    let form = app
        .post("/accept-invitation")
        .form(&fields)
        .header("origin", "https://evil.example");
    form.send().await.expect(403);

    let sessions = async || {
        let ben = app.log_in("ben@example.com").await;
        let list = app
            .get("/auth/sessions")
            .bearer(&ben.access_token)
            .send()
            .await
            .expect(200);
        list.json()["items"].as_array().unwrap().len()
    };
    let before = sessions().await;
    let answer = accept(&app, &code, "ben@example.com", right).await.expect(303);
    assert_eq!(answer.header("location"), "./accept-invitation/done");
    assert!(answer.header("set-cookie").is_empty(), "nobody stays logged in");
    assert_eq!(sessions().await, before + 1, "that of the question alone");
    assert_eq!(organizations(&app, "ben@example.com").await, 1);
    accept(&app, &code, "ben@example.com", right).await.expect(410);
    let done = get(&app, "/accept-invitation/done").await.expect(200);
    assert!(done.text().contains("If you have just accepted it"));
}
