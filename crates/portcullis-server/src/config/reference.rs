//! What is said of the keys: at the command line, and in the manual's table.

use std::sync::LazyLock;

use super::key::Key;
use super::reader::{Reader, Shown};
use super::source::Given;
use super::{Config, KEYS};

/// What a flag's help says of the key it sets: its sentence and its default.
pub(crate) fn help(name: &str) -> String {
    let Some((key, shown)) = ENTRIES.iter().find(|(key, _)| key.name == name) else {
        return String::new();
    };
    let mut emails = key.about.chars();
    let first = emails.next().into_iter().flat_map(char::to_uppercase);
    let about: String = first.chain(emails).collect();
    // The backquotes are the manual's.
    let default = match key.default {
        "" => shown.value.clone(),
        words => words.replace('`', ""),
    };
    format!("{about} [default: {default}]")
}

/// Every key with its default, as nothing but the declarations say it.
static ENTRIES: LazyLock<Vec<(Key, Shown)>> = LazyLock::new(|| {
    let defaults = Config::read(Reader::new(Given::default()));
    let shown = defaults.map(|config| config.shown).unwrap_or_default();
    KEYS.iter().copied().zip(shown).collect()
});

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// The manual's table. A default that depends on something else is said in words.
    fn table() -> String {
        let mut table = "\n| key | default | bounds | meaning |\n|---|---|---|---|\n".to_owned();
        for (key, shown) in ENTRIES.iter() {
            let default = match (key.default, shown.value.as_str()) {
                ("", "") => String::new(),
                ("", value) => format!("`{value}`"),
                (words, _) => words.to_owned(),
            };
            let bounds = shown.bounds.as_ref();
            let bounds = bounds.map_or_else(String::new, |[least, most]| format!("`{least}` to `{most}`"));
            let meaning = if key.manual.is_empty() {
                key.about
            } else {
                key.manual
            };
            let cells = ["", &format!("`{}`", key.name), &default, &bounds, meaning, ""];
            assert!(cells.iter().all(|cell| !cell.contains(['|', '\n'])), "{cells:?}");
            table.push_str(cells.join(" | ").replace("  ", " ").trim());
            table.push('\n');
        }
        table.push('\n');
        table
    }

    // Shows: OP-4
    /// `cargo xtask docs` sets the variable and runs this.
    #[test]
    #[allow(
        clippy::disallowed_methods,
        reason = "the one variable that is for a developer and configures nothing"
    )]
    fn the_manuals_table_is_as_generated() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operations.md");
        let manual = std::fs::read_to_string(&path).unwrap();
        let (before, rest) = manual.split_once(BEGIN).unwrap();
        let (written, after) = rest.split_once(END).unwrap();
        let declared = table();
        if std::env::var_os("PORTCULLIS_WRITE_DOCS").is_some() {
            std::fs::write(path, [before, BEGIN, &declared, END, after].concat()).unwrap();
            return;
        }
        let differs = declared.lines().zip(written.lines()).find(|(a, b)| a != b);
        assert!(
            written == declared,
            "run `cargo xtask docs`: docs/operations.md differs from the declarations, first in {differs:?}"
        );
    }

    const BEGIN: &str =
        "<!-- keys: written by `cargo xtask docs` from crates/portcullis-server/src/config -->\n";
    const END: &str = "<!-- end of keys -->\n";

    #[test]
    fn every_key_is_declared_with_its_own_default() {
        assert_eq!(ENTRIES.len(), KEYS.len());
        for (key, shown) in ENTRIES.iter() {
            assert_eq!(key.name, shown.key);
            assert!(!key.about.is_empty() && !key.about.contains('`'), "{}", key.name);
        }
    }

    #[test]
    fn the_help_of_a_flag_says_sentence_and_default() {
        assert_eq!(
            help("listen"),
            "Address and port to listen on [default: 127.0.0.1:8080]"
        );
        let mode = help("mode");
        assert!(mode.ends_with("[default: development on loopback without a public_url, else production]"));
        assert_eq!(help("nothing"), "");
    }
}
