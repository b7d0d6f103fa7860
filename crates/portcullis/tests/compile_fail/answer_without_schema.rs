use portcullis::{Api, Json, Public, Result};

#[derive(serde::Serialize)]
struct Note {
    text: String,
}

async fn read(_: Public) -> Result<Json<Note>> {
    Ok(Json(Note { text: String::new() }))
}

fn main() {
    let _: Api = Api::new("Notes", "1").get("/notes", read);
}

//~ error[E0277]: `Note` has no JSON Schema, so the OpenAPI document can't describe it
//~ answer_without_schema.rs:13:55
//~ derive it: `#[derive(portcullis::JsonSchema)]` and `#[schemars(crate = "portcullis::schemars")]`
