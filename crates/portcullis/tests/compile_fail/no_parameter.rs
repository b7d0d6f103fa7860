use portcullis::Api;

async fn open() -> &'static str {
    "oops"
}

fn main() {
    let _: Api = Api::new("Blog", "1").get("/", open);
}

//~ error[E0277]: this handler doesn't say who may call it
//~ no_parameter.rs:8:40
//~ the handler's first parameter is not an access rule
//~ write `_: Allow<SomePermission>`, `_: Allow<Authenticated>` or `_: Public` as the handler's first parameter
