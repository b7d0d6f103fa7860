//! The list of cases is the cases there are, slice by slice.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The cases by slice.
type Cases = BTreeMap<String, BTreeSet<String>>;

#[test]
fn every_case_is_run() {
    let (written, listed) = (written(), listed());
    for (slice, cases) in &written {
        let run = listed.get(slice).cloned().unwrap_or_default();
        assert_eq!(&run, cases, "the list of {slice} isn't the cases of {slice}");
    }
    assert_eq!(
        listed.keys().collect::<Vec<_>>(),
        written.keys().collect::<Vec<_>>()
    );
}

/// What the macro lists: every block of it begins with the name of its slice.
fn listed() -> Cases {
    let (mut all, mut slice) = (Cases::new(), None);
    for line in include_str!("mod.rs").lines().map(str::trim) {
        let begun = line.strip_prefix("$crate::store_contract!(@ $open, ");
        if let Some(name) = begun.and_then(|rest| rest.strip_suffix(':')) {
            slice = Some(name.to_owned());
        } else if line == ");" {
            slice = None;
        } else if let Some(slice) = &slice {
            let new = all.entry(slice.clone()).or_default().insert(line.to_owned());
            assert!(new, "{line} is listed twice under {slice}");
        }
    }
    all
}

/// What is written: a slice is a file, or a folder of them.
fn written() -> Cases {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/contract");
    let mut all = Cases::new();
    for path in entries(&folder) {
        let slice = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let files = if path.is_dir() { entries(&path) } else { vec![path] };
        let cases: BTreeSet<_> = files.iter().flat_map(|file| cases_of(file)).collect();
        if !cases.is_empty() {
            all.insert(slice, cases);
        }
    }
    all
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

fn cases_of(file: &Path) -> Vec<String> {
    let source = fs::read_to_string(file).unwrap();
    let names = source
        .lines()
        .filter_map(|line| line.strip_prefix("pub async fn "));
    names
        .map(|rest| rest.split(['<', '(']).next().unwrap().to_owned())
        .collect()
}
