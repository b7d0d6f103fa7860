//! The pages, through a real socket.

use portcullis_core::checks;

use crate::server::{Place, Server, client};

fn form(token: &str) -> [(&str, &str); 5] {
    [
        ("token", token),
        ("email", "chief@example.com"),
        ("username", "chief"),
        ("password", "a gate that closes"),
        ("password_again", "a gate that closes"),
    ]
}

async fn send(server: &Server, path: &str, header: (&str, &str), form: &[(&str, &str)]) -> reqwest::Response {
    let request = client()
        .post(server.url(path))
        .header(header.0, header.1)
        .form(form);
    request.send().await.unwrap()
}

async fn open(address: &str) -> (u16, String) {
    let answer = client().get(address).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn the_printed_link_makes_the_first_administrator() {
    checks!("T031");
    let place = Place::new();
    let server = place.serve(&[]);
    let (status, page) = open(server.setup_link().unwrap()).await;
    assert_eq!(status, 200);
    assert!(page.contains("<form method=\"post\" action=\"./setup\""));
    let token = server.setup_token();
    let answer = send(
        &server,
        "/setup",
        ("origin", "https://evil.example"),
        &form(&token),
    )
    .await;
    assert_eq!(answer.status(), 403);
    let answer = send(&server, "/setup", ("origin", &server.address), &form(&token)).await;
    assert_eq!(answer.status(), 303);
    assert_eq!(answer.headers()["location"], "./setup/done");
    assert!(
        open(&server.url("/setup/done"))
            .await
            .1
            .contains("An administrator exists")
    );
    let login = serde_json::json!({ "identifier": "chief", "password": "a gate that closes" });
    let answer = client()
        .post(server.url("/auth/login"))
        .json(&login)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn a_mailed_link_leads_to_the_configured_address_and_its_button_confirms() {
    checks!("T028");
    checks!("T029");
    let place = Place::new();
    let server = place.serve(&[]);
    let password = "a gate that closes";
    let body = serde_json::json!({ "email": "anna@example.com", "password": password });
    let asked = client()
        .post(server.url("/auth/register"))
        .header("sec-fetch-site", "same-origin");
    let asked = asked.header("x-forwarded-host", "evil.example").json(&body);
    let evil = asked.try_clone().unwrap().header("host", "evil.example");
    let answer = evil.send().await.unwrap();
    assert_eq!(answer.status(), 421, "a host that isn't ours");
    let answer = asked.send().await.unwrap();
    assert_eq!(answer.status(), 201);

    let email = place.email().await;
    assert!(!email.contains("evil"), "{email}");
    let link = email
        .split_whitespace()
        .find(|word| word.contains("/verify-email?token="))
        .unwrap();
    assert!(link.starts_with(&server.address), "{link}");
    assert_eq!(open(link).await.0, 200);
    assert_eq!(open(link).await.0, 200);
    let code = [
        ("token", link.split_once("token=").unwrap().1),
        ("password", password),
    ];
    let ours = ("sec-fetch-site", "same-origin");
    assert_eq!(send(&server, "/verify-email", ours, &code).await.status(), 303);
    assert_eq!(send(&server, "/verify-email", ours, &code).await.status(), 410);
}
