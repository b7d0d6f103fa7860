//! A run of named steps: each is announced, timed and checked; a failed one doesn't stop the next.

use std::time::Instant;

use anyhow::{Result, bail};

use crate::stop::{Stop, Stopped};

/// The steps run so far.
pub(crate) struct Steps<'a> {
    stop: &'a Stop,
    done: Vec<Done>,
}

struct Done {
    name: &'static str,
    seconds: f64,
    failure: Option<String>,
}

impl<'a> Steps<'a> {
    pub(crate) fn new(stop: &'a Stop) -> Self {
        Self {
            stop,
            done: Vec::new(),
        }
    }

    /// Runs one step and keeps its outcome; its value is there when it passed.
    ///
    /// # Errors
    /// Only when a signal asked to stop.
    pub(crate) fn step<T>(
        &mut self,
        name: &'static str,
        work: impl FnOnce() -> Result<T>,
    ) -> Result<Option<T>, Stopped> {
        println!("==> {name}");
        let start = Instant::now();
        let result = work();
        self.stop.check()?;
        let seconds = start.elapsed().as_secs_f64();
        let (value, failure) = match result {
            Ok(value) => (Some(value), None),
            Err(error) => (None, Some(format!("{error:#}"))),
        };
        match &failure {
            None => println!("<== {name} passed in {seconds:.1} s"),
            Some(reason) => println!("<== {name} FAILED in {seconds:.1} s: {reason}"),
        }
        self.done.push(Done {
            name,
            seconds,
            failure,
        });
        Ok(value)
    }

    /// Prints the table of steps.
    ///
    /// # Errors
    /// When a step failed; the text names them all.
    pub(crate) fn finish(self) -> Result<()> {
        print!("{}", self.table());
        let failed: Vec<_> = self.failed().map(|step| step.name).collect();
        if !failed.is_empty() {
            bail!("failed: {}", failed.join(", "));
        }
        Ok(())
    }

    fn failed(&self) -> impl Iterator<Item = &Done> {
        self.done.iter().filter(|step| step.failure.is_some())
    }

    fn table(&self) -> String {
        let mut table = String::from("\nstep          seconds\n");
        for step in &self.done {
            let verdict = if step.failure.is_some() {
                "FAILED"
            } else {
                "passed"
            };
            table.push_str(&format!("{:<12} {:>8.1}  {verdict}\n", step.name, step.seconds));
        }
        for step in self.failed() {
            let reason = step.failure.as_deref().unwrap_or_default();
            table.push_str(&format!("\n{}: {reason}\n", step.name));
        }
        let failed = self.failed().count();
        table.push_str(&format!(
            "\nsteps: {} passed, {failed} failed\n",
            self.done.len() - failed
        ));
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_step_fails_the_run_but_not_the_next_step() {
        let stop = Stop::listen().unwrap();
        let mut steps = Steps::new(&stop);
        assert_eq!(steps.step("first", || Ok(1)).unwrap(), Some(1));
        assert_eq!(
            steps
                .step("second", || Err::<(), _>(anyhow::anyhow!("broken")))
                .unwrap(),
            None
        );
        assert_eq!(steps.step("third", || Ok(3)).unwrap(), Some(3));
        let table = steps.table();
        assert!(table.contains("\nsecond: broken\n"), "{table}");
        assert!(table.ends_with("steps: 2 passed, 1 failed\n"), "{table}");
        assert_eq!(steps.finish().unwrap_err().to_string(), "failed: second");
    }

    #[test]
    fn a_run_without_failures_succeeds() {
        let stop = Stop::listen().unwrap();
        let mut steps = Steps::new(&stop);
        steps.step("only", || Ok(())).unwrap();
        assert!(steps.table().ends_with("steps: 1 passed, 0 failed\n"));
        assert!(steps.finish().is_ok());
    }
}
