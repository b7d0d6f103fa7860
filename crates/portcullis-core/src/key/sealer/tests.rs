use super::*;
use crate::key::fakes;

fn sealer(seed: u64) -> Sealer {
    let environment = fakes::environment(seed);
    Sealer::new(MasterKey::generate(&environment), environment)
}

#[test]
fn a_secret_opens_only_for_its_purpose_and_owner() {
    crate::checks!("T014");
    let sealer = sealer(1);
    let sealed = sealer.seal("signing-key", b"kid-1", b"the secret").unwrap();
    for (purpose, owner) in [
        ("password", &b"kid-1"[..]),
        ("signing-key", b"kid-2"),
        ("signing-key", b""),
        ("signing-keykid", b"-1"),
        ("", b"kid-1"),
    ] {
        assert_eq!(
            sealer.open(purpose, owner, sealed.as_bytes()).unwrap_err(),
            SealError::Refused,
            "{purpose} {owner:?}"
        );
    }
    let opened = sealer.open("signing-key", b"kid-1", sealed.as_bytes()).unwrap();
    assert_eq!(opened.expose(), b"the secret");
}

#[test]
fn every_changed_bit_and_every_truncation_is_refused() {
    crate::checks!("T015");
    let sealer = sealer(2);
    let sealed = sealer.seal("p", b"owner", b"0123456789").unwrap().into_bytes();
    for index in 0..sealed.len() {
        for bit in 0..8 {
            let mut forged = sealed.clone();
            forged[index] ^= 1 << bit;
            assert!(
                sealer.open("p", b"owner", &forged).is_err(),
                "bit {bit} of byte {index}"
            );
        }
        assert!(
            sealer.open("p", b"owner", &sealed[..index]).is_err(),
            "prefix of {index}"
        );
        assert!(
            sealer.open("p", b"owner", &sealed[index + 1..]).is_err(),
            "suffix from {index}"
        );
    }
    assert!(
        !sealed.windows(10).any(|window| window == b"0123456789"),
        "the plaintext shows"
    );
}

#[test]
fn another_master_key_says_so() {
    let (one, other) = (sealer(3), sealer(4));
    let sealed = one.seal("p", b"", b"x").unwrap();
    let said = other.open("p", b"", sealed.as_bytes()).unwrap_err();
    assert_eq!(said, SealError::UnknownKey(one.current_id().to_owned()));
    assert!(said.to_string().contains("secrets file"), "{said}");

    // A file that names other bytes with the same id.
    let line = |byte: u8| format!("same = {}", base64_of(byte));
    let make = |byte| Sealer::new(MasterKey::parse(&line(byte)).unwrap(), fakes::environment(5));
    let sealed = make(1).seal("p", b"", b"x").unwrap();
    assert_eq!(
        make(2).open("p", b"", sealed.as_bytes()).unwrap_err(),
        SealError::Refused
    );
    assert_eq!(make(1).open("p", b"", sealed.as_bytes()).unwrap().expose(), b"x");
}

// Shows: PW-3
#[test]
fn rotation_opens_the_old_and_seals_with_the_new() {
    let environment = fakes::environment(6);
    let first = MasterKey::generate(&environment);
    let both = first.rotated(&environment);
    let only_new = both.without(first.current_id());
    let of = |ring: &MasterKey| Sealer::new(ring.clone(), environment.clone());

    let old = of(&first).seal("p", b"o", b"x").unwrap();
    assert!(!of(&first).needs_reseal(old.as_bytes()));
    assert!(of(&both).needs_reseal(old.as_bytes()));
    assert_eq!(of(&both).open("p", b"o", old.as_bytes()).unwrap().expose(), b"x");

    let new = of(&both).seal("p", b"o", b"x").unwrap();
    assert!(!of(&both).needs_reseal(new.as_bytes()));
    assert!(of(&only_new).open("p", b"o", new.as_bytes()).is_ok());
    assert_eq!(
        of(&only_new).open("p", b"o", old.as_bytes()).unwrap_err(),
        SealError::UnknownKey(first.current_id().to_owned())
    );
}

#[test]
fn equal_secrets_never_look_equal() {
    let sealer = sealer(7);
    let mut seen = std::collections::HashSet::new();
    for _ in 0..1_000 {
        assert!(seen.insert(sealer.seal("p", b"o", b"same").unwrap().into_bytes()));
    }
}

#[test]
fn derived_keys_differ_by_label_and_key_and_stay_the_same() {
    let environment = fakes::environment(8);
    let first = MasterKey::generate(&environment);
    let both = Sealer::new(first.rotated(&environment), environment.clone());
    let first = Sealer::new(first, environment);
    let keys = both.derive("a");
    assert_eq!(keys.len(), 2);
    assert_ne!(keys[0].expose(), keys[1].expose());
    assert_eq!(
        keys[1].expose(),
        first.derive("a")[0].expose(),
        "the old key still derives the same"
    );
    assert_ne!(first.derive("a")[0].expose(), first.derive("b")[0].expose());
}

#[test]
fn nothing_is_shown() {
    let sealer = sealer(9);
    let sealed = sealer.seal("p", b"", b"x").unwrap();
    assert_eq!(format!("{sealed:?}"), "…sealed…");
    assert!(format!("{sealer:?}").contains("…redacted…"));
}

proptest::proptest! {
    #[test]
    fn no_bytes_panic_or_open(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..80), id in "[a-z0-9-]{0,12}") {
        let sealer = sealer(10);
        proptest::prop_assert!(sealer.open("p", b"", &bytes).is_err());
        let framed = [&[1, u8::try_from(id.len()).unwrap()], id.as_bytes(), &bytes[..]].concat();
        proptest::prop_assert!(sealer.open("p", b"", &framed).is_err());
        let ours = [&[1, u8::try_from(sealer.current_id().len()).unwrap()], sealer.current_id().as_bytes(), &bytes[..]].concat();
        proptest::prop_assert!(sealer.open("p", b"", &ours).is_err());
    }

    #[test]
    fn no_text_of_a_master_key_panics(text in "[a-z0-9=# \n_-]{0,120}") {
        let _ = MasterKey::parse(&text);
    }
}

fn base64_of(byte: u8) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode([byte, 0].repeat(16))
}
