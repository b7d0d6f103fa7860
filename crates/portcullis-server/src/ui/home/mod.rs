//! The first page: where to read on.

use askama::Template;
use axum::response::Html;
use portcullis_identity::Public;

#[derive(Template)]
#[template(path = "home/home.html")]
struct Home;

/// The page. Its headers come from [`super::layout::dress`].
pub(crate) async fn show(_: Public) -> Html<String> {
    // There is nothing in the template that could fail.
    Html(Home.render().unwrap_or_default())
}
