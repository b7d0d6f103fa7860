use proptest::prelude::*;

use super::*;
use crate::checks;

fn normalise(text: &str) -> String {
    super::normalise(Bounded::new(text, MOST_TYPED).unwrap())
}

// Shows: PW-1
#[test]
fn eight_spellings_are_one_address() {
    for spelling in [
        "anna@example.com",
        "Anna@Example.com",
        "ANNA@EXAMPLE.COM",
        "anna@EXAMPLE.com",
        "ａｎｎａ@example.com",
        "anna＠example.com",
        "anna@ｅｘａｍｐｌｅ.com",
        "Ａnna@example．com",
    ] {
        assert_eq!(
            EmailAddress::parse(spelling).unwrap().normalised(),
            "anna@example.com",
            "{spelling}"
        );
    }
}

#[test]
fn addresses_that_could_forge_a_header_or_reach_two_people_are_refused() {
    checks!("T011");
    for text in [
        "",
        "@",
        "a@",
        "@b.c",
        "a",
        "a@b",
        "a@b@c.d",
        "a b@c.d",
        "a@c.d\r\nBcc: x@y.z",
        "a@c.d,x@y.z",
        "a@c.d;x@y.z",
        "<a@c.d>",
        "A <a@c.d>",
        "\"a\"@c.d",
        "a(x)@c.d",
        "a@[127.0.0.1]",
        "a..b@c.d",
        ".a@c.d",
        "a.@c.d",
        "a@-c.d",
        "a@c-.d",
        "a@c..d",
        "a@.c.d",
        "a@c.d.",
        "a\u{0}@c.d",
        "a\u{202e}@c.d",
        "a\u{200b}@c.d",
        "a@c.\td",
    ] {
        assert!(EmailAddress::parse(text).is_err(), "{text:?}");
    }
    let long_local = format!("{}@example.com", "a".repeat(65));
    assert!(EmailAddress::parse(&long_local).is_err());
    assert!(EmailAddress::parse(&long_local[1..]).is_ok());
}

// Shows: PW-1
#[test]
fn user_names_at_their_bounds() {
    for (text, good) in [
        ("ab", false),
        ("abc", true),
        ("a.b-c_d", true),
        ("_abc", false),
        ("abc.", false),
        ("a@b.c", false),
        ("a b c", false),
        ("ab\nc", false),
        ("søren", true),
        // An id in its short form.
        ("01890000000070008000000000000001", false),
        ("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", false),
        ("0189000000007000800000000000000", true),
    ] {
        assert_eq!(Username::parse(text).is_ok(), good, "{text:?}");
    }
    assert!(Username::parse(&"x".repeat(32)).is_ok());
    assert!(Username::parse(&"x".repeat(33)).is_err());
    assert_eq!(Username::parse("ＡnnA").unwrap().normalised(), "anna");
}

// Shows: PW-1
#[test]
fn words_of_living_scripts_are_names() {
    checks!("T142");
    for name in [
        "विक्रम",
        "தமிழ்",
        "জয়",
        "ที่อยู่",
        "राहुल",
        "สมชาย",
        "நீலா",
        "vũ.hà",
        "søren",
        "мария",
        "γιώργος",
        "דוד",
        "محمد",
        "田中さん",
        "김철수",
        "李小龙",
        "abc田中",
        "می\u{200c}خواهم",
        "anna-2",
        "ნინო",
        "አበበ",
    ] {
        assert!(
            Username::parse(name).is_ok(),
            "{name:?}: {:?}",
            Username::parse(name).err()
        );
        let address = format!("{name}@example.com");
        let address = EmailAddress::parse(&address).map(|address| address.normalised().to_owned());
        assert!(address.is_ok(), "{name:?}: {address:?}");
    }
    let composed = Username::parse("v\u{169}an").unwrap();
    assert_eq!(
        composed.normalised(),
        Username::parse("vu\u{303}an").unwrap().normalised()
    );
}

#[test]
fn a_dotted_capital_is_a_name_of_its_own() {
    let (dotted, plain) = (
        Username::parse("İsmail").unwrap(),
        Username::parse("ismail").unwrap(),
    );
    assert_ne!(dotted.normalised(), plain.normalised());
    let dotted = EmailAddress::parse("İsmail@example.com").unwrap();
    assert_ne!(dotted.normalised(), "ismail@example.com");
}

// Shows: PW-1
#[test]
fn names_that_hide_or_imitate_are_refused() {
    checks!("T142");
    use InvalidLetters::{Hidden, Marks, Scripts};
    for (name, fault) in [
        ("anna\u{3164}", Hidden),
        ("an\u{1160}na", Hidden),
        ("anna\u{115f}", Hidden),
        ("an\u{345}na", Hidden),
        ("root\u{3164}", Hidden),
        ("an\u{200b}na", Hidden),
        ("an\u{ad}na", Hidden),
        ("an\u{202e}na", Hidden),
        ("an\u{2066}na", Hidden),
        ("an\u{200d}na", Hidden),
        ("an\u{fe0f}na", Hidden),
        ("an\u{e0061}na", Hidden),
        ("an\u{ffa0}na", Hidden),
        ("an\u{2800}na", Hidden),
        ("an\u{0640}na", Hidden),
        ("an☃na", Hidden),
        ("\u{301}anna", Marks),
        ("\u{93f}\u{93f}\u{93f}", Marks),
        ("an.\u{301}na", Marks),
        ("b\u{330}\u{331}\u{332}\u{333}\u{32d}bb", Marks),
        ("аnna", Scripts),
        ("rооt", Scripts),
        ("rοοt", Scripts),
        ("анна.smith", Scripts),
    ] {
        assert_eq!(
            Username::parse(name).err(),
            Some(InvalidUsername::Letters(fault)),
            "{name:?}"
        );
        let local = EmailAddress::parse(&format!("{name}@example.com")).err();
        assert_eq!(local, Some(InvalidEmail::Letters(fault)), "{name:?}");
    }
    assert!(
        Username::parse("b\u{330}\u{331}\u{332}\u{333}bb").is_ok(),
        "four marks"
    );
    for address in [
        "anna@exam\u{3164}ple.com",
        "x@exаmple.com",
        "x@xn--exmple-4nf.com",
        "x@ex\u{200d}ample.com",
    ] {
        assert!(EmailAddress::parse(address).is_err(), "{address:?}");
    }
    assert_eq!(
        EmailAddress::parse("сосо@example.com").err(),
        Some(InvalidEmail::Imitation)
    );
    assert!(EmailAddress::parse("сосо@почта.рф").is_ok());
}

#[test]
fn names_that_look_alike_share_a_look() {
    checks!("T142");
    let share = |a: &str, b: &str| {
        let (a, b) = (
            Username::parse(a).unwrap().looks(),
            Username::parse(b).unwrap().looks(),
        );
        a.iter().any(|look| b.contains(look))
    };
    for (a, b) in [
        ("coco", "сосо"),
        ("root", "r00t"),
        ("carl", "car1"),
        ("modem", "modern"),
        ("Ian", "lan"),
        ("AHHA", "АННА"),
    ] {
        assert!(share(a, b) && share(b, a), "{a} {b}");
    }
    for (a, b) in [("anna", "anne"), ("ismail", "İsmail"), ("bob", "bób")] {
        assert!(!share(a, b), "{a} {b}");
    }
    assert_eq!(looks_of("Ian"), Username::parse("Ian").unwrap().looks());
}

#[test]
fn names_of_the_server_are_reserved_however_they_are_spelt() {
    checks!("T143");
    for name in [
        "administrator",
        "Operator",
        "SYSTEM",
        "anonymous",
        "adrninistrator",
        "0perator",
        "Ｓｙｓｔｅｍ",
    ] {
        assert!(Username::parse(name).unwrap().is_reserved(), "{name}");
    }
    for name in ["root", "anna", "admiral", "systems"] {
        assert!(!Username::parse(name).unwrap().is_reserved(), "{name}");
    }
}

// Shows: PW-1
#[test]
fn an_address_has_one_form_and_that_is_mailed() {
    checks!("T144");
    for (typed, mailed, shown) in [
        (
            "max@müller.example",
            "max@xn--mller-kva.example",
            "max@müller.example",
        ),
        ("x@ｅｘａｍｐｌｅ.com", "x@example.com", "x@example.com"),
        ("ａb@example.com", "ab@example.com", "ab@example.com"),
        ("boss＠corp．example", "boss@corp.example", "boss@corp.example"),
        (
            "max@maßanfertigung.example",
            "max@xn--maanfertigung-cdb.example",
            "max@maßanfertigung.example",
        ),
        ("अजय@डाटा.भारत", "अजय@xn--c2bd1gb.xn--h2brj9c", "अजय@डाटा.भारत"),
        ("tëst@example.com", "tëst@example.com", "tëst@example.com"),
        ("Anna@Example.COM", "Anna@example.com", "Anna@example.com"),
        ("Tëst@example.com", "tëst@example.com", "tëst@example.com"),
        ("a@MÜLLER.example", "a@xn--mller-kva.example", "a@müller.example"),
        (
            "a@xn--mller-kva.example",
            "a@xn--mller-kva.example",
            "a@müller.example",
        ),
        (
            "संपर्क@डाटामेल.भारत",
            "संपर्क@xn--c2bd4bq1db8d.xn--h2brj9c",
            "संपर्क@डाटामेल.भारत",
        ),
        // A domain that would look like another is shown as it is mailed.
        ("a@сосо.рф", "a@xn--n1aahb.xn--p1ai", "a@xn--n1aahb.рф"),
    ] {
        let address = EmailAddress::parse(typed).unwrap();
        assert_eq!(address.as_str(), mailed, "{typed}");
        assert_eq!(address.shown(), shown, "{typed}");
        assert!(
            address.as_str().eq_ignore_ascii_case(address.normalised()),
            "{typed}"
        );
    }
}

#[test]
fn an_address_that_only_looks_like_the_mailed_one_is_refused() {
    checks!("T144");
    for text in [
        "ﬁona@example.com",
        "①nna@example.com",
        "\u{212a}arl@example.com",
        "x²@example.com",
        "℻@example.com",
        "a@ﬁrm.example",
        "ｱ\u{212b}@example.com",
    ] {
        assert_eq!(
            EmailAddress::parse(text).err(),
            Some(InvalidEmail::Styled),
            "{text}"
        );
    }
}

#[test]
fn space_around_an_identifier_is_dropped_and_inside_it_is_refused() {
    for (before, after) in [
        ("", " "),
        (" ", ""),
        ("", "\n"),
        ("\t", "\t"),
        ("\u{a0}", "\u{3000}"),
        ("", "\r\n"),
    ] {
        let around = |text: &str| format!("{before}{text}{after}");
        assert_eq!(
            EmailAddress::parse(&around("Anna@example.com")).unwrap().as_str(),
            "Anna@example.com"
        );
        assert_eq!(Username::parse(&around("Bob")).unwrap().as_str(), "Bob");
        assert_eq!(Identifier::parse(&around("bob")).unwrap().normalised(), "bob");
        assert_eq!(
            Identifier::parse(&around("anna@example.com"))
                .unwrap()
                .normalised(),
            "anna@example.com"
        );
    }
    for text in [
        "an na@example.com",
        "anna @example.com",
        "anna@ example.com",
        "anna@exam ple.com",
        "an na",
        "a\tbc",
        // Nor by the rules of before.
        "än na",
        "än\u{7}na",
        "än na@example.com",
    ] {
        assert!(Identifier::parse(text).is_none(), "{text:?}");
    }
}

#[test]
fn names_of_before_are_still_found() {
    for (typed, compared) in [
        ("anna\u{3164}", "anna\u{1160}"),
        ("аnna", "аnna"),
        ("ﬁona@example.com", "fiona@example.com"),
    ] {
        assert_eq!(Identifier::parse(typed).unwrap().normalised(), compared);
    }
    assert!(
        Identifier::parse("\u{fdfa}".repeat(171).as_str()).is_none(),
        "513 bytes"
    );
}

proptest! {
    #[test]
    fn normalising_is_stable_and_parsing_never_panics(text in "\\PC{0,40}") {
        prop_assert_eq!(normalise(&normalise(&text)), normalise(&text));
        if let Ok(email) = EmailAddress::parse(&text) {
            let again = EmailAddress::parse(email.normalised()).unwrap();
            prop_assert_eq!(again.normalised(), email.normalised());
        }
        let _ = Identifier::parse(&text);
    }
}
