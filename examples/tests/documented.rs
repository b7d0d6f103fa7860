//! Every example does what its text says: started as a process, the calls of its text print what the text shows.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod process;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use process::Running;

macro_rules! documented {
    ($($example:ident)+) => {
        $(#[test]
        fn $example() {
            walk(stringify!($example));
        })+

        #[test]
        fn every_example_is_walked() {
            let walked = BTreeSet::from([$(stringify!($example)),+].map(str::to_owned));
            let elsewhere = ELSEWHERE.map(str::to_owned).into();
            assert_eq!(examples(), walked.union(&elsewhere).cloned().collect());
        }
    };
}

documented! {
    abac_policy api_keys basic dependency_overrides existing_axum first hello hmac_requests hooks ip_lists jwt_hs256 jwt_or_api_key jwt_rs256 middleware
    multi_tenant opaque_session own_tables
    password rate_limit rbac resource_owner scopes session_access_control signed_urls validation versioning sub_apps docs_branding tiers
}

/// Two programs that speak to each other: walked by a test of its own.
const ELSEWHERE: [&str; 1] = ["remote_issuer"];

#[test]
fn the_list_names_every_example_once() {
    let list = fs::read_to_string(home().join("src/lib.rs")).unwrap();
    let named: Vec<String> = list
        .lines()
        .filter_map(|line| line.strip_prefix("//! cargo run -p examples --example "))
        .map(|line| line.split(' ').next().unwrap().to_owned())
        .collect();
    assert_eq!(
        named.len(),
        named.iter().collect::<BTreeSet<_>>().len(),
        "{named:?}"
    );
    assert_eq!(examples(), named.into_iter().collect());
}

#[test]
fn every_example_has_a_test_and_a_database_of_its_own() {
    for example in examples() {
        assert!(home().join(format!("tests/{example}.rs")).exists(), "{example}");
        let databases: Vec<String> = source(&example)
            .split("\"sqlite:")
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap().to_owned())
            .collect();
        assert!(!databases.is_empty(), "{example}");
        for database in databases {
            assert_eq!(database, format!("{example}.db"));
        }
    }
}

#[test]
fn what_is_shown_matches_what_is_printed() {
    for (shown, printed, same) in [
        ("a", "a", true),
        ("a", "b", false),
        ("a", "ab", false),
        ("a…", "ab", true),
        ("…b", "ab", true),
        ("a…b…c", "a1b2c", true),
        ("a…b…c", "a1c2b", false),
        ("a…a", "a", false),
        ("…", "", true),
    ] {
        assert_eq!(matches(shown, printed), same, "{shown} {printed}");
    }
}

/// One command of a text, and what stands below it.
struct Call {
    command: String,
    shown: String,
}

fn walk(example: &str) {
    let text = source(example);
    let calls = calls(&text);
    assert!(!calls.is_empty(), "{example}: its text has no calls");
    let set_up = calls.iter().any(|call| call.command.contains("$SETUP"));
    let running = match set_up {
        true => Running::start(example, "set-up token: "),
        false => Running::start_quietly(example),
    };
    let printed = run(&running, &calls);
    assert_eq!(printed.len(), calls.len(), "{printed:#?}");
    for (call, printed) in calls.iter().zip(printed) {
        assert!(
            matches(&call.shown, &printed),
            "{example}: {}\n--- shown\n{}\n--- printed\n{printed}",
            call.command,
            call.shown
        );
    }
}

/// What stands in the `console` blocks of the module's documentation.
fn calls(source: &str) -> Vec<Call> {
    let mut calls: Vec<Call> = Vec::new();
    let mut inside = false;
    for line in source.lines().map_while(|line| line.strip_prefix("//!")) {
        let line = line.strip_prefix(' ').unwrap_or(line);
        if line.starts_with("```") {
            inside = line == "```console";
        } else if let Some(command) = line.strip_prefix("$ ").filter(|_| inside) {
            calls.push(Call {
                command: command.to_owned(),
                shown: String::new(),
            });
        } else if let Some(call) = calls.last_mut().filter(|_| inside) {
            call.shown.push_str(line);
            call.shown.push('\n');
        }
    }
    for call in &mut calls {
        call.shown.truncate(call.shown.trim_end().len());
    }
    calls
}

/// Runs the commands in one shell, in the folder of the program; what each printed.
fn run(running: &Running, calls: &[Call]) -> Vec<String> {
    const END: &str = "\nend of call\n";
    // `cargo run … -- a b` is the program with these words.
    let cargo = r#"cargo() { while [ "$1" != -- ]; do shift; done; shift; "$PROGRAM" "$@"; }"#;
    let mut script = format!("exec 2>&1\n{cargo}\n");
    for call in calls {
        script.push_str(&call.command.replace("localhost:8080", running.address()));
        script.push_str("\nprintf '\\nend of call\\n'\n");
    }
    let output = Command::new("bash")
        .args(["--noprofile", "--norc", "-c", &script])
        .current_dir(running.folder())
        .env("SETUP", running.word())
        .env("PROGRAM", running.program())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let output = String::from_utf8(output.stdout).unwrap();
    let mut printed: Vec<String> = output.split(END).map(|text| text.trim_end().to_owned()).collect();
    assert_eq!(printed.pop().as_deref(), Some(""), "{output}");
    printed
}

/// Whether a text is as shown, where `…` stands for anything.
fn matches(shown: &str, printed: &str) -> bool {
    let mut pieces = shown.split('…');
    let Some(mut rest) = printed.strip_prefix(pieces.next().unwrap()) else {
        return false;
    };
    let mut pieces = pieces.peekable();
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return rest.ends_with(piece);
        }
        let Some(at) = rest.find(piece) else {
            return false;
        };
        rest = &rest[at + piece.len()..];
    }
    rest.is_empty()
}

fn home() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn source(example: &str) -> String {
    fs::read_to_string(home().join(format!("examples/{example}.rs"))).unwrap()
}

/// The names of all programs.
fn examples() -> BTreeSet<String> {
    let files = fs::read_dir(home().join("examples")).unwrap();
    files
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "rs"))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect()
}
