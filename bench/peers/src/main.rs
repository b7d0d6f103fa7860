//! Serves one small JSON behind different guards, and measures what a request costs behind each.
//!
//! ```text
//! peers run [ROUNDS]       all of them in turns, the server on one core and the load on another
//! peers serve NAME         one of them; says where, and the request to send
//! peers load ADDR HEX N MS N connections that send the request for so many milliseconds; says how often
//! ```
//! What is measured is the processor time of the *serving process* for one request, kernel included.

mod guards;
mod load;
mod run;

use anyhow::{Context as _, Result, bail};
use mimalloc::MiMalloc;

/// The allocator of the server program, for all of them.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["run"] => run::all(7),
        ["run", rounds] => run::all(rounds.parse().context("how many rounds?")?),
        ["serve", name] => runtime()?.block_on(guards::serve(name)),
        ["load", address, request, connections, millis] => {
            let request = load::unhex(request).context("the request is no hexadecimal text")?;
            let answered = load::hammer(address, &request, connections.parse()?, millis.parse()?);
            println!("{}", runtime()?.block_on(answered)?);
            Ok(())
        }
        _ => bail!("usage: peers run [ROUNDS] | serve NAME | load ADDRESS HEX CONNECTIONS MILLIS"),
    }
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("no runtime could be started")
}
