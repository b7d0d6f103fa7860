//! The connection: shared by all calls, bounded in time, made anew after a loss.

use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use portcullis_core::defends;
use portcullis_core::fault::Fault;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, Cmd, ErrorKind, FromRedisValue, RedisError, ScriptInvocation, ServerErrorKind};

/// How long a call may take, connecting included.
pub(crate) const WITHIN: Duration = Duration::from_secs(1);

pub(super) struct Connection {
    client: Client,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    number: u64,
    /// `None` until the first call, and after a connection was given up.
    manager: Option<ConnectionManager>,
}

impl Connection {
    pub(super) fn new(url: &str) -> Result<Self, Fault> {
        if url.starts_with("rediss:") {
            // Only where the program has chosen none itself.
            let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        }
        let client = Client::open(url).map_err(|_| {
            Fault::Unreachable(
                "the address of Redis can't be read; write redis://host:6379/ or rediss://…".into(),
            )
        })?;
        Ok(Self {
            client,
            kept: Mutex::default(),
        })
    }

    /// Runs a script, within the time that an answer may take.
    pub(super) async fn run<T: FromRedisValue>(&self, call: &ScriptInvocation<'_>) -> Result<T, Fault> {
        self.run_soon(call, WITHIN).await
    }

    /// The same for what is worth waiting for less long.
    pub(super) async fn run_soon<T: FromRedisValue>(
        &self,
        call: &ScriptInvocation<'_>,
        limit: Duration,
    ) -> Result<T, Fault> {
        self.within(limit, async |mut manager| call.invoke_async(&mut manager).await)
            .await
    }

    /// Runs a command, within the time that an answer may take.
    pub(super) async fn send<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Fault> {
        self.within(WITHIN, |mut manager| async move {
            command.query_async(&mut manager).await
        })
        .await
    }

    async fn within<T, F>(&self, limit: Duration, call: impl Fn(ConnectionManager) -> F) -> Result<T, Fault>
    where
        F: Future<Output = Result<T, RedisError>>,
    {
        defends!("T037");
        let (number, manager) = self.manager()?;
        let answer = tokio::time::timeout(limit, async {
            match call(manager.clone()).await {
                // The attempt of an earlier call failed; Redis may be back since. Nothing was sent.
                Err(error) if error.is_connection_refusal() => call(manager).await,
                answer => answer,
            }
        })
        .await;
        match answer {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                if error.is_timeout() {
                    self.give_up(number);
                }
                Err(fault(&error))
            }
            Err(_) => {
                self.give_up(number);
                Err(silent())
            }
        }
    }

    /// The connection that calls share, and its number.
    fn manager(&self) -> Result<(u64, ConnectionManager), Fault> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(manager) = &kept.manager {
            return Ok((kept.number, manager.clone()));
        }
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(0)
            .set_connection_timeout(Some(WITHIN))
            .set_response_timeout(Some(WITHIN));
        let manager =
            ConnectionManager::new_lazy_with_config(self.client.clone(), config).map_err(|e| fault(&e))?;
        kept.number += 1;
        kept.manager = Some(manager.clone());
        Ok((kept.number, manager))
    }

    /// Leaves a connection that doesn't answer to those who still wait on it: a network that swallows packets
    /// breaks no connection for minutes.
    fn give_up(&self, number: u64) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.number == number {
            kept.manager = None;
        }
    }
}

/// The fault behind an error. Its text names keys and commands at most, never the address.
fn fault(error: &RedisError) -> Fault {
    if error.is_timeout() {
        return silent();
    }
    let text = match (error.code(), error.detail()) {
        (Some(code), Some(detail)) => format!("Redis answers {code} {detail}"),
        (Some(code), None) => format!("Redis answers {code}"),
        (None, _) => format!("Redis: {error}"),
    };
    match error.kind() {
        ErrorKind::Io => unreachable(&text),
        ErrorKind::AuthenticationFailed => {
            unreachable("Redis refuses the user or the password of the address")
        }
        ErrorKind::Server(
            ServerErrorKind::BusyLoading | ServerErrorKind::TryAgain | ServerErrorKind::MasterDown,
        ) => Fault::Busy(text),
        ErrorKind::Server(ServerErrorKind::ReadOnly | ServerErrorKind::NoPerm) => {
            Fault::ReadOnly(format!("{text}; check its role and rights, and its log"))
        }
        ErrorKind::Parse | ErrorKind::UnexpectedReturnType => Fault::Corrupt(text),
        _ => match error.code() {
            Some("BUSY") => Fault::Busy(text),
            Some("OOM") => Fault::Busy("Redis has no memory left; raise its maxmemory".into()),
            Some("NOAUTH" | "WRONGPASS") => {
                unreachable("Redis refuses the user or the password of the address")
            }
            Some("MISCONF") => Fault::ReadOnly(format!("{text}; check its role and rights, and its log")),
            _ => Fault::Other(text),
        },
    }
}

fn unreachable(text: &str) -> Fault {
    Fault::Unreachable(format!(
        "{text}; check that it runs and that the address is right"
    ))
}

fn silent() -> Fault {
    Fault::Busy("Redis did not answer in time".into())
}
