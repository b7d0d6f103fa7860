//! Address lists: who may call a route, and the whole API, by where they come from.
//! `cargo run -p examples --example ip_lists`
//!
//! In another terminal:
//!
//! ```console
//! $ curl -s localhost:8080/hello
//! hello
//! $ curl -s localhost:8080/office
//! {…"code":"address_not_allowed"…}
//! ```
//!
//! Behind a proxy the client's address is what the proxy says, once `Builder::proxies` names the proxy. Nobody else is believed
//! about it.

use portcullis_identity::{AddressList, Api, Portcullis, Public};

async fn hello(_: Public) -> &'static str {
    "hello"
}

async fn office(_: Public) -> &'static str {
    "for the office"
}

/// Every route, and from where it is answered.
pub fn api(_: &Portcullis) -> Api {
    Api::new("Lists", "1.0")
        .get("/hello", hello)
        .get("/office", office)
        .addresses(AddressList::allow(["203.0.113.0/24", "2001:db8:7::/48"]).except(["203.0.113.66"]))
        .addresses_all(AddressList::deny(["198.51.100.0/24"]))
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let portcullis = Portcullis::open("sqlite:ip_lists.db").await?;
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:8080".to_owned());
    portcullis.serve(api(&portcullis), address).await?;
    Ok(())
}
