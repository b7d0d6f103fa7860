//! The load: keep-alive connections that send one request again and again.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

/// How often so many connections were answered.
pub async fn hammer(address: &str, request: &[u8], connections: usize, millis: u64) -> Result<u64> {
    let until = Instant::now() + Duration::from_millis(millis);
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        let mut stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let request = request.to_vec();
        tasks.spawn(async move {
            let mut answered = 0;
            while Instant::now() < until {
                ask(&mut stream, &request).await?;
                answered += 1;
            }
            anyhow::Ok(answered)
        });
    }
    let mut all = 0;
    while let Some(done) = tasks.join_next().await {
        all += done??;
    }
    Ok(all)
}

async fn ask(stream: &mut TcpStream, request: &[u8]) -> Result<()> {
    stream.write_all(request).await?;
    let mut answer = Vec::with_capacity(4_096);
    loop {
        if stream.read_buf(&mut answer).await? == 0 {
            bail!("the connection was closed in the middle of an answer");
        }
        let Some(head) = answer.windows(4).position(|four| four == b"\r\n\r\n") else {
            continue;
        };
        let text = std::str::from_utf8(&answer[..head])?.to_ascii_lowercase();
        if !text.starts_with("http/1.1 200") {
            bail!("an answer isn't 200: {text}");
        }
        let length = text
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.context("an answer has no length")?.parse()?;
        if answer.len() >= head + 4 + length {
            return Ok(());
        }
    }
}
