use portcullis::{Api, JsonSchema, Public, schemars};

#[derive(serde::Serialize, JsonSchema)]
#[schemars(crate = "schemars")]
struct Note {
    text: String,
}

async fn read(_: Public) -> Note {
    Note { text: String::new() }
}

fn main() {
    let _: Api = Api::new("Notes", "1").get("/notes", read);
}

//~ error[E0277]: `Note` can't be the answer of a handler: it doesn't say what it looks like
//~ answer_is_no_answer.rs:14:55
//~ to answer a value as JSON, write `portcullis::Json<…>` around it
