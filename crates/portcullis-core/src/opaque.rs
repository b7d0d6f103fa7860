//! Every kind of opaque token that is given out, in one list.
//!
//! Whatever tells tokens apart, or tries each of them where another is wanted, goes through this list, so that a new kind
//! isn't forgotten there.

use zeroize::Zeroizing;

use crate::account::{EmailVerification, Setup};
use crate::organization::InvitationKind;
use crate::secret::{Opaque, TokenKind};
use crate::session::{Refresh, RefreshToken, SessionToken};

/// A kind of opaque token as a value.
#[derive(Debug, Clone, Copy)]
pub struct OpaqueKind {
    /// What its text begins with.
    pub prefix: &'static str,
    /// What it is, for people: `a session token`.
    pub what: &'static str,
    read: fn(&str) -> Option<Zeroizing<String>>,
    write: fn([u8; 32]) -> Zeroizing<String>,
}

impl OpaqueKind {
    const fn of<K: TokenKind>(what: &'static str) -> Self {
        Self {
            prefix: K::PREFIX,
            what,
            read: |text| Opaque::<K>::parse(text).map(|token| token.expose()),
            write: |bytes| Opaque::<K>::from_bytes(bytes).expose(),
        }
    }

    /// Refresh tokens have texts of two forms; any of both is read, and one that names no session is written.
    const fn refresh() -> Self {
        Self {
            read: |text| RefreshToken::parse(text).map(|token| token.expose()),
            ..Self::of::<Refresh>("a refresh token")
        }
    }

    /// The token's text as this kind writes it; `None` unless `text` is a token of this kind.
    pub fn read(&self, text: &str) -> Option<Zeroizing<String>> {
        (self.read)(text)
    }

    /// The text of a token of this kind made of these bytes.
    pub fn write(&self, bytes: [u8; 32]) -> Zeroizing<String> {
        (self.write)(bytes)
    }
}

/// Every kind of opaque token there is, each with what it is called to people.
pub const OPAQUE: [OpaqueKind; 5] = [
    OpaqueKind::of::<SessionToken>("a session token"),
    OpaqueKind::refresh(),
    OpaqueKind::of::<EmailVerification>("a code that confirms an address"),
    OpaqueKind::of::<Setup>("a set-up token: it makes the first administrator"),
    OpaqueKind::of::<InvitationKind>("a code that lets an invited address into an organization"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;
    use std::{fs, io};

    use super::*;
    use crate::checks;

    #[test]
    fn every_text_is_of_one_kind() {
        checks!("T014");
        for kind in OPAQUE {
            let text = kind.write([7; 32]);
            assert!(text.starts_with(kind.prefix));
            let readers = OPAQUE.iter().filter(|other| other.read(&text).is_some());
            let readers: Vec<_> = readers.map(|other| other.what).collect();
            assert_eq!(readers, [kind.what]);
            assert_eq!(kind.read(&text), Some(text));
        }
    }

    // Shows: TK-6
    /// A kind that isn't in the list is tried nowhere.
    #[test]
    fn every_kind_is_in_the_list() {
        let mut written = BTreeSet::new();
        prefixes(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut written).unwrap();
        let listed: BTreeSet<_> = OPAQUE.iter().map(|kind| kind.prefix.to_owned()).collect();
        assert_eq!(listed, written);
        assert_eq!(listed.len(), OPAQUE.len(), "two kinds have one prefix");
    }

    /// The prefixes of the kinds that are written at a file's top level: those of tests are further in.
    fn prefixes(folder: &Path, found: &mut BTreeSet<String>) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                prefixes(&path, found)?;
                continue;
            }
            let source = fs::read_to_string(&path)?;
            found.extend(prefixes_of(source.lines()));
        }
        Ok(())
    }

    fn prefixes_of<'t>(lines: impl Iterator<Item = &'t str>) -> Vec<String> {
        let mut inside = false;
        let mut all = Vec::new();
        for line in lines {
            if is_kind(line) {
                inside = true;
            } else if line == "}" {
                inside = false;
            } else if let Some((_, rest)) = line.split_once("PREFIX: &'static str = \"").filter(|_| inside) {
                all.push(rest.trim_end_matches("\";").to_owned());
            }
        }
        all
    }

    fn is_kind(line: &str) -> bool {
        line.starts_with("impl TokenKind for ") || line.starts_with("impl secret::TokenKind for ")
    }
}
