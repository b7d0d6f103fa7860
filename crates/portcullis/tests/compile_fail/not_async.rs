use portcullis::{Api, Public};

fn list(_: Public) -> String {
    String::new()
}

fn main() {
    let _: Api = Api::new("Notes", "1").get("/notes", list);
}

//~ error[E0277]: `String` is not a future
//~ not_async.rs:8:55
