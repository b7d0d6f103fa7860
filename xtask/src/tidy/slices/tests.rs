use super::*;

/// A crate `x` whose root names these slices, and has these files below `src/`.
fn tree(files: &[(&str, &str)]) -> Tree {
    let files: Vec<_> = files
        .iter()
        .map(|(path, text)| (format!("crates/x/src/{path}"), *text))
        .collect();
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), *text)).collect();
    Tree::of(&files)
}

/// What the check says of the crate `x`, which is to be without a cycle.
fn findings(files: &[(&str, &str)]) -> Vec<String> {
    compare(&tree(files), &["x"])
        .iter()
        .map(ToString::to_string)
        .collect()
}

/// The cycle a → b → c → a, its last step made by `last` in c.
fn closed_by(last: &str) -> Vec<String> {
    findings(&[
        (
            "lib.rs",
            "mod a;\nmod b;\nmod c;\npub use self::a::A;\npub use a::deep::D as E;\n",
        ),
        (
            "a/mod.rs",
            "mod deep;\n#[macro_export]\n#[doc(hidden)]\nmacro_rules! made { () => {} }\nuse crate::b::B;\n",
        ),
        ("a/deep.rs", ""),
        ("b.rs", "fn f() { crate::c::g() }\n"),
        ("c/mod.rs", last),
        ("c/deep.rs", ""),
        ("c/tests.rs", "use crate::a::A;\n"),
    ])
}

#[test]
fn a_cycle_is_found_however_it_is_closed() {
    for (last, item) in [
        ("use crate::a::A;", "A"),
        ("use crate::{b::{self as it}, a::deep::{D, F}};", "deep::D"),
        ("use crate::{\n    a,\n};\nfn f(_: a::A) {}", "a::A"),
        ("use crate::a;", "a"),
        ("use crate::a::*;", "*"),
        ("fn f() { crate::a::deep::f::<u8>() }", "deep::f"),
        ("mod inner { use super::super::a::A; }", "A"),
        ("mod inner { fn f(_: super::super::a::A) {} }", "A"),
        ("pub use super::a::A;", "A"),
        ("use crate::A;", "A"),
        ("use crate::E;", "E"),
        ("fn f(_: crate::A) {}", "A"),
        ("crate::made!();", "made"),
        ("use crate::made;", "made"),
        ("macro_rules! m { () => { $crate::a::f() } }", "f"),
        ("#[cfg(test)]\nmod tests;\nuse crate::a::A;", "A"),
    ] {
        let found = closed_by(last);
        // The way back to b is shorter for b and c than for a, where there is one.
        assert!(!found.is_empty(), "{last}");
        let all = found.join("\n");
        assert!(all.contains(&format!(" `{item}`)")), "{last}: {all}");
        assert!(all.contains("crates/x/src/c/mod.rs:"), "{last}: {all}");
    }
}

#[test]
fn what_ships_nothing_leads_nowhere() {
    for last in [
        "",
        "//! See [`A`](crate::a::A).\n/// And [`crate::a::A`].\nfn f() {} // crate::a::f()",
        "const F: &str = \"crate::a::f()\";",
        "#[cfg(test)]\nuse crate::a::A;",
        "#[cfg(test)]\nmod tests;",
        "#[cfg(test)]\nmod given { use crate::a::A; fn f() { crate::a::f() } }",
        "#[cfg(doc)]\nuse crate::a::A;",
        "#[cfg(test)]\npub(crate) mod deep;",
        "use x::a::A; use ::a::B; use std::a;",
        "mod inner { use super::a::A; }",
        "fn f() { self::a::f(); inner::a::f() }",
        "use crate::Absent; crate::absent!();",
    ] {
        assert_eq!(closed_by(last), [""; 0], "{last}");
    }
}

#[test]
fn a_file_that_only_tests_have_leads_nowhere() {
    for (declared, count) in [("#[cfg(test)]\nmod deep;", 0), ("mod deep;", 1)] {
        let found = findings(&[
            ("lib.rs", "mod a;\nmod c;"),
            ("a.rs", "use crate::c::C;"),
            ("c.rs", declared),
            ("c/deep.rs", "use crate::a::A;"),
            ("c/deep/below.rs", "use crate::a::A;"),
        ]);
        assert_eq!(found.len(), count, "{declared}: {found:?}");
    }
}

#[test]
fn the_chain_names_each_import() {
    let found = closed_by("\nuse crate::a::A;");
    assert_eq!(found.len(), 1);
    let chain = "crates/x/src/a/mod.rs:5: a slice leads back to itself: a → b (crates/x/src/a/mod.rs:5 `B`), \
                 b → c (crates/x/src/b.rs:1 `g`), c → a (crates/x/src/c/mod.rs:2 `A`); ";
    assert!(found[0].starts_with(chain), "{}", found[0]);
}

#[test]
fn of_several_ways_the_shortest_is_told() {
    let found = findings(&[
        ("lib.rs", "mod a;\nmod b;\nmod c;"),
        ("a.rs", "use crate::b::B;"),
        ("b.rs", "use crate::c::C;\nuse crate::a::A;"),
        ("c.rs", "use crate::a::A;"),
    ]);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].contains("a → b") && found[0].contains("b → a") && !found[0].contains("c →"));
    assert!(found[1].contains("b → c"));
}

#[test]
fn two_knots_are_two_findings() {
    let found = findings(&[
        ("lib.rs", ""),
        ("a.rs", "use crate::b::B;"),
        ("b.rs", "use crate::a::A;"),
        ("c.rs", "use crate::{a::A, d::D};"),
        ("d.rs", "use crate::{c::C, a::A};"),
    ]);
    assert_eq!(found.len(), 2, "{found:?}");
}

#[test]
fn the_root_may_name_all() {
    let found = findings(&[
        (
            "main.rs",
            "mod a;\nmod b;\nuse crate::a::A;\nfn f() {}\npub struct Own;",
        ),
        ("a.rs", "use crate::{Own, b::B};"),
        ("b.rs", "use crate::Own;"),
    ]);
    assert_eq!(found, [""; 0]);
}

#[test]
fn the_list_only_grows() {
    let knotted = [
        ("lib.rs", ""),
        ("a.rs", "use crate::b::B;"),
        ("b.rs", "use crate::a::A;"),
    ];
    let untied = [("lib.rs", ""), ("a.rs", "use crate::b::B;"), ("b.rs", "")];
    for (files, acyclic, what) in [
        (&knotted, &[][..], None),
        (&knotted, &["x"][..], Some("a slice leads back to itself")),
        (&untied, &[][..], Some("add it to ACYCLIC")),
        (&untied, &["x"][..], None),
        (&untied, &["x", "y"][..], Some("ACYCLIC lists `y`, which is gone")),
    ] {
        let found = compare(&tree(files), acyclic);
        assert_eq!(found.len(), usize::from(what.is_some()), "{acyclic:?}: {found:?}");
        assert!(
            what.is_none_or(|what| found[0].to_string().contains(what)),
            "{found:?}"
        );
    }
}

#[test]
fn only_crates_of_the_workspace_have_slices() {
    let tree = Tree::of(&[
        ("crates/x/src/lib.rs", ""),
        ("xtask/src/main.rs", ""),
        ("xtask/src/a.rs", ""),
        ("crates/x/tests/a.rs", ""),
        ("examples/y/src/main.rs", ""),
        ("bench/src/main.rs", ""),
    ]);
    let names: Vec<_> = Crate::all(&tree).iter().map(|krate| krate.name).collect();
    assert_eq!(names, ["x", "xtask"]);
}

#[test]
fn the_report_tells_what_is_imported_and_what_is_knotted() {
    let tree = tree(&[
        ("lib.rs", ""),
        ("a/mod.rs", "use crate::b::{B, C};"),
        ("a/tests.rs", ""),
        ("b.rs", "use crate::{a, c::f};\nfn f() { a::g() }"),
        ("c.rs", ""),
    ]);
    let told: Vec<_> = Crate::all(&tree).iter().map(report).collect();
    let expected = "x: 3 slices
  a (2 files) → b 2
  b (1 files) → a 1, c 1
  c (1 files) → 
  a knot of 2: a, b
    a → b
      crates/x/src/a/mod.rs:1 B
      crates/x/src/a/mod.rs:1 C
    b → a
      crates/x/src/b.rs:1 a::g
";
    assert_eq!(told, [expected]);
}
