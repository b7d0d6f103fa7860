//! Every key there is, in the order in which they are shown.

/// What a key means, for `config show`, the help and the book.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key {
    /// Its name in the file; the variable's name is made from it.
    pub(crate) name: &'static str,
    /// What it sets.
    pub(crate) about: &'static str,
}

const fn key(name: &'static str, about: &'static str) -> Key {
    Key { name, about }
}

/// Every key.
pub(crate) const KEYS: &[Key] = &[
    key("listen", "address and port to listen on"),
    key(
        "data",
        "folder for the database, the secrets and development mail",
    ),
    key(
        "database",
        "sqlite:FILE or postgres://HOST/NAME; an address with a password goes into database_file",
    ),
    key("database_file", "file that holds the database's address"),
    key("master_key_file", "file that holds the master key"),
    key("public_url", "address that users and mailed links use"),
    key(
        "hosts",
        "other names by which this server is reached, such as [\"portcullis\"] inside of a cluster",
    ),
    key(
        "idle_timeout",
        "how long a connection waits for its next request; longer than your proxy's",
    ),
    key("realm", "what challenges call this server, such as Blog"),
    key(
        "mode",
        "development (letters go to a folder and the log) or production",
    ),
    key(
        "password_grant",
        "whether POST /oauth/token accepts grant_type=password",
    ),
    key(
        "require_verified_email",
        "whether an account must prove its address before it logs in",
    ),
    key(
        "shutdown_drain",
        "how long running requests may finish after a stop was asked for",
    ),
    key(
        "proxies.trusted",
        "addresses and networks of the proxies in front, such as [\"10.0.0.0/8\"]; no other is believed",
    ),
    key(
        "proxies.header",
        "header in which they name the client: X-Forwarded-For or Forwarded",
    ),
    key(
        "mail.smtp",
        "smtps://HOST:PORT (TLS) or smtp://HOST:PORT (STARTTLS)",
    ),
    key("mail.smtp_user", "user name at the mail server"),
    key(
        "mail.smtp_password_file",
        "file that holds the password at the mail server",
    ),
    key(
        "mail.from",
        "sender of every letter, such as Portcullis <no-reply@example.com>",
    ),
    key("mail.folder", "folder of the letters in development"),
    key(
        "mail.to_address",
        "how many letters one address gets, such as 20/day",
    ),
    key(
        "mail.to_address_by_strangers",
        "how many of them may be caused by somebody who isn't logged in",
    ),
    key(
        "mail.to_domain",
        "how many letters all addresses of one domain get",
    ),
    key("mail.by_account", "how many letters one account may cause"),
    key(
        "mail.by_client",
        "how many letters may be caused from one client address, or IPv6 network of 64 bits",
    ),
    key(
        "mail.new_devices",
        "how many letters about new devices one account gets",
    ),
    key("tokens.algorithm", "algorithm of new signing keys"),
    key(
        "tokens.key_age",
        "how long a signing key signs before the next one does",
    ),
    key("tokens.access_lifetime", "how long an access token is good"),
    key("tokens.refresh_lifetime", "how long a refresh token is good"),
    key(
        "tokens.refresh_grace",
        "how long a used refresh token gives the same answer again",
    ),
    key("tokens.leeway", "how far clocks may differ"),
    key(
        "tokens.carry_permissions",
        "whether access tokens say which roles and permissions the account has",
    ),
    key(
        "tokens.resources",
        "applications elsewhere that tokens may be for, such as [\"https://blog.example.com\"]",
    ),
    key("sessions.idle", "how long a session may stay unused"),
    key("sessions.absolute", "when a session ends in any case"),
    key(
        "sessions.remembered_idle",
        "how long a remembered session may stay unused",
    ),
    key(
        "sessions.remembered_absolute",
        "when a remembered session ends in any case",
    ),
    key(
        "sessions.tokens_absolute",
        "when a session with refresh tokens ends in any case",
    ),
    key(
        "sessions.per_account",
        "how many sessions an account may have at once",
    ),
    key(
        "sessions.store",
        "where opaque sessions are kept: database, memory or redis://HOST:PORT/",
    ),
    key(
        "sessions.store_file",
        "file that holds the address of Redis, where it has a password",
    ),
    key(
        "cookies.name",
        "what the session cookie is called after its prefix, __Host- or __Secure-",
    ),
    key(
        "cookies.domain",
        "domain whose hosts all get the cookies; unset for this host alone",
    ),
    key(
        "cookies.same_site",
        "lax or strict: which requests from other sites carry the session",
    ),
    key(
        "cookies.csrf_header",
        "header in which pages send their CSRF token",
    ),
    key(
        "cookies.data_lifetime",
        "how long anonymous data in a cookie lives after its last change",
    ),
    key(
        "api_keys.prefix",
        "what API keys begin with; a change makes earlier keys worthless",
    ),
    key(
        "api_keys.environment",
        "the word after the prefix, such as live or test; a change makes earlier keys worthless",
    ),
    key("api_keys.header", "header that API keys are taken from"),
    key(
        "api_keys.query_parameter",
        "query parameter that API keys are taken from too; addresses end up in logs",
    ),
    key(
        "api_keys.per_account",
        "how many API keys an account may have at once",
    ),
    key(
        "api_keys.overlap",
        "how long the text of before is honoured after a rotation that doesn't say",
    ),
    key(
        "api_keys.warning",
        "how long before the end of an API key its owner gets a letter",
    ),
    key("passwords.min_characters", "fewest characters of a new password"),
    key("passwords.max_characters", "most characters of a new password"),
    key("passwords.memory_kib", "argon2id: memory of one hash, in KiB"),
    key("passwords.passes", "argon2id: passes over that memory"),
    key("passwords.lanes", "argon2id: lanes"),
    key("passwords.threads", "how many threads hash passwords"),
    key("passwords.waiting", "how many logins may wait for such a thread"),
    key(
        "organizations.creation",
        "who may create organizations: everybody or administrators",
    ),
    key(
        "organizations.base_domain",
        "domain whose subdomains name organizations, such as app.example.com",
    ),
    key(
        "organizations.invitation_url",
        "page that an invitation's link leads to, such as https://app.example.com/invited",
    ),
    key(
        "organizations.invitations_to_address",
        "how many invitations one organization mails to one address, such as 3/day",
    ),
    key(
        "organizations.letters_to_address",
        "how many invitations all organizations mail to one address, such as 10/day",
    ),
    key(
        "organizations.invitations_by_account",
        "how many invitations one account mails, such as 50/hour",
    ),
    key(
        "policies.directory",
        "folder with the policies (*.cedar); without one nothing is permitted by policy",
    ),
    key("log.format", "text or json"),
    key(
        "log.filter",
        "what is logged, such as info or warn,portcullis=debug",
    ),
];

impl Key {
    /// The key of this name.
    pub(crate) fn find(name: &str) -> Option<Self> {
        KEYS.iter().copied().find(|key| key.name == name)
    }

    /// The name of the variable that sets it: `sessions.idle` is `PORTCULLIS_SESSIONS_IDLE`.
    pub(crate) fn variable(self) -> String {
        format!("{PREFIX}{}", self.name.replace('.', "_").to_uppercase())
    }
}

/// The known name that `name` was probably meant to be.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let last = |name: &'a str| name.rsplit('.').next().unwrap_or(name);
    known
        .map(|candidate| {
            // A right word in the wrong table is as near as a small slip.
            let words = if last(candidate) == name { 1 } else { usize::MAX };
            (distance(name, candidate).min(words), candidate)
        })
        .filter(|(slips, candidate)| *slips <= 1 + candidate.len() / 5)
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, candidate)| candidate)
}

/// How many letters must be added, dropped or changed to get from one word to the other.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (line, a) in from.chars().enumerate() {
        let mut left = line + 1;
        let mut next = vec![left];
        for (above, b) in row.windows(2).zip(&to) {
            let [diagonal, above] = above else { continue };
            left = (diagonal + usize::from(a != *b)).min(above + 1).min(left + 1);
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

/// What every variable of ours begins with.
pub(crate) const PREFIX: &str = "PORTCULLIS_";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_keys_share_a_variable() {
        let variables: std::collections::HashSet<String> = KEYS.iter().map(|key| key.variable()).collect();
        assert_eq!(variables.len(), KEYS.len());
    }

    #[test]
    fn slips_are_recognised_and_strangers_are_not() {
        let names = || KEYS.iter().map(|key| key.name);
        for (typed, meant) in [
            ("lisen", Some("listen")),
            ("listen_", Some("listen")),
            ("session.idle", Some("sessions.idle")),
            ("idle", Some("sessions.idle")),
            ("tokens.acess_lifetime", Some("tokens.access_lifetime")),
            ("public-url", Some("public_url")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(nearest(typed, names()), meant, "{typed}");
        }
    }

    #[test]
    fn distances_are_those_of_levenshtein() {
        for (a, b, slips) in [
            ("", "", 0),
            ("", "abc", 3),
            ("kitten", "sitting", 3),
            ("flaw", "lawn", 2),
            ("é", "e", 1),
        ] {
            assert_eq!(distance(a, b), slips, "{a} {b}");
            assert_eq!(distance(b, a), slips, "{b} {a}");
        }
    }
}
