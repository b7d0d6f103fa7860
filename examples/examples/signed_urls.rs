//! Links that open a file for a while: `cargo run -p examples --example signed_urls`.
//!
//! Somebody who is logged in gets the address of a file that opens without a login, for five minutes: for a browser that shows it, a
//! mail, or a program that fetches it. Method, path and query are signed; a change of any of them is refused.
//!
//! In another terminal:
//!
//! ```console
//! $ json='Content-Type: application/json'
//! $ curl -s localhost:8080/auth/register -H "$json" -d '{"username": "anna", "password": "correct horse battery"}'
//! {"id":"…"username":"anna"…}
//! $ token=$(curl -s localhost:8080/auth/login -H "$json" -d '{"identifier": "anna", "password": "correct horse battery"}' | grep -o 'eyJ[^"]*')
//! $ link=$(curl -s -X POST localhost:8080/files/7/link -H "Authorization: Bearer $token")
//! $ curl -s "localhost:8080$link"
//! what is in file 7
//! $ curl -s "localhost:8080$link&page=2"
//! {…"code":"invalid_link"…}
//! $ curl -s localhost:8080/files/7
//! {…"code":"authentication_required"…}
//! $ once=$(curl -s -X POST localhost:8080/files/7/ticket -H "Authorization: Bearer $token")
//! $ curl -s "localhost:8080$once"
//! what is in file 7
//! $ curl -s "localhost:8080$once"
//! {…"code":"link_used"…}
//! ```
#![allow(clippy::print_stdout, reason = "it speaks to whoever starts it")]

use std::time::Duration;

use portcullis_identity::core::signature::UrlGrant;
use portcullis_identity::{
    Allow, Api, Authenticated, Path, Portcullis, Problem, Result, Signed, SignedUrl, State, Via,
};

/// An address that is good for five minutes, as often as one likes.
async fn link(
    who: Allow<Authenticated>,
    State(portcullis): State<Portcullis>,
    Path(file): Path<u64>,
) -> Result<String> {
    let grant = UrlGrant::lasting(Duration::from_secs(300)).made_for(&who.id().to_string());
    let link = portcullis.sign_url(&format!("/files/{file}"), &grant);
    link.map_err(Problem::internal)
}

/// One that is good once, whichever node is asked.
async fn ticket(
    _: Allow<Authenticated>,
    State(portcullis): State<Portcullis>,
    Path(file): Path<u64>,
) -> Result<String> {
    let grant = UrlGrant::lasting(Duration::from_secs(300)).once();
    let link = portcullis.sign_url(&format!("/files/{file}"), &grant);
    link.map_err(Problem::internal)
}

/// Whoever has the address.
async fn file(_: Allow<Signed, Via<SignedUrl>>, Path(file): Path<u64>) -> String {
    format!("what is in file {file}")
}

/// Accounts, and one kind of file.
pub fn api(portcullis: &Portcullis) -> Api {
    Api::new("Files", "1.0")
        .post("/files/{file}/link", link)
        .post("/files/{file}/ticket", ticket)
        .get("/files/{file}", file)
        .with_state(portcullis.clone())
        .nest("/auth", portcullis.routes())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let portcullis = Portcullis::open("sqlite:signed_urls.db").await?;
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:8080".to_owned());
    println!("log in at http://{address}/auth/login");
    portcullis.serve(api(&portcullis), address).await?;
    Ok(())
}
