//! Paths as routes are registered with them: `/posts/{id}/files/{*rest}`.

/// A part of a path between slashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Segment<'p> {
    /// Exactly this text.
    Literal(&'p str),
    /// Any one segment, which the parameter of this name holds.
    Parameter(&'p str),
    /// Everything to the end.
    Rest(&'p str),
}

/// The parts of a path.
pub(crate) fn segments(path: &str) -> impl Iterator<Item = Segment<'_>> {
    path.split('/').skip(1).map(|part| {
        match part.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')) {
            Some(inner) => match inner.strip_prefix('*') {
                Some(name) => Segment::Rest(name),
                None => Segment::Parameter(inner),
            },
            None => Segment::Literal(part),
        }
    })
}

/// The names of a path's parameters, in order.
pub(crate) fn parameter_names(path: &str) -> impl Iterator<Item = &str> {
    segments(path).filter_map(|part| match part {
        Segment::Literal(_) => None,
        Segment::Parameter(name) | Segment::Rest(name) => Some(name),
    })
}

/// Whether a request to `asked` comes to a route registered as `path`, if no other route is a better match; also if
/// `asked` is that path as it was registered.
pub(super) fn matches(path: &str, asked: &str) -> bool {
    let mut asked = asked.split('/').skip(1);
    for part in segments(path) {
        match (part, asked.next()) {
            (Segment::Rest(_), Some(_)) => return true,
            (Segment::Literal(literal), Some(text)) if literal == text => {}
            (Segment::Parameter(_), Some(text)) if !text.is_empty() => {}
            _ => return false,
        }
    }
    asked.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_finds_its_route() {
        for (path, asked, found) in [
            ("/posts/{id}", "/posts/7", true),
            ("/posts/{id}", "/posts/{id}", true),
            ("/posts/{id}", "/posts", false),
            ("/posts/{id}", "/posts/", false),
            ("/posts/{id}", "/posts/7/", false),
            ("/posts/{id}", "/posts/7/a", false),
            ("/posts/{id}", "/Posts/7", false),
            ("/files/{*rest}", "/files/a/b", true),
            ("/files/{*rest}", "/files", false),
            ("/", "/", true),
            ("/", "", false),
        ] {
            assert_eq!(matches(path, asked), found, "{path} {asked}");
        }
    }
}
