//! Spans of time as text: `90s`, `15m`, `12h`, `7d`, `1h30m`.

use std::time::Duration;

/// Reads a span: whole numbers, each with its unit `ms`, `s`, `m`, `h`, `d` or `w`, the larger unit first. A bare
/// number is refused: nobody can tell which unit was meant. Units of libraries such as `M` for a month are, too.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = Duration::ZERO;
    let mut largest = u64::MAX;
    while !rest.is_empty() {
        let unit_at = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, tail) = rest.split_at(unit_at);
        let end = tail
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(end);
        let (_, millis) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
        if millis >= largest {
            return None;
        }
        let span = number.parse::<u64>().ok()?.checked_mul(millis)?;
        total = total.checked_add(Duration::from_millis(span))?;
        (largest, rest) = (millis, tail);
    }
    (!text.is_empty()).then_some(total)
}

/// Writes a span in the largest units that hold it exactly.
pub(crate) fn show(span: Duration) -> String {
    let mut rest = span.as_millis();
    let mut text = String::new();
    for (name, millis) in UNITS.into_iter().filter(|(name, _)| *name != "w") {
        let count = rest / u128::from(millis);
        rest %= u128::from(millis);
        if count > 0 {
            text.push_str(&format!("{count}{name}"));
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

/// A span of so many seconds.
pub(super) const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// A span of so many minutes.
pub(super) const fn minutes(count: u64) -> Duration {
    seconds(count * 60)
}

/// So many days of 24 hours.
pub(super) const fn days(count: u64) -> Duration {
    minutes(count * 24 * 60)
}

const UNITS: [(&str, u64); 6] = [
    ("w", 604_800_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_texts() {
        for text in [
            "",
            " ",
            "15",
            "m",
            "15 m",
            " 15m",
            "15m ",
            "-15m",
            "+1m",
            "1.5h",
            "15M",
            "15min",
            "30m1h",
            "1h1h",
            "1m1",
            "99999999999999999999s",
            "18446744073709551615w",
            "１５m",
            "m15",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn what_is_read_is_written_again() {
        for (text, millis) in [
            ("0s", 0),
            ("250ms", 250),
            ("90s", 90_000),
            ("15m", 900_000),
            ("1h30m", 5_400_000),
            ("7d", 604_800_000),
            ("2w", 1_209_600_000),
            ("1d12h30m5s1ms", 131_405_001),
        ] {
            let span = parse(text).unwrap();
            assert_eq!(span, Duration::from_millis(millis), "{text}");
            assert_eq!(parse(&show(span)).unwrap(), span, "{text}");
        }
        assert_eq!(show(Duration::from_secs(90)), "1m30s");
        assert_eq!(show(Duration::ZERO), "0s");
    }
}
