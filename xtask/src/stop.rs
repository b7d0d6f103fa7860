//! Ctrl-C and its relatives.
//!
//! A signal only raises a flag. Whoever waits looks at the flag and returns [`Stopped`], so that every owner on the
//! way out ends its processes and removes its folders as after any other error.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// Whether somebody asked to stop.
pub(crate) struct Stop(Arc<AtomicBool>);

/// The error of everything that was stopped by a signal.
#[derive(Debug)]
pub(crate) struct Stopped;

impl Stop {
    /// From here on a signal raises the flag instead of ending this process.
    pub(crate) fn listen() -> anyhow::Result<Self> {
        let flag = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            signal_hook::flag::register(signal, Arc::clone(&flag))?;
        }
        Ok(Self(flag))
    }

    pub(crate) fn check(&self) -> Result<(), Stopped> {
        if self.0.load(Ordering::SeqCst) {
            Err(Stopped)
        } else {
            Ok(())
        }
    }

    /// Waits one short beat of a polling loop.
    pub(crate) fn pause(&self) -> Result<(), Stopped> {
        self.check()?;
        std::thread::sleep(BEAT);
        self.check()
    }
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("stopped by a signal; everything it started has ended")
    }
}

impl std::error::Error for Stopped {}

/// How often a waiting loop looks again.
pub(crate) const BEAT: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_raised_flag_ends_every_wait() {
        let stop = Stop(Arc::new(AtomicBool::new(false)));
        assert!(stop.check().is_ok() && stop.pause().is_ok());
        stop.0.store(true, Ordering::SeqCst);
        assert!(stop.check().is_err() && stop.pause().is_err());
    }
}
