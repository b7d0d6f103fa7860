//! `multi_tenant` through the test kit.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "../examples/multi_tenant.rs"]
#[allow(dead_code, unreachable_pub, reason = "its main is a program")]
mod multi_tenant;

use multi_tenant::{Emails, Projects, api, settings};
use portcullis_identity::core::email::{Email, Id, Mailer as _};
use portcullis_testkit::{Account, Answer, Matrix, PASSWORD, TestApp};
use serde_json::{Value, json};

async fn app() -> TestApp {
    let url = "https://projects.example.com/".parse().unwrap();
    let projects = Projects::open(":memory:").unwrap();
    TestApp::with(
        |builder| settings(builder, url).unwrap(),
        |portcullis| api(portcullis, &projects),
    )
    .await
}

async fn call(app: &TestApp, who: &Account, method: &str, path: &str, organization: Option<&str>) -> Answer {
    let request = app
        .request(method.parse().unwrap(), path)
        .bearer(&who.access_token);
    match organization {
        Some(organization) => request.header("x-organization-id", organization).send().await,
        None => request.send().await,
    }
}

async fn create(app: &TestApp, owner: &Account, slug: &str) {
    let body = json!({ "name": slug, "slug": slug });
    let request = app.post("/auth/organizations").bearer(&owner.access_token);
    request.json(&body).send().await.expect(201);
}

async fn listed(app: &TestApp, who: &Account, organization: &str) -> Value {
    let answer = call(app, who, "GET", "/projects", Some(organization)).await;
    answer.expect(200).json()
}

// Shows: AZ-6
#[tokio::test]
async fn no_tenant_sees_or_changes_anothers_projects() {
    let app = app().await;
    let (anna, ben) = (
        app.user("anna@example.com").await,
        app.user("ben@example.com").await,
    );
    create(&app, &anna, "acme").await;
    create(&app, &ben, "other").await;
    for (who, organization, name) in [
        (&anna, "acme", "rocket"),
        (&anna, "acme", "website"),
        (&ben, "other", "rocket"),
        (&ben, "other", "secret"),
    ] {
        let path = format!("/projects/{name}");
        call(&app, who, "PUT", &path, Some(organization))
            .await
            .expect(204);
    }
    // The same name in two organizations is two projects.
    let again = call(&app, &ben, "PUT", "/projects/rocket", Some("other")).await;
    assert_eq!(again.expect(409).code(), "project_taken");
    assert_eq!(listed(&app, &anna, "acme").await, json!(["rocket", "website"]));
    assert_eq!(listed(&app, &ben, "other").await, json!(["rocket", "secret"]));
    call(&app, &anna, "DELETE", "/projects/rocket", Some("acme"))
        .await
        .expect(204);
    // What is another's isn't there, and the other's organization is out of reach whatever is tried.
    call(&app, &anna, "DELETE", "/projects/secret", Some("acme"))
        .await
        .refused(404, "not_found");
    for (method, path, organization, status) in [
        ("GET", "/projects", Some("other"), 403),
        ("PUT", "/projects/mine", Some("other"), 403),
        ("DELETE", "/projects/secret", Some("other"), 403),
        ("GET", "/organizations/other/projects", None, 403),
        ("GET", "/organizations/other/projects", Some("acme"), 400),
        ("GET", "/organizations/acme/projects", Some("other"), 400),
        ("GET", "/projects", None, 400),
    ] {
        let answer = call(&app, &anna, method, path, organization).await.expect(status);
        assert!(!answer.text().contains("secret"), "{method} {path}");
    }
    let by_path = call(&app, &anna, "GET", "/organizations/acme/projects", None).await;
    assert_eq!(by_path.expect(200).json(), json!(["website"]));
    assert_eq!(listed(&app, &ben, "other").await, json!(["rocket", "secret"]));
}

#[tokio::test]
async fn an_invited_viewer_sees_and_changes_nothing() {
    let app = app().await;
    let (anna, ben) = (
        app.user("anna@example.com").await,
        app.user("ben@example.com").await,
    );
    for email in ["anna@example.com", "ben@example.com"] {
        let verify = json!({ "token": app.mailer.code_to(email).await, "password": PASSWORD });
        let request = app.post("/auth/email/verify").json(&verify);
        request.send().await.expect(200);
    }
    create(&app, &anna, "acme").await;
    let invite = json!({ "email": "ben@example.com", "roles": ["viewer"] });
    let request = app
        .post("/auth/organizations/acme/invitations")
        .bearer(&anna.access_token);
    request.json(&invite).send().await.expect(201);
    let email = app.mailer.email_to("ben@example.com").await;
    let code = email
        .text
        .split_whitespace()
        .find(|word| word.starts_with("pci_"))
        .unwrap();
    let link = format!("https://projects.example.com/invited?token={code}");
    assert!(email.text.contains(&link), "{}", email.text);
    for _ in 0..2 {
        let page = app
            .get(&format!("/invited?token={code}"))
            .send()
            .await
            .expect(200);
        assert!(page.text().contains(code), "{}", page.text());
    }
    let request = app.post("/auth/invitations/accept").bearer(&ben.access_token);
    request.json(&json!({ "token": code })).send().await.expect(200);
    call(&app, &anna, "PUT", "/projects/rocket", Some("acme"))
        .await
        .expect(204);
    assert_eq!(listed(&app, &ben, "acme").await, json!(["rocket"]));
    for (method, path) in [("PUT", "/projects/mine"), ("DELETE", "/projects/rocket")] {
        let answer = call(&app, &ben, method, path, Some("acme"))
            .await
            .refused(403, "missing_permission");
        assert_eq!(answer.code(), "missing_permission");
    }
}

#[tokio::test]
async fn an_email_that_cannot_be_written_is_told_and_every_other_is_kept() {
    let folder = tempfile::TempDir::new().unwrap();
    let email = |to: &str| Email {
        to: to.to_owned(),
        subject: "Hello".to_owned(),
        text: "Come in".to_owned(),
    };
    let id = Id::from_uuid("01890000-0000-7000-8000-000000000001".parse().unwrap());
    let error = Emails(folder.path().to_owned())
        .send(email("a@b.example"), id)
        .await;
    assert!(error.unwrap_err().to_string().contains("can't be written"));
    let file = folder.path().join("emails.txt");
    for to in ["a@b.example", "c@d.example"] {
        Emails(file.clone()).send(email(to), id).await.unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(file).unwrap(),
        "To: a@b.example\nSubject: Hello\n\nCome in\nTo: c@d.example\nSubject: Hello\n\nCome in\n"
    );
}

#[tokio::test]
async fn every_route_refuses_every_bad_credential_and_every_other_tenant() {
    let projects = Projects::open(":memory:").unwrap();
    let report = Matrix::of(|portcullis| api(portcullis, &projects)).run().await;
    report.assert_sound();
    let table = report.to_string();
    assert!(
        table.contains("jwt of a member of another organization (bearer)"),
        "{table}"
    );
}
