use portcullis::{Api, Path};

async fn open(Path(id): Path<u32>) -> String {
    id.to_string()
}

fn main() {
    let _: Api = Api::new("Blog", "1").get("/{id}", open);
}

//~ error[E0277]: `portcullis::Path<u32>` is not an access rule
//~ first_parameter_is_no_rule.rs:8:40
//~ a route's first parameter must say who may call it
//~ write `_: Allow<SomePermission>`, `_: Allow<Authenticated>` or `_: Public` as the handler's first parameter
