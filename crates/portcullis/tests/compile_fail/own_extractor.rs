use axum::extract::FromRequestParts;
use http::request::Parts;
use portcullis::{Api, Problem, Public};

struct Page(u32);

impl<S: Sync> FromRequestParts<S> for Page {
    type Rejection = Problem;

    async fn from_request_parts(_: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self(1))
    }
}

async fn list(_: Public, page: Page) -> String {
    page.0.to_string()
}

fn main() {
    let _: Api = Api::new("Notes", "1").get("/notes", list);
}

//~ error[E0277]: `Page` can't be a parameter of a handler: it doesn't say what it reads of a request
//~ own_extractor.rs:20:55
//~ write `impl portcullis::docs::Input for Page {}`
