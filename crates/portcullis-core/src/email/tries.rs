//! When an e-mail that wasn't taken is tried again.

use std::time::Duration;

use crate::environment::Timestamp;

/// When to try again after `attempts` in vain; `None` once the e-mail is of no use any more by then.
///
/// The first waits are short, for a relay that asks to come back (greylisting) or restarts; later it is once an hour.
///
/// Source: RFC 5321 §4.5.4.1
pub fn next_try(attempts: u32, now: Timestamp, ends_at: Timestamp) -> Option<Timestamp> {
    let doublings = attempts.saturating_sub(1).min(6);
    let wait = FIRST.saturating_mul(1 << doublings).min(LONGEST);
    Some(now.plus(wait)).filter(|next| *next < ends_at)
}

const FIRST: Duration = Duration::from_secs(60);
const LONGEST: Duration = Duration::from_secs(3_600);

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

    #[test]
    fn waits_grow_to_an_hour_and_end_with_the_emails_use() {
        let minutes = |attempts| {
            let next = next_try(attempts, NOW, NOW.plus(Duration::from_secs(7_200))).unwrap();
            next.since(NOW).as_secs() / 60
        };
        let waits: Vec<u64> = [0, 1, 2, 3, 6, 7, 8, u32::MAX].map(minutes).to_vec();
        assert_eq!(waits, [1, 1, 2, 4, 32, 60, 60, 60]);
        let end = NOW.plus(Duration::from_secs(60));
        assert_eq!(next_try(1, NOW, end), None);
        assert_eq!(next_try(1, NOW, end.plus(Duration::from_secs(1))), Some(end));
    }
}
