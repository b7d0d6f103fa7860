//! No token is longer than a line of a request may be on its way.

use super::*;

fn signed_by(algorithm: Algorithm) -> (World, Issuer) {
    let mut world = World::new();
    world.keyring = Arc::new(Keyring::of_keys(signing_key(algorithm, 1), Vec::new()));
    let settings = Settings {
        issuer: format!("https://{}.example", "i".repeat(200)),
        resources: vec![Resource::parse(&resource()).unwrap()],
        ..Settings::default()
    };
    let issuer = world.issuer_with(settings);
    (world, issuer)
}

fn resource() -> String {
    format!("https://{}.example/api", "r".repeat(200))
}

fn padded(length: usize) -> Map<String, Value> {
    Map::from_iter([("pad".to_owned(), "a".repeat(length).into())])
}

#[test]
fn the_line_of_the_longest_token_has_eight_thousand_bytes_for_every_algorithm() {
    crate::checks!("T191");
    for algorithm in Algorithm::SIGNING {
        let (_, issuer) = signed_by(algorithm);
        let audience = issuer.audience(Some(&resource())).unwrap();
        let mint = |pad| issuer.mint_access_for(&subject(), &audience, padded(pad));
        let short = mint(0).unwrap().token.expose().len();
        // Four characters hold three bytes: within this, the longest one lies.
        let most = (jws::LONGEST_ISSUED - short) / 4 * 3;
        let longest = (most..most + 4)
            .rev()
            .find_map(|pad| mint(pad).ok().map(|access| (pad, access)));
        let (pad, access) = longest.unwrap();
        let line = format!("Authorization: Bearer {}", access.token.expose());
        assert!(
            (7_997..=8_000).contains(&line.len()),
            "{algorithm}: {}",
            line.len()
        );
        assert_eq!(mint(pad + 1).unwrap_err(), MintError::TooLarge, "{algorithm}");
    }
}

#[test]
fn scopes_that_are_held_fit_whatever_signs_and_whomever_the_token_is_for() {
    crate::checks!("T191");
    for algorithm in Algorithm::SIGNING {
        let (_, issuer) = signed_by(algorithm);
        let scopes = |count: usize| -> Vec<String> {
            (0..count)
                .map(|n| format!("orders:warehouse-{n:04}:read"))
                .collect()
        };
        let held = (0..400)
            .rev()
            .find(|count| issuer.holds_scopes(&scopes(*count)))
            .unwrap();
        assert!(held > 100, "{algorithm}: {held}");
        let mut longest = subject();
        longest.session.scopes = Some(scopes(held));
        for audience in [issuer.own_audience(), issuer.audience(Some(&resource())).unwrap()] {
            assert!(
                issuer.mint_access_for(&longest, &audience, Map::new()).is_ok(),
                "{algorithm}"
            );
        }
    }
}

/// What docs/operations.md says of it.
#[test]
fn about_a_hundred_and_eighty_permissions_of_twenty_six_characters_fit() {
    let world = World::new();
    let issuer = world.issuer_with(Settings {
        issuer: "https://id.example.com".into(),
        ..Settings::default()
    });
    let mut unscoped = subject();
    unscoped.session.scopes = None;
    let fits = |count: usize| {
        let names: Vec<String> = (0..count)
            .map(|n| format!("orders:warehouse-{n:04}:read"))
            .collect();
        let carried = token::carried(&["staff".to_owned()], &names);
        carried.is_some_and(|extra| issuer.mint_access(&unscoped, extra).is_ok())
    };
    let most = (0..400).rev().find(|count| fits(*count)).unwrap();
    assert!((180..190).contains(&most), "{most}");
}
