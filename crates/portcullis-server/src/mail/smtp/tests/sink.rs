//! A mail server that answers by a script and keeps what it is told.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// What the server answers.
#[derive(Clone)]
pub(super) struct Script {
    /// Its first words; none where there are none.
    pub(super) greeting: &'static str,
    /// What it offers after EHLO.
    pub(super) offers: &'static [&'static str],
    /// What it answers to MAIL.
    pub(super) sender: &'static str,
    /// To RCPT, one after the other; the last one stays.
    pub(super) recipient: Vec<&'static str>,
    /// What it does once the mail was sent to it.
    pub(super) end: End,
}

/// What comes after an e-mail.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// It answers so.
    Answer(&'static str),
    /// Nothing: the first connection ends, the others answer.
    HangUpOnce,
    /// It answers nothing, and keeps the connection open.
    Silence,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            greeting: "220 here",
            offers: &[],
            sender: "250 fine",
            recipient: vec!["250 fine"],
            end: End::Answer("250 kept"),
        }
    }
}

/// A mail server that runs, and what it was told so far.
pub(super) struct Sink {
    port: u16,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    lines: Mutex<Vec<String>>,
    connections: AtomicUsize,
    recipients: AtomicUsize,
    hung_up: AtomicUsize,
}

impl Sink {
    pub(super) fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (script, state) = (script.clone(), Arc::clone(&shared));
                state.connections.fetch_add(1, Ordering::SeqCst);
                std::thread::spawn(move || drop(converse(stream.unwrap(), &script, &state)));
            }
        });
        Self { port, state }
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Everything it was told.
    pub(super) fn all(&self) -> Vec<String> {
        self.state.lines.lock().unwrap().clone()
    }

    pub(super) fn heard(&self, line: &str) -> bool {
        self.all().iter().any(|heard| heard.trim() == line)
    }

    pub(super) fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }
}

fn converse(stream: TcpStream, script: &Script, state: &State) -> std::io::Result<()> {
    let mut out = stream.try_clone()?;
    let mut say = move |text: &str| out.write_all(format!("{text}\r\n").as_bytes());
    if !script.greeting.is_empty() {
        say(script.greeting)?;
    }
    let mut in_email = false;
    for line in BufReader::new(stream).lines() {
        let line = line?;
        state.lines.lock().unwrap().push(line.clone());
        if in_email {
            if line != "." {
                continue;
            }
            in_email = false;
            match script.end {
                End::Answer(answer) => say(answer)?,
                End::Silence => {}
                End::HangUpOnce if state.hung_up.fetch_add(1, Ordering::SeqCst) == 0 => return Ok(()),
                End::HangUpOnce => say("250 kept")?,
            }
            continue;
        }
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_uppercase();
        match verb.as_str() {
            "EHLO" => {
                for offer in script.offers {
                    say(&format!("250-{offer}"))?;
                }
                say("250 HELP")?;
            }
            "AUTH" => say("535 no")?,
            "MAIL" => say(script.sender)?,
            "RCPT" => {
                let count = state.recipients.fetch_add(1, Ordering::SeqCst);
                let answer = script.recipient.get(count).or(script.recipient.last());
                say(answer.unwrap())?;
            }
            "DATA" => {
                in_email = true;
                say("354 go on")?;
            }
            "QUIT" => return say("221 bye"),
            _ => say("250 fine")?,
        }
    }
    Ok(())
}
