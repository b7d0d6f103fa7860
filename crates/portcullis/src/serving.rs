//! What serving an API can run into, and when it ends.

use std::io;

use portcullis_core::fault::Fault;

use crate::ApiErrors;
use crate::policies::PoliciesError;

/// Why an API could not be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The routes contradict each other.
    #[error(transparent)]
    Api(#[from] ApiErrors),
    /// The address can't be listened on.
    #[error("can't listen: {0}; is another program on that port, or the address not this machine's?")]
    Listen(#[source] io::Error),
    /// The permissions couldn't be made known to the database.
    #[error(transparent)]
    Database(#[from] Fault),
    /// The policies are wrong.
    #[error(transparent)]
    Policies(#[from] PoliciesError),
}

/// Completes when the process is asked to stop.
pub async fn asked_to_stop() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = interrupt.await;
}
