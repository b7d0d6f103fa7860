//! What an e-mail says of a device: never the caller's own words.

/// The device of a user agent, in words of ours: browser and system, as far as this table knows them. A user agent is
/// anybody's to write, so nothing of it is repeated.
pub fn device_of(user_agent: Option<&str>) -> String {
    crate::defends!("T132");
    let known = |table: &[(&str, &'static str)]| {
        let agent = user_agent.unwrap_or_default();
        let found = table.iter().find(|(mark, _)| agent.contains(mark));
        found.map(|(_, name)| *name)
    };
    match (known(BROWSERS), known(SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        (None, Some(system)) => format!("an unknown program on {system}"),
        (None, None) => "an unknown program".to_owned(),
    }
}

/// Marks in the order in which they count: most browsers name others, too.
const BROWSERS: &[(&str, &str)] = &[
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Vivaldi/", "Vivaldi"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
    ("Wget/", "Wget"),
    ("python-requests/", "a Python program"),
    ("okhttp/", "an app"),
];

const SYSTEMS: &[(&str, &str)] = &[
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks;
    use proptest::prelude::*;

    #[test]
    fn browsers_and_systems_are_told_apart() {
        for (agent, said) in [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36",
                "Chrome on Windows",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/120.0 Safari/537.36 Edg/120.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Version/17.0 Mobile/15E148 Safari/604.1",
                "Safari on iPhone",
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0",
                "Firefox on Linux",
            ),
            (
                "Mozilla/5.0 (Linux; Android 14) Chrome/120.0 Mobile Safari/537.36",
                "Chrome on Android",
            ),
            ("curl/8.5.0", "curl"),
            ("Linux", "an unknown program on Linux"),
            ("", "an unknown program"),
        ] {
            assert_eq!(device_of(Some(agent)), said, "{agent}");
        }
        assert_eq!(device_of(None), "an unknown program");
    }

    proptest! {
        #[test]
        fn nothing_of_a_user_agent_is_repeated(agent in "\\PC{0,80}") {
            checks!("T132");
            let said = device_of(Some(&format!("{agent} see http://evil.example/ \r\nBcc: x@y.example")));
            prop_assert!(said.chars().all(|c| c.is_ascii_alphabetic() || c == ' '), "{}", said);
            prop_assert!(said.len() < 50);
        }
    }
}
