//! What compiles.
use portcullis::{Allow, Any, Api, Authenticated, FreshLogin, Json, Jwt, Path, Public, Role, Via, Visitor};

portcullis::permissions! { Read = "a:read": "Read"; }
portcullis::roles! { Admin = "admin"; }

async fn public(_: Public) {}
async fn visitor(_: Visitor) {}
async fn known(_: Allow<Authenticated>) {}
async fn permission(_: Allow<Read>, Path(_): Path<u32>, Json(body): Json<String>) -> Json<String> {
    Json(body)
}
async fn everything(_: Allow<(Read, Any<(Role<Admin>, FreshLogin<60>)>), Via<Jwt>>) {}

fn main() {
    let _: Api = Api::new("Good", "1")
        .get("/public", public)
        .get("/visitor", visitor)
        .get("/known", known)
        .put("/permission/{id}", permission)
        .delete("/everything", everything);
}
