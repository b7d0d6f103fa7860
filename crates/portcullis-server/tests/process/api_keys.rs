//! Service accounts and API keys from the command line, beside a running server.

use std::time::Duration;

use portcullis_core::checks;
use serde_json::Value;

use crate::server::{Place, Server, client, fails, said, within, works};

async fn me(server: &Server, key: &str) -> u16 {
    let request = client().get(server.url("/auth/me")).header("x-acme-key", key);
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_key_made_at_the_command_line_opens_the_running_server_until_it_is_revoked() {
    checks!("T020");
    let place = Place::new();
    let server = place.serve(&["--set", "api_keys.header=X-Acme-Key"]);
    fails(&place.run(&["service-account", "create", "x"]), 2, "3 to 32");
    works(&place.run(&["service-account", "create", "robot"]));
    fails(
        &place.run(&["service-account", "create", "Robot"]),
        1,
        "this user name already",
    );
    assert!(works(&place.run(&["service-account", "list"])).contains("robot"));

    let create = |more: &[&str]| {
        let all: Vec<&str> = ["api-key", "create", "robot", "ci"]
            .iter()
            .chain(more)
            .copied()
            .collect();
        place.run(&all)
    };
    fails(&create(&["--allow", "posts:fly"]), 1, "posts:fly");
    fails(&create(&["--limit", "often"]), 2, "such as 100/minute");
    fails(&create(&["--from", "10.0.0.1/8"]), 2, "10.0.0.1/8");
    fails(&create(&["--expires-at", "tomorrow"]), 2, "write a moment");
    let made: Value = serde_json::from_str(&works(&create(&["--json"]))).unwrap();
    let (id, key) = (made["id"].as_str().unwrap(), made["key"].as_str().unwrap());
    assert_eq!(me(&server, key).await, 200);
    let listed = works(&place.run(&["api-key", "list", "robot"]));
    assert!(listed.contains(id) && !listed.contains(&key[8..]), "{listed}");

    fails(
        &place.run(&["service-account", "disable", "nobody"]),
        1,
        "no account",
    );
    works(&place.run(&["service-account", "disable", "robot"]));
    let refused = within(Duration::from_secs(1), || async { me(&server, key).await == 401 }).await;
    assert!(refused, "{}", server.log());
    // Enabling the account brings none of its keys back.
    works(&place.run(&["account", "enable", "robot"]));
    works(&place.run(&["api-key", "enable", "robot", id]));
    let again = within(Duration::from_secs(1), || async { me(&server, key).await == 200 }).await;
    assert!(again, "{}", server.log());
    works(&place.run(&["api-key", "revoke", "robot", id]));
    let refused = within(Duration::from_secs(1), || async { me(&server, key).await == 401 }).await;
    assert!(refused, "{}", server.log());
    fails(&place.run(&["api-key", "revoke", "robot", id]), 1, "has no key");
    assert!(!server.log().contains(&key[8..]));
}

/// Makes the service account `robot` and a key of it; what was printed of the key.
fn key_of_a_robot(place: &Place) -> Value {
    works(&place.run(&["service-account", "create", "robot"]));
    let made = works(&place.run(&["api-key", "create", "robot", "ci", "--json"]));
    serde_json::from_str(&made).unwrap()
}

#[tokio::test]
async fn a_key_is_disabled_enabled_and_rotated_at_the_command_line() {
    checks!("T081");
    let place = Place::new();
    let server = place.serve(&["--set", "api_keys.header=X-Acme-Key"]);
    let made = key_of_a_robot(&place);
    let (id, key) = (made["id"].as_str().unwrap(), made["key"].as_str().unwrap());
    assert_eq!(me(&server, key).await, 200);
    works(&place.run(&["api-key", "disable", "robot", id]));
    let refused = within(Duration::from_secs(1), || async { me(&server, key).await == 401 }).await;
    assert!(refused, "{}", server.log());
    works(&place.run(&["api-key", "enable", "robot", id]));
    let again = within(Duration::from_secs(1), || async { me(&server, key).await == 200 }).await;
    assert!(again, "{}", server.log());
    let rotate = |more: &[&str]| {
        let rotate = ["api-key", "rotate", "robot", id, "--overlap", "0", "--json"];
        let rotated = works(&place.run(&[&rotate, more].concat()));
        serde_json::from_str::<Value>(&rotated).unwrap()
    };
    let end = "2099-01-31T00:00:00Z";
    assert_eq!(rotate(&["--expires-at", end])["expires_at"], end);
    assert_eq!(rotate(&[])["expires_at"], end, "it ends when it did");
    let rotated = rotate(&["--never-expires"]);
    assert_eq!(rotated["expires_at"], Value::Null);
    let new = rotated["key"].as_str().unwrap();
    let replaced = within(Duration::from_secs(1), || async { me(&server, key).await == 401 }).await;
    assert!(replaced, "{}", server.log());
    assert_eq!(me(&server, new).await, 200);
    let nobodys = "01890000-0000-7000-8000-000000000000";
    for command in ["disable", "enable", "rotate"] {
        fails(
            &place.run(&["api-key", command, "robot", nobodys]),
            1,
            "has no key",
        );
    }
}

// Shows: AK-4
#[tokio::test]
async fn a_key_is_named_fenced_and_limited_at_the_command_line() {
    checks!("T081");
    let place = Place::new();
    let server = place.serve(&["--set", "api_keys.header=X-Acme-Key"]);
    let made = key_of_a_robot(&place);
    let (id, key) = (made["id"].as_str().unwrap(), made["key"].as_str().unwrap());
    let set = |more: &[&str]| {
        let all: Vec<&str> = ["api-key", "set", "robot", id]
            .iter()
            .chain(more)
            .copied()
            .collect();
        place.run(&all)
    };
    fails(&set(&[]), 2, "say what to change");
    fails(&set(&["--name", ""]), 2, "the name:");
    fails(&set(&["--from", "10.0.0.1/8"]), 2, "--from 10.0.0.1/8:");
    fails(&set(&["--limit", "often"]), 2, "such as 100/minute");
    fails(
        &set(&["--limit", "1/minute", "--no-limit"]),
        2,
        "cannot be used with",
    );
    fails(
        &set(&["--from", "10.0.0.0/8", "--from-anywhere"]),
        2,
        "cannot be used with",
    );
    let nobodys = "01890000-0000-7000-8000-000000000000";
    let strange = place.run(&["api-key", "set", "robot", nobodys, "--no-limit"]);
    fails(&strange, 1, "has no key");

    let shown = |more: &[&str]| -> Value { serde_json::from_str(&works(&set(more))).unwrap() };
    let fenced = shown(&[
        "--name",
        "deploy",
        "--from",
        "192.0.2.0/24",
        "--limit",
        "100/minute",
        "--json",
    ]);
    assert_eq!(
        (&fenced["name"], &fenced["limit"]),
        (&"deploy".into(), &"100/minute".into())
    );
    assert_eq!(fenced["networks"], serde_json::json!(["192.0.2.0/24"]));
    let refused = within(Duration::from_secs(1), || async { me(&server, key).await == 403 }).await;
    assert!(refused, "{}", server.log());
    // What isn't named stays.
    let opened = shown(&["--from-anywhere", "--json"]);
    assert_eq!(
        (&opened["name"], &opened["limit"]),
        (&"deploy".into(), &"100/minute".into())
    );
    assert_eq!(opened["networks"], serde_json::json!([]));
    let again = within(Duration::from_secs(1), || async { me(&server, key).await == 200 }).await;
    assert!(again, "{}", server.log());
    assert_eq!(shown(&["--no-limit", "--json"])["limit"], Value::Null);
}

#[test]
fn a_string_is_recognised_without_a_server_and_never_printed() {
    checks!("T038");
    let place = Place::new();
    let (session, garbage) = (format!("pcs_{}", "A".repeat(43)), "hunter2-hunter2");
    let output = place.run(&["key", "check", &session]);
    assert_eq!(works(&output), "this is a session token\n");
    let output = place.run_with(&["key", "check", "-"], &format!("{session}\n"));
    assert_eq!(works(&output), "this is a session token\n");
    let output = place.run(&["key", "check", garbage]);
    fails(&output, 1, "no credential");
    assert!(!said(&output).contains(garbage));
    assert!(!place.path("data").exists(), "nothing was opened or made");
}

#[tokio::test]
async fn a_key_from_elsewhere_is_imported_from_a_file_or_stdin_and_once() {
    checks!("T186");
    let place = Place::new();
    let server = place.serve(&["--set", "api_keys.header=X-Acme-Key"]);
    works(&place.run(&["service-account", "create", "robot"]));
    let (text, other) = (
        "sk_test_4eC39HqLyjWDarjtT1zdp7dc",
        "9f86d081884c7d659a2feaa0c55ad015",
    );
    assert_eq!(me(&server, text).await, 401);
    let import = |more: &[&str], given: &str| {
        let all = [&["api-key", "import", "robot", "old", "--json"], more].concat();
        place.run_with(&all, given)
    };
    fails(&import(&[], "hunter2"), 1, "visible ASCII");
    fails(&import(&[], "correct-horse-battery-staple"), 1, "128 bits");
    fails(&import(&[], &format!("{text}\n{other}\n")), 1, "visible ASCII");
    fails(&import(&["--sha256"], text), 1, "64 hex digits");
    fails(&import(&[text], ""), 2, "unexpected argument");
    let said_so = |output: &std::process::Output| {
        let printed = works(output);
        assert!(!printed.contains(text) && !printed.contains(other), "{printed}");
        serde_json::from_str::<Value>(&printed).unwrap()
    };
    let made = said_so(&import(&[], &format!("{text}\n")));
    let opens = within(Duration::from_secs(2), || async {
        me(&server, text).await == 200
    })
    .await;
    assert!(opens, "{}", server.log());
    // The same key again, by its digest: nothing changes.
    let sha256 = "2cafc0970149a84f3b9e62eaf169f36f59907a3b3e31f7b82e68c69cd27f7326\n";
    let again = said_so(&import(&["--sha256"], sha256));
    assert_eq!(
        (&again["id"], &again["imported"]),
        (&made["id"], &Value::Bool(false))
    );
    let file = place.path("old.key");
    std::fs::write(&file, other).unwrap();
    let mode = |mode| {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
        std::fs::set_permissions(&file, mode).unwrap();
    };
    mode(0o644);
    fails(&import(&["--file", "old.key"], ""), 1, "chmod 600");
    mode(0o600);
    said_so(&import(&["--file", "old.key"], ""));
    let opens = within(Duration::from_secs(2), || async {
        me(&server, other).await == 200
    })
    .await;
    assert!(opens, "{}", server.log());
    assert!(!server.log().contains(text) && !server.log().contains(other));
}
