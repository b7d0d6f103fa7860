use portcullis::{Api, Public};

struct Page(u32);

impl portcullis::docs::Input for Page {}

async fn list(_: Public, page: Page) -> String {
    page.0.to_string()
}

fn main() {
    let _: Api = Api::new("Notes", "1").get("/notes", list);
}

//~ error[E0277]: the trait bound `Page: axum_core::extract::FromRequestParts<_>` is not satisfied
//~ not_an_extractor.rs:12:55
//~ Function argument is not a valid axum extractor
