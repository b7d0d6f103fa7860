//! Starts that must fail: one message that says what to do, the right exit code, nothing changed.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;

use portcullis_core::checks;

use crate::server::{Place, finish, printed, said};

/// Starts the server, which must refuse with one line that has all of `says`.
fn refuses(place: &Place, arguments: &[&str], says: &[&str]) {
    let mut all = arguments.to_vec();
    if !arguments.contains(&"--listen") {
        all.extend(["--listen", "127.0.0.1:0"]);
    }
    let output = place.run(&all);
    let text = said(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    let told: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("portcullis: "))
        .collect();
    assert_eq!(told.len(), 1, "{text}");
    for part in says {
        assert!(told[0].contains(part), "{part} in {text}");
    }
    assert_eq!(
        printed(&output),
        "",
        "nothing is printed by a server that doesn't run"
    );
}

/// A folder in which a server ran before.
fn used() -> Place {
    let place = Place::new();
    let server = place.serve(&[]);
    server.ask_to_stop("-TERM");
    assert_eq!(server.ended().0, Some(0));
    place
}

#[test]
fn a_port_in_use_is_said_and_nothing_is_touched() {
    let place = Place::new();
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap().to_string();
    refuses(
        &place,
        &["--listen", &address],
        &["another program", "--listen", &address],
    );
    assert!(!place.path("data").exists());
}

/// Browsers try both addresses of `localhost`: whoever answers at the other one would get passwords and the set-up link.
#[tokio::test]
async fn nobody_else_answers_at_the_name_that_people_are_told() {
    checks!("T199");
    let place = Place::new();
    let Ok(other) = TcpListener::bind("[::1]:0") else {
        // A machine without IPv6 leads nobody there.
        return;
    };
    let port = other.local_addr().unwrap().port();
    let listen = format!("127.0.0.1:{port}");
    refuses(
        &place,
        &["--listen", &listen],
        &["another program", &format!("[::1]:{port}"), "localhost"],
    );
    assert!(!place.path("data").exists());
    // Whoever tells people an address is asked for nothing more.
    let public = format!("public_url=http://{listen}");
    let server = place.serve(&["--listen", &listen, "--set", &public]);
    assert_eq!(server.address, format!("http://{listen}"));
    drop((server, other));
    let server = place.serve(&[]);
    let kept = server.socket().replace("127.0.0.1", "[::1]");
    assert!(TcpListener::bind(&kept).is_err(), "{kept} is another's");
    assert!(std::net::TcpStream::connect(&kept).is_err(), "nobody listens");
}

#[test]
fn a_second_server_by_mistake_leaves_the_first_ones_link_alone() {
    checks!("T031");
    let place = Place::new();
    let first = place.serve(&[]);
    let output = place.run(&["--listen", &first.socket()]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let link = first.setup_link().unwrap().to_owned();
    let status = tokio::runtime::Runtime::new()
        .unwrap()
        .block_on(async { crate::server::client().get(link).send().await.unwrap().status() });
    assert_eq!(status, 200);
}

#[test]
fn an_address_of_another_machine_is_said() {
    refuses(
        &Place::new(),
        &[
            "--listen",
            "192.0.2.1:8080",
            "--public-url",
            "https://id.example.com",
        ],
        &["192.0.2.1:8080", "--listen"],
    );
}

#[test]
fn a_data_folder_that_cannot_be_is_said() {
    let place = Place::new();
    fs::write(place.path("file"), "not a folder").unwrap();
    refuses(&place, &["--data", "file"], &["file", "--data"]);
    refuses(&place, &["--data", "file/below"], &["file/below", "--data"]);
    assert_eq!(fs::read_to_string(place.path("file")).unwrap(), "not a folder");
}

#[test]
fn a_database_that_is_none_is_said_and_left_alone() {
    let place = used();
    let database = place.path("data/portcullis.db");
    let text = "This is an e-mail and no database at all. ".repeat(200);
    fs::write(&database, &text).unwrap();
    refuses(
        &place,
        &[],
        &["portcullis.db", "no database", "restore", "--database"],
    );
    assert_eq!(fs::read_to_string(&database).unwrap(), text);
}

#[test]
fn a_database_of_a_newer_version_is_refused_unchanged() {
    let place = used();
    let history = || {
        let database = rusqlite::Connection::open(place.path("data/portcullis.db")).unwrap();
        let mut rows = database
            .prepare("SELECT version FROM portcullis_schema_history ORDER BY version")
            .unwrap();
        let versions: Vec<i64> = rows
            .query_map([], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        versions
    };
    let newer = history().last().unwrap() + 1;
    let database = rusqlite::Connection::open(place.path("data/portcullis.db")).unwrap();
    database
        .execute(
            "INSERT INTO portcullis_schema_history (version, name) VALUES (?1, 'newer')",
            [newer],
        )
        .unwrap();
    drop(database);
    let before = history();
    refuses(&place, &[], &["newer version", "portcullis.db"]);
    assert_eq!(history(), before);
}

#[test]
fn a_locked_database_is_said() {
    let place = used();
    let database = rusqlite::Connection::open(place.path("data/portcullis.db")).unwrap();
    database
        .execute_batch("PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE;")
        .unwrap();
    refuses(&place, &[], &["busy", "another program"]);
}

#[test]
fn a_database_in_a_folder_that_is_not_there_is_said() {
    refuses(
        &Place::new(),
        &["--database", "sqlite:nowhere/p.db"],
        &["nowhere/p.db"],
    );
}

#[test]
fn an_unreachable_server_is_said_without_its_password() {
    checks!("T030");
    let place = Place::new();
    // Nobody listens there, and no other test is given this port.
    fs::write(place.path("address"), "postgres://me:canary@127.0.0.1:1/p\n").unwrap();
    fs::set_permissions(place.path("address"), fs::Permissions::from_mode(0o600)).unwrap();
    refuses(
        &place,
        &["--set", "database_file=address"],
        &["can't be reached", "postgres://127.0.0.1"],
    );
    assert!(!said(&place.run(&["--set", "database_file=address"])).contains("canary"));
}

#[test]
fn lost_or_open_secrets_are_refused_and_never_replaced() {
    checks!("T036");
    let place = used();
    let (secrets, safe) = (place.path("data/secrets.key"), place.path("safe"));
    fs::rename(&secrets, &safe).unwrap();
    refuses(&place, &[], &["secrets.key", "missing", "restore"]);
    assert!(!secrets.exists());

    fs::copy(&safe, &secrets).unwrap();
    fs::set_permissions(&secrets, fs::Permissions::from_mode(0o644)).unwrap();
    refuses(&place, &[], &["chmod 600", "secrets.key", "0644"]);

    fs::write(&secrets, "mk-1 = sesame\n").unwrap();
    fs::set_permissions(&secrets, fs::Permissions::from_mode(0o600)).unwrap();
    refuses(&place, &[], &["secrets.key", "line 1"]);

    fs::write(&secrets, "mk-1 = AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n").unwrap();
    refuses(&place, &[], &["isn't in the secrets file"]);

    fs::copy(&safe, &secrets).unwrap();
    drop(place.serve(&[]));
}

#[test]
fn a_folder_or_database_for_everybody_is_refused() {
    checks!("T162");
    let place = used();
    let mode = |name: &str, mode| {
        fs::set_permissions(place.path(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    mode("data", 0o777);
    refuses(&place, &[], &["data folder ./data", "0777", "chmod 700"]);
    mode("data", 0o700);
    mode("data/portcullis.db", 0o644);
    refuses(&place, &[], &["portcullis.db", "0644", "chmod 600"]);
    mode("data/portcullis.db", 0o660);
    let server = place.serve(&[]);
    assert!(server.log().contains("has mode 0660"), "{}", server.log());
}

#[test]
fn a_configuration_that_others_write_steers_no_command() {
    checks!("T161");
    let place = used();
    let file = place.path("portcullis.toml");
    fs::write(&file, "data = \"/nowhere\"\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
    let output = place.run(&["account", "list"]);
    let text = said(&output);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(
        text.contains("portcullis.toml:1: has mode 0666") && text.contains("--config"),
        "{text}"
    );
    // Named, it was chosen.
    let output = place.run(&["config", "show", "--config", "portcullis.toml"]);
    assert!(printed(&output).contains("/nowhere"), "{}", said(&output));
}

#[test]
fn a_wrong_configuration_is_told_whole_with_exit_code_2() {
    let place = Place::new();
    fs::write(
        place.path("portcullis.toml"),
        "lisen = \"127.0.0.1:1\"\n\n[sessions]\nidle = 5\n",
    )
    .unwrap();
    let mut command = place.command(&["serve", "--mode", "test"]);
    let output = finish(command.env("PORTCULLIS_LOG_FORMAT", "xml"));
    let text = said(&output);
    assert_eq!(output.status.code(), Some(2), "{text}");
    for part in [
        "portcullis: the configuration has 4 problems:",
        "portcullis.toml:1: lisen: unknown; did you mean listen?",
        "portcullis.toml:4: sessions.idle: must be text in quotes",
        "PORTCULLIS_LOG_FORMAT: log.format: must be text or json",
        "--mode: mode: must be development or production",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!place.path("data").exists());
}

#[test]
fn bad_policies_are_told_with_their_place() {
    checks!("T061");
    let place = Place::new();
    fs::create_dir(place.path("policies")).unwrap();
    fs::write(place.path("policies/a.cedar"), "permit(").unwrap();
    let configured = ["--set", "policies.directory=policies"];
    refuses(&place, &configured, &["the policies in policies are wrong:"]);
    let text = said(&place.run(&[&configured[..], &["--listen", "127.0.0.1:0"]].concat()));
    assert!(text.contains("\na.cedar:1:8: "), "{text}");
    fs::write(place.path("policies/a.cedar"), "// nothing yet\n").unwrap();
    drop(place.serve(&configured));
}

#[test]
fn a_command_makes_nothing_where_no_server_ran() {
    let place = Place::new();
    let output = place.run(&["account", "list"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("portcullis serve"), "{}", said(&output));
    assert!(!place.path("data").exists());
}
