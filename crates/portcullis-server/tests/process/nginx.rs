//! The server behind a real nginx, with the settings that its users write.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use portcullis_core::checks;
use serde_json::{Value, json};

use crate::server::{Place, Server, client, told, within};

/// A running nginx; dropping it kills it.
struct Nginx {
    child: Child,
    address: String,
}

impl Nginx {
    /// In front of `server`, with these lines in its `server` block. `None` where the variable doesn't name the program.
    async fn before(server: &Server, place: &Place, lines: &str) -> Option<Self> {
        let program = told("PORTCULLIS_TEST_NGINX").map(PathBuf::from)?;
        let folder = place.path("nginx");
        std::fs::create_dir(&folder).unwrap();
        // Another program may take the port between the look and the start.
        for _ in 0..5 {
            let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
            let folder = folder.display();
            let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
                .map(|kind| format!("{kind}_temp_path {folder}/{kind};\n"))
                .concat();
            let upstream = server.socket();
            let text = format!(
                "daemon off; master_process off; pid {folder}/pid; error_log {folder}/log;\nevents {{}}\nhttp {{\n\
                 access_log off; {temporary}\nupstream portcullis {{ server {upstream}; keepalive 8; }}\n\
                 server {{ listen {free}; {lines} }}\n}}\n"
            );
            let file = place.path("nginx/conf");
            std::fs::write(&file, text).unwrap();
            let mut command = Command::new(&program);
            command
                .arg("-c")
                .arg(&file)
                .arg("-e")
                .arg(place.path("nginx/log"));
            let child = command
                .stdin(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            let mut nginx = Self {
                child,
                address: format!("http://{free}"),
            };
            let answers = || async {
                client()
                    .get(format!("http://{free}/health/live"))
                    .send()
                    .await
                    .is_ok()
            };
            if within(Duration::from_secs(5), answers).await && nginx.child.try_wait().unwrap().is_none() {
                return Some(nginx);
            }
        }
        panic!(
            "{}",
            std::fs::read_to_string(place.path("nginx/log")).unwrap_or_default()
        );
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.address)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The server with these lines in its configuration file.
fn serve(place: &Place, lines: &str) -> Server {
    std::fs::write(place.path("portcullis.toml"), lines).unwrap();
    place.serve(&[])
}

const USUAL: &str = "location / { proxy_pass http://portcullis; proxy_http_version 1.1; \
                     proxy_set_header Connection \"\"; proxy_set_header Host $http_host; \
                     proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; }";

/// Logs in at this address with these lines of the header, and says where the session thinks it came from.
async fn seen_from(address: &str, lines: &[&str]) -> Value {
    let form = json!({ "username": "anna", "password": "a gate that closes" });
    client()
        .post(format!("{address}/auth/register"))
        .json(&form)
        .send()
        .await
        .unwrap();
    let form = json!({ "identifier": "anna", "password": "a gate that closes" });
    let mut request = client().post(format!("{address}/auth/login")).json(&form);
    for line in lines {
        request = request
            .header("x-forwarded-for", *line)
            .header("forwarded", format!("for={line}"));
    }
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let login: Value = answer.json().await.unwrap();
    let request = client().get(format!("{address}/auth/sessions"));
    let request = request.bearer_auth(login["access_token"].as_str().unwrap());
    let sessions: Value = request.send().await.unwrap().json().await.unwrap();
    let sessions = sessions["items"].as_array().unwrap();
    let this = sessions
        .iter()
        .find(|session| session["id"] == login["session_id"])
        .unwrap();
    this["ip"].clone()
}

// Shows: WP-3
#[tokio::test]
async fn the_client_is_who_nginx_saw_and_never_who_it_says_to_be() {
    checks!("T150");
    let place = Place::new();
    // nginx is trusted at 127.0.0.1 and reports 127.0.0.1 for this test's own calls: it stands for the visitor's
    // address, and everything left of it is the visitor's writing.
    let server = serve(&place, "proxies.trusted = [\"127.0.0.2\"]");
    let Some(nginx) = Nginx::before(
        &server,
        &place,
        &USUAL.replace("proxy_pass", "proxy_bind 127.0.0.2; proxy_pass"),
    )
    .await
    else {
        return;
    };
    let visitors: [&[&str]; 4] = [
        &[],
        &["203.0.113.7"],
        &["203.0.113.7", "198.51.100.2"],
        &["127.0.0.2"],
    ];
    for lines in visitors {
        assert_eq!(seen_from(&nginx.address, lines).await, "127.0.0.1", "{lines:?}");
        assert_eq!(seen_from(&server.address, lines).await, "127.0.0.1", "{lines:?}");
    }
    let commas = ",".repeat(6_000);
    assert_eq!(seen_from(&nginx.address, &[&commas]).await, "127.0.0.1");
    assert!(server.log().contains("client=127.0.0.1"), "{}", server.log());
    assert!(nginx.url("/").starts_with("http://127.0.0.1:"));
}

#[tokio::test]
async fn the_proxys_own_address_is_passed_over_and_its_visitor_is_found() {
    checks!("T150");
    let place = Place::new();
    let server = serve(&place, "proxies.trusted = [\"127.0.0.0/8\"]");
    // A second proxy before it, which saw the visitor.
    let Some(nginx) = Nginx::before(&server, &place, USUAL).await else {
        return;
    };
    let seen = seen_from(&nginx.address, &["192.0.2.66, 203.0.113.7"]).await;
    assert_eq!(seen, "203.0.113.7");
    let seen = seen_from(&nginx.address, &["203.0.113.7", "198.51.100.2, 127.0.0.9"]).await;
    assert_eq!(seen, "198.51.100.2");
}

/// Every address that a page leads to, as a browser at `page` takes it.
fn links(page: &reqwest::Url, html: &str) -> Vec<reqwest::Url> {
    let marks = [" href=\"", " action=\""];
    let ends = marks.iter().flat_map(|mark| html.split(mark).skip(1));
    ends.map(|rest| page.join(rest.split('"').next().unwrap()).unwrap())
        .collect()
}

// Shows: KIT-1
#[tokio::test]
#[allow(clippy::too_many_lines, reason = "one visitor's way")]
async fn below_a_prefix_every_page_leads_below_it() {
    let place = Place::new();
    let server = serve(&place, "");
    let prefix = "location / { return 404; } location = /health/live { return 200; } \
                  location /idp/ { proxy_pass http://portcullis/; proxy_set_header Host $http_host; }";
    let Some(nginx) = Nginx::before(&server, &place, prefix).await else {
        return;
    };
    let token = server.setup_token();
    let setup = format!("/idp/setup?token={token}");
    let pages = [
        "/idp/",
        &setup,
        "/idp/setup/done",
        "/idp/setup/a/b/c",
        "/idp/verify-email",
        "/idp/assets/x",
    ];
    for page in pages {
        let answer = client().get(nginx.url(page)).send().await.unwrap();
        let address = answer.url().clone();
        let links = links(&address, &answer.text().await.unwrap());
        assert!(links.len() >= 2, "{page}");
        for link in links {
            assert!(link.path().starts_with("/idp/"), "{page} leads to {link}");
            assert_ne!(
                client().get(link.clone()).send().await.unwrap().status(),
                404,
                "{page} leads to {link}"
            );
        }
    }
    for docs in ["/idp/docs", "/idp/redoc", "/idp/scalar"] {
        let html = client()
            .get(nginx.url(docs))
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        assert!(
            html.contains("./openapi.json") && !html.contains("'/openapi.json"),
            "{docs}"
        );
    }
    let form = [
        ("token", token.as_str()),
        ("email", "chief@example.com"),
        ("username", "chief"),
        ("password", "a gate that closes"),
        ("password_again", "a gate that closes"),
    ];
    let asked = client()
        .post(nginx.url("/idp/setup"))
        .header("sec-fetch-site", "same-origin");
    let answer = asked.form(&form).send().await.unwrap();
    let next = answer
        .url()
        .join(answer.headers()["location"].to_str().unwrap())
        .unwrap();
    assert_eq!(next.path(), "/idp/setup/done");
}

#[tokio::test]
async fn a_refused_body_costs_no_other_request_its_connection() {
    checks!("T153");
    let place = Place::new();
    let server = serve(&place, "");
    let Some(nginx) = Nginx::before(&server, &place, USUAL).await else {
        return;
    };
    let body = "x".repeat(63_000);
    for round in 0..100 {
        let asked = client()
            .post(nginx.url("/auth/logout"))
            .header("content-type", "application/json");
        let answer = asked.body(body.clone()).send().await.unwrap();
        assert_eq!(answer.status(), 401, "{round}");
    }
}
