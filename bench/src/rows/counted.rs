//! Instructions and instruction-cache misses of one request, counted by valgrind: they don't drift with the machine's load.
//!
//! Flow: this program serves one route as a process of its own under `callgrind`, which simulates a processor's caches. It is
//! asked a few times in one run and more often in another; the difference of the two counts, divided by the difference of
//! the requests, is what one request costs, whatever starting costs.
//!
//! Where valgrind isn't installed, nothing is counted, and this is said.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use portcullis_identity::core::key::Algorithm;

use super::Plan;
use crate::deployment::{expect, runtime};
use crate::load::Connection;
use crate::report::{Budget, Line};
use crate::routes::Kind;

/// What is counted, each with its budgets: instructions, and misses of the first instruction cache.
const COUNTED: [(Kind, Budget, Budget); 8] = [
    (Kind::Plain, Budget::None, Budget::None),
    (Kind::Listener, Budget::None, Budget::None),
    (Kind::Public, Budget::None, Budget::None),
    (Kind::Jwt(Algorithm::HS256), INSTRUCTIONS, MISSES),
    (Kind::Session, INSTRUCTIONS, MISSES),
    (Kind::ApiKey, INSTRUCTIONS, MISSES),
    (Kind::PlainBody, Budget::None, Budget::None),
    (Kind::Body, Budget::None, Budget::None),
];

const INSTRUCTIONS: Budget = Budget::AtMost(21_000.0);
const MISSES: Budget = Budget::AtMost(900.0);

pub(super) fn measure(plan: &Plan) -> Result<Vec<Line>> {
    if !has_valgrind() {
        eprintln!("valgrind isn't installed: instructions and cache misses aren't counted");
        return Ok(Vec::new());
    }
    let folder = plan.temporary()?;
    let (few, many) = plan.pick((2, 4), (100, 600), (200, 2_200));
    let mut lines = Vec::new();
    for (kind, instructions, misses) in COUNTED {
        let name = kind.name();
        let less = count(kind, few, folder.path()).with_context(|| format!("{name} can't be counted"))?;
        let more = count(kind, many, folder.path())?;
        let each = |of: fn(&Counts) -> u64| {
            let difference = of(&more).saturating_sub(of(&less));
            difference as f64 / f64::from(many - few)
        };
        lines.push(Line::absolute(
            format!("{name}, instructions without SHA-256"),
            "a request",
            &[each(|counts| counts.instructions)],
            instructions,
        ));
        lines.push(Line::absolute(
            format!("{name}, misses of the first instruction cache, simulated"),
            "a request",
            &[each(|counts| counts.misses)],
            misses,
        ));
    }
    Ok(lines)
}

fn has_valgrind() -> bool {
    let asked = Command::new("valgrind")
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    asked.is_ok_and(|status| status.success())
}

/// What a run of the program cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Counts {
    /// All instructions but those of what stands apart.
    instructions: u64,
    misses: u64,
}

/// Serves the route in a process of its own, asks it so often, and reads what all of it cost.
fn count(kind: Kind, requests: u32, folder: &Path) -> Result<Counts> {
    let out = folder.join("callgrind.out");
    let program = std::env::current_exe().context("this program's own path is unknown")?;
    let mut child = Command::new("valgrind")
        .args(["--tool=callgrind", "--cache-sim=yes", "--quiet"])
        .args(["--I1=32768,8,64", "--D1=32768,8,64", "--LL=8388608,16,64"])
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(program)
        .args(["--answer", &kind.name()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .context("valgrind can't be started")?;
    let said = child.stdout.take().context("the program has no output")?;
    let mut said = BufReader::new(said).lines();
    let mut line = || {
        said.next()
            .context("the program ended before it was ready")?
            .map_err(anyhow::Error::from)
    };
    let address = line()?.parse().context("the program says no address")?;
    let request = read_request(&line()?).context("the program says no request")?;
    runtime()?.block_on(async {
        let mut connection = Connection::open(address).await?;
        for _ in 0..requests {
            expect(connection.ask(&request).await?, 200)?;
        }
        anyhow::Ok(())
    })?;
    drop(child.stdin.take());
    if !child.wait()?.success() {
        bail!("the program failed under valgrind");
    }
    read(&fs::read_to_string(&out)?).context("what valgrind wrote can't be read")
}

/// A request on one line, each byte as two hexadecimal digits.
pub(crate) fn write_request(request: &[u8]) -> String {
    request.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn read_request(line: &str) -> Option<Vec<u8>> {
    let pairs = line.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

/// Sums up what callgrind wrote. The events are `Ir Dr Dw I1mr …`; a line that begins with a number, `+`, `-` or `*` is the cost
/// of the function named before it, unless it follows `calls=`: then it is what the called one cost, which is told there too.
///
/// Source: the Callgrind Format Specification of valgrind's manual
fn read(text: &str) -> Option<Counts> {
    let events: Vec<&str> = text
        .lines()
        .find_map(|line| line.strip_prefix("events: "))?
        .split(' ')
        .collect();
    let place = |name: &str| Some(events.iter().position(|event| *event == name)? + 1);
    let (instructions, misses) = (place("Ir")?, place("I1mr")?);
    let mut apart = std::collections::HashSet::new();
    let (mut counts, mut in_apart, mut of_call) = (Counts::default(), false, false);
    for line in text.lines() {
        if let Some(function) = line.strip_prefix("fn=") {
            let id = function.split(' ').next()?;
            if is_apart(function) {
                apart.insert(id);
            }
            in_apart = apart.contains(id);
        } else if let Some(function) = line.strip_prefix("cfn=") {
            if is_apart(function) {
                apart.insert(function.split(' ').next()?);
            }
        } else if line.starts_with("calls=") {
            of_call = true;
        } else if line.starts_with(|first: char| first.is_ascii_digit() || "+-*".contains(first))
            && !std::mem::take(&mut of_call)
        {
            let costs: Vec<&str> = line.split(' ').collect();
            // Zeros at the end of a line are left out.
            let cost = |place: usize| costs.get(place).map_or(Some(0), |cost| cost.parse::<u64>().ok());
            if !in_apart {
                counts.misses += cost(misses)?;
                counts.instructions += cost(instructions)?;
            }
        }
    }
    Some(counts)
}

/// Whether a function isn't counted: SHA-256, which runs on other instructions outside of valgrind, and the gathering of
/// randomness at a process's start, whose length is that of chance.
fn is_apart(function: &str) -> bool {
    APART.iter().any(|part| function.contains(part))
}

const APART: [&str; 9] = [
    "sha256",
    "jent_",
    "rol64",
    "xoshiro",
    "uint32rotl",
    "ptr_to_le32",
    "ptr_to_le64",
    "le32_to_ptr",
    "le64_to_ptr",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_callgrind_wrote_is_summed_up_without_hashes_and_without_what_was_called() {
        let text = "events: Ir Dr Dw I1mr\nsummary: 1 2 3 4\n\nfn=(1) main\n16 400 1 1 3\ncfn=(2) sha256_block\ncalls=2 20\n\
                    +3 900 0 0 5\n* 20 1\n\nfn=(2)\n20 900 0 0 5\nfn=(3) other\n-4 7\n";
        assert_eq!(
            read(text),
            Some(Counts {
                instructions: 427,
                misses: 3
            })
        );
        assert_eq!(read("fn=(1) main\n16 400\n"), None);
    }

    #[test]
    fn a_request_is_what_it_was_after_its_way() {
        let request = b"GET / HTTP/1.1\r\n\r\n\x00\xff";
        assert_eq!(read_request(&write_request(request)).unwrap(), request);
        assert_eq!(read_request("4"), Some(vec![4]));
        assert_eq!(read_request("zz"), None);
    }
}
