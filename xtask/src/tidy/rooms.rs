//! Each kind of line has its room: SQL in the store, HTTP above the core, the environment at the edge; starting a
//! program has none.

use crate::tidy::rust::Rust;
use crate::tidy::tree::{File, Tree};
use crate::tidy::{Finding, line_of, words};

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings: Vec<_> = tree
        .files()
        .iter()
        .filter_map(|file| nameless(&file.path))
        .collect();
    for (file, rust) in tree.rust() {
        if file.path.starts_with("crates/") {
            let what = "what ships starts no program";
            findings.extend(shipped(file, rust, &["process::Command"], what));
            let what = "broken, or encrypts without noticing changes: use SHA-256 or longer, and an AEAD";
            findings.extend(shipped(file, rust, BROKEN, what));
        }
        if !in_any(
            &file.path,
            &[
                "crates/portcullis-store/",
                "crates/portcullis/src/filter/",
                "xtask/",
                "bench/",
                "examples/",
            ],
        ) {
            findings.extend(sql(file, rust));
        }
        if file.path.starts_with("crates/portcullis-core/") {
            findings.extend(shipped(
                file,
                rust,
                &["axum", "http::"],
                "HTTP has no place in portcullis-core",
            ));
        }
        if !in_any(
            &file.path,
            &["crates/portcullis-server/", "xtask/", "bench/", "examples/"],
        ) {
            let what = "the environment is read in portcullis-server: take a value";
            findings.extend(shipped(
                file,
                rust,
                &["std::env", "env::var", "env::var_os", "env::vars"],
                what,
            ));
        }
    }
    findings
}

fn in_any(path: &str, folders: &[&str]) -> bool {
    folders.iter().any(|folder| path.starts_with(folder))
}

fn sql(file: &File, rust: &Rust) -> Vec<Finding> {
    let speaks_sql = |text: &str| {
        ["SELECT ", "INSERT INTO", "DELETE FROM"]
            .iter()
            .any(|word| text.contains(word))
    };
    rust.shipped_strings()
        .filter(|(_, text)| speaks_sql(text))
        .map(|(at, _)| {
            Finding::line(
                &file.path,
                line_of(&file.text, *at),
                "SQL belongs to portcullis-store",
            )
        })
        .collect()
}

/// Lines of code outside tests that name one of `names`.
fn shipped(file: &File, rust: &Rust, names: &[&str], what: &str) -> Vec<Finding> {
    let mut lines: Vec<_> = names
        .iter()
        .flat_map(|name| places(&rust.code, name))
        .filter(|at| !rust.is_test(*at))
        .map(|at| line_of(&file.text, at))
        .collect();
    lines.sort_unstable();
    lines.dedup();
    lines
        .into_iter()
        .map(|line| Finding::line(&file.path, line, what))
        .collect()
}

/// Like `words`, but a name that ends in `::` may be followed by an e-mail.
fn places<'t>(code: &'t str, name: &'t str) -> Vec<usize> {
    match name.strip_suffix("::") {
        None => words(code, name).collect(),
        Some(word) => words(code, word)
            .filter(|at| {
                code.get(at + word.len()..)
                    .is_some_and(|rest| rest.starts_with("::"))
            })
            .collect(),
    }
}

/// A file or folder named after nothing.
fn nameless(path: &str) -> Option<Finding> {
    let part = path.split('/').find(|part| {
        let stem = part.split('.').next().unwrap_or(part);
        ["util", "utils", "helper", "helpers", "common", "misc"].contains(&stem)
    })?;
    Some(Finding::file(
        path,
        format!("`{part}` says nothing: name it after what it does"),
    ))
}

/// Hashes that have collisions, and ciphers without a tag, by the names that crypto crates give them.
const BROKEN: &[&str] = &[
    "sha1",
    "md5",
    "SHA1_FOR_LEGACY_USE_ONLY",
    "HMAC_SHA1_FOR_LEGACY_USE_ONLY",
    "cipher::",
    "RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY",
    "Pkcs1PublicEncryptingKey",
    "Pkcs1PrivateDecryptingKey",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn count(path: &str, text: &str) -> usize {
        check(&Tree::of(&[(path, text)])).len()
    }

    #[test]
    fn sql_lives_in_the_store() {
        let query = "f(\"SELECT id FROM t\")";
        for (path, text, findings) in [
            ("crates/portcullis/src/a.rs", query, 1),
            ("crates/portcullis/src/a.rs", "f(\"INSERT INTO t\")", 1),
            ("crates/portcullis/src/a.rs", "// \"SELECT id\"", 0),
            ("crates/portcullis/src/a.rs", "f(\"SELECTED\")", 0),
            ("crates/portcullis-store/src/a.rs", query, 0),
            ("crates/portcullis-server/tests/a.rs", query, 0),
        ] {
            assert_eq!(count(path, text), findings, "{path} {text}");
        }
    }

    #[test]
    fn http_stays_out_of_the_core() {
        for (path, text, findings) in [
            ("crates/portcullis-core/src/a.rs", "use axum::Router;", 1),
            ("crates/portcullis-core/src/a.rs", "use http::Uri;", 1),
            ("crates/portcullis-core/src/a.rs", "fn f(_: ::http::Uri) {}", 1),
            (
                "crates/portcullis-core/src/a.rs",
                "let http = \"http://x\"; // axum",
                0,
            ),
            ("crates/portcullis/src/a.rs", "use axum::Router;", 0),
        ] {
            assert_eq!(count(path, text), findings, "{path} {text}");
        }
    }

    #[test]
    fn the_environment_is_read_at_the_edge() {
        for (path, text, findings) in [
            ("crates/portcullis/src/a.rs", "use std::env;", 1),
            (
                "crates/portcullis/src/a.rs",
                "use std::{env, fs};\nlet x = env::var(\"X\");",
                1,
            ),
            ("crates/portcullis/src/a.rs", "env!(\"CARGO_PKG_NAME\")", 0),
            ("crates/portcullis/tests/a.rs", "use std::env;", 0),
            ("crates/portcullis-server/src/a.rs", "use std::env;", 0),
        ] {
            assert_eq!(count(path, text), findings, "{path} {text}");
        }
    }

    #[test]
    fn nothing_that_ships_starts_a_program() {
        for (path, text, findings) in [
            ("crates/portcullis/src/a.rs", "use std::process::Command;", 1),
            (
                "crates/portcullis-server/src/a.rs",
                "tokio::process::Command::new(x)",
                1,
            ),
            ("crates/portcullis-server/src/a.rs", "std::process::exit(1)", 0),
            (
                "crates/portcullis-server/tests/a.rs",
                "use std::process::Command;",
                0,
            ),
            ("xtask/src/a.rs", "use std::process::Command;", 0),
        ] {
            assert_eq!(count(path, text), findings, "{path} {text}");
        }
    }

    #[test]
    fn broken_hashes_and_ciphers_are_found() {
        for (path, text, findings) in [
            ("crates/portcullis/src/a.rs", "use sha1::Sha1;", 1),
            ("crates/portcullis/src/a.rs", "md5::compute(x)", 1),
            (
                "crates/portcullis-core/src/a.rs",
                "digest(&SHA1_FOR_LEGACY_USE_ONLY, x)",
                1,
            ),
            (
                "crates/portcullis-core/src/a.rs",
                "use aws_lc_rs::cipher::AES_256;",
                1,
            ),
            ("crates/portcullis-core/src/a.rs", "use aws_lc_rs::aead::Aad;", 0),
            ("crates/portcullis-core/src/a.rs", "// as in sha1::Sha1", 0),
            ("crates/portcullis-core/tests/a.rs", "use sha1::Sha1;", 0),
        ] {
            assert_eq!(count(path, text), findings, "{path} {text}");
        }
    }

    #[test]
    fn names_say_something() {
        for (path, findings) in [
            ("a/utils.rs", 1),
            ("a/common/mod.rs", 1),
            ("a/uncommon.rs", 0),
            ("docs/common.md", 1),
        ] {
            assert_eq!(count(path, ""), findings, "{path}");
        }
    }
}
