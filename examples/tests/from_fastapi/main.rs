//! The code of docs/from-fastapi.md, and that the page shows nothing else.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod access;
mod accounts;
mod around;
mod documents;
mod keys;
mod requests;
mod running;
mod sessions;

use std::collections::{BTreeMap, BTreeSet};

use portcullis_testkit::TestApp;

const PAGE: &str = include_str!("../../../docs/from-fastapi.md");

const ROADMAP: &str = include_str!("../../../docs/ROADMAP.md");

/// What the page's blocks are taken from. All of it is run by tests, here or beside it.
const SOURCES: [&str; 16] = [
    include_str!("access.rs"),
    include_str!("accounts.rs"),
    include_str!("around.rs"),
    include_str!("documents.rs"),
    include_str!("keys.rs"),
    include_str!("policies/shop.cedar"),
    include_str!("requests.rs"),
    include_str!("running.rs"),
    include_str!("sessions.rs"),
    include_str!("../../examples/hmac_requests.rs"),
    include_str!("../../examples/ip_lists.rs"),
    include_str!("../../examples/rate_limit.rs"),
    include_str!("../../examples/resource_owner.rs"),
    include_str!("../../examples/signed_urls.rs"),
    include_str!("../../examples/tiers.rs"),
    include_str!("../../../tests/stranger/src/layers.rs"),
];

/// Without space, and without the commas that end a list only where it takes several lines.
fn dense(text: &str) -> String {
    let text: String = text.split_whitespace().collect();
    [",}", ",)", ",]"]
        .iter()
        .fold(text, |text, end| text.replace(end, &end[1..]))
}

/// The blocks of a text: what kind each is, and what stands in it.
fn blocks(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let inside = text.split("```").skip(1).step_by(2);
    inside.map(|block| block.split_once('\n').unwrap())
}

/// What stands under each heading of the third level.
fn headings() -> Vec<(&'static str, &'static str)> {
    let sections = PAGE.split("\n### ").skip(1);
    let until_the_next = |text: &'static str| text.split("\n## ").next().unwrap();
    sections
        .map(|section| until_the_next(section).split_once('\n').unwrap())
        .collect()
}

/// The rows of the tables with this second heading.
fn rows(second: &str) -> Vec<(&'static str, &'static str)> {
    let head = format!("| what FastAPI programs write | {second} |\n|---|---|\n");
    let tables = PAGE.split(head.as_str()).skip(1);
    let lines = tables.flat_map(|table| table.lines().take_while(|line| line.starts_with("| ")));
    let cells = |line: &'static str| line.trim_matches(['|', ' ']).split_once(" | ").unwrap();
    lines.map(cells).collect()
}

#[test]
fn every_block_stands_in_a_program_that_is_tested() {
    let program = SOURCES.map(dense).concat();
    let mut count = 0;
    for (kind, block) in blocks(PAGE) {
        assert!(
            ["rust", "cedar"].contains(&kind),
            "nothing runs a block of {kind}"
        );
        let dense = dense(block);
        assert!(
            program.contains(dense.trim_end_matches(',')),
            "in no program:\n{block}"
        );
        assert!(block.lines().count() <= 20, "too long to be looked at:\n{block}");
        count += 1;
    }
    assert!(count > 60, "{count}");
}

#[test]
fn every_item_of_the_tutorials_is_there_once_with_code_or_the_reason_for_none() {
    let (headings, none, missing) = (headings(), rows("nothing to write"), rows("not there yet"));
    for (title, text) in &headings {
        assert!(blocks(text).next().is_some(), "{title} has no code");
    }
    for (title, text) in &missing {
        let id = text
            .strip_prefix('[')
            .and_then(|text| text.split_once("](ROADMAP.md)"));
        let id = id
            .unwrap_or_else(|| panic!("{title}: where is it in the roadmap?"))
            .0;
        assert!(ROADMAP.contains(&format!("\n| {id} |")), "{title}: {id}");
    }
    let counted = format!("\n{} of the {} items", missing.len(), ITEMS.len());
    assert!(PAGE.contains(&counted), "the page doesn't say:{counted}");
    let mut seen = BTreeMap::<_, usize>::new();
    for (title, _) in headings.into_iter().chain(none).chain(missing) {
        *seen.entry(title).or_default() += 1;
    }
    assert_eq!(seen, ITEMS.map(|title| (title, 1)).into());
}

#[tokio::test]
async fn every_route_that_it_names_is_there() {
    let app = TestApp::new().await;
    let api = app.portcullis.api();
    let known: BTreeSet<String> = api.authz_lock().lines().map(without_names).collect();
    let code = PAGE.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    let routes = code.filter(|code| {
        let verb = code.split(' ').next().unwrap();
        ["GET", "POST", "PUT", "PATCH", "DELETE"].contains(&verb) && code.contains(" /")
    });
    let mut count = 0;
    for route in routes {
        let wanted = without_names(route);
        assert!(known.contains(&wanted), "{route}: {known:#?}");
        count += 1;
    }
    assert!(count > 15, "{count}");
}

/// One space between words, and no names of parameters.
fn without_names(line: &str) -> String {
    let words: Vec<_> = line.split_whitespace().take(2).collect();
    let name = |piece: &str| if piece.starts_with('{') { "{}" } else { piece }.to_owned();
    words.join(" ").split('/').map(name).collect::<Vec<_>>().join("/")
}

/// What the tutorials of FastAPI build, in the order in which they were read.
const ITEMS: [&str; 99] = [
    "The password form at `/token`",
    "Register, with duplicates refused",
    "Hasher and comparator",
    "Take existing bcrypt hashes over",
    "Pepper",
    "Password rules",
    "One answer for an unknown user and a wrong password",
    "The current user",
    "JWT with HS256",
    "JWT with RS256 and PEM keys",
    "Claims of your own, and another lifetime",
    "Refresh endpoint",
    "Revoke, blacklist until `exp`, clean up",
    "Opaque sessions in Redis",
    "Log in by cookie",
    "Log out, log out everywhere",
    "Sessions in memory",
    "Start-up and shut-down",
    "Permissions and roles",
    "Required permissions",
    "A public route",
    "An administrator lists users",
    "An administrator creates a user",
    "An administrator deletes a user",
    "Only the owner changes a post",
    "Rules by fields of a row",
    "Make a key, shown once, stored as SHA-256",
    "When a key was last used",
    "List and delete one's keys",
    "A route for keys only",
    "A key in the query",
    "A sensitive action refuses keys",
    "JSON login by e-mail",
    "The current user as a row of your own",
    "A route behind `role == \"admin\"`",
    "One fixed key from the settings",
    "CORS",
    "Trusted hosts",
    "Security headers",
    "HSTS",
    "Constraints of fields, and validators of your own",
    "Strip HTML",
    "Rate limit of a route",
    "Tiers per plan",
    "Forgotten and changed passwords",
    "Versions in the path",
    "Parts with documents of their own",
    "Tags with descriptions",
    "Path and query parameters",
    "A dependency for pages of lists",
    "The response model",
    "The pages at other addresses",
    "Title, version, description, contact, licence",
    "Change the document",
    "Security schemes",
    "A middleware that logs, measures, sets a header",
    "Exceptions of your own",
    "Catch everything: 500",
    "A check by the beginning of the path",
    "GZip",
    "Redirect to HTTPS",
    "Session middleware",
    "Background tasks",
    "Dependency overrides",
    "Streams of CSV or JSON",
    "WebSocket",
    "Server-sent events",
    "Jobs with Celery or RQ",
    "HTTP Basic",
    "Authorization code as provider",
    "Log in with Google",
    "ID tokens, OpenID Connect",
    "Sessions per device, listed and ended one by one",
    "Fingerprint of a device",
    "Refresh rotation; reuse ends the family",
    "Second factor by TOTP",
    "Lock-out after wrong passwords",
    "HMAC of payloads",
    "Signed URLs",
    "A list of allowed addresses",
    "CSRF",
    "Rules by the department of the user",
    "Policies as a dictionary of functions",
    "OAuth scopes, `Security(…, scopes=[…])`",
    "A cookie for all subdomains",
    "Inactive users are refused",
    "A token or a key",
    "An optional user",
    "Roles that inherit",
    "One of several roles",
    "Rotate a key",
    "The cost of Argon2",
    "Tenants by a header",
    "Share per action",
    "Lists of what somebody may see",
    "Keys with a prefix",
    "Body limits",
    "Log refusals, audit",
    "Data retention",
];
