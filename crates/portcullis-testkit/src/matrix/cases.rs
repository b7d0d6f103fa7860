//! The rows of the matrix: what is presented, which routes must refuse it, and how.

use http::Method;
use portcullis_identity::core::authz::CredentialKind;
use portcullis_identity::core::checks;
use portcullis_identity::core::opaque::OPAQUE;
use portcullis_identity::core::secret::TokenKind as _;
use portcullis_identity::core::token::Refresh;

use super::cast::{Cast, Held};
use super::privileges::Privileges;
use super::route::Route;
use super::tenants::{self, HOME, Naming};
use super::{basic, csrf, forge};

pub(super) type Headers = Vec<(&'static str, String)>;

/// One way to present a credential that is to be refused.
pub(super) struct Case {
    pub(super) name: String,
    /// What the request carries.
    pub(super) headers: Headers,
    /// What stands behind the path.
    pub(super) query: String,
    /// The routes it is tried on.
    pub(super) applies: Box<dyn Fn(&Route) -> bool>,
    /// The methods it is tried with.
    pub(super) methods: fn(&Method) -> bool,
    /// The statuses of a right refusal.
    pub(super) refusals: Box<dyn Fn(&Route) -> &'static [u16]>,
    /// Whether it is a matter of records that the credential is bad: with these privileges it is believed where none are.
    pub(super) claims: Option<Privileges>,
    /// Whether the caller is known when the request is refused.
    pub(super) of_known_caller: bool,
    /// What the answer must not repeat.
    pub(super) secret: String,
    /// What is said of the organization, on routes that ask for one.
    pub(super) naming: Naming,
}

/// Every case that each route is called in.
pub(super) fn all(cast: &Cast) -> Vec<Case> {
    let mut all = vec![nothing()];
    all.extend(malformed());
    all.extend(forged(cast));
    all.extend(withdrawn(cast));
    all.extend(misplaced(cast));
    all.extend(several(cast));
    all.extend(cross_site(cast));
    all.extend(csrf::cases(cast));
    all.extend(basic::cases(cast));
    all.extend(insufficient(cast));
    all.extend(tenants::cases(cast));
    all
}

impl Case {
    /// Refused with 401 by every route that looks at credentials.
    pub(super) fn new(name: impl Into<String>, headers: Headers) -> Self {
        Self {
            name: name.into(),
            headers,
            query: String::new(),
            applies: Box::new(Route::is_guarded),
            methods: |_| true,
            refusals: Box::new(|_| &[401]),
            claims: None,
            of_known_caller: false,
            secret: String::new(),
            naming: Naming::All(HOME),
        }
    }

    /// The same, refused otherwise.
    pub(super) fn refused_with(mut self, refusals: &'static [u16]) -> Self {
        self.refusals = Box::new(move |_| refusals);
        self
    }

    /// The same, believed with these privileges where there are no records.
    pub(super) fn claiming(mut self, privileges: Privileges) -> Self {
        self.claims = Some(privileges);
        self
    }

    /// The same, of somebody who is known, and whose refusal is therefore recorded.
    pub(super) fn of_known_caller(mut self) -> Self {
        self.of_known_caller = true;
        self
    }

    /// The same, on these routes only.
    pub(super) fn on(mut self, applies: impl Fn(&Route) -> bool + 'static) -> Self {
        self.applies = Box::new(applies);
        self
    }

    /// The same, with methods that change something.
    pub(super) fn with_changes(mut self) -> Self {
        self.methods = |method| !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
        self
    }

    pub(super) fn about(mut self, secret: &str) -> Self {
        secret.clone_into(&mut self.secret);
        self
    }
}

fn nothing() -> Case {
    Case::new("nothing", Vec::new()).on(|route| !route.is_open())
}

/// What has not even the form of a credential, or the form of one that nobody was given.
fn malformed() -> Vec<Case> {
    let long = format!("Bearer {}.e.e", "e".repeat(20_000));
    let unknown = format!("pcs_{}", "A".repeat(43));
    let authorization = [
        ("no token", "Bearer".to_owned()),
        ("two words", "Bearer a b".to_owned()),
        ("a quoted token", "Bearer \"abc\"".to_owned()),
        ("no text", "\u{e9}".to_owned()),
        ("garbage", "Bearer garbage".to_owned()),
        ("three parts of garbage", "Bearer e30.e30.e30".to_owned()),
        ("a token of 20 KB", long),
        ("an unknown session", format!("Bearer {unknown}")),
        ("half a session token", "Bearer pcs_AAAA".to_owned()),
        ("Basic", "Basic YWRtaW46YWRtaW4=".to_owned()),
        ("a scheme nobody knows", "Negotiate abc".to_owned()),
    ];
    let mut all: Vec<_> = authorization
        .into_iter()
        .map(|(name, value)| Case::new(name, vec![("authorization", value)]).refused_with(&[400, 401]))
        .collect();
    for (header, value) in [
        ("x-session-token", "garbage".to_owned()),
        ("x-session-token", unknown.clone()),
        ("cookie", "__Host-portcullis=garbage".to_owned()),
        ("cookie", format!("__Host-portcullis={unknown}")),
        ("cookie", "__Host-portcullis=".to_owned()),
        ("x-api-key", "garbage".to_owned()),
        ("x-api-key", String::new()),
        ("x-api-key", format!("pk_live_{}", "0".repeat(49))),
    ] {
        let shown: String = value.chars().take(24).collect();
        let headers = vec![(header, value), ("sec-fetch-site", "same-origin".to_owned())];
        all.push(Case::new(format!("{header}: {shown}"), headers));
    }
    all
}

/// Access tokens that somebody else made, and tokens of ours that are none.
fn forged(cast: &Cast) -> Vec<Case> {
    checks!("T003");
    checks!("T014");
    let forged = forge::all(cast);
    let others = OPAQUE.iter().flat_map(|kind| {
        [
            (kind.what.to_owned(), kind.write([0; 32]).to_string()),
            (
                format!("a refresh token's bytes as {}", kind.what),
                cast.refresh.replacen(REFRESH, kind.prefix, 1),
            ),
        ]
    });
    let named = |(name, text): (&str, String)| (name.to_owned(), text);
    let others = others.chain(forge::keys(cast).into_iter().map(named));
    let all = forged.into_iter().map(named).chain(others);
    let case = |(name, text): (String, String)| Case::new(name, bearer(&text)).about(&text);
    let unfounded = forge::unfounded(cast).into_iter().map(named).map(case);
    let unfounded = unfounded.map(|case| case.claiming(Privileges::default()));
    all.map(case).chain(unfounded).collect()
}

/// Credentials that were good once.
fn withdrawn(cast: &Cast) -> Vec<Case> {
    checks!("T016");
    let presented = |what: &str, held: &Held| {
        let all = presentations(held).into_iter().map(|(how, headers)| {
            Case::new(format!("{} {what} ({how})", held.kind.as_str()), headers).about(&held.text)
        });
        all.collect::<Vec<_>>()
    };
    let expired = cast.expired.iter().flat_map(|held| presented("expired", held));
    let mut all: Vec<Case> = expired.collect();
    for (what, held) in &cast.refused {
        for held in held {
            let cases = presented(what, held).into_iter();
            all.extend(cases.map(|case| match held.kind {
                CredentialKind::Jwt => case.claiming(cast.everything.clone()),
                CredentialKind::Session
                | CredentialKind::ApiKey
                | CredentialKind::Basic
                | CredentialKind::Signature
                | CredentialKind::SignedUrl => case,
            }));
        }
    }
    all
}

/// Good credentials where no credential is read, or of a kind that the route doesn't read.
fn misplaced(cast: &Cast) -> Vec<Case> {
    let mut all = Vec::new();
    for held in &cast.good {
        let (kind, name) = (held.kind, held.kind.as_str());
        for (how, headers) in presentations(held) {
            let case = Case::new(format!("good {name}, not read here ({how})"), headers);
            all.push(case.on(move |route| route.is_guarded() && !route.accepts(kind)));
        }
        for parameter in ["access_token", "token", "session_token", "api_key"] {
            let mut case = nothing().about(&held.text);
            case.name = format!("good {name} in the query as {parameter}");
            case.query = format!("?{parameter}={}", held.text);
            all.push(case);
        }
        if kind != CredentialKind::ApiKey {
            let header = vec![("x-api-key", held.text.clone())];
            all.push(Case::new(format!("good {name} in X-API-Key"), header).about(&held.text));
        }
        if kind == CredentialKind::ApiKey {
            let header = vec![("x-session-token", held.text.clone())];
            all.push(Case::new("good api-key in X-Session-Token", header).about(&held.text));
            all.push(Case::new("good api-key in the cookie", cookie(held)).about(&held.text));
        }
        if kind == CredentialKind::Jwt {
            let header = vec![("x-session-token", held.text.clone())];
            all.push(Case::new("good jwt in X-Session-Token", header).about(&held.text));
            all.push(Case::new("good jwt in the cookie", cookie(held)).about(&held.text));
        }
    }
    all
}

/// The good access token, after its end.
pub(super) fn ended(cast: &Cast) -> Vec<Case> {
    let all = cast.good.iter().filter(|held| held.kind == CredentialKind::Jwt);
    all.map(|held| Case::new("good jwt, ended", bearer(&held.text)).about(&held.text))
        .collect()
}

/// More than one credential, each of them good.
fn several(cast: &Cast) -> Vec<Case> {
    checks!("T019");
    let all = cast.good.iter().flat_map(presented);
    let pairs = all.flat_map(|first| {
        let others = cast.good.iter().flat_map(presented);
        others.map(move |second| (first.clone(), second))
    });
    let cases = pairs.map(|((how, mut headers), (and, more))| {
        headers.extend(more);
        Case::new(format!("two: {how}, {and}"), headers).refused_with(&[400])
    });
    cases.collect()
}

/// Every presentation of a credential, named.
fn presented(held: &Held) -> impl Iterator<Item = (String, Headers)> + use<'_> {
    let all = presentations(held).into_iter();
    all.map(|(how, headers)| (format!("{} ({how})", held.kind.as_str()), headers))
}

/// A good cookie, sent by a page of somebody else with a method that changes something.
fn cross_site(cast: &Cast) -> Vec<Case> {
    checks!("T023");
    let held = cast.good.iter().find(|held| held.kind == CredentialKind::Session);
    let Some(held) = held else { return Vec::new() };
    let from = [
        ("nowhere", vec![]),
        ("another site", vec![("sec-fetch-site", "cross-site")]),
        ("another host of the site", vec![("sec-fetch-site", "same-site")]),
        ("an unknown place", vec![("sec-fetch-site", "sideways")]),
        (
            "two places",
            vec![
                ("sec-fetch-site", "same-origin"),
                ("sec-fetch-site", "cross-site"),
            ],
        ),
        ("another origin", vec![("origin", "https://elsewhere.example")]),
        ("a sandbox", vec![("origin", "null")]),
    ];
    let all = from.into_iter().map(|(place, headers)| {
        let mut all = vec![("x-csrf-token", held.csrf.clone()), bare_cookie(&held.text)];
        all.extend(headers.into_iter().map(|(name, value)| (name, value.to_owned())));
        let case = Case::new(format!("good cookie from {place}"), all).about(&held.text);
        case.with_changes()
            .refused_with(&[403])
            .on(|route| route.accepts(CredentialKind::Session))
    });
    all.collect()
}

/// Good credentials of somebody who may not, or may not any more.
fn insufficient(cast: &Cast) -> Vec<Case> {
    checks!("T024");
    let mut all = Vec::new();
    for limited in &cast.limited {
        for held in &limited.held {
            for (how, headers) in presentations(held) {
                let name = format!("{} with {} ({how})", held.kind.as_str(), limited.name);
                let (mut privileges, mut age, kind) = (limited.privileges.clone(), limited.age, held.kind);
                let case = Case::new(name, headers).about(&held.text);
                if kind == CredentialKind::ApiKey {
                    (privileges, age) = privileges.of_a_key();
                }
                let lacking = privileges.clone();
                let mut case = case.of_known_caller();
                case.refusals = Box::new(move |route| route.refusals(&lacking, age));
                all.push(
                    case.on(move |route| route.accepts(kind) && !route.is_satisfied_by(&privileges, age)),
                );
            }
        }
    }
    all
}

/// Every way in which a client may present it.
pub(super) fn presentations(held: &Held) -> Vec<(&'static str, Headers)> {
    match held.kind {
        CredentialKind::Jwt => vec![("bearer", bearer(&held.text))],
        CredentialKind::ApiKey => vec![
            ("bearer", bearer(&held.text)),
            ("header", vec![("x-api-key", held.text.clone())]),
        ],
        CredentialKind::Basic => vec![("basic", basic::header(&held.text))],
        CredentialKind::Session => vec![
            ("bearer", bearer(&held.text)),
            ("header", vec![("x-session-token", held.text.clone())]),
            ("cookie", cookie(held)),
        ],
        // Nobody of the cast signs.
        CredentialKind::Signature | CredentialKind::SignedUrl => Vec::new(),
    }
}

fn bearer(token: &str) -> Headers {
    vec![("authorization", format!("Bearer {token}"))]
}

/// As a page of ours sends it.
fn cookie(held: &Held) -> Headers {
    vec![
        ("sec-fetch-site", "same-origin".to_owned()),
        ("x-csrf-token", held.csrf.clone()),
        bare_cookie(&held.text),
    ]
}

const REFRESH: &str = Refresh::PREFIX;

pub(super) fn bare_cookie(token: &str) -> (&'static str, String) {
    ("cookie", format!("__Host-portcullis={token}"))
}
