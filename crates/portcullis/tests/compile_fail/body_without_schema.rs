use portcullis::{Api, Json, NoContent, Public};

#[derive(serde::Deserialize)]
struct Note {
    text: String,
}

async fn create(_: Public, Json(note): Json<Note>) -> NoContent {
    drop(note.text);
    NoContent
}

fn main() {
    let _: Api = Api::new("Notes", "1").post("/notes", create);
}

//~ error[E0277]: the trait bound `portcullis::Json<Note>: axum_core::extract::FromRequest<_, _>` is not satisfied
//~ error[E0277]: `Note` has no JSON Schema, so the OpenAPI document can't describe it
//~ body_without_schema.rs:14:56
//~ derive it: `#[derive(portcullis::JsonSchema)]` and `#[schemars(crate = "portcullis::schemars")]`
