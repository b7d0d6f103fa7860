//! In the place of the pages where the feature `docs` is off: there is none.

use axum::routing::MethodRouter;

/// No program shows the document.
#[derive(Clone, Copy)]
pub(super) enum Viewer {}

pub(super) fn route(viewer: Viewer, _: &str, _: (&str, &str), _: &str) -> MethodRouter {
    match viewer {}
}
