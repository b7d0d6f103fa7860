use super::*;

const PAGE: &str = "docs/quality.md";
const TEST: (&str, &str) = ("crates/x/tests/t.rs", "fn it_holds() {}\nfn it_holds_too() {}");

const GOOD: &str = "\
V1\tASVS L1\ttested\tit_holds, crates/x/tests/t.rs::it_holds_too
V2\tASVS L2\tnot-applicable\tno files are taken
V3\tASVS L2\topen\tOAuth provider
V4\tfaults\topen\tOAuth provider; so far: it_holds
";
const COUNTED: &str = "\
| source | tested | not applicable | open | rows |
|---|---|---|---|---|
| ASVS L1 | 1 | 0 | 0 | 1 |
| ASVS L2 | 0 | 1 | 1 | 2 |
| faults | 0 | 0 | 1 | 1 |
| all | 1 | 1 | 2 | 4 |

| part | open |
|---|---|
| OAuth provider | 2 |
";

fn findings(files: &[(&str, &str)]) -> Vec<String> {
    check(&Tree::of(files)).iter().map(ToString::to_string).collect()
}

/// What is found in a list with these rows, beside a page that counts something else.
fn in_rows(rows: &str) -> Vec<String> {
    let list = format!("{HEAD}\n{rows}");
    let mut found = findings(&[(LIST, &list), TEST, (PAGE, "")]);
    found.retain(|finding| !finding.starts_with(PAGE));
    found
}

#[test]
fn a_list_that_names_tests_reasons_and_parts_is_fine() {
    let list = format!("{HEAD}\n{GOOD}");
    let page = format!("# Quality\n\n{COUNTED}\nMore.\n");
    assert_eq!(
        findings(&[(LIST, &list), TEST, (PAGE, &page)]),
        Vec::<String>::new()
    );
}

#[test]
fn rows_that_say_nothing_true_are_found() {
    for (row, what) in [
        ("V1\tASVS L1\ttested", "3 cells"),
        ("V1\tASVS L1\ttested\tit_holds\tmore", "5 cells"),
        ("", "1 cells"),
        ("V1\tASVS L1\ttested\tit_breaks", "no test `it_breaks`"),
        ("V1\tASVS L1\ttested\tit_holds,it_holds_too", "no test"),
        ("V1\tASVS L1\ttested\t", "a cell is empty"),
        ("V1\tASVS L1\tnot-applicable\t ", "a cell is empty"),
        ("V1\tASVS L1\topen\t", "a cell is empty"),
        ("V1\t\topen\tspeed", "a cell is empty"),
        ("V1 \tASVS L1\topen\tspeed", "has space around it"),
        ("V1\tASVS L1\tdone\tit_holds", "`done` is neither"),
        (
            "V1\tASVS L1\topen\tspeed; so far: it_breaks",
            "no test `it_breaks`",
        ),
        (
            "V1\tASVS L1\topen\tspeed\nV1\tASVS L1\topen\tspeed",
            "3: V1 is listed twice",
        ),
    ] {
        let found = in_rows(&format!("{row}\n"));
        assert!(found.len() == 1 && found[0].contains(what), "{row:?}: {found:?}");
    }
}

#[test]
fn a_page_that_counts_otherwise_gets_the_table_to_paste() {
    let list = format!("{HEAD}\n{GOOD}");
    let (by_source, by_part) = COUNTED.split_once("\n\n").unwrap();
    for (page, what) in [
        (COUNTED.replace("| ASVS L2 | 0 |", "| ASVS L2 | 1 |"), by_source),
        (COUNTED.replace("| ASVS L1 | 1 | 0 | 0 | 1 |\n", ""), by_source),
        (
            COUNTED.replace("| OAuth provider | 2 |", "| OAuth provider | 1 |"),
            by_part,
        ),
    ] {
        let found = findings(&[(LIST, &list), TEST, (PAGE, &page)]);
        assert!(found.len() == 1 && found[0].contains(what), "{page}: {found:?}");
    }
}

#[test]
fn what_is_missing_or_has_another_head_is_found() {
    let list = format!("{HEAD}\n{GOOD}");
    for (files, what) in [
        (&[TEST][..], "missing; it says"),
        (&[TEST, (LIST, &list)], "missing; it counts"),
        (&[TEST, (LIST, GOOD)], "must begin with"),
        (&[TEST, (LIST, "")], "must begin with"),
    ] {
        let found = findings(files);
        assert!(found.len() == 1 && found[0].contains(what), "{found:?}");
    }
}
