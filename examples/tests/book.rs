//! The book says what is: the paths, codes, keys and routes it names exist, and none is left out.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod reference;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use portcullis_identity::core::account::AccountState;
use portcullis_testkit::TestApp;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The pieces in code style.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines().flat_map(|line| line.split('`').skip(1).step_by(2))
}

/// The first cell of every row of the table under `heading`, without its backquotes.
fn first_cells(text: &str, heading: &str) -> BTreeSet<String> {
    let (_, after) = text
        .split_once(&format!("\n{heading}\n"))
        .unwrap_or_else(|| panic!("no {heading}"));
    let section = after.split("\n## ").next().unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| row.split('`').next().unwrap().to_owned())
        .collect()
}

/// All Rust sources of the library and the server in one text.
fn sources(folder: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            text.push_str(&sources(&path));
        } else if path.extension().is_some_and(|end| end == "rs") {
            text.push_str(&fs::read_to_string(path).unwrap());
        }
    }
    text
}

#[test]
fn every_file_that_the_map_names_is_there() {
    let homes = [
        "",
        "crates/portcullis/src",
        "crates/portcullis-identity/src",
        "crates/portcullis-core/src",
        "crates/portcullis-store/src",
        "crates/portcullis-server/src",
    ];
    let is_path = |piece: &&str| {
        let file = [".rs", ".md", ".sql"].iter().any(|end| piece.ends_with(end));
        (file || piece.ends_with('/') || piece.starts_with("crates/"))
            && !piece.starts_with("./")
            && !piece.contains("://")
            && !piece.contains([' ', '<', '…'])
    };
    for book in [
        "ARCHITECTURE.md",
        "docs/patterns.md",
        "docs/operations.md",
        "SECURITY.md",
        "CONTRIBUTING.md",
    ] {
        for path in code(&read(book))
            .filter(is_path)
            .filter(|path| *path != "mod.rs" && !path.starts_with("NNNN"))
        {
            assert!(
                homes.iter().any(|home| root().join(home).join(path).exists()),
                "{book} names {path}"
            );
        }
    }
}

#[test]
fn every_link_leads_to_a_file() {
    for book in [
        "README.md",
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "SECURITY.md",
        "CONTRIBUTING.md",
        "docs/from-fastapi.md",
        "docs/operations.md",
        "docs/run-it.md",
        "docs/use-it.md",
    ] {
        let (text, folder) = (read(book), root().join(book).parent().unwrap().to_owned());
        for link in text
            .split("](")
            .skip(1)
            .map(|rest| rest.split(')').next().unwrap())
        {
            let path = link.split('#').next().unwrap();
            let elsewhere = path.is_empty() || path.contains("://");
            assert!(elsewhere || folder.join(path).exists(), "{book} links to {link}");
        }
    }
}

#[tokio::test]
async fn the_table_of_routes_is_as_generated() {
    let app = TestApp::new().await;
    as_generated(
        "docs/http.md",
        "routes",
        &reference::routes(&app.portcullis.api()),
    );
}

/// Compares what stands between the two marks of `part` with what was made of the code, or writes it there.
#[expect(
    clippy::disallowed_methods,
    reason = "a developer asks for the new file through a variable"
)]
fn as_generated(page: &str, part: &str, made: &str) {
    let text = read(page);
    let (start, end) = (
        format!("<!-- {part}: made by `cargo xtask docs` -->\n"),
        format!("<!-- end of {part} -->"),
    );
    let (before, rest) = text
        .split_once(&start)
        .unwrap_or_else(|| panic!("{page} lacks {start}"));
    let (written, after) = rest
        .split_once(&end)
        .unwrap_or_else(|| panic!("{page} lacks {end}"));
    let made = format!("\n{made}\n");
    if std::env::var_os("PORTCULLIS_WRITE_DOCS").is_some() {
        fs::write(root().join(page), format!("{before}{start}{made}{end}{after}")).unwrap();
        return;
    }
    let differing = made
        .lines()
        .find(|line| !written.lines().any(|known| known == *line));
    assert!(
        written == made,
        "{page} is stale: `cargo xtask docs` writes it anew. First line that is missing: {differing:?}"
    );
}

/// The Rust sources of a crate that answers, without tests and comments.
fn answering(folder: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let is_test = path.file_stem().is_some_and(|stem| stem == "tests");
        if path.is_dir() && !is_test {
            text.push_str(&answering(&path));
        } else if path.extension().is_some_and(|end| end == "rs") && !is_test {
            let source = fs::read_to_string(path).unwrap();
            let product = source.split("#[cfg(test)]\nmod").next().unwrap();
            let lines = product
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"));
            text.extend(lines.flat_map(|line| [line, "\n"]));
        }
    }
    text
}

/// The word in quotes that a text begins with, if it could be a code.
fn quoted(text: &str) -> Option<&str> {
    let word = text.trim_start().strip_prefix('"')?.split('"').next()?;
    let is_code = !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    is_code.then_some(word)
}

#[test]
fn the_reference_lists_only_codes_that_are_answered() {
    let source = [
        "crates/portcullis",
        "crates/portcullis-core",
        "crates/portcullis-identity",
    ]
    .map(|home| answering(&root().join(home).join("src")))
    .concat();
    let reference = read("docs/http.md");
    for heading in ["## Codes", "## Codes of fields", "## Codes of `/oauth`"] {
        let codes = first_cells(&reference, heading);
        assert!(codes.len() > 3, "{heading}");
        for code in codes.iter().filter(|code| !code.starts_with("account_")) {
            assert!(source.contains(&format!("\"{code}\"")), "{heading}: no {code}");
        }
    }
}

#[test]
fn the_reference_lists_every_code_that_a_problem_is_made_with_and_its_status() {
    let source = [
        "crates/portcullis-core/src",
        "crates/portcullis/src",
        "crates/portcullis-identity/src",
    ]
    .map(|home| answering(&root().join(home)))
    .concat();
    let reference = read("docs/http.md");
    let listed = first_cells(&reference, "## Codes");
    let mut made = BTreeSet::new();
    for (maker, status) in MAKERS {
        for rest in source.split(maker).skip(1) {
            if let Some(code) = quoted(rest) {
                assert!(
                    reference.contains(&format!("\n| `{code}` | {status} |")),
                    "docs/http.md lacks {code} with {status}"
                );
                made.insert(code);
            }
        }
    }
    assert!(made.len() > 60, "{}", made.len());
    // A status that nothing here reads would be one whose codes nobody compares.
    for rest in source.split("StatusCode::").skip(1) {
        let (name, after) = rest
            .split_once(|c: char| c != '_' && !c.is_ascii_uppercase())
            .unwrap();
        let known = MAKERS
            .iter()
            .any(|(maker, _)| *maker == format!("StatusCode::{name},"));
        assert!(known || quoted(after).is_none(), "what is StatusCode::{name}?");
    }
    // These are made of the account's state.
    let states = [
        AccountState::Unverified,
        AccountState::Locked,
        AccountState::Disabled,
    ];
    let of_states = states.map(|state| format!("account_{}", state.as_str()));
    let of_accounts = listed
        .iter()
        .filter(|code| code.starts_with("account_") && !made.contains(code.as_str()));
    assert_eq!(of_accounts.collect::<BTreeSet<_>>(), of_states.iter().collect());
}

/// What makes a problem and has its code next, and the status that it gives.
const MAKERS: [(&str, u16); 19] = [
    ("::bad_request(", 400),
    ("::invalid_credentials(", 400),
    ("::unauthenticated(", 401),
    ("::forbidden(", 403),
    ("::unknown(", 404),
    ("::conflict(", 409),
    ("StatusCode::UNAUTHORIZED,", 401),
    ("StatusCode::NOT_FOUND,", 404),
    ("StatusCode::METHOD_NOT_ALLOWED,", 405),
    ("StatusCode::REQUEST_TIMEOUT,", 408),
    ("StatusCode::CONFLICT,", 409),
    ("StatusCode::PAYLOAD_TOO_LARGE,", 413),
    ("StatusCode::UNSUPPORTED_MEDIA_TYPE,", 415),
    ("StatusCode::MISDIRECTED_REQUEST,", 421),
    ("StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,", 431),
    ("StatusCode::UNPROCESSABLE_ENTITY,", 422),
    ("StatusCode::TOO_MANY_REQUESTS,", 429),
    ("StatusCode::INTERNAL_SERVER_ERROR,", 500),
    ("StatusCode::SERVICE_UNAVAILABLE,", 503),
];

/// Whatever looks like a code: those of fields, and those that reach a problem by a variable.
#[test]
fn the_reference_lists_everything_that_looks_like_a_code() {
    let reference = read("docs/http.md");
    let listed: BTreeSet<String> = ["## Codes", "## Codes of fields", "## Codes of `/oauth`"]
        .iter()
        .flat_map(|heading| first_cells(&reference, heading))
        .collect();
    let source = ["crates/portcullis/src", "crates/portcullis-identity/src"]
        .map(|home| answering(&root().join(home)))
        .concat();
    let core = answering(&root().join("crates/portcullis-core/src"));
    let mut words: BTreeSet<&str> = source
        .match_indices('"')
        .filter_map(|(at, _)| quoted(&source[at..]))
        .filter(|word| word.contains('_') && !word.starts_with('_') && !word.ends_with('_'))
        .collect();
    // What the core says as a code, it says in a method of one of these names.
    for method in core.split("fn code(").skip(1) {
        let method = method.split("\n    }").next().unwrap();
        let codes = method.split("=>").skip(1).filter_map(quoted);
        words.extend(codes);
    }
    for method in core.split("fn details(").skip(1) {
        let method = method.split("\n    }").next().unwrap();
        let codes = method
            .match_indices('"')
            .filter_map(|(at, _)| quoted(&method[at..]));
        words.extend(codes.filter(|word| word.contains('_')));
    }
    assert!(words.len() > 100, "{}", words.len());
    let no_codes: BTreeSet<&str> = NO_CODES.into_iter().collect();
    for word in &words {
        let known = listed.contains(*word) || no_codes.contains(word);
        assert!(known, "docs/http.md lacks {word}, or it is no code");
    }
    for word in no_codes {
        assert!(words.contains(word) && !listed.contains(word), "{word}");
    }
}

/// What only looks like a code.
const NO_CODES: [&str; 12] = [
    "account_active",
    "api_key",
    "body_limit",
    "check_your_mail",
    "each_node",
    "insufficient_user_authentication",
    "master_key_file",
    "operation_id",
    "rate_limit",
    "refresh_token",
    "refused_by_handler",
    "snake_case",
];

#[test]
fn the_reference_lists_exactly_the_codes_of_the_token_endpoint() {
    let mut codes = BTreeSet::new();
    for (file, method) in [
        (
            "crates/portcullis-identity/src/token/error.rs",
            "const fn as_str(self)",
        ),
        ("crates/portcullis/src/problem/oauth.rs", "\nfn code("),
    ] {
        let source = read(file);
        let (_, method) = source.split_once(method).unwrap();
        let method = method.split('}').next().unwrap();
        codes.extend(method.split("=>").skip(1).filter_map(quoted).map(str::to_owned));
    }
    assert_eq!(first_cells(&read("docs/http.md"), "## Codes of `/oauth`"), codes);
}

#[test]
fn the_audit_page_lists_exactly_the_events_there_are() {
    let source = read("crates/portcullis-core/src/audit/mod.rs");
    let (_, events) = source.split_once("\nactions! {\n").unwrap();
    let events = events.split("\n}\n").next().unwrap();
    let event = |line: &str| Some(line.split_once(" = \"")?.1.split('"').next()?.to_owned());
    let events: BTreeSet<String> = events.lines().filter_map(event).collect();
    assert!(events.len() > 40, "{}", events.len());
    assert_eq!(first_cells(&read("docs/audit.md"), "## Events"), events);
}

#[test]
fn every_role_and_every_program_stands_among_the_patterns() {
    let patterns = read("docs/patterns.md");
    let named: BTreeSet<&str> = code(&patterns).collect();
    let mut roles = 0;
    for home in [
        "crates/portcullis",
        "crates/portcullis-core",
        "crates/portcullis-identity",
        "crates/portcullis-store",
    ] {
        for file in sources(&root().join(home).join("src"))
            .split("/// Role: ")
            .skip(1)
        {
            let item = file
                .lines()
                .find_map(item)
                .expect("an item follows its documentation");
            let is_it = |piece: &&str| piece.split("::").last().is_some_and(|last| last == item);
            let whole = |piece: &&str| piece.split('<').next() == Some(item);
            assert!(
                named.iter().any(|piece| is_it(piece) || whole(piece)),
                "docs/patterns.md lacks {item}"
            );
            roles += 1;
        }
    }
    assert!(roles > 15, "{roles}");
    for entry in fs::read_dir(root().join("examples/examples")).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        if file.ends_with(".rs") {
            let path = format!("examples/examples/{file}");
            assert!(named.contains(path.as_str()), "docs/patterns.md lacks {path}");
        }
    }
}

/// The name of the item that a line declares.
fn item(line: &str) -> Option<&str> {
    let mut words = line.trim_start().strip_prefix("pub ")?.split(' ');
    let kind = words.find(|word| !matches!(*word, "const" | "async"))?;
    let name = words.next()?;
    matches!(kind, "struct" | "enum" | "trait" | "fn").then(|| name.split(['<', '(', ':', ';']).next())?
}
