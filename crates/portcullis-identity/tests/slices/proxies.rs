//! Whoever knows an address knows the client's: behind trusted proxies only.

use portcullis_identity::core::checks;
use portcullis_identity::proxies::{Header, Proxies};
use portcullis_testkit::{Account, PASSWORD, Request, TestApp};
use serde_json::{Value, json};

async fn behind(header: Header) -> TestApp {
    let proxies = Proxies::new(&["127.0.0.1", "10.0.0.0/8"], header).unwrap();
    TestApp::with(
        |builder| builder.proxies(proxies),
        portcullis_identity::Portcullis::api,
    )
    .await
}

/// The addresses of all sessions, and those of the audit log's logins.
async fn addresses(app: &TestApp, of: &Account) -> (Vec<Value>, Vec<Value>) {
    let root = app.administrator("root@example.com").await;
    let read = async |path: &str, token: &str| app.get(path).bearer(token).send().await.expect(200).json();
    let ips = |list: &Value| {
        let items = list["items"].as_array().unwrap();
        let mut ips: Vec<_> = items
            .iter()
            .map(|item| item["ip"].clone())
            .filter(|ip| !ip.is_null())
            .collect();
        ips.sort_by_key(ToString::to_string);
        ips
    };
    let sessions = read("/auth/sessions", &of.access_token).await;
    let path = format!("/admin/api/v1/audit?account={}&limit=100", of.id);
    let events = read(&path, &root.access_token).await;
    (ips(&sessions), ips(&events))
}

fn log_in(app: &TestApp) -> Request {
    let form = json!({ "identifier": "anna@example.com", "password": PASSWORD });
    app.post("/auth/login").json(&form)
}

#[tokio::test]
async fn sessions_and_the_audit_log_show_the_client_behind_the_proxy() {
    checks!("T150");
    for (header, value) in [
        (Header::XForwardedFor, "192.0.2.66, 203.0.113.9:4711, 10.1.2.3"),
        (
            Header::Forwarded,
            "for=192.0.2.66, FOR=\"203.0.113.9:4711\";proto=https, for=10.1.2.3",
        ),
    ] {
        let app = behind(header).await;
        let anna = app.user("anna@example.com").await;
        let by_proxy = log_in(&app)
            .from_address("127.0.0.1")
            .header(header.as_str(), value);
        by_proxy.send().await.expect(200);
        // Whoever isn't trusted has the address that they come from.
        let spoofed = log_in(&app)
            .from_address("198.51.100.5")
            .header(header.as_str(), value);
        spoofed.send().await.expect(200);
        let (sessions, events) = addresses(&app, &anna).await;
        assert_eq!(sessions, ["198.51.100.5", "203.0.113.9"]);
        assert!(events.contains(&json!("203.0.113.9")), "{events:?}");
        assert!(events.contains(&json!("198.51.100.5")), "{events:?}");
        assert!(!events.contains(&json!("192.0.2.66")), "{events:?}");
    }
}

// Shows: WP-3
#[tokio::test]
async fn networks_of_a_key_are_those_of_its_users_behind_the_proxy() {
    checks!("T150");
    let app = behind(Header::XForwardedFor).await;
    let root = app.administrator("root@example.com").await;
    let form =
        json!({ "name": "ci", "permissions": ["portcullis:roles:read"], "networks": ["203.0.113.0/24"] });
    let made = app
        .post("/auth/api-keys")
        .bearer(&root.access_token)
        .json(&form)
        .send()
        .await;
    let key = made.expect(201).json()["key"].as_str().unwrap().to_owned();
    let from = async |peer: &str, lines: &[&str]| {
        let mut request = app.get("/admin/api/v1/roles").api_key(&key).from_address(peer);
        for line in lines {
            request = request.header("x-forwarded-for", line);
        }
        request.send().await.status()
    };
    assert_eq!(from("198.51.100.5", &["203.0.113.9"]).await, 403, "no proxy");
    assert_eq!(
        from("127.0.0.1", &["203.0.113.9, 198.51.100.5"]).await,
        403,
        "a spoofed left end"
    );
    assert_eq!(
        from("127.0.0.1", &["203.0.113.9", "198.51.100.5"]).await,
        403,
        "a spoofed first line"
    );
    assert_eq!(
        from("127.0.0.1", &["203.0.113.9, unknown"]).await,
        403,
        "nobody knows"
    );
    assert_eq!(
        from("127.0.0.1", &[&",".repeat(65_536)]).await,
        403,
        "nothing but commas"
    );
    assert_eq!(from("127.0.0.1", &[]).await, 403, "the proxy itself");
    assert_eq!(from("127.0.0.1", &["203.0.113.9"]).await, 200);
    assert_eq!(
        from("10.9.9.9", &["198.51.100.5", "203.0.113.9, 10.1.2.3"]).await,
        200
    );
    assert_eq!(from("203.0.113.9", &[]).await, 200);
}
