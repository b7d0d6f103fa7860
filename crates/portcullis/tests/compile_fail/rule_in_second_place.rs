use portcullis::{Allow, Api, Authenticated, Path};

async fn late(Path(id): Path<u32>, _: Allow<Authenticated>) -> String {
    id.to_string()
}

fn main() {
    let _: Api = Api::new("Blog", "1").get("/{id}", late);
}

//~ error[E0277]: `portcullis::Path<u32>` is not an access rule
//~ rule_in_second_place.rs:8:40
//~ a route's first parameter must say who may call it
//~ write `_: Allow<SomePermission>`, `_: Allow<Authenticated>` or `_: Public` as the handler's first parameter
