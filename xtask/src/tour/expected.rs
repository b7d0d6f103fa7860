//! Compares what a command printed with what its page says it prints.
//!
//! `…` matches any run of characters within a line, also none; a line with only `…` matches any number of lines, also
//! none. Spaces at the end of a line don't count.

/// Whether `printed` is what `expected` describes.
pub(crate) fn matches(expected: &[String], printed: &str) -> bool {
    let expected: Vec<&str> = expected.iter().map(|line| line.trim_end()).collect();
    let printed: Vec<&str> = printed.lines().map(str::trim_end).collect();
    sequence(
        &expected,
        &printed,
        &|line| line.trim() == ANY,
        &|pattern, line| line_matches(pattern, line),
    )
}

fn line_matches(pattern: &str, line: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let line: Vec<char> = line.chars().collect();
    let any = |c: &char| ANY.starts_with(*c);
    sequence(&pattern, &line, &any, &|expected, printed| expected == printed)
}

/// Matches `items` against `pattern`, in which the elements that are `any` stand for any run of items. When the rest
/// doesn't fit, only the latest run has to grow: so it takes at most pattern × items steps.
fn sequence<P, I>(
    pattern: &[P],
    items: &[I],
    any: &dyn Fn(&P) -> bool,
    fits: &dyn Fn(&P, &I) -> bool,
) -> bool {
    let (mut at_pattern, mut at_item) = (0, 0);
    let mut run: Option<(usize, usize)> = None;
    while let Some(item) = items.get(at_item) {
        match pattern.get(at_pattern) {
            Some(expected) if any(expected) => {
                run = Some((at_pattern, at_item));
                at_pattern += 1;
            }
            Some(expected) if fits(expected, item) => {
                at_pattern += 1;
                at_item += 1;
            }
            _ => {
                let Some((run_pattern, run_item)) = run else {
                    return false;
                };
                run = Some((run_pattern, run_item + 1));
                at_pattern = run_pattern + 1;
                at_item = run_item + 1;
            }
        }
    }
    pattern.iter().skip(at_pattern).all(any)
}

const ANY: &str = "…";

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expected: &str, printed: &str) -> bool {
        matches(&expected.lines().map(str::to_owned).collect::<Vec<_>>(), printed)
    }

    #[test]
    fn a_difference_is_found() {
        for (expected, printed) in [
            ("a", "b"),
            ("a", ""),
            ("", "a"),
            ("a", "a\nb"),
            ("a\nb", "a"),
            ("a…c", "abd"),
            ("a…c", "xac"),
            ("…b…", "aaa"),
            ("a\n…\nc", "a\nb"),
            ("…\nc\n…\nd", "c\nx"),
            ("{\"id\":\"…\"}", "{\"id\":7}"),
            (" a", "a"),
        ] {
            assert!(!check(expected, printed), "{expected:?} {printed:?}");
        }
    }

    #[test]
    fn what_is_left_open_may_be_anything() {
        for (expected, printed) in [
            ("", ""),
            ("a", "a\n"),
            ("a  ", "a"),
            ("a", "a \n"),
            ("…", ""),
            ("…", "a\nb"),
            ("a…", "a"),
            ("a…c", "ac"),
            ("a…c", "abcbc"),
            ("…b…", "abc"),
            ("a\n…\nc", "a\nc"),
            ("a\n…\nc", "a\nb\nb\nc"),
            ("…\nc\n…\nd", "c\nx\nc\nd"),
            ("{\"id\":\"…\",\"n\":1}", "{\"id\":\"x…\",\"n\":1}"),
        ] {
            assert!(check(expected, printed), "{expected:?} {printed:?}");
        }
    }

    #[test]
    fn many_runs_stay_cheap() {
        assert!(!check(&"a…".repeat(200), &"a".repeat(199)));
        assert!(!check(&format!("{}b", "…a".repeat(100)), &"a".repeat(5000)));
    }
}
