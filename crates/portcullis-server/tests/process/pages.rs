//! The pages, through a real socket.

use portcullis_core::checks;

use crate::server::{Place, client};

#[tokio::test]
async fn the_printed_link_makes_the_first_administrator() {
    checks!("T031");
    let place = Place::new();
    let server = place.serve(&[]);
    let link = server.setup_link().unwrap();
    let page = client().get(link).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("<form method=\"post\" action=\"/setup\""));
    let token = link.split_once("token=").unwrap().1;
    let form = [
        ("token", token),
        ("email", "chief@example.com"),
        ("username", "chief"),
        ("password", "a gate that closes"),
        ("password_again", "a gate that closes"),
    ];
    let send = client()
        .post(server.url("/setup"))
        .header("origin", "https://evil.example")
        .form(&form)
        .send();
    assert_eq!(send.await.unwrap().status(), 403);
    let send = client()
        .post(server.url("/setup"))
        .header("origin", &server.address)
        .form(&form)
        .send();
    assert_eq!(send.await.unwrap().status(), 303);
    let login = serde_json::json!({ "identifier": "chief", "password": "a gate that closes" });
    assert_eq!(
        client()
            .post(server.url("/auth/login"))
            .json(&login)
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
}

#[tokio::test]
async fn a_browser_walks_through_set_up_and_confirms_its_address() {
    checks!("T029");
    let place = Place::new();
    let server = place.serve(&[]);
    let token = server
        .setup_link()
        .unwrap()
        .split_once("token=")
        .unwrap()
        .1
        .to_owned();
    let form = [
        ("token", token.as_str()),
        ("email", "chief@example.com"),
        ("username", "chief"),
        ("password", "a gate that closes"),
        ("password_again", "a gate that closes"),
    ];
    let send = |path: &str, form: &[(&str, &str)]| {
        client()
            .post(server.url(path))
            .header("sec-fetch-site", "same-origin")
            .form(form)
            .send()
    };
    let answer = send("/setup", &form).await.unwrap();
    assert_eq!(answer.status(), 303);
    assert_eq!(answer.headers()["location"], "/setup/done");
    let done = client()
        .get(server.url("/setup/done"))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(done.contains("The administrator exists"));

    let letter = crate::server::within(std::time::Duration::from_secs(5), || async {
        std::fs::read_dir(place.path("data/mail")).is_ok_and(|mut letters| letters.next().is_some())
    });
    assert!(letter.await, "{}", server.log());
    let file = std::fs::read_dir(place.path("data/mail"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    assert_eq!(crate::server::mode(&file), 0o600);
    let letter = std::fs::read_to_string(file).unwrap();
    let link = letter
        .split_whitespace()
        .find(|word| word.contains("/verify-email?token="))
        .unwrap();
    assert!(link.starts_with(&server.address), "{link}");
    assert_eq!(client().get(link).send().await.unwrap().status(), 200);
    let code = link.split_once("token=").unwrap().1;
    assert_eq!(
        send("/verify-email", &[("token", code)]).await.unwrap().status(),
        303
    );
    assert_eq!(
        send("/verify-email", &[("token", code)]).await.unwrap().status(),
        410
    );
}
