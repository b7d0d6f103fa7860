use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use portcullis_core::checks;
use portcullis_core::key::Algorithm;
use portcullis_identity::{RateCounts, SessionStore};
use tempfile::TempDir;

use super::*;
use crate::mail::Security;

fn variables(pairs: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    pairs
        .iter()
        .map(|(name, value)| (name.into(), value.into()))
        .collect()
}

fn flag(key: &str, value: &str) -> Flag {
    Flag {
        key: key.into(),
        value: value.into(),
        typed: format!("--set {key}"),
    }
}

fn file(folder: &TempDir, text: &str) -> Option<PathBuf> {
    let path = folder.path().join("portcullis.toml");
    fs::write(&path, text).unwrap();
    Some(path)
}

/// A file that its owner alone may read.
fn private(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// The problems of a file with this text, one a line, without the folder's name.
fn problems_of(text: &str) -> Vec<String> {
    let folder = TempDir::new().unwrap();
    problems_in(&folder, text)
}

fn problems_in(folder: &TempDir, text: &str) -> Vec<String> {
    match Config::load(&Sources {
        file: file(folder, text),
        ..Sources::default()
    }) {
        Ok(_) => Vec::new(),
        Err(Problems(problems)) => {
            let folder = format!("{}/", folder.path().display());
            problems
                .iter()
                .map(|problem| problem.to_string().replace(&folder, ""))
                .collect()
        }
    }
}

fn with_flags(flags: &[(&str, &str)]) -> Result<Config, Problems> {
    let flags = flags.iter().map(|(key, value)| flag(key, value)).collect();
    Config::load(&Sources {
        flags,
        ..Sources::default()
    })
}

#[test]
fn every_bad_value_is_refused_with_what_it_must_be() {
    for (text, says) in BAD {
        let problems = problems_of(text);
        assert!(
            problems.iter().any(|problem| problem.contains(says)),
            "{text}: {problems:?}"
        );
        let placed = |problem: &String| {
            problem.starts_with("portcullis.toml:") || problem.starts_with("mail.from: must be set")
        };
        assert!(problems.iter().all(placed), "{text}: {problems:?}");
    }
}

const BAD: &[(&str, &str)] = &[
    ("listen = 8080", "listen: must be text in quotes, not a number"),
    ("listen = \"8080\"", "must be an address and a port"),
    ("listen = \"localhost:8080\"", "must be an address and a port"),
    ("listen = \"127.0.0.1:65536\"", "must be an address and a port"),
    ("data = \"\"", "data: must be a path"),
    ("data = [\"a\"]", "data: must be text in quotes, not array"),
    (
        "database = \"portcullis.db\"",
        "must begin with sqlite: or postgres://",
    ),
    ("database = \"sqlite:\"", "the path of a file"),
    ("database = \"sqlite::memory:\"", "the path of a file"),
    (
        "database = \"mysql://host/name\"",
        "must begin with sqlite: or postgres://",
    ),
    (
        "database = \"postgres:///name\"",
        "must begin with sqlite: or postgres://",
    ),
    ("public_url = \"login.example.com\"", "must be an address"),
    (
        "public_url = \"http://login.example.com\"",
        "must begin with https://",
    ),
    (
        "public_url = \"http://127.0.0.1.example.com\"",
        "must begin with https://",
    ),
    ("public_url = \"ftp://localhost\"", "must begin with https://"),
    (
        "public_url = \"javascript:alert(1)\"",
        "must be scheme, host and port alone",
    ),
    (
        "public_url = \"https://example.com/login\"",
        "must be scheme, host and port alone",
    ),
    (
        "public_url = \"https://me:pw@example.com\"",
        "must be scheme, host and port alone",
    ),
    (
        "public_url = \"https://example.com?a\"",
        "must be scheme, host and port alone",
    ),
    ("realm = \"\"", "realm: a realm is 1 to 100 printable ASCII"),
    (
        "realm = 'a\", error=\"x'",
        "realm: a realm is 1 to 100 printable ASCII",
    ),
    ("realm = \"Zürich\"", "without quotes and backslashes"),
    ("mode = \"dev\"", "must be development or production"),
    ("password_grant = \"yes\"", "must be true or false, not text"),
    (
        "require_verified_email = 1",
        "must be true or false, not a number",
    ),
    (
        "proxies.trusted = [\"10.0.0.0/8\", \"proxy\"]",
        "proxies.trusted: proxy: write an address or a network",
    ),
    ("proxies.trusted = [\"10.0.0.1/8\"]", "stands before the slash"),
    ("proxies.trusted = \"10.0.0.0/8\"", "must be an array of texts"),
    (
        "proxies.trusted = [\"10.0.0.0/8\", \"0.0.0.0/0\"]",
        "a network of every address trusts everybody",
    ),
    ("proxies.trusted = [\"::/0\"]", "a network of every address"),
    (
        "proxies.header = \"Forwarded\"",
        "nobody's header is read without proxies.trusted",
    ),
    (
        "proxies = { trusted = [], header = \"X-Forwarded-For\" }",
        "nobody's header is read without proxies.trusted",
    ),
    (
        "proxies = { trusted = [\"10.0.0.1\"], header = \"X-Real-IP\" }",
        "proxies.header: must be X-Forwarded-For or Forwarded",
    ),
    ("proxies.trust = [\"10.0.0.1\"]", "did you mean proxies.trusted?"),
    (
        "hosts = [\"https://portcullis\"]",
        "must be a host's name or address alone",
    ),
    (
        "hosts = [\"portcullis:8080\"]",
        "must be a host's name or address alone",
    ),
    ("hosts = [\"\"]", "must be a host's name or address alone"),
    ("hosts = \"portcullis\"", "must be an array of texts"),
    ("idle_timeout = \"9s\"", "must be from 10s to 10m"),
    ("idle_timeout = \"11m\"", "must be from 10s to 10m"),
    ("shutdown_drain = \"10\"", "with its unit"),
    ("shutdown_drain = 10", "must be text in quotes, not a number"),
    ("shutdown_drain = \"11m\"", "must be from 0s to 10m"),
    (
        "[mail]\nsmtp = \"mail.example.com\"\nfrom = \"a@b.example\"",
        "must be smtps://HOST:PORT",
    ),
    (
        "[mail]\nsmtp = \"http://mail.example.com\"\nfrom = \"a@b.example\"",
        "must be smtps://HOST:PORT",
    ),
    (
        "[mail]\nsmtp = \"smtp://u:p@mail.example.com\"\nfrom = \"a@b.example\"",
        "must not hold a user or password",
    ),
    (
        "[mail]\nsmtp = \"smtp+plain://mail.example.com\"\nfrom = \"a@b.example\"",
        "for a relay on this machine",
    ),
    (
        "[mail]\nsmtp = \"smtp://mail.example.com\"",
        "mail.from: must be set",
    ),
    ("[mail]\nfrom = \"nobody\"", "mail.from: must be an address"),
    (
        "[mail]\nfrom = \"a@b.example\\r\\nBcc: c@d.example\"",
        "mail.from: must be an address",
    ),
    ("[mail]\nsmtp_user = \"me\"", "set both"),
    (
        "[mail]\nsmtp_password_file = \"/nowhere\"",
        "/nowhere can't be read",
    ),
    ("[tokens]\nalgorithm = \"none\"", "must be one of HS256"),
    ("[tokens]\naccess_lifetime = \"9s\"", "must be from 10s to 1d"),
    ("[tokens]\naccess_lifetime = \"25h\"", "must be from 10s to 1d"),
    (
        "[tokens]\nrefresh_lifetime = \"10m\"",
        "must not be shorter than tokens.access_lifetime (15m)",
    ),
    ("[tokens]\nrefresh_grace = \"301s\"", "must be from 0s to 5m"),
    ("[tokens]\nleeway = \"61s\"", "must be from 0s to 1m"),
    ("[sessions]\nidle = \"0s\"", "must be from 1m to 365d"),
    (
        "[sessions]\nidle = \"13h\"",
        "must not be longer than sessions.absolute (12h)",
    ),
    (
        "[sessions]\nremembered_idle = \"91d\"",
        "must not be longer than sessions.remembered_absolute (90d)",
    ),
    (
        "[sessions]\nper_account = 0",
        "must be a whole number from 1 to 10000",
    ),
    (
        "[sessions]\nper_account = -1",
        "must be a whole number from 1 to 10000",
    ),
    (
        "[sessions]\nper_account = 1.5",
        "must be a whole number from 1 to 10000, not float",
    ),
    (
        "[sessions]\nper_account = \"5\"",
        "must be a whole number from 1 to 10000, not text",
    ),
    (
        "[sessions]\nper_account = 99999999999999999999",
        "not a number beyond 64 bits",
    ),
    (
        "[passwords]\nmin_characters = 7",
        "must be a whole number from 8 to 64",
    ),
    (
        "[passwords]\nmax_characters = 63",
        "must be a whole number from 64 to 1024",
    ),
    (
        "[passwords]\nmemory_kib = 1024",
        "must be a whole number from 7168 to 2097152",
    ),
    ("[passwords]\nmemory_kib = 19455", "is too little for 2 passes"),
    (
        "[api_keys]\nprefix = \"pcs\"",
        "api_keys.prefix: a prefix that begins with pc is taken",
    ),
    ("[api_keys]\nprefix = \"p_k\"", "1 to 16 of a-z 0-9"),
    (
        "[api_keys]\nenvironment = \"Live\"",
        "api_keys.environment: prefix and environment are",
    ),
    (
        "[api_keys]\nheader = \"Cookie\"",
        "api_keys.header: this header has a meaning of its own",
    ),
    ("[api_keys]\nheader = \"X Key\"", "the name of a header"),
    (
        "[cookies]\ncsrf_header = \"X-One\"\n[api_keys]\nheader = \"X-ONE\"",
        "api_keys.header: must not be X-ONE: cookies.csrf_header is this header too",
    ),
    ("[api_keys]\nquery_parameter = \"a&b\"", "the name of a parameter"),
    (
        "[tokens]\nkey_age = \"23h\"",
        "tokens.key_age: must be from 1d to 730d",
    ),
    ("[tokens]\nkey_age = \"731d\"", "must be from 1d to 730d"),
    (
        "[api_keys]\nper_account = 0",
        "api_keys.per_account: must be a whole number from 1 to 10000",
    ),
    (
        "[api_keys]\noverlap = \"31d\"",
        "api_keys.overlap: must be from 0s to 30d",
    ),
    (
        "[api_keys]\nwarning = \"23h\"",
        "api_keys.warning: must be from 1d to 90d",
    ),
    (
        "[organizations]\ninvitation_url = \"app.example.com/invited\"",
        "organizations.invitation_url: must be an address",
    ),
    (
        "[organizations]\ninvitation_url = \"http://app.example.com/invited\"",
        "must begin with https://",
    ),
    (
        "[organizations]\ninvitation_url = \"https://app.example.com/?token=x\"",
        "must be scheme, host, port and path alone",
    ),
    (
        "[organizations]\ninvitation_url = \"https://app.example.com/#invited\"",
        "must be scheme, host, port and path alone",
    ),
    (
        "[organizations]\ninvitation_url = \"https://me:pw@app.example.com/invited\"",
        "must be scheme, host, port and path alone",
    ),
    ("[passwords]\nlanes = 17", "must be a whole number from 1 to 16"),
    (
        "[passwords]\nthreads = 0",
        "must be a whole number from 1 to 1024",
    ),
    ("[log]\nformat = \"xml\"", "must be text or json"),
    ("[log]\nfilter = \"portcullis=loud\"", "must be a level or a list"),
    ("[log]\nfilter = \"\"", "must be a level or a list"),
];

// Shows: OP-4
#[test]
fn everything_wrong_is_told_at_once_with_its_place() {
    let folder = TempDir::new().unwrap();
    let text =
        "lisen = \"127.0.0.1:1\"\nmode = \"test\"\n\n[session]\nidle = \"1h\"\n\n[tokens]\nleeway = \"2h\"\n";
    let sources = Sources {
        file: file(&folder, text),
        variables: variables(&[
            ("PORTCULLIS_LOG_FORMAT", "xml"),
            ("PORTCULLIS_PUBLIC_ULR", "https://a.example"),
            ("HOME", "/root"),
        ]),
        flags: vec![flag("sessions.per_account", "many"), flag("flavour", "blue")],
    };
    let said = Config::load(&sources).unwrap_err().to_string();
    let said = said.replace(&format!("{}/", folder.path().display()), "");
    assert!(said.starts_with("the configuration has 8 problems:\n"), "{said}");
    for line in [
        "portcullis.toml:1: lisen: unknown; did you mean listen?",
        "portcullis.toml:2: mode: must be development or production",
        "portcullis.toml:5: session.idle: unknown; did you mean sessions.idle?",
        "portcullis.toml:8: tokens.leeway: must be from 0s to 1m",
        "PORTCULLIS_LOG_FORMAT: log.format: must be text or json",
        "PORTCULLIS_PUBLIC_ULR: unknown; did you mean PORTCULLIS_PUBLIC_URL?",
        "--set sessions.per_account: sessions.per_account: must be a whole number from 1 to 10000",
        "--set flavour: flavour: unknown; `portcullis config show` lists what there is",
    ] {
        assert!(said.lines().any(|said| said.trim() == line), "{line}\nin\n{said}");
    }
}

// Shows: OP-4
#[test]
fn no_message_repeats_what_could_be_a_secret() {
    checks!("T030");
    let folder = TempDir::new().unwrap();
    let secret = folder.path().join("secret");
    private(&secret, "canary-1\ncanary-2\n");
    for text in [
        "smtp_password = \"canary\"",
        "[mail]\nsmtp_password = \"canary\"",
        "[mail]\nsmtp = \"smtp://u:canary@mail.example.com\"",
        "database = \"postgres://u:canary@host/name\"",
        "database = \"postgres://host/name?password=canary\"",
        "database = \"mysql://u:canary@host\"",
        "database_file = \"SECRET\"",
        "master_key = \"canary\"",
        "[mail]\nsmtp_password = \"canary",
        "mode = \"canary\"",
        "canary",
    ] {
        let problems = problems_in(&folder, &text.replace("SECRET", &secret.display().to_string()));
        assert!(!problems.is_empty(), "{text}");
        // A key's own name is no secret.
        let told = problems.iter().any(|problem| problem.contains("canary"));
        assert!(!told, "{text}: {problems:?}");
    }
}

#[test]
fn secrets_in_the_file_are_pointed_to_their_own_file() {
    let problems = problems_of("[mail]\nsmtp_password = \"x\"");
    let says = "write it to a file and set mail.smtp_password_file";
    assert!(
        problems.iter().any(|problem| problem.contains(says)),
        "{problems:?}"
    );
    let sources = Sources {
        variables: variables(&[("PORTCULLIS_MASTER_KEY", "x")]),
        ..Sources::default()
    };
    let said = Config::load(&sources).unwrap_err().to_string();
    assert!(said.contains("set PORTCULLIS_MASTER_KEY_FILE"), "{said}");
}

#[test]
fn broken_files_are_told_by_line() {
    let folder = TempDir::new().unwrap();
    for (text, line) in [
        ("listen = \"127.0.0.1:1\"\nmode\n\n", 2),
        ("\n\ndata = \n", 3),
        ("data = \"a\"\ndata = \"b\"", 2),
        ("[log\n", 1),
        ("data = \"a", 1),
    ] {
        let problems = problems_in(&folder, text);
        let place = format!("portcullis.toml:{line}: ");
        assert!(
            problems.iter().any(|problem| problem.starts_with(&place)),
            "{text}: {problems:?}"
        );
    }

    for (bytes, says) in [(vec![0xff, 0xfe], "UTF-8"), (vec![b'#'; 300_000], "more than")] {
        let path = folder.path().join("other.toml");
        fs::write(&path, bytes).unwrap();
        let said = Config::load(&Sources {
            file: Some(path),
            ..Sources::default()
        })
        .unwrap_err()
        .to_string();
        assert!(said.contains(says), "{said}");
    }
    let missing = Sources {
        file: Some("/nowhere/portcullis.toml".into()),
        ..Sources::default()
    };
    let said = Config::load(&missing).unwrap_err().to_string();
    assert!(
        said.contains("/nowhere/portcullis.toml:1: can't be read"),
        "{said}"
    );
}

// Shows: OP-4
#[test]
fn later_sources_win_and_the_place_is_known() {
    let folder = TempDir::new().unwrap();
    let sources = Sources {
        file: file(
            &folder,
            "data = \"a\"\n[sessions]\nidle = \"10m\"\nabsolute = \"1h\"\nper_account = 3\n",
        ),
        variables: variables(&[
            ("PORTCULLIS_SESSIONS_IDLE", "20m"),
            ("PORTCULLIS_SESSIONS_PER_ACCOUNT", "4"),
        ]),
        flags: vec![flag("sessions.per_account", "5")],
    };
    let config = Config::load(&sources).unwrap();
    assert_eq!(config.sessions.settings.absolute, Duration::from_secs(3_600));
    assert_eq!(config.sessions.settings.idle, Duration::from_secs(1_200));
    assert_eq!(config.sessions.settings.per_account, 5);
    let origin = |key: &str| {
        let shown = config.shown.iter().find(|shown| shown.key == key).unwrap();
        shown
            .origin
            .to_string()
            .replace(&format!("{}/", folder.path().display()), "")
    };
    assert_eq!(origin("sessions.absolute"), "portcullis.toml:4");
    assert_eq!(origin("sessions.idle"), "PORTCULLIS_SESSIONS_IDLE");
    assert_eq!(origin("sessions.per_account"), "--set sessions.per_account");
    assert_eq!(origin("log.format"), "default");
    let keys: Vec<&str> = config.shown.iter().map(|shown| shown.key).collect();
    assert_eq!(
        keys,
        KEYS.iter().map(|key| key.name).collect::<Vec<_>>(),
        "every key is shown, in order"
    );
}

#[test]
fn variables_of_an_orchestrator_are_not_ours() {
    let load = |pairs: &[(&str, &str)]| {
        Config::load(&Sources {
            variables: variables(pairs),
            ..Sources::default()
        })
    };
    load(&[
        ("PORTCULLIS_PORT", "tcp://10.0.0.1:80"),
        ("PORTCULLIS_PORT_80_TCP", "tcp://10.0.0.1:80"),
        ("PORTCULLIS_SERVICE_HOST", "10.0.0.1"),
        ("PORTCULLIS_DB_SERVICE_HOST", "10.0.0.2"),
        ("PORTCULLIS_DB_SERVICE_PORT", "5432"),
        ("PORTCULLIS_DB_SERVICE_PORT_TCP_POSTGRESQL", "5432"),
        ("PORTCULLIS_DB_PORT", "tcp://10.0.0.2:5432"),
        ("PORTCULLIS_DB_PORT_5432_TCP", "tcp://10.0.0.2:5432"),
        ("PORTCULLIS_DB_PORT_5432_TCP_PROTO", "tcp"),
        ("PORTCULLIS_DB_PORT_5432_TCP_PORT", "5432"),
        ("PORTCULLIS_DB_PORT_5432_TCP_ADDR", "10.0.0.2"),
        ("PORTCULLIS_VERSION", "0.1.0"),
        ("PORTCULLIS_HOME", "/opt/portcullis"),
        ("PORTCULLIS_IMAGE_TAG", "latest"),
    ])
    .unwrap();
    for (name, says) in [
        ("PORTCULLIS_LISTN", "did you mean PORTCULLIS_LISTEN?"),
        (
            "PORTCULLIS_SESSION_IDLE",
            "did you mean PORTCULLIS_SESSIONS_IDLE?",
        ),
        ("PORTCULLIS_PORT", "config show"),
        ("PORTCULLIS_HOMEDIR", "config show"),
        (
            "PORTCULLIS_MAIL_SMTP_PASSWORD",
            "set PORTCULLIS_MAIL_SMTP_PASSWORD_FILE",
        ),
    ] {
        let problems = load(&[(name, "8080")]).unwrap_err().to_string();
        assert!(problems.contains(says), "{name}: {problems}");
    }
}

// Shows: OP-1
#[test]
fn nothing_set_is_a_server_for_this_machine() {
    let config = Config::load(&Sources::default()).unwrap();
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.server.mode, Mode::Development);
    assert_eq!(
        config.server.public_url.unwrap().as_str(),
        "http://localhost:8080/"
    );
    for (listen, url) in [
        ("[::1]:80", "http://localhost/"),
        ("127.0.0.2:8080", "http://127.0.0.2:8080/"),
    ] {
        let config = with_flags(&[("listen", listen)]).unwrap();
        assert_eq!(config.server.public_url.unwrap().as_str(), url);
    }
    assert_eq!(config.server.master_key_file, Path::new("./data/secrets.key"));
    assert_eq!(config.database.address.expose(), "sqlite:./data/portcullis.db");
    assert_eq!(config.tokens.algorithm, Algorithm::ES256);
    assert!(matches!(config.mail, Transport::Folder(folder) if folder == Path::new("./data/mail")));
}

// Shows: AK-2
#[test]
fn what_is_set_is_what_the_server_gets() {
    let config = with_flags(&[
        ("realm", "Blog, internal"),
        ("tokens.key_age", "1d"),
        ("api_keys.per_account", "3"),
        ("api_keys.overlap", "0s"),
        ("api_keys.warning", "90d"),
        ("organizations.invitation_url", "https://app.example.com/invited"),
    ])
    .unwrap();
    assert_eq!(config.server.realm.as_str(), "Blog, internal");
    assert_eq!(config.tokens.key_age, Duration::from_secs(86_400));
    let keys = &config.api_keys.settings;
    assert_eq!((keys.per_account, keys.overlap), (3, Duration::ZERO));
    assert_eq!(keys.warning, Duration::from_secs(90 * 86_400));
    assert_eq!(
        config.organizations.invitation_url.unwrap().as_str(),
        "https://app.example.com/invited"
    );
}

#[test]
fn a_server_that_others_reach_is_in_production_and_needs_its_address() {
    let said = with_flags(&[("listen", "0.0.0.0:80")]).unwrap_err().to_string();
    assert!(said.contains("public_url: must be set"), "{said}");
    for (flags, mode) in [
        (
            vec![
                ("listen", "0.0.0.0:80"),
                ("public_url", "https://login.example.com"),
            ],
            Mode::Production,
        ),
        (
            vec![("public_url", "https://login.example.com")],
            Mode::Production,
        ),
        (vec![("listen", "[::1]:80")], Mode::Development),
        (
            vec![("public_url", "http://localhost:8080"), ("mode", "development")],
            Mode::Development,
        ),
        (vec![("mode", "production")], Mode::Production),
    ] {
        let config = with_flags(&flags).unwrap();
        assert_eq!(config.server.mode, mode, "{flags:?}");
        let nowhere = matches!(config.mail, Transport::Nowhere);
        assert_eq!(nowhere, mode == Mode::Production, "{flags:?}");
    }
}

#[test]
fn a_proven_address_is_required_only_where_emails_leave() {
    let required = ("require_verified_email", "true");
    let said = with_flags(&[("mode", "production"), required])
        .unwrap_err()
        .to_string();
    assert!(said.contains("require_verified_email: needs mail.smtp"), "{said}");
    assert_eq!(said.lines().count(), 2, "a heading and a line: {said}");
    let relay = [
        ("mode", "production"),
        required,
        ("mail.smtp", "smtps://mail.example.com"),
        ("mail.from", "Portcullis <no-reply@example.com>"),
    ];
    assert!(with_flags(&relay).unwrap().server.require_verified_email);
    assert!(with_flags(&[required]).unwrap().server.require_verified_email);
}

#[test]
fn passwords_of_databases_and_mail_servers_come_from_files_and_are_never_shown() {
    checks!("T030");
    let folder = TempDir::new().unwrap();
    let (address, password) = (folder.path().join("address"), folder.path().join("password"));
    private(&address, "postgres://me:canary@db.example:5433/portcullis\n");
    private(&password, "canary\n");
    let config = with_flags(&[
        ("database_file", &address.display().to_string()),
        ("mail.smtp", "smtps://mail.example.com"),
        ("mail.smtp_user", "me"),
        ("mail.smtp_password_file", &password.display().to_string()),
        ("mail.from", "Portcullis <no-reply@example.com>"),
    ])
    .unwrap();
    assert!(config.database.address.expose().contains(":canary@"));
    assert_eq!(config.database.shown, "postgres://db.example:5433/portcullis");
    let Transport::Smtp(smtp) = &config.mail else {
        panic!("{:?}", config.mail)
    };
    assert_eq!(
        (smtp.host.as_str(), smtp.port, smtp.security),
        ("mail.example.com", 465, Security::Tls)
    );
    assert_eq!(smtp.credentials.as_ref().unwrap().1.expose(), "canary");
    assert!(!format!("{config:?}").contains("canary"), "{config:?}");

    let both = [
        ("database_file", address.to_str().unwrap()),
        ("database", "sqlite:a.db"),
    ];
    assert!(with_flags(&both).unwrap_err().to_string().contains("not both"));
}

#[test]
fn opaque_sessions_are_kept_where_it_is_said() {
    for (text, store, shown) in [
        ("database", SessionStore::Database, "database"),
        ("memory", SessionStore::Memory, "memory"),
        (
            "redis://127.0.0.1:6379/1",
            redis("redis://127.0.0.1:6379/1"),
            "redis://127.0.0.1:6379/1",
        ),
        (
            "rediss://me@cache.example/",
            redis("rediss://me@cache.example/"),
            "rediss://cache.example/",
        ),
    ] {
        let config = with_flags(&[("sessions.store", text)]).unwrap();
        assert!(config.sessions.store == store, "{text}");
        let line = config
            .shown
            .iter()
            .find(|line| line.key == "sessions.store")
            .unwrap();
        assert_eq!(line.value, shown, "{text}");
    }
    for text in [
        "",
        "disk",
        "http://127.0.0.1/",
        "redis:",
        "redis://:canary@127.0.0.1/",
    ] {
        let problems = with_flags(&[("sessions.store", text)]).unwrap_err().to_string();
        assert!(
            problems.contains("sessions.store") && !problems.contains("canary"),
            "{text}: {problems}"
        );
    }
}

#[test]
fn limits_are_said_and_counted_as_it_is_written() {
    checks!("T249");
    let config = with_flags(&[]).unwrap().rate_limits;
    assert_eq!((config.per_address, config.counts), (None, RateCounts::Own));
    for (key, text, shown) in [
        (
            "rate_limits.per_address",
            "600/minute;burst 100,5000/hour",
            "600/minute; burst 100, 5000/hour",
        ),
        ("rate_limits.headers", "x-ratelimit", "x-ratelimit"),
        ("rate_limits.headers", "off", "off"),
        (
            "rate_limits.counts",
            "rediss://me@cache.example/",
            "rediss://cache.example/",
        ),
    ] {
        let config = with_flags(&[(key, text)]).unwrap();
        let line = config.shown.iter().find(|line| line.key == key).unwrap();
        assert_eq!(line.value, shown, "{text}");
    }
    let wrong = [
        ("rate_limits.per_address", "600/min"),
        ("rate_limits.headers", "both"),
        ("rate_limits.counts", "redis://:canary@127.0.0.1/"),
    ];
    let problems = with_flags(&wrong).unwrap_err().to_string();
    for says in [
        "600/min",
        "must be draft, x-ratelimit or off",
        "rate_limits.counts_file",
    ] {
        assert!(problems.contains(says), "{says}: {problems}");
    }
    assert!(!problems.contains("canary"), "{problems}");
}

#[test]
fn a_database_may_have_several_hosts() {
    checks!("T030");
    let shown = |address: &str| {
        let config = with_flags(&[("database", address)]);
        config.map_or_else(|problems| problems.to_string(), |config| config.database.shown)
    };
    let address = "postgres://me@one:5432,two/portcullis?target_session_attrs=any";
    assert_eq!(shown(address), "postgres://one:5432,two/portcullis");
    for address in [
        "postgres://me:canary@one,two/portcullis",
        "postgres://one,me:canary@two/portcullis",
        "postgres://me:can/ary@one,two/portcullis",
        "postgres://one,two/portcullis?password=canary",
        "postgres://one,,two/portcullis",
        "postgres://one,two:canary/portcullis",
    ] {
        let said = shown(address);
        assert!(
            said.contains("must ") && !said.contains("ary"),
            "{address}: {said}"
        );
    }
}

#[test]
fn every_secret_comes_from_a_private_file() {
    checks!("T160");
    let folder = TempDir::new().unwrap();
    let secret = folder.path().join("secret");
    private(&secret, "canary\n");
    let keys: Vec<&str> = KEYS.iter().map(|key| key.name).collect();
    let keys = keys
        .into_iter()
        .filter(|name| name.ends_with("_file") && *name != "master_key_file");
    for key in keys {
        let says = |mode| {
            fs::set_permissions(&secret, fs::Permissions::from_mode(mode)).unwrap();
            let problems = with_flags(&[(key, secret.to_str().unwrap())]);
            problems.map_or_else(|problems| problems.to_string(), |_| String::new())
        };
        let open = says(0o644);
        assert!(
            open.contains("0644") && open.contains("chmod 600"),
            "{key}: {open}"
        );
        assert!(!says(0o400).contains("chmod"), "{key}");
    }
}

#[test]
fn an_address_of_redis_with_a_password_comes_from_a_file_and_is_never_shown() {
    checks!("T030");
    let folder = TempDir::new().unwrap();
    let address = folder.path().join("address");
    private(&address, "redis://:canary@cache.example:6380/\n");
    let config = with_flags(&[("sessions.store_file", address.to_str().unwrap())]).unwrap();
    assert!(config.sessions.store == redis("redis://:canary@cache.example:6380/"));
    assert!(!format!("{config:?}").contains("canary"), "{config:?}");
    let both = [
        ("sessions.store_file", address.to_str().unwrap()),
        ("sessions.store", "memory"),
    ];
    assert!(with_flags(&both).unwrap_err().to_string().contains("not both"));
}

fn redis(address: &str) -> SessionStore {
    SessionStore::Redis(address.to_owned())
}

#[test]
fn mail_servers_are_reached_by_tls_or_on_this_machine() {
    for (address, port, security) in [
        ("smtps://mail.example.com", 465, Security::Tls),
        ("smtps://mail.example.com:2465", 2465, Security::Tls),
        ("smtp://mail.example.com/", 587, Security::StartTls),
        ("smtp+plain://127.0.0.1:1025", 1025, Security::Loopback),
        ("smtp+plain://[::1]", 25, Security::Loopback),
        ("smtp+plain://localhost", 25, Security::Loopback),
    ] {
        let config = with_flags(&[("mail.smtp", address), ("mail.from", "a@example.com")]).unwrap();
        let Transport::Smtp(smtp) = config.mail else {
            panic!("{address}")
        };
        assert_eq!((smtp.port, smtp.security), (port, security), "{address}");
    }
}

// Shows: SE-3
#[test]
fn cookies_that_browsers_would_drop_are_told_before_the_start() {
    let public = ("public_url", "https://id.example.com");
    for (key, value, says) in [
        ("cookies.name", "__Host-shop", "leave the prefix out"),
        ("cookies.name", "", "1 to 64"),
        ("cookies.domain", "https://example.com", "no scheme"),
        (
            "cookies.domain",
            "example.org",
            "browsers refuse a cookie for example.org from id.example.com",
        ),
        ("cookies.same_site", "none", "must be lax or strict"),
        ("cookies.csrf_header", "Authorization", "begins with X-"),
    ] {
        let problems = with_flags(&[public, (key, value)]).unwrap_err().to_string();
        assert!(problems.contains(key) && problems.contains(says), "{problems}");
    }
    let config = with_flags(&[
        public,
        ("cookies.name", "shop"),
        ("cookies.domain", "example.com"),
        ("cookies.same_site", "strict"),
        ("cookies.csrf_header", "X-XSRF-Token"),
        ("cookies.data_lifetime", "30d"),
    ])
    .unwrap();
    let cookies = &config.cookies;
    assert_eq!(
        (
            cookies.name.as_str(),
            cookies.domain.as_deref(),
            cookies.same_site.as_str()
        ),
        ("shop", Some("example.com"), "Strict")
    );
    assert_eq!(cookies.data_lifetime, Duration::from_secs(30 * 86_400));
    let defaults = with_flags(&[]).unwrap();
    assert_eq!(defaults.cookies, portcullis_identity::cookie::Settings::default());
}

#[test]
fn the_manual_says_each_default() {
    let manual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operations.md");
    let manual = fs::read_to_string(manual).unwrap();
    let config = Config::load(&Sources::default()).unwrap();
    let mut compared = 0;
    for shown in &config.shown {
        let start = format!("| `{}` | ", shown.key);
        let row = manual.lines().find_map(|line| line.strip_prefix(start.as_str()));
        let cell = row.unwrap().split(" | ").next().unwrap();
        // What depends on the machine or on another key is said in words.
        let plain = cell.strip_prefix('`').and_then(|cell| cell.strip_suffix('`'));
        if let Some(default) = plain.filter(|default| !default.contains('`')) {
            assert_eq!(default, shown.value, "{}", shown.key);
            compared += 1;
        }
    }
    assert!(compared > 35, "{compared}");
}

// Shows: WP-6
#[test]
fn pages_of_other_origins_are_named_as_browsers_send_them() {
    assert!(with_flags(&[]).unwrap().cors.is_none());
    let named = ("cors.origins", "https://app.example.com http://localhost:5173");
    assert!(with_flags(&[named]).unwrap().cors.is_some());
    assert!(with_flags(&[named, ("cors.credentials", "true")]).is_ok());
    assert!(with_flags(&[("cors.origins", "*")]).is_ok());
    for (flags, said) in [
        (vec![("cors.origins", "https://app.example.com/")], "without path"),
        (vec![("cors.origins", "null")], "sandbox"),
        (vec![("cors.origins", "https://a.example *")], "`*` stands alone"),
        (vec![("cors.credentials", "true")], "without cors.origins"),
        (
            vec![("cors.origins", "*"), ("cors.credentials", "true")],
            "can't be combined with credentials",
        ),
    ] {
        let problems = with_flags(&flags).unwrap_err().to_string();
        assert!(problems.contains(said), "{flags:?}: {problems}");
    }
}
