//! Which paths a router takes, and which of them it couldn't tell apart.

use super::ApiError;
use crate::route::{Segment, segments};

/// Whether the path is one that the router takes.
pub(super) fn check(path: &str) -> Result<(), ApiError> {
    let wrong = |why| {
        Err(ApiError::InvalidPath {
            path: path.to_owned(),
            why,
        })
    };
    if !path.starts_with('/') {
        return wrong("a path begins with a slash");
    }
    if !path
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'?' && byte != b'#')
    {
        return wrong("a path has printable ASCII only, without spaces, `?` and `#`");
    }
    let parts: Vec<_> = segments(path).collect();
    let mut names = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        match part {
            Segment::Literal(text) if text.contains(['{', '}']) => {
                return wrong("a parameter is a whole segment: /posts/{id}");
            }
            Segment::Literal(text) if text.starts_with([':', '*']) => {
                return wrong("a parameter is written {name}, the rest of a path {*name}");
            }
            Segment::Literal(_) => {}
            Segment::Rest(_) if index + 1 < parts.len() => {
                return wrong("{*name} stands at the end of a path");
            }
            Segment::Parameter(name) | Segment::Rest(name) => {
                if !valid_name(name) {
                    return wrong("a parameter's name has letters, digits and underscores");
                }
                if names.contains(name) {
                    return wrong("a parameter's name stands once in a path");
                }
                names.push(*name);
            }
        }
    }
    Ok(())
}

/// Whether a router can be mounted below the prefix.
pub(super) fn check_mount(prefix: &str) -> Result<(), ApiError> {
    let plain = segments(prefix).all(|part| matches!(part, Segment::Literal(_)));
    if plain && !prefix.trim_end_matches('/').is_empty() {
        return Ok(());
    }
    Err(ApiError::InvalidPath {
        path: prefix.to_owned(),
        why: "a router is mounted below a path of its own, without parameters",
    })
}

fn valid_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Whether the router couldn't tell the two paths apart: they agree up to a parameter, and differ in its name or
/// kind.
pub(super) fn ambiguous(first: &str, second: &str) -> bool {
    for (a, b) in segments(first).zip(segments(second)) {
        match (a, b) {
            _ if a == b => {}
            (Segment::Literal(_), _) | (_, Segment::Literal(_)) => return false,
            _ => return true,
        }
    }
    false
}

/// `prefix` and `path` as one path.
pub(super) fn join(prefix: &str, path: &str) -> String {
    match (prefix.trim_end_matches('/'), path) {
        ("", path) => path.to_owned(),
        (prefix, "/") => prefix.to_owned(),
        (prefix, path) => format!("{prefix}{path}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_checked() {
        for (path, good) in [
            ("/", true),
            ("/posts", true),
            ("/posts/{id}", true),
            ("/posts/{id}/files/{*rest}", true),
            ("/posts/", true),
            ("", false),
            ("posts", false),
            ("/posts/:id", false),
            ("/posts/*", false),
            ("/posts/{}", false),
            ("/posts/{*}", false),
            ("/posts/{id}.json", false),
            ("/posts/{{id}}", false),
            ("/posts/{i d}", false),
            ("/{*rest}/posts", false),
            ("/{id}/{id}", false),
            ("/pösts", false),
            ("/posts?x", false),
        ] {
            assert_eq!(check(path).is_ok(), good, "{path:?}");
        }
    }

    #[test]
    fn paths_that_match_the_same_requests_are_found() {
        for (first, second, same) in [
            ("/posts/{id}", "/posts/{id}", false),
            ("/posts/{id}", "/posts/{name}", true),
            ("/posts/{id}", "/posts/{*rest}", true),
            ("/posts/{id}/a", "/posts/{name}/b", true),
            ("/posts/{id}", "/posts/new", false),
            ("/posts/{id}", "/users/{name}", false),
            ("/posts/new/{a}", "/posts/{b}/{c}", false),
        ] {
            assert_eq!(ambiguous(first, second), same, "{first} {second}");
        }
    }

    #[test]
    fn prefixes_are_joined() {
        for (prefix, path, joined) in [
            ("/auth", "/login", "/auth/login"),
            ("/auth/", "/login", "/auth/login"),
            ("/auth", "/", "/auth"),
            ("/", "/login", "/login"),
            ("", "/login", "/login"),
        ] {
            assert_eq!(join(prefix, path), joined);
        }
    }
}
